"""`plan.json`: the plan as a value, and reading and writing it.

Belongs here: the shape. Does not belong here: how the numbers come about (`making`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from migration_pipeline.model.costs import Side
from migration_pipeline.model.run import Mode
from migration_pipeline.staging.atomic import read_json, write_json

FILE: Final = "plan.json"


@dataclass(frozen=True)
class Entity:
    """What a run does with one entity type. `source_error` is plus or minus so many calls, where they were sampled."""

    entity_type: str
    records: int  # that the run creates, changes or retires
    created: int
    updated: int
    retired: int  # that left the source: they stay, or go by rule
    kept: int  # that are there already
    left: int  # that do not move, by rule or because they cannot
    source_calls: int
    source_error: int
    target_calls: int
    seconds: float
    updates: Mapping[str, int]  # what the calls change of the updated records: messages, states, fields…


@dataclass(frozen=True)
class Endpoint:
    """How often a run asks one endpoint."""

    side: Side
    entity_type: str
    endpoint: str
    calls: int


@dataclass(frozen=True)
class Storage:
    """Bytes on the disk of the migration's folder."""

    staged: int
    needed: int
    free: int


@dataclass(frozen=True)
class Plan:
    """What a full run or a delta is about to do. Times are UTC (ISO 8601)."""

    run_id: str
    mode: Mode
    made_at: str
    hash: str
    facts: Mapping[str, str]
    seconds: float
    preparing_seconds: float  # of them: starting, normalizing, mapping, reporting on this machine
    starts_at: str | None  # full.at of migration.yaml
    ends_at: str | None
    open_tickets: int
    storage: Storage
    limits: Mapping[str, str]  # calls per window that the services told, by bucket
    entities: Sequence[Entity]
    creates: Sequence[Mapping[str, Any]]
    by_hand: Sequence[Mapping[str, str]]
    endpoints: Sequence[Endpoint] = ()
    own_calls: Mapping[str, int] = field(default_factory=dict)  # that making the plan took, by side; not counted above


def read_plan(root: Path) -> Plan | None:
    """The newest plan of a migration; None before the first."""
    document = read_json(root / FILE)
    return None if document is None else TypeAdapter(Plan).validate_python(document)


def write_plan(root: Path, plan: Plan) -> Path:
    """Write the plan in place of an earlier one; its path.

    Raises:
        OSError: the disk is full or not writable.
    """
    write_json(root / FILE, asdict(plan))
    return root / FILE
