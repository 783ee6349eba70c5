"""A small help desk as tables of records, built row by row."""

import datetime as dt
from collections.abc import Mapping as Rows
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from migration_pipeline.config import Migration, Options, Source, Target, ZendeskAuth
from migration_pipeline.config.mapping import AgentEntry, Mapping, TeamEntry
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.staging import Staging
from migration_pipeline.target.payloads import map_entity

START = dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)
RULES = Mapping(
    fallback_admin="900",
    agents={
        "a1": AgentEntry(name="Ann", target="101", matched_by="email"),
        "a2": AgentEntry(name="Bob", matched_by="nothing"),
    },
    teams={"t1": TeamEntry(name="Support", target="501", matched_by="name"), "t2": TeamEntry(name="Old")},
)


def migration(folder: Path, **options: Any) -> Migration:
    return Migration(
        name="desk",
        data_dir=folder,
        source=Source(
            kind="zendesk", subdomain="acme", auth=ZendeskAuth.model_validate({"email": "a@b.c", "token": "secret"})
        ),
        target=Target.model_validate({"token": "secret", "workspace": "w"}),
        options=Options(**options),
        path=folder / "migration.yaml",
    )


class Desk:
    """Rows by table; `write` makes them a migration's records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in RECORDS if table != "rejects"}
        self.add("agents", source_id="a1", name="Ann", email="ann@acme.example", role="agent", active=True)
        self.add("agents", source_id="a2", name="Bob", email="bob@acme.example", role="agent", active=False)
        self.add("teams", source_id="t1", name="Support", active=True)
        self.add("teams", source_id="t2", name="Old", active=True)
        self.contact("c1", name="Cleo", emails=["cleo@x.example"])
        self.contact("c2", name="Dan", emails=["dan@x.example"])
        self.contact("a1", name="Ann", kind="agent", emails=[])
        self.contact("p1", name=None, kind="placeholder", active=False)

    def add(self, table: str, **row: Any) -> None:
        self.rows[table].append(row)

    def contact(self, source_id: str, **row: Any) -> None:
        self.add("contacts", **{"source_id": source_id, "kind": "end_user", "active": True, "created_at": START, **row})

    def ticket(self, source_id: str, *comments: Rows[str, Any], **row: Any) -> None:
        """A ticket with its comments, a minute apart unless they say `created_at`; `files` are names or rows."""
        self.add(
            "tickets",
            **{
                "source_id": source_id,
                "subject": f"Subject {source_id}",
                "state": "open",
                "status": "open",
                "requester_ref": "c1",
                "created_at": START,
                "attributes": "{}",
                **row,
            },
        )
        for position, comment in enumerate(comments):
            self._comment(source_id, position, dict(comment))

    def _comment(self, ticket: str, position: int, comment: dict[str, Any]) -> None:
        files = comment.pop("files", [])
        said = {
            "source_id": f"{ticket}-{position}",
            "ticket_ref": ticket,
            "position": position,
            "author_ref": "c1",
            "visibility": "public",
            "kind": "text",
            "created_at": START + dt.timedelta(minutes=position),
            **comment,
        }
        self.add("comments", **said)
        for number, file in enumerate(files):
            row = file if isinstance(file, dict) else {"name": file, "sha256": f"{number:064}"}
            self.add(
                "attachments",
                **{
                    "source_id": f"{said['source_id']}-f{number:02}",
                    "ticket_ref": ticket,
                    "comment_ref": said["source_id"],
                    "position": number,
                    "content_type": "text/plain",
                    "size": 3,
                    "inline": False,
                    **row,
                },
            )

    def write(self, **options: Any) -> tuple[Staging, Migration]:
        settings = migration(self.folder, **options)
        staging = Staging(settings)
        for table, rows in self.rows.items():
            schema = RECORDS[table]
            staging.tables.write("records", table, schema, [pa.RecordBatch.from_pylist(rows, schema)], {"test": 1})
        return staging, settings

    def map(self, rules: Mapping = RULES, **options: Any) -> "Mapped":
        staging, settings = self.write(**options)
        return Mapped(staging, settings, rules)


class Mapped:
    """The payload tables that come of it, each made once it is looked at."""

    def __init__(self, staging: Staging, settings: Migration, rules: Mapping) -> None:
        self.staging = staging
        self.told: dict[str, dict[str, int]] = {}
        self._settings = settings
        self._rules = rules

    def rows(self, table: str) -> list[dict[str, Any]]:
        entity_type = "tickets" if table == "parts" else table
        if entity_type not in self.told:
            self.told[entity_type] = map_entity(entity_type, self.staging, self._rules, self._settings)
        rows: list[dict[str, Any]] = pq.read_table(self.staging.tables.path("payloads", table)).to_pylist()
        return rows

    def row(self, table: str, source_id: str) -> dict[str, Any]:
        return next(row for row in self.rows(table) if row["source_id"] == source_id)

    def parts(self, ticket: str) -> list[dict[str, Any]]:
        return sorted(
            (row for row in self.rows("parts") if row["ticket_ref"] == ticket), key=lambda row: row["position"]
        )

    def reasons(self, table: str, source_id: str) -> list[str]:
        return [loss["reason"] for loss in self.row(table, source_id)["losses"]]
