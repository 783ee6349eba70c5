"""Who signed the checklist and the plan, when, and for what: `approval.json` of the migration.

Belongs here: signing, and whether what was signed still holds. Does not belong here: what counts (`facts`).
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from migration_pipeline.config import Migration
from migration_pipeline.gates.checklist import AFTER, BEFORE, as_markdown, checklist
from migration_pipeline.gates.facts import Facts, proposed
from migration_pipeline.model.errors import RefusedByGate, SettingsError
from migration_pipeline.staging.atomic import read_json, replacing, write_json

ALL: Final = "all"
PLAN: Final = "plan.json"
_FILE: Final = "approval.json"


@dataclass(frozen=True)
class Approval:
    """What was signed. `facts` are those of the approved plan; `signed` says by item who signed it and when."""

    hash: str | None = None
    by: str | None = None
    at: str | None = None  # UTC, ISO 8601
    facts: Mapping[str, str] = field(default_factory=dict)
    signed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_approval(root: Path) -> Approval:
    """What was signed so far; `root` is the migration's folder."""
    document = read_json(root / _FILE)
    return Approval(**document) if document else Approval()


def approve(migration: Migration, facts: Facts, *, by: str, sign: Iterable[str] = ()) -> Approval:
    """Sign items of the checklist, and with them all signed, the plan that was made last.

    Raises:
        SettingsError: there is no such item.
        RefusedByGate: there is no plan, it is an older one, or items are not signed. Signatures of items are kept.
    """
    root = migration.root
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    known = {item.id for item in (*BEFORE, *AFTER)}
    wanted = {item for name in sign for item in ([each.id for each in BEFORE] if name == ALL else [name])}
    if unknown := sorted(wanted - known):
        raise SettingsError(f"--sign: the checklist has no item {unknown[0]}; it has {', '.join(sorted(known))}.")
    before = read_approval(root)
    signed = dict(before.signed) | {item: {"by": by, "at": now} for item in wanted if item not in before.signed}
    _write(migration, Approval(before.hash, before.by, before.at, before.facts, signed))
    _require_plan(root, facts)
    if left := unsigned(signed):
        shown = ", ".join(left[:4]) + (", …" if len(left) > 4 else "")
        raise RefusedByGate(
            f"{len(left)} items of the checklist are not signed ({shown}): "
            "see `migrate checklist`, then `migrate approve --name NAME --sign ITEM`, or `--sign all`."
        )
    approval = Approval(facts.hash, by, now, dict(facts.digests), signed)
    _write(migration, approval)
    return approval


def unsigned(signed: Iterable[str]) -> list[str]:
    """Items that must be signed before a full run, and are not."""
    done = set(signed)
    return [item.id for item in BEFORE if item.id not in done]


def why_not_approved(root: Path, facts: Facts) -> str | None:
    """The sentence that tells why a run may not write under these facts; None where it may."""
    approval = read_approval(root)
    if approval.hash is None:
        return (
            "A full run or a delta starts only with an approved plan, and none is approved yet: "
            "`migrate plan`, then `migrate approve --name NAME --sign all`."
        )
    changed = _changed(approval.facts, facts.digests, proposed(root))
    if not changed:
        return None
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return (
        f"{approval.by} approved an older plan at {approval.at}; since then {changed[0]}{more} changed: "
        "`migrate plan`, then `migrate approve` again."
    )


def require_approval(root: Path, facts: Facts) -> None:
    """Let a run write only what a person approved.

    Raises:
        RefusedByGate: nothing was approved, or something that counts changed since.
    """
    refusal = why_not_approved(root, facts)
    if refusal:
        raise RefusedByGate(refusal)


def write_checklist(migration: Migration) -> Path:
    """Write `checklist.md` of the migration as it stands; its path.

    Raises:
        OSError: the disk is full or not writable.
    """
    path = migration.root / "checklist.md"
    with replacing(path) as aside:
        aside.write_text(as_markdown(checklist(migration, read_approval(migration.root).signed)), encoding="utf-8")
    return path


def _changed(approved: Mapping[str, str], present: Mapping[str, str], added: Mapping[str, str]) -> list[str]:
    """Facts that are not as they were approved; what a proposal added since does not count, as long as it stands."""
    changed = [key for key, digest in approved.items() if present.get(key) != digest]
    changed += [key for key, digest in present.items() if key not in approved and added.get(key) != digest]
    return [key.removeprefix("settings.") for key in changed]


def _require_plan(root: Path, facts: Facts) -> None:
    plan: dict[str, Any] | None = read_json(root / PLAN)
    if plan is None:
        raise RefusedByGate("There is no plan to approve yet: run `migrate plan`, and read it.")
    changed = _changed(plan["facts"], facts.digests, proposed(root))
    if changed:
        raise RefusedByGate(
            f"The plan is an older one: {changed[0]} changed since it was made; run `migrate plan` again, and read it."
        )


def _write(migration: Migration, approval: Approval) -> None:
    write_json(migration.root / _FILE, vars(approval))
    write_checklist(migration)
