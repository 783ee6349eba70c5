"""Asking the target whether a call in doubt was applied: one rule per kind of call.

Intercom has no idempotency keys. Each kind of object therefore has its own way to be found: a natural key that is read
directly, a search that lags behind, or the state of the thread. Belongs here: looking. Does not belong here: what
follows from it (`writer`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from migration_pipeline.journal import Journal, Operation
from migration_pipeline.target import reading
from migration_pipeline.target.article_steps import article_identity, collection_identity
from migration_pipeline.target.canonical import body_hash, same_value
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.dates import UNDATED
from migration_pipeline.target.messages import names, recognize
from migration_pipeline.target.steps import Json, Step
from migration_pipeline.target.ticket_types import read_ticket_types

CLOCKS_S: Final = 300
"""Seconds by which the service's clock may be behind ours."""


@dataclass(frozen=True)
class Question:
    """What is to be found: the step as it would be sent now, and the operation as it was sent."""

    client: IntercomClient
    journal: Journal
    step: Step
    operation: Operation
    owned: frozenset[str]  # the target's ids that other operations of the record made
    others_known: bool  # whether all other operations of the same kind know what they made

    @property
    def object_id(self) -> str:
        """What the call changes."""
        return self.operation.target_object or self.step.target_object or ""

    def conversation(self) -> Json:
        """The thread that the call changes, as it is now; a ticket in the shape of a conversation."""
        route = self.operation.route or f"{self.step.method} {self.step.route}"
        if "/tickets/" not in route:
            return self.client.conversation(self.object_id) or {}
        ticket = self.client.ticket(self.object_id)
        return reading.of_ticket(ticket, self.client.conversation(self.object_id)) if ticket else {}


@dataclass(frozen=True)
class Rule:
    """How one kind of call is found.

    `look` answers with the target's id of what the call made (of what it changed, where it makes nothing), or None.
    `certain` says when an empty answer means that the call was not applied: at once, because sending again does no
    harm (`repeatable`); after a moment that lets the service finish what it may still be doing (`direct`); or once the
    search index has surely caught up (`lagged`).
    `refusal_may_mean_found`: the service also refuses what it already holds.
    """

    look: Callable[[Question], str | None]
    certain: Literal["repeatable", "direct", "lagged"]
    refusal_may_mean_found: bool = False


def _tag(question: Question) -> str | None:
    name = str(question.step.payload["name"]).casefold()
    return next((str(row["id"]) for row in question.client.tags() if str(row.get("name")).casefold() == name), None)


def _conversation_attribute(question: Question) -> str | None:
    name = str(question.step.payload.get("name")).casefold()
    rows = question.client.conversation_attributes()
    return next(
        (str(row["id"]) for row in rows if str(row.get("name")).casefold() == name and not row.get("archived")), None
    )


def _data_attribute(question: Question) -> str | None:
    name, model = str(question.step.payload.get("name")).casefold(), str(question.step.payload["model"])
    rows = question.client.data_attributes(model)
    return next((str(row.get("id") or name) for row in rows if str(row.get("name")).casefold() == name), None)


def _option(question: Question) -> str | None:
    label = question.step.payload["label"]
    for row in question.client.conversation_attributes():
        if str(row.get("id")) == question.object_id:
            options = row.get("options") or ()
            return next((question.object_id for option in options if option.get("label") == label), None)
    return None


def _company(question: Question) -> str | None:
    """Only a company that already looks as it should: sending again brings an older one up to date."""
    meant = question.step.payload
    found = question.client.company_by_company_id(str(meant["company_id"])) or {}
    native = {name: value for name, value in meant.items() if name not in ("plan", "custom_attributes")}
    same = found and all(same_value(value, found.get(name)) for name, value in native.items())
    return str(found["id"]) if same else None


def _contact(question: Question) -> str | None:
    found = question.client.contact_by_external_id(str(question.step.payload["external_id"])) or {}
    return str(found["id"]) if found.get("id") else None


def _unarchived(question: Question) -> str | None:
    found = question.client.contact(question.object_id) or {}
    return question.object_id if found and not found.get("archived") else None


def _claimed(question: Question) -> str | None:
    found = question.client.contact(question.object_id) or {}
    return question.object_id if found.get("external_id") == question.step.payload["external_id"] else None


def _company_attached(question: Question) -> str | None:
    attached = question.client.companies_of(question.object_id)
    return question.object_id if question.step.payload["id"] in attached else None


