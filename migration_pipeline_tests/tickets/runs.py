"""Runs with ticket rules, and the workspace read by plain loops that know nothing of the pipeline."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from ruamel.yaml import YAML

Json = dict[str, Any]


def with_rules(config: Path, *rules: Json) -> None:
    """Set `tickets` in a migration.yaml."""
    document = YAML(typ="safe").load(config.read_text())
    document["tickets"] = list(rules)
    with config.open("w") as file:
        YAML(typ="safe").dump(document, file)


class Intercom:
    """The target that a migration.yaml names."""

    def __init__(self, config: Path) -> None:
        settings = YAML(typ="safe").load(config.read_text())["target"]
        self._url = str(settings["base_url"]).rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings['token']}", "Intercom-Version": "2.16"}

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self._url}{path}", json=body, headers=self._headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def rows(self) -> Iterator[Json]:
        """All conversations, Intercom tickets among them, without their parts."""
        after = ""
        while True:
            answer = self.get(f"/conversations?per_page=150{after}")
            yield from answer["conversations"]
            following = (answer["pages"] or {}).get("next")
            if not following:
                return
            after = f"&starting_after={following['starting_after']}"

    def tickets(self) -> dict[str, Json]:
        """Every Intercom ticket by the id in the source, with the conversation of the same id under `row`."""
        found = {}
        for row in self.rows():
            if row.get("ticket"):
                ticket = self.get(f"/tickets/{row['id']}") | {"row": row}
                found[str(ticket["ticket_attributes"]["migration_key"]).removeprefix("zendesk:")] = ticket
        return found
