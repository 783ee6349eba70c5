"""Runs and roll-backs in this process, and the target as a person's client sees it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from ruamel.yaml import YAML

from migration_pipeline.assets.demo import Wish
from migration_pipeline.assets.undoing import one_demo
from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config.mapping import save_mapping
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.run import Mode, Run
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.target.catalogue import read_catalogue
from migration_pipeline.target.loader import load
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.plan import Draw, make_plan
from migration_pipeline.target.proposals import propose
from migration_pipeline.target.restart import require_whole
from migration_pipeline.target.rollback import RolledBack, roll_back

Json = dict[str, Any]


@contextmanager
def bench(config: Path, run_id: str, mode: Mode) -> Iterator[tuple[Workbench, Run]]:
    workbench = Workbench(config)
    try:
        with workbench.telling(run_id, mode):
            yield workbench, workbench.run(run_id, mode)
    finally:
        workbench.close()


def migrate(config: Path, mode: Mode, run_id: str, wish: Wish | None = None) -> int:
    """A run; the writing calls it took."""
    with bench(config, run_id, mode) as (workbench, run):
        sample = workbench.sample(run, wish) if mode == "demo" else None
        for name in workbench.source.extraction_order:
            if sample is None:
                workbench.source.extract(name, workbench.staging, run)
            else:
                workbench.source.extract_sample(name, sample, workbench.staging, run)
        for name in ENTITY_TYPES:
            workbench.source.normalize(name, workbench.staging)
        catalogue = read_catalogue(workbench.client)
        with replacing(workbench.migration.root / "catalogue.json") as aside:
            aside.write_bytes(catalogue.to_json())
        path = workbench.migration.mapping_path
        known = workbench.mapping if path.exists() else None
        save_mapping(path, propose(workbench.staging, catalogue, known, workbench.migration))
        for name in ENTITY_TYPES:
            map_entity(name, workbench.staging, workbench.mapping, workbench.migration)
        workbench.journal.export(workbench.outcomes_path)
        ids, articles = (sample.ids, Draw(sample.articles, sample.seed)) if sample else (None, None)
        for name in ENTITY_TYPES:
            make_plan(name, workbench.staging, run, ids, articles)
        require_whole(workbench.journal, mode == "demo")
        workbench.journal.begin_run(run_id, mode, workbench.client.workspace)
        if mode == "demo":
            one_demo(workbench, run)
        for name in ENTITY_TYPES:
            load(name, workbench.staging, workbench.journal, workbench.client, catalogue, workbench.migration, run)
        workbench.journal.end_run(run_id, "finished")
        return workbench.client.usage.writes


def take_back(config: Path, undone: str, run_id: str) -> RolledBack:
    with bench(config, run_id, "rollback") as (workbench, run):
        workbench.journal.begin_run(run_id, "rollback", workbench.client.workspace)
        done = roll_back([undone], workbench.staging, workbench.journal, workbench.client, workbench.migration, run)
        workbench.journal.end_run(run_id, "finished")
        return done


def change_source(config: Path, *, tickets: int, seed: int) -> None:
    """Change the help desk, and let the minute pass that its exports hide."""
    url = YAML(typ="safe").load(config.read_text())["source"]["base_url"]
    for name, body in (("activity", {"seed": seed, "tickets": tickets}), ("clock", {"advance_s": 300})):
        requests.post(f"{url.rstrip('/')}/_sandbox/{name}", json=body, timeout=30).raise_for_status()


@dataclass
class Target:
    """Intercom, as a teammate's client uses it."""

    config: Path
    control: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **body: Any) -> Json:
        settings = YAML(typ="safe").load(self.config.read_text())["target"]
        headers = {"Authorization": f"Bearer {settings['token']}", "Intercom-Version": "2.16"}
        answer = self.session.request(
            method, settings["base_url"].rstrip("/") + path, json=body or None, headers=headers, timeout=30
        )
        answer.raise_for_status()
        told: Json = answer.json()
        return told

    def conversations(self) -> dict[str, Json]:
        """By the ticket that each came from; lists lag behind by `search_lag_s`."""
        time.sleep(0.4)
        rows = self.call("GET", "/conversations?per_page=150")["conversations"]
        return {row["custom_attributes"]["migration_key"].rpartition(":")[2]: row for row in rows}

    def told(self, name: str, body: Any = None) -> Any:
        """Ask the sandbox's controls, or set them."""
        url = f"{self.control}/{name}"
        answer = self.session.get(url, timeout=30) if body is None else self.session.post(url, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()


def edit(config: Path, **settings: Any) -> None:
    """Change settings of migration.yaml, section by section."""
    yaml = YAML()
    document = yaml.load(config.read_text())
    for section, values in settings.items():
        document.setdefault(section, {}).update(values)
    with config.open("w") as out:
        yaml.dump(document, out)
