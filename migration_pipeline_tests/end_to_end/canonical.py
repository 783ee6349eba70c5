"""What a target workspace holds, spelled so that two workspaces can be compared: names in place of ids.

Reads Intercom's public API by plain loops and knows nothing of the pipeline. Conversations are known by their
`migration_key`, contacts by `external_id`, companies by `company_id`, admins by e-mail, teams and tags by name. Times
that the import itself brings about (`updated_at`, the moment of a close) are left out. Run by hand as

    python -m migration_pipeline_tests.end_to_end.canonical MIGRATION_YAML [OTHER_MIGRATION_YAML]
"""

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import requests
from ruamel.yaml import YAML

Json = dict[str, Any]
State = dict[str, dict[str, Any]]
"""Records by their key in the source, for each kind of object: `conversations`, `contacts`, `companies`, `tags`."""


def read_target(config: Path, *, wait_s: float = 0.0) -> State:
    """The state of the target that a migration.yaml names. `wait_s`: seconds until its lists show the last writes."""
    time.sleep(wait_s)
    settings = YAML(typ="safe").load(config.read_text())["target"]
    with _Target(settings) as target:
        return target.state()


def differences(expected: State, actual: State, *, events: bool = True) -> list[str]:
    """What differs, a line each. `events`: closes, assignments and the like have to agree in number, too."""
    return list(_differences("", _comparable(expected, events), _comparable(actual, events)))


def _comparable(state: State, events: bool) -> State:
    if events:
        return state
    threads = {key: _without(thread, "events") for key, thread in state["conversations"].items()}
    return {**state, "conversations": threads}


def _without(thread: Any, name: str) -> Any:
    return [_without(one, name) for one in thread] if isinstance(thread, list) else {**thread, name: None}


