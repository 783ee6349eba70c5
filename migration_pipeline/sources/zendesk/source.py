"""Zendesk as a source: which streams make up which entity type, and in what order they are read.

Belongs here: the meeting point of reading (`streams`, `threads`, `files`, `sampling`) and `normalization`. Does not
belong here: how any of them works.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, Final

from migration_pipeline.config import Source as Settings
from migration_pipeline.credentials import Tokens
from migration_pipeline.http import Tell, Usage, measure, tell_nobody
from migration_pipeline.model.costs import Limit, Speed, Work
from migration_pipeline.model.run import Check, Run
from migration_pipeline.sources import Sample
from migration_pipeline.sources.zendesk import (
    beside_articles,
    channels,
    checks,
    choosing,
    costs,
    files,
    help_center,
    inventory,
    meeting,
    normalization,
    roads,
    sampling,
    streams,
    threads,
)
from migration_pipeline.sources.zendesk.client import ZendeskClient
from migration_pipeline.sources.zendesk.streams import Reading
from migration_pipeline.staging import Staging
from migration_pipeline.staging.inventory import counted

_Step = Callable[[Reading], int]

_READ: Final[Mapping[str, tuple[tuple[str, _Step], ...]]] = {
    "tickets": (
        ("tickets", streams.read_tickets),
        ("comments", meeting.read_comments),
        ("threads", threads.repair),
        ("side_events", channels.read_side_events),
        ("logs", channels.read_logs),
        ("ratings", channels.read_ratings),
        ("files", files.read_files),
        ("brands", partial(streams.read_listing, stream="brands")),
        ("ticket_forms", partial(streams.read_listing, stream="ticket_forms")),
        ("custom_statuses", partial(streams.read_listing, stream="custom_statuses")),
        ("suspended_tickets", streams.read_suspended),
    ),
    "contacts": (
        ("users", streams.read_users),
        ("organization_memberships", partial(streams.read_listing, stream="organization_memberships")),
    ),
    "agents": (("users", streams.read_users),),
    "companies": (("organizations", streams.read_organizations),),
    "teams": (("groups", partial(streams.read_listing, stream="groups")),),
    "fields": tuple(
        (stream, partial(streams.read_listing, stream=stream))
        for stream in ("ticket_fields", "user_fields", "organization_fields")
    ),
    "tags": (),
    "collections": (("sections", help_center.read_collections),),
    "articles": (
        ("brands", partial(streams.read_listing, stream="brands")),
        ("articles", help_center.read_articles),
        ("article_comments", beside_articles.read_comments),
        ("user_segments", partial(streams.read_listing, stream="user_segments")),
        ("content_tags", partial(streams.read_listing, stream="content_tags")),
    ),
}
"""What is read for each entity type on every pass."""

_READ_ONCE: Final[Mapping[str, tuple[tuple[str, _Step], ...]]] = {
    "tickets": (("ticket_fields", partial(streams.read_listing, stream="ticket_fields")),),
    "contacts": (("organizations", streams.read_organizations),),
    "tags": (
        ("tickets", streams.read_tickets),
        ("ticket_fields", partial(streams.read_listing, stream="ticket_fields")),
        ("custom_statuses", partial(streams.read_listing, stream="custom_statuses")),
    ),
}
"""Streams of other entity types that normalization needs too: read here where they were never read whole."""

_ONE_BY_ONE: Final = frozenset({"comments", "threads", "files", "article_comments"})
"""Streams of single records, which grow with what was written and not with how many records there are."""

_SAMPLE_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tickets": ("ticket_fields", "custom_statuses", "brands", "ticket_forms"),
    "teams": ("groups",),
    "fields": ("ticket_fields", "user_fields", "organization_fields"),
    "articles": ("brands", "user_segments", "content_tags"),
}
"""Short lists that are read whole for a sample too."""


_NOT_YET: Final = 120
"""Seconds that a start time has to be in the past, with room for a clock that goes otherwise."""


class ZendeskSource:
    """A Zendesk Support account."""

    kind: str = "zendesk"
    extraction_order: tuple[str, ...] = (
        "tickets",
        "contacts",
        "agents",
        "companies",
        "teams",
        "fields",
        "tags",
        "articles",
        "collections",
    )
    apart: frozenset[str] = frozenset({"articles", "collections"})
    streams: Mapping[str, tuple[str, ...]] = {
        entity_type: recipe.streams for entity_type, recipe in normalization.RECIPES.items()
    }

    def __init__(
        self,
        settings: Settings,
        *,
        tokens: Tokens,
        stop: threading.Event,
        tell: Tell = tell_nobody,
        created_from: dt.datetime | None = None,
        ticket_events: bool = False,
        help_centers: Sequence[str] = (),
    ) -> None:
        """`tokens` is where an OAuth token is kept; `stop` ends every wait; `tell` hears of outages.

        Tickets from before `created_from` need not be read; `ticket_events` has changes of tickets' fields read too.
        `help_centers` are the names of brands whose help centers are read, without any all. Calls nothing yet.
        """
        self._settings = settings
        self._created_from = created_from
        self._ticket_events = ticket_events
        self._help_centers = tuple(help_centers)
        self._client = ZendeskClient(settings, tokens, stop, tell)
        self.usage: Usage = self._client.session.usage

    def beside(self) -> "ZendeskSource":
        """The same source for one more reader at the same time; it shares the windows, and counts its own calls."""
        other = copy(self)
        other._client = self._client.beside()
        other.usage = other._client.session.usage
        return other

    def checks(self) -> list[Check]:
        """Preflight: reachable, credentials, scope and role. Never raises for what a user can mend."""
        return checks.checks(self._client, self._help_centers)

    def extract(self, entity_type: str, staging: Staging, run: Run) -> int:
        """Read what is new since each stream's cursor into the snapshots; the rows added. Goes on where it was cut.

        Raises:
            AccessDenied, ServiceDown, RunStopped: what was read so far is kept.
        """
        return self._read(entity_type, staging, run, {})

    def survey(self, entity_type: str, staging: Staging, run: Run) -> int:
        """As `extract`, but for what is dear: files of tickets are left, of single threads only a sample is read.

        Comments of articles that were read before are not read again.

        Raises:
            AccessDenied, ServiceDown, RunStopped: what was read so far is kept.
        """
        dear: dict[str, _Step] = {
            "threads": self._some_threads,
            "files": lambda _: 0,
            "article_comments": beside_articles.read_first_comments,
        }
        return self._read(entity_type, staging, run, dear)

    def _read(self, entity_type: str, staging: Staging, run: Run, instead: Mapping[str, _Step]) -> int:
        """Take each step of an entity type, or what is done `instead`, by stream."""
        reading = self._reading(staging, run)
        once = [step for step in _READ_ONCE.get(entity_type, ()) if not staging.snapshots.state(step[0]).complete]
        return sum(instead.get(stream, step)(reading) for stream, step in (*_READ[entity_type], *once))

    def _some_threads(self, reading: Reading) -> int:
        read = threads.read_some(reading, most=costs.SAMPLED)
        return read + threads.read_some(reading, most=costs.lacking(reading.staging, self._settings))

    def works(self, staging: Staging) -> list[Work]:
        """What the next `extract` of every entity type takes, in order."""
        order = [(entity_type, stream) for entity_type in self.extraction_order for stream, _ in _READ[entity_type]]
        comments = meeting.foresee(
            staging, self._client.session.limits, self._since(), ticket_events=self._ticket_events
        )
        works = costs.works(order, staging, self._settings, self._help_centers, comments)
        return [replace(work, apart=work.entity_type in self.apart) for work in works]

    def inventory_works(self, staging: Staging) -> list[Work]:
        """What listing what does not move takes, by how much of it there was last time."""
        return list(inventory.works(counted(staging)))

    def limits(self) -> dict[str, Limit]:
        """The rate limits that answers told so far, by bucket, and that of files."""
        told = {files.BUCKET: costs.FILES_A_MINUTE, **self._client.limits}
        return {bucket: Limit(calls, roads.WINDOW_S) for bucket, calls in told.items()}

    def speed(self) -> Speed:
        """How fast the help desk answers just now, by a handful of reads."""
        return measure(lambda: self._client.get("users/me"), self._settings.workers)

    def file_speed(self, staging: Staging, run: Run) -> Speed | None:
        """How fast files come just now, by some that the next pass needs not fetch again; None where they are few."""
        return files.read_some(self._reading(staging, run), costs.FILES_TRIED)

    def read_lists(self, entity_types: Sequence[str], staging: Staging, run: Run) -> int:
        """Read the lists of some entity types, but no thread and no file; the rows added.

        Raises:
            AccessDenied, ServiceDown, RunStopped: what was read so far is kept.
        """
        reading = self._reading(staging, run)
        order = [entity_type for entity_type in self.extraction_order if entity_type in entity_types]
        steps = dict(step for entity_type in order for step in _READ[entity_type] if step[0] not in _ONE_BY_ONE)
        return sum(step(reading) for step in steps.values())

    def _reading(self, staging: Staging, run: Run) -> Reading:
        return Reading(self._client, staging, run, self._since(), self._ticket_events, self._help_centers)

    def _since(self) -> int:
        """Where the exports of tickets start (Unix seconds): where the first ticket that is wanted may be.

        A ticket's place in the exports is never before it was created (Zendesk developer docs, "Incremental Exports":
        `generated_timestamp`), and a start has to be over a minute ago.
        """
        if self._created_from is None:
            return 0
        return min(max(int(self._created_from.timestamp()), 0), int(time.time()) - _NOT_YET)

    def draw(self, size: int, seed: int, staging: Staging, run: Run) -> Sample:
        """Draw tickets by chance from all that exist, archived ones too; the same for the same seed and help desk."""
        return sampling.draw(self._reading(staging, run), size, seed)

    def choose(self, ids: Sequence[str], staging: Staging, run: Run) -> Sample:
        """The tickets that a person names.

        Raises:
            SettingsError: the help desk has no such ticket.
        """
        return choosing.choose(self._reading(staging, run), ids)

    def difficult(self, size: int, seed: int, staging: Staging, run: Run, among: Sequence[str] | None = None) -> Sample:
        """Difficult tickets: long, old, with many listeners, odd letters, asked by an agent; `among` these only."""
        return choosing.difficult(self._reading(staging, run), size, seed, among)

    def extract_sample(self, entity_type: str, sample: Sample, staging: Staging, run: Run) -> int:
        """Read the sample's records of one entity type, and nothing else; the rows added.

        Raises:
            AccessDenied, ServiceDown, RunStopped: what was read so far is kept.
        """
        reading = self._reading(staging, run)
        added = sum(streams.read_listing(reading, stream) for stream in _SAMPLE_LISTS.get(entity_type, ()))
        if entity_type == "tickets":
            added += threads.read_sample(reading, sample.ids) + channels.read_side_events_of(reading, sample.ids)
            added += threads.read_audits(reading, sample.ids)
            added += channels.read_logs(reading, sample.ids) + channels.read_ratings(reading, sample.ids)
            added += files.read_files(reading, sample.ids)
        elif entity_type in ("contacts", "agents"):
            added += sampling.read_people(reading, sample)
        elif entity_type == "companies":
            added += sampling.read_organizations(reading, sample)
        elif entity_type == "collections":
            added += help_center.read_collections(reading)
        elif entity_type == "articles":
            added += help_center.read_sample(reading, sample.articles, sample.seed)
        return added

    def inventory(self, run: Run) -> Iterator[dict[str, Any]]:
        """Macros, triggers, views and the like, which do not move.

        Raises:
            ServiceDown, RunStopped, Rejected.
        """
        return inventory.read(self._client, run)

    def normalize(self, entity_type: str, staging: Staging) -> dict[str, int]:
        """Make the canonical tables of one entity type from the snapshots; rows by table. Pure."""
        return normalization.normalize(entity_type, staging, self._settings)
