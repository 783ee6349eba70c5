"""A served help desk to read from, fresh folders to read into, and a reader of the same service that shares no code."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import requests

from migration_pipeline.config import Migration, load_migration
from migration_pipeline.credentials import TokenFile
from migration_pipeline.model.run import Run
from migration_pipeline.sources.zendesk import ZendeskSource
from migration_pipeline.staging import Staging
from migration_pipeline_tests import forks

PLAN = "suite-enterprise-plus+hv"
"""Thirty exports a minute instead of ten: a test reads a desk several times, and the source waits for its windows."""

REACHABLE = ("--switch", "foreign_images=same")
"""Every picture of an article can be fetched: one that nobody serves is asked for again by every pass."""


class Desk:
    """A stand-in Zendesk: its settings, its controls, and simple signed calls."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._served = forks.sandbox(folder, *arguments)
        self.url: str = self._served.source["url"]
        self._control: str = self._served.source["control"]
        self.migration: Migration = load_migration(self._served.config)
        self._session = requests.Session()
        self._session.trust_env = False
        self._token = ""
        self._switches = {name: told["value"] for name, told in self.control("GET", "switches").items()}

    def stop(self) -> None:
        self._session.close()
        self._served.end()

    def control(self, method: str, name: str, body: object = None) -> Any:
        response = self._session.request(method, f"{self._control}/{name}", json=body, timeout=30)
        assert response.status_code < 400, response.text
        return response.json() if response.content else None

    def switch(self, **values: object) -> None:
        self.control("POST", "switches", values)

    def reset(self) -> None:
        """Every switch as it was, no faults, and full rate windows."""
        self.switch(**self._switches)
        self.control("POST", "faults", [])
        self.advance(61)

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance_s": seconds})

    def asked(self) -> dict[str, int]:
        """Calls by route since the last time this was asked."""
        requests_made = dict(self.control("GET", "stats")["requests"])
        self.control("DELETE", "stats")
        return requests_made

    def get(self, path: str, **params: str | int) -> requests.Response:
        for _ in range(2):
            response = self._session.get(
                f"{self.url}/api/v2/{path}",
                params=params,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=30,
            )
            if response.status_code != 401:
                break
            auth = self.migration.source.auth
            assert auth.client_secret is not None
            self._token = self._session.post(
                f"{self.url}/oauth/tokens",
                json={
                    "grant_type": "client_credentials",
                    "client_id": auth.client_id,
                    "client_secret": auth.client_secret.get_secret_value(),
                    "scope": "read",
                },
                timeout=30,
            ).json()["access_token"]
        return response

    def tickets(self) -> dict[int, dict[str, Any]]:
        """All tickets by id, by the plainest loop there is."""
        found: dict[int, dict[str, Any]] = {}
        params: dict[str, str | int] = {"start_time": 0, "per_page": 1000}
        while True:
            page = self.get("incremental/tickets/cursor", support_type_scope="all", **params).json()
            found |= {ticket["id"]: ticket for ticket in page["tickets"]}
            if page["end_of_stream"]:
                return found
            params = {"cursor": page["after_cursor"], "per_page": 1000}

    def message_files(self, ticket: int) -> list[dict[str, Any]]:
        """The files of a ticket's messages, which are no comments."""
        events = self.get(f"tickets/{ticket}/conversation_log", **{"page[size]": 100}).json()["events"]
        return [file for event in events if event["type"] != "Comment" for file in event["attachments"]]

    def comments(self, ticket: int) -> list[dict[str, Any]]:
        """All comments of a ticket, by offset pages."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            page = self.get(
                f"tickets/{ticket}/comments", page=number, per_page=100, include_inline_images="true"
            ).json()
            found += page["comments"]
            if not page["next_page"]:
                return found
            number += 1

    def users(self) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        params: dict[str, str | int] = {"start_time": 0, "per_page": 1000}
        while True:
            page = self.get("incremental/users/cursor", **params).json()
            found |= {user["id"]: user for user in page["users"]}
            if page["end_of_stream"]:
                return found
            params = {"cursor": page["after_cursor"], "per_page": 1000}


@dataclass
class Place:
    """A folder of a migration, and the source that is read into it."""

    staging: Staging
    source: ZendeskSource
    migration: Migration
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def token_path(self) -> Path:
        return self.staging.root / "token.json"

    def run(self) -> Run:
        return Run("test", "full", stop=self.stop)

    def again(self) -> Place:
        """The same folder after the process came back: a new source, nothing remembered but what is on disk."""
        return place(self.migration)

    def extract(self, *entity_types: str) -> int:
        return sum(
            self.source.extract(entity_type, self.staging, self.run()) for entity_type in entity_types or self.order
        )

    def sample(self, size: int, seed: int = 1) -> tuple[str, ...]:
        """Draw and read a sample; its ids."""
        sample = self.source.draw(size, seed, self.staging, self.run())
        for entity_type in self.order:
            self.source.extract_sample(entity_type, sample, self.staging, self.run())
        return sample.ids

    def normalize(self, *entity_types: str) -> dict[str, int]:
        made: dict[str, int] = {}
        for entity_type in entity_types or self.order:
            made |= self.source.normalize(entity_type, self.staging)
        return made

    def records(self, table: str) -> list[dict[str, Any]]:
        return pq.read_table(self.staging.tables.path("records", table)).to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types

    def rows(self) -> dict[str, list[tuple[str, str]]]:
        """The newest rows of every stream, ids and content."""
        with duckdb.connect() as connection:
            return {
                stream: sorted(
                    connection.sql(f"SELECT id, payload FROM {self.staging.snapshots.newest(stream)}").fetchall()
                )
                for stream in self.staging.snapshots.streams()
            }

    def told(self, *tables: str) -> dict[str, list[dict[str, Any]]]:
        """Records in an order of their own."""
        return {table: sorted(self.records(table), key=repr) for table in tables}

    @property
    def order(self) -> tuple[str, ...]:
        return self.source.extraction_order


def without(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """The rows, less a column, in an order of their own."""
    return sorted(({key: value for key, value in row.items() if key != column} for row in rows), key=repr)


def place(migration: Migration) -> Place:
    staging = Staging(migration)
    stop = threading.Event()
    source = ZendeskSource(migration.source, tokens=TokenFile(staging.root / "token.json"), stop=stop)
    return Place(staging, source, migration, stop)


def changed(migration: Migration, folder: Path, **source: object) -> Migration:
    """The migration with another folder and other settings of its source."""
    settings = migration.source.model_copy(update=source)
    return migration.model_copy(update={"data_dir": folder, "source": settings})


@pytest.fixture(autouse=True, scope="session")
def _unsynced() -> Iterator[None]:
    """No waiting for the disk: these tests end processes, not machines, and write thousands of small files."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def served_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(
        tmp_path_factory.mktemp("desk"),
        "--source",
        "zendesk",
        "--tickets",
        "60",
        "--seed",
        "5",
        "--plan",
        PLAN,
        *REACHABLE,
    )
    yield desk
    desk.stop()


