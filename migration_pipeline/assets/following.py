"""What a delta follows: a full run that has finished, and what it read.

Belongs here: refusing a delta without either. Does not belong here: approvals (`gate`).
"""

from typing import Final

from migration_pipeline.assets.workbench import Workbench
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline.staging import archive

_DEAR: Final = ("tickets", "contacts")
"""Entity types whose whole reading takes hours; the rest is read whole by every run, or nearly."""


def require_full_run(workbench: Workbench) -> None:
    """Let a delta begin only where it can go on from what a full run read.

    Without that, all of the help desk would be read again: a changed ticket's payload is made of all its comments and
    people, and the source's exports tell the changed ones alone.

    Raises:
        RefusedByGate: no full run has finished, or what it read was archived; the sentence says what to do.
    """
    if not any(run.mode == "full" and run.status == "finished" for run in workbench.journal.runs()):
        raise RefusedByGate("A delta follows a full run, and none has finished yet: start `migrate full` first.")
    migration = workbench.migration
    needed = {stream for name in _DEAR if name in migration.entities for stream in workbench.source.streams[name]}
    streams = archive.whole(migration.root) & needed
    states = [workbench.staging.snapshots.state(stream) for stream in streams]
    if all(state.complete or state.again for state in states):
        return
    packed = archive.holding(migration.root, streams)
    if packed is None:
        raise RefusedByGate(
            "What earlier runs read of the help desk was archived, and the archive is gone: start `migrate full`, "
            "which reads it anew and leaves in Intercom what is there, and then the delta."
        )
    raise RefusedByGate(
        f"What earlier runs read of the help desk is packed: unpack {packed} in {migration.root} "
        "(tar -xzf ARCHIVE -C FOLDER), so that a delta reads only what changed."
    )
