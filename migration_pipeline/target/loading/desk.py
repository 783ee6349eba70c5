"""What the loaders of all record types share: the writer, what the workspace has, and how an outcome is told.

Belongs here: parts and small questions. Does not belong here: the steps of any record type.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import orjson

from migration_pipeline.config import Migration
from migration_pipeline.journal import Journal, Known, Outcome
from migration_pipeline.staging import BlobStore
from migration_pipeline.target.catalogue import (
    Catalogue,
    ConversationAttribute,
    DataAttribute,
    read_conversation_attributes,
    read_data_attributes,
    read_tags,
)
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.loading.work import ParentMissing, StepRefused, Work
from migration_pipeline.target.rows import Row
from migration_pipeline.target.ticket_types import NO_TYPES, TicketTypes
from migration_pipeline.target.writer import Writer

CONFLICTS: Final = {
    "keep_target": "conflict_kept",
    "source_wins": "conflict_overwritten",
    "report_only": "conflict_reported",
}
"""What is told of a record that people changed in the target, by the rule `options.conflicts`."""


@dataclass
class Spelling:
    """How list attributes of conversations take their values; what worked once is tried first from then on."""

    first: Literal["label", "id"] = "label"


@dataclass(frozen=True)
class Desk:
    """Shared by all threads of one load."""

    client: IntercomClient
    journal: Journal
    writer: Writer
    catalogue: Catalogue
    migration: Migration
    blobs: BlobStore
    begun: frozenset[str]  # records that an earlier run left unfinished
    tags: Mapping[str, str] = field(default_factory=dict)  # ids by case-folded name
    conversation_attributes: Mapping[str, ConversationAttribute] = field(default_factory=dict)  # by case-folded name
    data_attributes: Mapping[tuple[str, str], DataAttribute] = field(default_factory=dict)  # by model, case-folded name
    spelling: Spelling = field(default_factory=Spelling)
    ticket_types: TicketTypes = NO_TYPES

    @property
    def admin_id(self) -> str:
        """The admin in whose name things are done that nobody did in the source: the token's own."""
        return self.catalogue.me.id

    def work(self, entity_type: str, source_id: str, *, again: bool = False) -> Work:
        """A record, with what the journal knows of it; `again` says that it has arrived before."""
        known = self.journal.operations(entity_type, source_id) if again or source_id in self.begun else {}
        return Work(entity_type, source_id, known)

    def parents(self, entity_type: str, refs: Iterable[str], what: str) -> dict[str, Known]:
        """What is known of the records that one refers to; those that do not move by rule are among them.

        Raises:
            ParentMissing: one of them did not arrive, or was not loaded yet.
        """
        wanted = list(refs)
        known = self.journal.known(entity_type, wanted) if wanted else {}
        for ref in wanted:
            parent = known.get(ref)
            if parent is None:
                raise ParentMissing(f"{what} {ref} was not loaded yet")
            if parent.outcome == "failed":
                raise ParentMissing(f"{what} {ref} failed ({parent.reason})")
        return known

    def migrated(
        self,
        work: Work,
        row: Row,
        target_id: str | None,
        reason: str | None = None,
        *,
        seen: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """The outcome of a record that arrived, or, where the target refused a step of it, that failed.

        `seen` is how the target's object looked when it was left.
        """
        if work.refusals:
            return self.failed(work, row, "rejected_by_target", "; ".join(work.refusals), target_id)
        return replace(self._outcome(work, row, "migrated", reason, "; ".join(work.notes), target_id), seen=seen)

    def failed(self, work: Work, row: Row, reason: str, detail: str, target_id: str | None = None) -> Outcome:
        """The outcome of a record that did not arrive, or not as a whole; a later run takes it up again."""
        return self._outcome(work, row, "failed", reason, "; ".join([detail, *work.notes]), target_id)

    def skipped(self, work: Work, row: Row, reason: str) -> Outcome:
        """The outcome of a record that does not move by rule."""
        return self._outcome(work, row, "skipped", reason, row.get("skip_detail"), None)

    def _outcome(
        self,
        work: Work,
        row: Row,
        outcome: Literal["migrated", "failed", "skipped"],
        reason: str | None,
        detail: str | None,
        target_id: str | None,
    ) -> Outcome:
        kept = [(loss["reason"], loss["detail"]) for loss in row["losses"] or ()]
        return Outcome(
            entity_type=work.entity_type,
            source_id=work.source_id,
            outcome=outcome,
            source_url=row["source_url"],
            target_id=target_id,
            target_url=self.client.url_of(work.entity_type, target_id),
            reason=reason,
            detail=detail or None,
            losses=(*kept, *dict.fromkeys(work.losses)),
            digest=row["digest"],
        )


def refused(error: StepRefused) -> str:
    """A refusal, for the report."""
    return str(error)


def json_of(text: str | None) -> dict[str, Any]:
    """The JSON object in a column; empty where there is none."""
    return dict(orjson.loads(text)) if text else {}


def by_name(
    client: IntercomClient, entity_type: str
) -> tuple[dict[str, str], dict[str, ConversationAttribute], dict[tuple[str, str], DataAttribute]]:
    """Tags, conversation attributes and data attributes as they are now, as far as a record type needs them."""
    tags = read_tags(client) if entity_type in ("tags", "companies", "contacts", "tickets", "articles") else ()
    conversation = read_conversation_attributes(client) if entity_type in ("fields", "tickets") else ()
    models = {"fields": ("contact", "company"), "contacts": ("contact",), "companies": ("company",)}
    data = [attribute for model in models.get(entity_type, ()) for attribute in read_data_attributes(client, model)]
    return (
        {tag.name.casefold(): tag.id for tag in tags},
        {attribute.name.casefold(): attribute for attribute in conversation if not attribute.archived},
        {(each.model, each.name.casefold()): each for each in data if each.custom and not each.archived},
    )
