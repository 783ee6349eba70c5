"""The calls that build an Intercom ticket and its type, one `Step` each.

Belongs here: request bodies of tickets (Intercom OpenAPI 2.16). Does not belong here: their order
(`loading.tickets`), or asking whether a call was applied (`reconcile`).

A ticket is a conversation too, under the same id: what both have in common (replies, tags) has the same kind of call,
and the route tells which of the two it was sent to.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.journal.rows import Loss
from migration_pipeline.model.errors import Rejected
from migration_pipeline.target import messages
from migration_pipeline.target.canonical import plain_hash, short_hash
from migration_pipeline.target.dates import about_date, dated, moved, names_created_at, undated
from migration_pipeline.target.messages import (
    NOTED,
    Reply,
    about_length,
    clipped,
    opener_text,
    shorter,
)
from migration_pipeline.target.reading import DESCRIPTION, TITLE
from migration_pipeline.target.steps import Adapted, Json, Step, soon

BARE = "bare"
"""Key of `Adapted`: the ticket was made without all that may be set later, because something of it was refused."""


@dataclass(frozen=True)
class NewTicket:
    """A ticket that is to be made, in the target's ids."""

    type_id: str
    contact_id: str
    key: str  # `<source kind>:<id>`
    key_attribute: tuple[str, str]  # id and name of the attribute that holds it
    title: str | None
    text: str
    created_at: int  # UTC seconds
    comment_ref: str | None  # whose words the text is; None where nobody said them
    attributes: Json  # list values by option id
    company_id: str | None
    admin_id: str | None
    team_id: str | None


def create_type(body: Json) -> Step:
    """Create a ticket type."""
    meant = {name: body[name] for name in ("name", "description", "category")}
    return Step("create", "create_ticket_type", "POST", "/ticket_types", meant)


def create_type_attribute(type_id: str, attribute: Json) -> Step:
    """Create an attribute of a ticket type that teammates alone see; the key is nothing they would fill in."""
    name = attribute["name"]
    body: Json = {name_: attribute[name_] for name_ in ("name", "description", "data_type")}
    if attribute["options"]:
        body["list_items"] = ",".join(attribute["options"])
    if attribute["multiline"]:
        body["multiline"] = True
    body |= {"visible_to_contacts": False, "visible_on_create": name != KEY_ATTRIBUTE}
    return Step(
        f"attribute/{short_hash(name.casefold())}",
        "create_ticket_attribute",
        "POST",
        "/ticket_types/{id}/attributes",
        body,
        type_id,
    )


def extend_type_attribute(type_id: str, attribute_id: str, options: list[str]) -> Step:
    """Have a list attribute offer these options; those that it has keep their ids."""
    return Step(
        f"options/{attribute_id}/{short_hash(options)}",
        "update_ticket_attribute",
        "PUT",
        f"/ticket_types/{{id}}/attributes/{quote(attribute_id, safe='')}",
        {"list_items": ",".join(options)},
        type_id,
    )


def create_ticket(new: NewTicket) -> Step:
    """Create a ticket with all that it can carry from birth; nobody is told."""
    facts: Json = {
        "contact": new.contact_id,
        "created_at": new.created_at,
        "comment": new.comment_ref,
        "type": new.type_id,
        "key": new.key,
        "key_attribute": new.key_attribute[0],
    }

    def request(adapted: Adapted) -> Json:
        attributes = {DESCRIPTION: opener_text(new.text, adapted), new.key_attribute[1]: new.key}
        if new.title:
            attributes[TITLE] = new.title
        body: Json = {
            "ticket_type_id": new.type_id,
            "contacts": [{"id": new.contact_id}],
            **dated(adapted),
            "skip_notifications": True,
        }
        if BARE in adapted:
            return body | {"ticket_attributes": attributes}
        assignment = {
            name: value
            for name, value in (("admin_assignee_id", new.admin_id), ("team_assignee_id", new.team_id))
            if value is not None
        }
        return {
            **body,
            "ticket_attributes": {**new.attributes, **attributes},
            **({"assignment": assignment} if assignment else {}),
            **({"company_id": new.company_id} if new.company_id else {}),
        }

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        now = int(time.time())
        if about_length(refusal) or refusal.status == 413:
            return shorter(refusal, adapted, new.text)
        if refusal.status in (400, 422) and adapted["created_at"] > now:
            return {**adapted, "created_at": now}
        again = soon(refusal, adapted)
        if again is not None:
            return again
        without_date = undated(refusal, adapted)
        if names_created_at(refusal) and without_date is not None:
            return without_date
        bare = refusal.status in (400, 404, 422) and BARE not in adapted
        return {**adapted, BARE: True} if bare else without_date

    def losses(adapted: Adapted) -> tuple[Loss, ...]:
        what = "the description"
        return (*moved(what, new.created_at, adapted), *clipped(what, adapted))

    return Step(
        "create",
        "create_ticket",
        "POST",
        "/tickets",
        {**facts, "title": new.title, "body": short_hash(new.text), "attributes": new.attributes}
        | {"company": new.company_id, "admin": new.admin_id, "team": new.team_id},
        start=facts,
        body=request,
        identity=lambda adapted: plain_hash(opener_text(new.text, adapted)),
        # As a conversation does: a ticket is one too, and the two must not be taken for each other.
        reserves=lambda adapted: f"conversation:{adapted['contact']}:{adapted['created_at']}",
        losses=losses,
        adapt=adapt,
    )