def _conversation(question: Question) -> str | None:
    """By contact and second, which no two operations of ours share; the text only tells ours from somebody else's.

    The second is that of the conversation, or, where the target did not take it, the one that its text names.
    """
    sent = question.operation.adapted
    contact, second = str(sent["contact"]), int(sent["created_at"])
    if UNDATED in sent:
        since = int(question.operation.started_at.timestamp()) - CLOCKS_S
        found_there = question.client.conversations_since(contact, since)
        there = [row for row in found_there if names(reading.opener(row).body, second)]
    else:
        there = question.client.conversations_of(contact, second)
    candidates = [
        row
        for row in there
        # An Intercom ticket is listed among conversations.
        if not any(
            question.journal.owner(kind, str(row.get("id"))) for kind in ("create_conversation", "create_ticket")
        )
    ]
    for row in candidates:
        if body_hash(reading.opener(row).body) == question.operation.identity:
            return str(row["id"])
    if len(candidates) == 1:
        # The service may spell the text in its own way. One that no person has written in yet can only be ours.
        found = question.client.conversation(str(candidates[0]["id"])) or {}
        if found and all(message.author.startswith("bot:") for message in reading.messages(found)):
            return str(found["id"])
    return None


def _ticket(question: Question) -> str | None:
    """By the key that it carries from birth."""
    sent = question.operation.adapted
    for row in question.client.tickets_with(str(sent["key_attribute"]), str(sent["key"])):
        if question.journal.owner("create_ticket", str(row.get("id"))) is None:
            return str(row["id"])
    return None


def _ticket_type(question: Question) -> str | None:
    name = str(question.step.payload.get("name")).casefold()
    rows = question.client.ticket_types()
    return next(
        (str(row["id"]) for row in rows if str(row.get("name")).casefold() == name and not row.get("archived")), None
    )


def _ticket_attribute(question: Question) -> str | None:
    name = str(question.step.payload.get("name")).casefold()
    there = read_ticket_types(question.client).of_id(question.object_id)
    found = there.attributes.get(name) if there else None
    return found.id if found else None


def _ticket_updated(question: Question) -> str | None:
    """Whatever the call sets is as it should be."""
    ticket, meant = question.client.ticket(question.object_id), question.step.payload
    if ticket is None:
        return None
    there = question.conversation()
    held = ticket.get("ticket_attributes") or {}
    state = (ticket.get("ticket_state") or {}).get("id")
    assignees = {reading.assignee(there, kind) for kind in ("admin", "team")}
    same = (
        all(same_value(value, held.get(name)) for name, value in meant.get("ticket_attributes", {}).items()),
        same_value(meant.get("ticket_state_id", state), state),
        meant.get("open", ticket.get("open")) == ticket.get("open"),
        "company_id" not in meant or meant["company_id"] == reading.company(there),
        "assignee_id" not in meant or meant["assignee_id"] in assignees,
    )
    return question.object_id if all(same) else None


def _reply(question: Question) -> str | None:
    messages = list(reading.messages(question.conversation()))
    found = recognize(messages, question.operation.identity or "", question.owned, others_known=question.others_known)
    return found.id if found else None


def _participant(question: Question) -> str | None:
    contact = str(question.step.payload["customer"]["intercom_user_id"])
    return question.object_id if contact in reading.people(question.conversation()) else None


def _conversation_tag(question: Question) -> str | None:
    return question.object_id if str(question.step.payload["id"]) in reading.tags(question.conversation()) else None


def _updated(question: Question) -> str | None:
    """Title, company and attributes are as they should be, in either spelling of list values."""
    conversation = question.conversation()
    actual = reading.attributes(conversation)
    spellings = [question.step.request({}), question.step.request({"spelling": "other"})]
    if not conversation:
        return None
    if not same_value(question.step.payload.get("title", conversation.get("title")), conversation.get("title")):
        return None
    company = question.step.payload.get("company_id")
    if company is not None and reading.company(conversation) != company:
        return None
    for name in question.step.payload.get("custom_attributes", {}):
        if not any(same_value(spelling["custom_attributes"].get(name), actual.get(name)) for spelling in spellings):
            return None
    return question.object_id


def _untagged(question: Question) -> str | None:
    there = question.conversation()
    return question.object_id if there and question.step.start["tag"] not in reading.tags(there) else None


def _detached(question: Question) -> str | None:
    attached = question.client.companies_of(question.object_id)
    return question.object_id if question.step.start["company"] not in attached else None


def _contact_tagged(question: Question) -> str | None:
    return question.object_id if question.step.payload["id"] in question.client.tags_of(question.object_id) else None


