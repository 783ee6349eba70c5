"""Runs that move a help centre and the agents who wrote it, and plain readers of both sides.

Belongs here: what the tests of the room share. Does not belong here: what they show. The readers share no code with the
pipeline.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lxml.html
import requests
from ruamel.yaml import YAML

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.config.mapping import save_mapping
from migration_pipeline.model.entities import ENTITY_TYPES
from migration_pipeline.model.run import Mode
from migration_pipeline.reports import build
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.target import costs
from migration_pipeline.target.addresses import new_addresses
from migration_pipeline.target.catalogue import read_catalogue
from migration_pipeline.target.link_map import moved, write_link_map
from migration_pipeline.target.loader import Loaded, load
from migration_pipeline.target.payloads import map_entity
from migration_pipeline.target.plan import make_plan
from migration_pipeline.target.preparation import prepare
from migration_pipeline.target.proposals import propose
from migration_pipeline.target.rollback import RolledBack, roll_back
from migration_pipeline.target.verify import summary, verify
from migration_pipeline.target.writer import Patience

Json = dict[str, Any]
READ = ("agents", "articles", "collections")
LOADED = ("agents", "tags", "collections", "articles")
PATIENCE = Patience(search=0.5, direct=0.05, longest_pause=0.1)


@dataclass(frozen=True)
class Done:
    """What a run did."""

    loaded: dict[str, Loaded]
    writes: int
    planned: dict[str, int]  # writing calls by entity type
    rows: tuple[Json, ...]
    losses: dict[str, set[str]]  # reasons by article
    folder: Path

    def ids(self, entity_type: str = "articles") -> dict[str, str]:
        """The target's ids by the source's."""
        rows = [row for row in self.rows if row["entity_type"] == entity_type and row["target_id"]]
        return {row["source_id"]: row["target_id"] for row in rows}


def run(config: Path, run_id: str, mode: Mode = "full", *, extract: bool = True) -> Done:
    """Move agents, collections and articles, with report and map."""
    workbench = Workbench(config)
    try:
        with workbench.telling(run_id, mode):
            at_work, staging = workbench.run(run_id, mode), workbench.staging
            for name in READ if extract else ():
                workbench.source.extract(name, staging, at_work)
            for name in ENTITY_TYPES:
                workbench.source.normalize(name, staging)
            catalogue = read_catalogue(workbench.client)
            with replacing(workbench.migration.root / "catalogue.json") as aside:
                aside.write_bytes(catalogue.to_json())
            path = workbench.migration.mapping_path
            known = workbench.mapping if path.exists() else None
            save_mapping(path, propose(staging, catalogue, known, workbench.migration))
            for name in LOADED:
                map_entity(name, staging, workbench.mapping, workbench.migration)
            workbench.journal.export(workbench.outcomes_path)
            for name in LOADED:
                make_plan(name, staging, at_work, None)
            made = prepare(staging, catalogue, workbench.mapping)
            planned = {
                work.entity_type: work.calls
                for work in costs.works(staging, workbench.migration, made)
                if work.what == "load"
            }
            workbench.journal.begin_run(run_id, mode, workbench.client.workspace)
            loaded = {
                name: load(
                    name, staging, workbench.journal, workbench.client, catalogue, workbench.migration, at_work,
                    patience=PATIENCE,
                )
                for name in LOADED
            }  # fmt: skip
            assert workbench.journal.in_doubt() == []
            workbench.journal.end_run(run_id, "finished")
            workbench.journal.export(workbench.outcomes_path)
            report = build(staging, run_id, mode, workbench.migration, entity_types=LOADED)
            addresses = new_addresses(workbench.client, workbench.journal, None)
            write_link_map(report.folder, moved(staging, addresses))
            losses: dict[str, set[str]] = {}
            for batch in workbench.journal.records("articles"):
                losses |= {row["source_id"]: {one["reason"] for one in row["losses"]} for row in batch.to_pylist()}
            rows = tuple(report.records())
            return Done(loaded, workbench.client.usage.writes, planned, rows, losses, report.folder)
    finally:
        workbench.close()


def verified(config: Path, run_id: str) -> list[Json]:
    """Read everything back; what differs."""
    workbench = Workbench(config)
    try:
        with workbench.telling(run_id, "full"):
            at_work = workbench.run(run_id, "full")
            for name in LOADED:
                verify(name, workbench.staging, workbench.journal, workbench.client, at_work)
            return summary(workbench.staging)["mismatches"]
    finally:
        workbench.close()


def take_back(config: Path, run_id: str) -> RolledBack:
    """Take a run back."""
    workbench = Workbench(config)
    try:
        with workbench.telling("undo", "rollback"):
            at_work = workbench.run("undo", "rollback")
            workbench.journal.begin_run("undo", "rollback", workbench.client.workspace)
            done = roll_back(
                [run_id], workbench.staging, workbench.journal, workbench.client, workbench.migration, at_work,
                patience=PATIENCE,
            )  # fmt: skip
            workbench.journal.end_run("undo", "finished")
            return done
    finally:
        workbench.close()


class Guide:
    """The source's help center, read by plain loops."""

    def __init__(self, config: Path) -> None:
        settings = YAML(typ="safe").load(config.read_text())["source"]
        self.url = settings["base_url"].rstrip("/")
        grant = {"grant_type": "client_credentials", "scope": "read", **settings["auth"]}
        token = requests.post(f"{self.url}/oauth/tokens", json=grant, timeout=30).json()["access_token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def rows(self, path: str, key: str) -> list[Json]:
        found: list[Json] = []
        url: str | None = f"{self.url}/api/v2/help_center/{path}?per_page=100"
        while url:
            page = self.session.get(url, timeout=30).json()
            found += page[key]
            url = page.get("next_page")
        return found

    def translations(self, article: int) -> list[Json]:
        return self.rows(f"articles/{article}/translations", "translations")

    def files(self, article: int) -> list[Json]:
        return self.rows(f"articles/{article}/attachments", "article_attachments")

    def content(self, url: str) -> bytes:
        return self.session.get(url, timeout=30).content


class Intercom:
    """The target, read by plain calls."""

    def __init__(self, config: Path) -> None:
        settings = YAML(typ="safe").load(config.read_text())["target"]
        self.url = settings["base_url"].rstrip("/")
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {settings['token']}", "Intercom-Version": "2.16"})

    def get(self, path: str) -> Json:
        answer: Json = self.session.get(self.url + path, timeout=30).json()
        return answer

    def put(self, path: str, **body: Any) -> None:
        self.session.put(self.url + path, json=body, timeout=30).raise_for_status()

    def all(self, path: str) -> list[Json]:
        found: list[Json] = []
        page = 1
        while True:
            answer = self.get(f"{path}?per_page=50&page={page}")
            found += answer["data"]
            if page >= answer["pages"]["total_pages"]:
                return found
            page += 1


def texts(article: Json) -> dict[str, Json]:
    """Each language's content of an article; the main one under ''."""
    others = {locale: one for locale, one in (article.get("translated_content") or {}).items() if isinstance(one, dict)}
    return {"": article} | others


def words(html: str | None) -> list[str]:
    """The words of a text, however it is marked up."""
    clean = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", html or "")
    if not clean.strip():
        return []
    tree = lxml.html.fromstring(f"<div>{clean}</div>")
    lxml.etree.strip_elements(tree, "script", "style", "template", "iframe", with_tail=False)
    return re.findall(r"\w+", " ".join(str(text) for text in tree.itertext()))


def pictures(html: str | None) -> list[str]:
    """Addresses of the pictures of a text."""
    return [str(one.get("src")) for one in lxml.html.fromstring(f"<div>{html or ''}</div>").iter("img")]


def links(html: str | None) -> list[str]:
    """Where the links of a text lead."""
    return [str(one.get("href")) for one in lxml.html.fromstring(f"<div>{html or ''}</div>").iter("a")]