def reply(
    ticket_id: str,
    part: Reply,
    not_before: int,
    blob: Callable[[str], bytes],
    ticket: Callable[[str], Json | None],
    admin_id: str,
    undated_before: int = 0,
) -> Step:
    """Add a part to a ticket, see `messages.reply`; nobody is told.

    What a contact says becomes a note of `admin_id` that names them, where Intercom refuses it from the contact: a
    ticket has one contact and no participants.
    """
    step = messages.reply(ticket_id, part, not_before, blob, ticket, undated_before)
    noted = messages.as_note(part, admin_id)
    instead = messages.reply(ticket_id, noted, not_before, blob, ticket, undated_before)

    def chosen(adapted: Adapted) -> Step:
        return instead if NOTED in adapted else step

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        may_be_noted = part.author_kind == "contact" and NOTED not in adapted and not about_date(refusal)
        if may_be_noted and refusal.status in (400, 404, 422):
            return {**adapted, NOTED: admin_id}
        return chosen(adapted).adapt(refusal, adapted)

    def losses(adapted: Adapted) -> tuple[Loss, ...]:
        told = (("author_replaced", f"message {part.position + 1}: {part.said_by}"),) if NOTED in adapted else ()
        return (*chosen(adapted).losses(adapted), *told)

    def result(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str | None:
        del adapted, owned
        return str(answer["id"]) if answer.get("id") else None

    return replace(
        step,
        route="/tickets/{id}/reply",
        body=lambda adapted: {**chosen(adapted).request(adapted), "skip_notifications": True},
        identity=lambda adapted: messages.identity_of(part, adapted),
        result=result,
        losses=losses,
        adapt=adapt,
    )


def update(ticket_id: str, name: str, payload: Json) -> Step:
    """Change a ticket: attributes, company, assignee, or its state and whether it is open; nobody is told.

    A state that it is in already is refused (field reports): then only whether it is open is set.
    """

    def request(adapted: Adapted) -> Json:
        left = {key: value for key, value in payload.items() if not (adapted.get("same") and key == "ticket_state_id")}
        return {**left, "skip_notifications": True}

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        again = refusal.status in (400, 422) and "ticket_state_id" in payload and "open" in payload
        return {**adapted, "same": True} if again and "same" not in adapted else None

    return Step(
        name, "update_ticket", "PUT", "/tickets/{id}", payload, ticket_id,
        body=request, adapt=adapt, result=_itself(ticket_id),
    )  # fmt: skip


def tag(ticket_id: str, name: str, tag_id: str, admin_id: str) -> Step:
    """Put a tag on a ticket."""
    return Step(
        f"tag/{name}", "tag_conversation", "POST", "/tickets/{id}/tags", {"id": tag_id, "admin_id": admin_id},
        ticket_id, result=_itself(ticket_id),
    )  # fmt: skip


def untag(ticket_id: str, tag_id: str, admin_id: str) -> Step:
    """Take a tag off a ticket."""
    return Step(
        "untag", "untag_conversation", "DELETE", f"/tickets/{{id}}/tags/{quote(tag_id, safe='')}",
        {"admin_id": admin_id}, ticket_id,
        start={"tag": tag_id}, body=lambda _: {"admin_id": admin_id}, result=_itself(ticket_id),
    )  # fmt: skip


def drop(ticket_id: str) -> Step:
    """Delete a ticket whose source was deleted."""
    return Step("drop", "drop_conversation", "DELETE", "/tickets/{id}", {}, ticket_id, result=_itself(ticket_id))


def delete(ticket_id: str, mark: str) -> Step:
    """Delete a ticket that a roll-back takes back; see `steps.delete_conversation`."""
    return Step(f"undo/{mark}", "undo_ticket", "DELETE", "/tickets/{id}", {}, ticket_id, result=_itself(ticket_id))


def _itself(ticket_id: str) -> Callable[[Any, Any, Any], str | None]:
    return lambda *_: ticket_id