@pytest.fixture(scope="session")
def busy_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A help desk whose tickets the tests change; the other one's never change."""
    desk = Desk(
        tmp_path_factory.mktemp("busy"),
        "--source",
        "zendesk",
        "--tickets",
        "50",
        "--seed",
        "6",
        "--plan",
        PLAN,
        *REACHABLE,
    )
    yield desk
    desk.stop()


@dataclass(frozen=True)
class Whole:
    """The help desk as a full pass without troubles reads it: newest rows by stream, and records by table."""

    rows: dict[str, list[tuple[str, str]]]
    records: dict[str, list[dict[str, Any]]]


TABLES = ("tickets", "comments", "attachments", "contacts", "agents", "companies", "teams", "fields", "tags")


@pytest.fixture(scope="session")
def whole(served_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    served_desk.reset()
    where = place(changed(served_desk.migration, tmp_path_factory.mktemp("whole")))
    where.extract()
    where.normalize()
    return Whole(where.rows(), where.told(*TABLES))


@pytest.fixture
def desk(served_desk: Desk) -> Iterator[Desk]:
    """The help desk as it was when it started, with full rate windows."""
    served_desk.reset()
    served_desk.asked()
    yield served_desk
    served_desk.reset()


@pytest.fixture
def somewhere(desk: Desk, tmp_path: Path) -> Place:
    """An empty folder to read the help desk into."""
    return place(changed(desk.migration, tmp_path / "data"))


@pytest.fixture
def elsewhere(desk: Desk, tmp_path: Path) -> Callable[..., Place]:
    """Further empty folders, by name, with other settings of the source."""

    def made(name: str = "elsewhere", **source: object) -> Place:
        return place(changed(desk.migration, tmp_path / name, **source))

    return made
