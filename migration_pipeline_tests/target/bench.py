"""Building payloads and plans by the line, loading them into the sandbox, and asking it what it holds."""

import datetime as dt
import itertools
import threading
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import requests
from ruamel.yaml import YAML

from migration_pipeline.config import Migration, load_migration
from migration_pipeline.journal import Journal
from migration_pipeline.model.payloads import PAYLOADS, PLAN
from migration_pipeline.model.run import Run
from migration_pipeline.staging import Staging
from migration_pipeline.target.catalogue import Catalogue, read_catalogue
from migration_pipeline.target.client import IntercomClient, connect
from migration_pipeline.target.loader import Loaded, load
from migration_pipeline.target.writer import Patience

Row = dict[str, Any]
START = dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)
PATIENCE = Patience(search=0.8, direct=0.05, longest_pause=0.2)
_numbers = itertools.count(1)


class Control:
    """The sandbox's control routes of the target."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, name: str) -> Any:
        return requests.get(f"{self._url}/{name}", timeout=10).json()

    def post(self, name: str, body: Any) -> Any:
        answer = requests.post(f"{self._url}/{name}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def delete(self, name: str) -> None:
        assert requests.delete(f"{self._url}/{name}", timeout=10).ok

    def calls(self, route: str) -> int:
        """How often a route was called, faulty calls among them."""
        return int(self.get("stats")["requests"].get(route, 0))

    def fault(self, kind: str, match: str, limit: int = 1) -> None:
        self.post("faults", {"seed": 1, "rate": 1.0, "kinds": [kind], "match": match, "limit": limit})


class Bench:
    """One migration of a test. Its source ids are like no other test's."""

    def __init__(self, config: Path, folder: Path, control: Control) -> None:
        self.control = control
        self.folder = folder
        self.prefix = f"{next(_numbers)}{folder.name[-12:]}".replace("_", "")
        document = YAML(typ="safe").load(config.read_text())
        document["data_dir"] = str(folder / "data")
        document["target"] |= {"workers": 4, "patience_s": 0}
        self.document = document
        self.write_config()
        self.staging = Staging(self.migration)
        self.journal = Journal.open(self.journal_url)
        self.stop = threading.Event()
        self.client = self.connected()
        self.catalogue: Catalogue = read_catalogue(self.client)
        self.journal.begin_run("run-1", "full", self.migration.target.workspace)
        self.rows: dict[str, list[Row]] = {name: [] for name in PAYLOADS}
        self.admins = [admin.id for admin in self.catalogue.admins if admin.id != self.catalogue.me.id]
        self.teams = [team.id for team in self.catalogue.teams]

    def write_config(self) -> None:
        path = self.folder / "migration.yaml"
        with path.open("w") as file:
            YAML(typ="safe").dump(self.document, file)
        self.migration: Migration = load_migration(path)

    @property
    def journal_url(self) -> str:
        return f"sqlite:///{self.migration.root / 'journal.sqlite'}"

    def connected(self) -> IntercomClient:
        return connect(self.migration.target, self.stop)

    def close(self) -> None:
        self.journal.close()

    # Payloads

    def id(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def tag(self, name: str, /, **changes: Any) -> Row:
        return self._add("tags", name, {"name": f"{self.prefix} {name}"} | changes)

    def field(self, name: str, /, data_type: str = "string", options: Sequence[str] = (), **changes: Any) -> Row:
        title = f"{self.prefix} {name}"
        model = changes.get("model", "conversation")
        body: Row = {"name": title, "data_type": data_type}
        if options:
            body["options"] = [{"label" if model == "conversation" else "value": option} for option in options]
        row = {"model": model, "name": title, "data_type": data_type, "options": list(options), "body": _json(body)}
        return self._add("fields", name, row | changes)

    def company(self, name: str, /, **changes: Any) -> Row:
        body = {"company_id": f"zendesk:{self.id(name)}", "name": f"Company {name}", "remote_created_at": 1700000000}
        return self._add("companies", name, {"body": _json(body), "has_contacts": True, "tags": []} | changes)

    def contact(self, name: str, /, companies: Iterable[str] = (), **changes: Any) -> Row:
        body = {
            "role": "user",
            "external_id": f"zendesk:{self.id(name)}",
            "email": f"{self.id(name)}@example.com",
            "name": f"Contact {name}",
            "signed_up_at": 1700000000,
        }
        body |= changes.pop("body", {})
        refs = [self.id(company) for company in companies]
        return self._add("contacts", name, {"body": _json(body), "company_refs": refs, "tags": []} | changes)

    def ticket(self, name: str, requester: str, /, parts: Sequence[Row] = (), **changes: Any) -> Row:
        row = {
            "requester_ref": self.id(requester),
            "opener": f"Hello from {name} & <friends>",
            "created_at": START,
            "title": f"Ticket {name}",
            "attributes": "{}",
            "company_ref": None,
            "participant_refs": [],
            "tags": [],
            "admin_id": None,
            "team_id": None,
            "state": "open",
            "snoozed_until": None,
            "part_count": len(parts),
            "opener_comment_ref": None,
            "volumes": 1,
        }
        for position, part in enumerate(parts):
            self.rows["parts"].append({"ticket_ref": self.id(name), "position": position} | part)
        return self._add("tickets", name, row | changes)

    def said(self, body: str, *, by: str | None = None, note: bool = False, after: int = 60, **changes: Any) -> Row:
        """A part, by an admin or (`by`) a contact, so many seconds after the ticket was opened."""
        part: Row = {
            "comment_ref": None,
            "author_kind": "contact" if by else "admin",
            "admin_id": None if by else self.admins[0],
            "contact_ref": self.id(by) if by else None,
            "speaker": by,
            "message_type": "note" if note else "comment",
            "body": body,
            "created_at": START + dt.timedelta(seconds=after),
            "files": [],
            "redacted": False,
            "volume": 1,
        }
        return part | changes

    def file(self, name: str, content: bytes, content_type: str = "text/plain") -> Row:
        digest, size = self.staging.blobs.add([content])
        return {"attachment_ref": name, "name": name, "content_type": content_type, "size": size, "sha256": digest}

    def _add(self, table: str, name: str, row: Row) -> Row:
        head = {"source_id": self.id(name), "source_url": f"https://source.example/{name}", "losses": []}
        full = {field.name: None for field in PAYLOADS[table]} | head | row
        full["digest"] = row.get("digest") or sha256(repr(sorted(full.items(), key=str)).encode()).hexdigest()
        self.rows[table].append(full)
        return full

    # Loading

    def stage(self, entity_type: str, **actions: str) -> None:
        """Write payloads and plan of a type; `actions` give an action other than create by name."""
        tables = (entity_type, "parts") if entity_type == "tickets" else (entity_type,)
        for table in tables:
            self._write("payloads", table, PAYLOADS[table], self.rows[table])
        plan = []
        for row in self.rows[entity_type]:
            name = row["source_id"].removeprefix(f"{self.prefix}-")
            action, _, reason = actions.get(name, "create").partition(":")
            plan.append(
                dict.fromkeys(PLAN.names)
                | {name: row[name] for name in ("source_id", "source_url", "digest")}
                | {"entity_type": entity_type, "action": action, "reason": reason or None, "calls": 1}
            )
        self._write("plan", entity_type, PLAN, plan)

    def load(self, entity_type: str, run_id: str = "run-1", **actions: str) -> Loaded:
        """Stage and load one entity type."""
        self.stage(entity_type, **actions)
        return self.load_staged(entity_type, run_id)

    def load_staged(self, entity_type: str, run_id: str = "run-1", patience: Patience = PATIENCE) -> Loaded:
        run = Run(run_id, "full", self.stop)
        return load(
            entity_type,
            self.staging,
            self.journal,
            self.client,
            self.catalogue,
            self.migration,
            run,
            patience=patience,
        )

    def load_all(self) -> dict[str, Loaded]:
        return {name: self.load(name) for name in PAYLOADS if name != "parts" and self.rows[name]}

    def again(self) -> None:
        """A new process: the journal opened anew, a new client, nothing stopped."""
        self.journal.close()
        self.journal = Journal.open(self.journal_url)
        self.stop = threading.Event()
        self.client = self.connected()

    def _write(self, stage: str, table: str, schema: pa.Schema, rows: list[Row]) -> None:
        ordered = [{field.name: row[field.name] for field in schema} for row in rows]
        self.staging.tables.write(stage, table, schema, [pa.RecordBatch.from_pylist(ordered, schema)], {})

    # What came of it

    def outcome(self, entity_type: str, name: str) -> Row:
        """The journal's outcome of a record; losses by reason code."""
        for batch in self.journal.records(entity_type):
            for row in batch.to_pylist():
                if row["source_id"] == self.id(name):
                    losses = {loss["reason"]: loss["detail"] for loss in row["losses"]}
                    return dict(row, losses=losses)
        raise AssertionError(f"no outcome of {entity_type} {name}")

    def conversation(self, name: str) -> Row:
        """The conversation of a ticket, as the target answers."""
        found = self.client.conversation(self.outcome("tickets", name)["target_id"])
        assert found is not None
        return found

    @property
    def token(self) -> str:
        """The token of the settings."""
        assert self.migration.target.token is not None
        return self.migration.target.token.get_secret_value()

    def conversations_of(self, contact: str) -> list[Row]:
        """Every conversation of a contact, by the search, once its index has caught up."""
        contact_id = self.outcome("contacts", contact)["target_id"]
        self.control.post("clock", {"advance_s": 5})
        query = {"field": "contact_ids", "operator": "=", "value": contact_id}
        answer = requests.post(
            f"{self.migration.target.url}/conversations/search",
            json={"query": query, "pagination": {"per_page": 150}},
            headers={
                "Authorization": f"Bearer {self.token}",
                "Intercom-Version": "2.16",
            },
            timeout=10,
        )
        return list(answer.json()["conversations"])


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
