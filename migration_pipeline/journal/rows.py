"""What goes into the journal and comes out of it, as frozen rows. No texts of records and no secrets: hashes only."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from migration_pipeline.journal.protocol import State

Loss = tuple[str, str]
"""(reason code, detail) of something that could not be kept."""


@dataclass(frozen=True)
class Intent:
    """A call that is about to be sent."""

    op_key: str  # `tickets/4/part/12`: entity type, source id, and what is done
    entity_type: str
    source_id: str
    kind: str  # which rule reconciles it: `create_conversation`, `reply`, `tag`, …
    route: str  # `POST /conversations/{id}/reply`
    target_object: str | None  # the target's id of what the call changes; None when it creates something
    payload_hash: str  # of what the mapping meant to send
    identity: str | None = None  # of what can be recognized in the target, for kinds that are told apart by content
    reserves: str | None = None  # a key that only one operation may hold: `conversation:<contact>:<second>`
    adapted: Mapping[str, Any] = field(default_factory=dict)  # how what is sent differs from what was meant


@dataclass(frozen=True)
class Operation:
    """A call as the journal knows it."""

    op_key: str
    entity_type: str
    source_id: str
    kind: str
    route: str
    target_object: str | None
    payload_hash: str
    identity: str | None
    adapted: Mapping[str, Any]
    state: State
    target_id: str | None
    code: str
    message: str
    run_id: str | None
    attempts: int
    started_at: dt.datetime
    finished_at: dt.datetime | None
    answered_at: int | None = None  # the service's own time of the change (UTC seconds), where its answer tells it


@dataclass(frozen=True)
class Outcome:
    """What became of one record."""

    entity_type: str
    source_id: str
    outcome: Literal["migrated", "failed", "skipped"]
    source_url: str | None = None
    target_id: str | None = None
    target_url: str | None = None
    reason: str | None = None
    detail: str | None = None
    losses: tuple[Loss, ...] = ()
    digest: str | None = None
    seen: Mapping[str, Any] | None = None  # how the target's object looked when we left it; None leaves what is known
    gone: bool = False  # we removed it from the target: what was migrated is so no more


@dataclass(frozen=True)
class Known:
    """What the journal knows of a record that another one refers to."""

    outcome: str
    target_id: str | None
    reason: str | None


@dataclass(frozen=True)
class Remembered:
    """A record that was migrated, as a later run that changes it finds it."""

    target_id: str | None
    digest: str | None  # of the payload that the target holds
    seen: Mapping[str, Any] | None  # how the target's object looked when we left it


@dataclass(frozen=True)
class Spared:
    """A record that a roll-back left in the target, and why."""

    entity_type: str
    source_id: str
    target_id: str | None
    reason: str
    detail: str


@dataclass(frozen=True)
class RunRow:
    """A run that wrote, or is writing."""

    run_id: str
    mode: str
    workspace: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    status: str  # running | finished | failed | stopped
    error: str | None


def operation(row: Mapping[Any, Any]) -> Operation:
    """An operation out of a row of its table."""
    kept = {str(name): value for name, value in row.items() if name != "reserves"}
    return Operation(**(kept | {"state": State(row["state"])}))
