"""A client of the Zendesk stand-in and walks over its lists, for the tests beside it. No tests of its own."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from migration_pipeline.sandbox import zendesk
from migration_pipeline.sandbox.service import Service
from migration_pipeline.sandbox.zendesk import oauth
from migration_pipeline_tests.sandbox.conftest import Client, served

SEED = 5
TICKETS = 240
EVERYTHING = "start_time=0&support_type_scope=all"


class Desk(Client):
    """A client with a token; ``get("tickets/1")`` is relative to /api/v2."""

    def __init__(self, base_url: str, seed: int = SEED) -> None:
        super().__init__(base_url)
        self.seed = seed
        self.token = self.log_in().json()
        self.session.headers["Authorization"] = f"Bearer {self.token['access_token']}"
        self._defaults = {name: one["default"] for name, one in self.control("GET", "switches").json().items()}

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return super().get(path if path.startswith(("http", "/")) else f"/api/v2/{path}", headers)

    def log_in(self, **more: object) -> requests.Response:
        auth = {"client_id": oauth.client_id(self.seed), "client_secret": oauth.client_secret(self.seed)}
        return self.post("/oauth/tokens", {"grant_type": "client_credentials", "scope": "read", **auth, **more})

    def with_headers(self, path: str, **headers: str) -> requests.Response:
        """A call without this client's credentials."""
        return requests.get(f"{self.base_url}{path}", headers=headers, timeout=30, allow_redirects=False)

    def json(self, path: str) -> dict[str, Any]:
        answer = self.get(path)
        assert answer.status_code == 200, (answer.status_code, path, answer.text[:300])
        found: dict[str, Any] = answer.json()
        return found

    def switch(self, **values: object) -> None:
        answer = self.control("POST", "switches", values)
        assert answer.status_code == 200, answer.text

    @contextlib.contextmanager
    def switched(self, **values: object) -> Iterator[None]:
        """Switches set for the length of a block."""
        self.switch(**values)
        try:
            yield
        finally:
            self.switch(**self._defaults)

    def advance(self, seconds: float) -> float:
        return float(self.control("POST", "clock", {"advance_s": seconds}).json()["now"])

    def act(self, seed: int, tickets: int) -> list[dict[str, Any]]:
        answer = self.control("POST", "activity", {"seed": seed, "tickets": tickets})
        assert answer.status_code == 200, answer.text
        changed: list[dict[str, Any]] = answer.json()["changed"]
        return changed

    def export(self, path: str) -> list[dict[str, Any]]:
        """All pages of an incremental export, by cursor or by time."""
        return list(self.export_pages(path))

    def export_pages(self, path: str) -> Iterator[dict[str, Any]]:
        following, stuck = path, 0
        while True:
            page = self.json(following)
            yield page
            if page["end_of_stream"]:
                return
            earlier, following = following, page.get("after_url") or page["next_page"]
            # An odd empty page may repeat its address once; an export that stands still is a loop.
            stuck = stuck + 1 if following == earlier else 0
            assert stuck < 3, f"the export does not get beyond {following}"

    def export_rows(self, path: str, plural: str) -> list[dict[str, Any]]:
        return [row for page in self.export_pages(path) for row in page[plural]]

    def rows(self, path: str, plural: str) -> list[dict[str, Any]]:
        """All pages of a list by cursor."""
        page = self.json(path)
        rows = page[plural]
        while page["meta"]["has_more"]:
            page = self.json(page["links"]["next"])
            rows += page[plural]
        return list(rows)


def comments_of(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Comments by id, from export events."""
    return {c["id"]: c for e in events for c in e["child_events"] if c["event_type"] == "Comment"}


def cursor_text(cursor: str) -> str:
    """What stands in an export's cursor."""
    return base64.b64decode(cursor).decode()


@contextlib.contextmanager
def running(
    folder: Path,
    *,
    tickets: int = TICKETS,
    seed: int = SEED,
    plan: str | None = None,
    limits: bool = False,
    brands: int = 1,
) -> Iterator[Desk]:
    """A stand-in being served, with so many help centers, and a client of it."""

    def build(base_url: str, *further: str) -> Service:
        return zendesk.build(
            folder,
            tickets=tickets,
            seed=seed,
            plan=plan,
            limits=limits,
            latency_ms=0,
            base_url=base_url,
            further=further,
        )

    with served(build, brands) as service:
        desk = Desk(service.base_url, seed)
        try:
            yield desk
        finally:
            desk.close()
