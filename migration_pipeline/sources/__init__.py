"""The services that are read: one folder each, with one shape inside (client, streams, normalization).

Belongs here: what every source offers. Does not belong here: anything of one service.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from migration_pipeline.http import Usage
from migration_pipeline.model.costs import Limit, Speed, Work
from migration_pipeline.model.run import Check, Run
from migration_pipeline.staging import Staging


@dataclass(frozen=True)
class Sample:
    """The tickets of a demo, in the order they were drawn, and how many articles are drawn by the same seed."""

    seed: int
    size: int
    ids: tuple[str, ...]
    articles: int = 5


class Source(Protocol):
    """A help desk that is read, never written to."""

    kind: str
    usage: Usage
    extraction_order: tuple[str, ...]
    """Entity types in the order that keeps a moving source consistent (people after the tickets that mention them)."""
    apart: frozenset[str]
    """Those whose calls draw on windows of their own, so that a second reader loses nothing to the first."""
    streams: Mapping[str, tuple[str, ...]]
    """The snapshot streams that the canonical records of each entity type are made of."""

    def beside(self) -> "Source":
        """The same source for one more reader at the same time, of other entity types; it counts its own calls."""

    def checks(self) -> list[Check]:
        """Preflight: reachable, credentials, scopes. Never raises for what a user can mend."""

    def extract(self, entity_type: str, staging: Staging, run: Run) -> int:
        """Read what is new since each stream's cursor into the snapshots; the rows added. Goes on where it was cut."""

    def survey(self, entity_type: str, staging: Staging, run: Run) -> int:
        """As `extract`, but what is dear is left, or read as a sample only: enough for a plan. The rows added."""

    def works(self, staging: Staging) -> list[Work]:
        """What the next `extract` of every entity type takes, in order; sampled where only reading would tell."""

    def inventory_works(self, staging: Staging) -> list[Work]:
        """What listing what does not move takes."""

    def limits(self) -> Mapping[str, Limit]:
        """The rate limits that answers told so far, by bucket."""

    def speed(self) -> Speed:
        """How fast the service answers just now, by a handful of reads."""

    def file_speed(self, staging: Staging, run: Run) -> Speed | None:
        """How fast files come just now, by some that are kept; None where there are too few to tell."""

    def draw(self, size: int, seed: int, staging: Staging, run: Run) -> Sample:
        """Draw tickets by chance from all tickets, without reading all of them."""

    def choose(self, ids: Sequence[str], staging: Staging, run: Run) -> Sample:
        """The tickets that a person names."""

    def difficult(self, size: int, seed: int, staging: Staging, run: Run, among: Sequence[str] | None = None) -> Sample:
        """Tickets that are more likely than others to show what a migration gets wrong; `among` these only."""

    def read_lists(self, entity_types: Sequence[str], staging: Staging, run: Run) -> int:
        """Read the lists of some entity types, but no thread and no file; the rows added."""

    def extract_sample(self, entity_type: str, sample: Sample, staging: Staging, run: Run) -> int:
        """Read the sample's records of one entity type, and nothing else; the rows added."""

    def inventory(self, run: Run) -> Iterator[dict[str, Any]]:
        """What the help desk holds besides records, as rows of `model.inventory.INVENTORY`; none of it moves."""

    def normalize(self, entity_type: str, staging: Staging) -> dict[str, int]:
        """Make the canonical tables of one entity type from the snapshots; rows by table. Pure."""