def _contact_untagged(question: Question) -> str | None:
    there = question.client.tags_of(question.object_id)
    return question.object_id if question.step.start["tag"] not in there else None


def _company_tagged(question: Question) -> str | None:
    there = reading.tags(question.client.company(question.object_id) or {})
    return question.object_id if question.step.start["tag"] in there else None


def _company_untagged(question: Question) -> str | None:
    there = reading.tags(question.client.company(question.object_id) or {})
    return question.object_id if question.step.start["tag"] not in there else None


def _note_of(kind: str) -> Callable[[Question], str | None]:
    """By its text: none of our other notes about the same contact or company counts."""

    def look(question: Question) -> str | None:
        for note in question.client.notes_of(kind, question.object_id):
            same = body_hash(str(note.get("body") or "")) == question.operation.identity
            if same and str(note.get("id")) not in question.owned:
                return str(note["id"])
        return None

    return look


def _collection(question: Question) -> str | None:
    """By name and parent, which several may share; those that other operations made are none of ours."""
    for row in question.client.collections():
        ours = question.journal.owner("create_collection", str(row.get("id"))) is None
        if ours and collection_identity(row) == question.operation.identity:
            return str(row["id"])
    return None


def _article(question: Question) -> str | None:
    """By title, author, collection and text among those that changed since; a text that Intercom tidied by the rest."""
    kind = question.step.kind
    since = question.operation.started_at.timestamp() - CLOCKS_S
    sent = question.step.request(question.operation.adapted)
    alike = []
    for row in question.client.articles(kind.removeprefix("create_")):
        if isinstance(row.get("updated_at"), int) and row["updated_at"] < since:
            break
        if question.journal.owner(kind, str(row.get("id"))) is not None:
            continue
        if article_identity(row) == question.operation.identity:
            return str(row["id"])
        if article_identity({**row, "body": None}) == article_identity({**sent, "body": None}):
            alike.append(str(row["id"]))
    return alike[0] if len(alike) == 1 else None


def _article_tags(question: Question) -> set[str]:
    tags = (question.client.article("article", question.object_id) or {}).get("tags") or {}
    return {str(tag.get("id")) for tag in tags.get("tags") or ()}


def _article_tag(question: Question) -> str | None:
    return question.object_id if str(question.step.payload["id"]) in _article_tags(question) else None


def _article_untagged(question: Question) -> str | None:
    return question.object_id if str(question.step.start["tag"]) not in _article_tags(question) else None


def _redirect(question: Question) -> str | None:
    from_url = question.step.payload["from_url"]
    rows = question.client.redirects(question.object_id)
    return next((str(row["id"]) for row in rows if row.get("from_url") == from_url), None)


def _no_redirect(question: Question) -> str | None:
    there = {str(row["id"]) for row in question.client.redirects(question.object_id)}
    return None if question.operation.adapted["redirect"] in there else question.object_id


def _nothing(question: Question) -> str | None:
    """Sending it again gives the same, so there is nothing to look for."""
    del question
    return None


def _redacted(question: Question) -> str | None:
    there, payload = question.conversation(), question.step.payload
    if payload["type"] == "source":
        return question.object_id if reading.opener(there).redacted else None
    part = next((m for m in reading.messages(there) if m.id == payload["conversation_part_id"]), None)
    return question.object_id if part is not None and part.redacted else None


def _dropped(question: Question) -> str | None:
    return question.object_id if not question.conversation() else None


def _assigned(kind: str) -> Callable[[Question], str | None]:
    def look(question: Question) -> str | None:
        actual = reading.assignee(question.conversation(), kind) or "0"
        return question.object_id if actual == str(question.step.payload["assignee_id"]) else None

    return look


def _in_state(state: str) -> Callable[[Question], str | None]:
    return lambda question: question.object_id if reading.state(question.conversation()) == state else None


def _no_tag(question: Question) -> str | None:
    there = {str(row.get("id")) for row in question.client.tags()}
    return question.object_id if question.object_id not in there else None


def _removed(read: Callable[[IntercomClient, str], Json | None]) -> Callable[[Question], str | None]:
    def look(question: Question) -> str | None:
        return question.object_id if read(question.client, question.object_id) is None else None

    return look


