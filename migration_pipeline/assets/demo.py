"""What a launch may say of a demo's tickets, in run tags: none is needed, and the launchpad of the UI takes them too.

Belongs here: reading the tags. Does not belong here: drawing or reading tickets (`sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migration_pipeline.model.errors import SettingsError

REDRAW: Final = "migration/redraw"
IDS: Final = "migration/ids"
SAMPLE: Final = "migration/sample"
SAMPLES: Final = ("random", "difficult")


@dataclass(frozen=True)
class Wish:
    """Which tickets a demo is to move; empty: the same as before."""

    redraw: bool = False  # others than before
    ids: tuple[str, ...] = ()
    sample: str | None = None  # one of SAMPLES

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return self == Wish()


def wish_of(tags: Mapping[str, str]) -> Wish:
    """The wish in a run's tags.

    Raises:
        SettingsError: a tag cannot be understood, or two contradict each other.
    """
    ids = tuple(dict.fromkeys(part.strip() for part in tags.get(IDS, "").split(",") if part.strip()))
    wrong = [ticket for ticket in ids if not ticket.isdecimal()]
    if wrong:
        raise SettingsError(f"{IDS} takes ticket ids with commas between them; {wrong[0]} is none.")
    sample = tags.get(SAMPLE) or None
    if sample is not None and sample not in SAMPLES:
        raise SettingsError(f"{SAMPLE} takes {' or '.join(SAMPLES)}, not {sample}.")
    redraw = tags.get(REDRAW, "").lower() in ("yes", "true", "1")
    if sum((bool(ids), sample is not None, redraw)) > 1:
        raise SettingsError(f"Give one of {REDRAW}, {IDS} and {SAMPLE}, not several.")
    return Wish(redraw, ids, sample)