def _differences(place: str, expected: Any, actual: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            yield from _differences(f"{place}/{key}", expected.get(key, "(none)"), actual.get(key, "(none)"))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, pair in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(f"{place}[{number}]", *pair)
    elif expected != actual:
        yield f"{place}: {_short(expected)} became {_short(actual)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 300 else f"{text[:300]}…"


class _Target:
    """One workspace, read by plain loops."""

    def __init__(self, settings: Json) -> None:
        self._url = str(settings["base_url"]).rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=8))
        self._session.headers.update({"Authorization": f"Bearer {settings['token']}", "Intercom-Version": "2.16"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def state(self) -> State:
        """Everything that a migration may have written."""
        self._admins = {str(row["id"]): str(row["email"]) for row in self._get("admins")["admins"]}
        self._teams = {str(row["id"]): str(row["name"]) for row in self._get("teams")["teams"]}
        with ThreadPoolExecutor(8) as pool:
            rows = list(self._pages("contacts", "data"))
            attached = list(pool.map(self._companies_of, (row["id"] for row in rows)))
            said = list(pool.map(self._said_of, (row["id"] for row in rows)))
            self._contacts = {str(row["id"]): str(row.get("external_id") or row.get("email")) for row in rows}
            contacts = [self._contact(*each) for each in zip(rows, attached, said, strict=True)]
            threads = list(
                pool.map(self._conversation, (row["id"] for row in self._pages("conversations", "conversations")))
            )
        companies = [self._company(row) for row in self._scroll()]
        return {
            "conversations": _by_key(threads),
            "contacts": _by_key(contacts),
            "companies": _by_key(companies),
            "tags": dict(Counter(str(tag["name"]) for tag in self._get("tags")["data"])),
            "attributes": dict(Counter(str(row["name"]) for row in self._get("conversations/attributes")["data"])),
        }

    def _conversation(self, conversation_id: str) -> tuple[str, Json]:
        row = self._get(f"conversations/{conversation_id}")
        attributes = dict(row["custom_attributes"])
        parts = row["conversation_parts"]["conversation_parts"]
        said = [part for part in parts if part.get("body") or part.get("attachments")]
        opener = {**row["source"], "created_at": row["created_at"], "part_type": "comment"}
        return str(attributes.get("migration_key")), {
            "messages": [self._message(message) for message in (opener, *said)],
            "events": dict(Counter(part["part_type"] for part in parts if part not in said)),
            "tags": sorted(tag["name"] for tag in row["tags"]["tags"]),
            "title": row.get("title"),
            "attributes": attributes,
            "company": (row.get("company") or {}).get("company_id"),
            "state": row["state"],
            "admin": self._admins.get(str(row.get("admin_assignee_id") or "")),
            "team": self._teams.get(str(row.get("team_assignee_id") or "")),
            "participants": sorted(self._contacts.get(str(one["id"]), "?") for one in row["contacts"]["contacts"]),
        }

    def _message(self, part: Json) -> Json:
        author = part["author"]
        names = self._admins if author["type"] == "admin" else self._contacts
        return {
            "author": f"{author['type']}:{names.get(str(author['id']), author['type'])}",
            "kind": "note" if part["part_type"] == "note" else "comment",
            "at": part["created_at"],
            "text": part.get("body"),
            "files": sorted(self._file(file) for file in part.get("attachments") or []),
        }

    def _file(self, file: Json) -> str:
        answer = requests.get(file["url"], timeout=30)
        answer.raise_for_status()
        return f"{file['name']} {hashlib.sha256(answer.content).hexdigest()}"

    def _contact(self, row: Json, companies: list[str], said: Json) -> tuple[str, Json]:
        kept = ("role", "email", "phone", "name", "signed_up_at", "custom_attributes", "unsubscribed_from_emails")
        return str(row.get("external_id") or row.get("email")), {
            **{name: row.get(name) for name in kept},
            **said,
            "companies": sorted(companies),
        }

    def _company(self, row: Json) -> tuple[str, Json]:
        kept = ("name", "website", "size", "industry", "remote_created_at", "monthly_spend", "custom_attributes")
        tags = sorted(tag["name"] for tag in row["tags"]["tags"])
        return str(row["company_id"]), {**{name: row.get(name) for name in kept}, "tags": tags}

    def _said_of(self, contact_id: str) -> Json:
        """Tags and notes of a contact."""
        tags = sorted(row["name"] for row in self._get(f"contacts/{contact_id}/tags")["data"])
        return {"tags": tags, "notes": sorted(row["body"] for row in self._get(f"contacts/{contact_id}/notes")["data"])}

    def _companies_of(self, contact_id: str) -> list[str]:
        answer = self._get(f"contacts/{contact_id}/companies")
        return [str(row["company_id"]) for row in answer.get("data") or answer.get("companies") or []]

    def _scroll(self) -> Iterator[Json]:
        """Every company that has a contact; the others are shown to nobody."""
        params: Json = {}
        while True:
            page = self._get("companies/scroll", **params)
            yield from page["data"]
            if not page["data"]:
                return
            params = {"scroll_param": page["scroll_param"]}

    def _pages(self, path: str, key: str) -> Iterator[Json]:
        params: Json = {"per_page": 150}
        while True:
            page = self._get(path, **params)
            yield from page[key]
            following = page["pages"].get("next")
            if not following:
                return
            params["starting_after"] = following["starting_after"]

    def _get(self, path: str, **params: Any) -> Json:
        answer = self._session.get(f"{self._url}/{path}", params=params, timeout=30)
        answer.raise_for_status()
        document: Json = answer.json()
        return document


def _by_key(pairs: list[tuple[str, Json]]) -> dict[str, Any]:
    """Records by key; where several have the same key, which is what must never be, all of them in a list."""
    found: dict[str, list[Json]] = {}
    for key, record in pairs:
        found.setdefault(key, []).append(record)
    return {key: rows[0] if len(rows) == 1 else rows for key, rows in found.items()}


def main() -> int:
    """Print the state of a target, or what differs between two; 1 where anything does."""
    states = [read_target(Path(path), wait_s=3.0) for path in sys.argv[1:3]]
    if len(states) == 1:
        sys.stdout.write(json.dumps(states[0], indent=1, sort_keys=True) + "\n")
        return 0
    found = differences(*states)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