RULES: Final[Mapping[str, Rule]] = {
    "create_tag": Rule(_tag, "repeatable"),
    "create_conversation_attribute": Rule(_conversation_attribute, "direct", refusal_may_mean_found=True),
    "create_data_attribute": Rule(_data_attribute, "direct", refusal_may_mean_found=True),
    "add_option": Rule(_option, "direct", refusal_may_mean_found=True),
    "upsert_company": Rule(_company, "repeatable"),
    "create_contact": Rule(_contact, "repeatable"),  # a second one is refused with the id of the first
    "unarchive_contact": Rule(_unarchived, "repeatable", refusal_may_mean_found=True),
    "refresh_contact": Rule(lambda _: None, "repeatable"),  # setting the same values again changes nothing
    "claim_contact": Rule(_claimed, "repeatable"),
    "attach_company": Rule(_company_attached, "repeatable", refusal_may_mean_found=True),
    "tag_contact": Rule(_contact_tagged, "repeatable", refusal_may_mean_found=True),
    "untag_contact": Rule(_contact_untagged, "repeatable", refusal_may_mean_found=True),
    "tag_company": Rule(_company_tagged, "repeatable", refusal_may_mean_found=True),
    "untag_company": Rule(_company_untagged, "repeatable", refusal_may_mean_found=True),
    "note_contact": Rule(_note_of("contact"), "direct"),
    "note_company": Rule(_note_of("company"), "direct"),
    "create_conversation": Rule(_conversation, "lagged"),
    "create_ticket_type": Rule(_ticket_type, "direct", refusal_may_mean_found=True),
    "create_ticket_attribute": Rule(_ticket_attribute, "direct", refusal_may_mean_found=True),
    "update_ticket_attribute": Rule(_nothing, "repeatable"),
    "create_ticket": Rule(_ticket, "lagged"),
    "update_ticket": Rule(_ticket_updated, "repeatable", refusal_may_mean_found=True),
    "reply": Rule(_reply, "direct"),
    "add_participant": Rule(_participant, "repeatable", refusal_may_mean_found=True),
    "tag_conversation": Rule(_conversation_tag, "repeatable", refusal_may_mean_found=True),
    "update_conversation": Rule(_updated, "repeatable"),
    "untag_conversation": Rule(_untagged, "repeatable", refusal_may_mean_found=True),
    "detach_company": Rule(_detached, "repeatable", refusal_may_mean_found=True),
    "update_contact": Rule(_nothing, "repeatable"),
    "redact": Rule(_redacted, "repeatable", refusal_may_mean_found=True),
    "drop_conversation": Rule(_dropped, "repeatable", refusal_may_mean_found=True),
    "open": Rule(_in_state("open"), "repeatable", refusal_may_mean_found=True),
    "assign_admin": Rule(_assigned("admin"), "repeatable", refusal_may_mean_found=True),
    "assign_team": Rule(_assigned("team"), "repeatable", refusal_may_mean_found=True),
    "close": Rule(_in_state("closed"), "repeatable", refusal_may_mean_found=True),
    "snooze": Rule(_in_state("snoozed"), "repeatable", refusal_may_mean_found=True),
    "create_collection": Rule(_collection, "direct"),
    "update_collection": Rule(_nothing, "repeatable"),
    "create_article": Rule(_article, "direct"),
    "create_internal_article": Rule(_article, "direct"),
    "update_article": Rule(_nothing, "repeatable"),
    "update_internal_article": Rule(_nothing, "repeatable"),
    "unpublish_article": Rule(_nothing, "repeatable"),
    "tag_article": Rule(_article_tag, "repeatable", refusal_may_mean_found=True),
    "untag_article": Rule(_article_untagged, "repeatable", refusal_may_mean_found=True),
    "create_redirect": Rule(_redirect, "direct", refusal_may_mean_found=True),
    "undo_article": Rule(
        _removed(lambda client, one: client.article("article", one)), "repeatable", refusal_may_mean_found=True
    ),
    "undo_internal_article": Rule(
        _removed(lambda client, one: client.article("internal_article", one)), "repeatable", refusal_may_mean_found=True
    ),
    "undo_redirect": Rule(_no_redirect, "repeatable", refusal_may_mean_found=True),
    "undo_collection": Rule(_removed(IntercomClient.collection), "repeatable", refusal_may_mean_found=True),
    "undo_ticket": Rule(_dropped, "repeatable", refusal_may_mean_found=True),
    "undo_contact": Rule(_removed(IntercomClient.contact), "repeatable", refusal_may_mean_found=True),
    "undo_company": Rule(_removed(IntercomClient.company), "repeatable", refusal_may_mean_found=True),
    "undo_tag": Rule(_no_tag, "repeatable", refusal_may_mean_found=True),
}
"""Every kind of call that the loader sends."""
