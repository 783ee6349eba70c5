"""One help centre, moved with its pictures served from here."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from migration_pipeline_tests import forks
from migration_pipeline_tests.forks import Sandbox
from migration_pipeline_tests.help_center.runs import Done, Guide, Intercom, Json, run
from migration_pipeline_tests.ports import free_port


@dataclass(frozen=True)
class Story:
    """A help centre before and after it was moved."""

    place: Sandbox
    articles: dict[str, Json]
    translations: dict[str, list[Json]]
    files: set[str]  # SHA-256 of every file that the source has for an article
    done: Done
    target: Intercom


LANGUAGES = {"en-us": "en", "de": "de", "fr": "fr"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def settings(config: Path, **help_center: object) -> None:
    """Set `help_center` in a migration.yaml."""
    document = YAML(typ="safe").load(config.read_text())
    document.setdefault("help_center", {}).update(help_center)
    with config.open("w") as file:
        YAML(typ="safe").dump(document, file)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes whose pictures are served from here; all are stopped at the end of the session."""
    started: list[Sandbox] = []

    def start(tickets: int, **help_center: object) -> Sandbox:
        place = forks.sandbox(tmp_path_factory.mktemp("help"), "--tickets", tickets, "--seed", 3, search_lag_s=0.1)
        started.append(place)
        port = free_port()
        hosting = {"base_url": f"http://127.0.0.1:{port}", "listen": f"127.0.0.1:{port}"}
        settings(place.config, **hosting | help_center)
        return place

    yield start
    for sandbox in started:
        sandbox.end()


@pytest.fixture(scope="session")
def story(serve: Callable[..., Sandbox]) -> Story:
    place = serve(200)
    guide = Guide(place.config)
    articles = {str(row["id"]): row for row in guide.rows("articles", "articles")}
    translations = {key: guide.translations(int(key)) for key in articles}
    files = {digest(guide.content(file["content_url"])) for key in articles for file in guide.files(int(key))}
    bodies = " ".join(one["body"] or "" for told in translations.values() for one in told)
    files |= {digest(base64.b64decode(data)) for data in re.findall(r"data:image/[a-z]+;base64,([^\"']+)", bodies)}
    return Story(
        place=place,
        articles=articles,
        translations=translations,
        files=files,
        done=run(place.config, "full"),
        target=Intercom(place.config),
    )
