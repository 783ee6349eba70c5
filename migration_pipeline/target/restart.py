"""Restarting a demo: which earlier demo runs have to be taken back first, so that the target holds one demo.

Belongs here: finding out. Does not belong here: removing (`rollback`), or which tickets a demo moves (`sources`).
"""

from typing import Final

import pyarrow as pa

from migration_pipeline.journal import Journal
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.model.outcomes import OUTCOMES
from migration_pipeline.model.payloads import PLAN
from migration_pipeline.staging import Staging
from migration_pipeline.target.rollback import MADE

_COMPARED: Final = ("tags", "companies", "contacts", "tickets", "collections", "articles")


def outdated_demos(staging: Staging, journal: Journal) -> tuple[str, ...]:
    """The demo runs whose records are not those that the plan means, newest first; none where nothing differs.

    A record differs when it is in the target and the plan no longer moves it, or with another payload. What an earlier
    roll-back had to spare does not count. Once any other run has written, a demo takes nothing back.
    """
    modes = {run.run_id: run.mode for run in reversed(journal.runs())}
    made = {name: list(journal.undoing.live(MADE[name])) for name in MADE}
    makers = {operation.run_id for operations in made.values() for operation in operations}
    if not makers or any(modes.get(str(maker)) != "demo" for maker in makers):
        return ()
    if journal.undoing.unfinished():
        return tuple(run_id for run_id in modes if run_id in makers)
    spared = {(left.entity_type, left.source_id) for left in journal.undoing.spared()}
    for entity_type in _COMPARED:
        held = {op.source_id for op in made[entity_type] if (entity_type, op.source_id) not in spared}
        if held and _differs(staging, journal, entity_type, held):
            return tuple(run_id for run_id in modes if run_id in makers)
    return ()


def require_whole(journal: Journal, demo: bool) -> None:
    """Check that no roll-back was cut: records would count as migrated that are gone already.

    A demo goes on with the removals of an earlier demo by itself.

    Raises:
        RefusedByGate: one was; the sentence says how to go on.
    """
    cut = journal.undoing.unfinished()
    if cut and not demo:
        makers = {
            op.run_id
            for left in cut
            for op in journal.operations(left.entity_type, left.source_id).values()
            if op.kind in MADE[left.entity_type]
        }
        raise RefusedByGate(
            "A roll-back was cut before its end; finish it first: migrate rollback "
            + ", ".join(sorted(map(str, makers)))
        )


def _differs(staging: Staging, journal: Journal, entity_type: str, held: set[str]) -> bool:
    with staging.connect() as connection:
        told = pa.RecordBatchReader.from_batches(OUTCOMES, journal.records(entity_type))
        connection.register("telling", told)
        connection.execute("CREATE TABLE told AS SELECT source_id, digest FROM telling")
        connection.execute("CREATE TABLE held AS SELECT unnest(?::VARCHAR[]) AS source_id", [sorted(held)])
        plan = staging.tables.scan("plan", entity_type, PLAN)
        found = connection.execute(
            f"SELECT count(*) FROM held LEFT JOIN (FROM {plan} WHERE action NOT IN ('skip', 'fail')) AS plan "
            "USING (source_id) LEFT JOIN told USING (source_id) "
            "WHERE plan.source_id IS NULL OR told.digest <> plan.digest"
        ).fetchall()
    return bool(found[0][0])
