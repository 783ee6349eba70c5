"""What every stage knows of its run: the id, the mode, whether it was asked to stop, where progress goes."""

import threading
from dataclasses import dataclass, field
from typing import Literal, Protocol

from migration_pipeline.model.errors import RunStopped

Mode = Literal["demo", "full", "delta", "rollback"]


class Progress(Protocol):
    """Where a stage tells how far it is; calling it often is cheap."""

    def __call__(self, stage: str, entity_type: str, done: int, total: int | None) -> None:
        """`total` is None where the source does not say how many there are."""


def _silent(stage: str, entity_type: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    run_id: str
    mode: Mode
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = _silent

    def check(self) -> None:
        """Go on, or leave.

        Raises:
            RunStopped: the run was asked to stop.
        """
        if self.stop.is_set():
            raise RunStopped("The run was stopped; the next one goes on from here.")


@dataclass(frozen=True)
class Check:
    """One finding of the preflight, as `migrate check` prints it."""

    id: str
    status: Literal["pass", "warn", "block", "manual"]
    subject: str
    risk: str = ""
    remedy: str = ""
    owner: str = ""
    counted: str = ""  # the subject without anybody's name or address, where it has one

    def for_log(self) -> dict[str, str]:
        """What may stand in a log that outlives what is staged: ids, counts, and where to look."""
        return {"id": self.id, "status": self.status, "found": self.counted or self.subject, "remedy": self.remedy}
