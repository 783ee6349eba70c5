"""The calls that build a record in Intercom, one `Step` each: what is meant, what is sent, how it is recognized.

Belongs here: request bodies (Intercom OpenAPI 2.16) and what of them is hashed. Does not belong here: sending and
journaling (`writer`), asking whether a call was applied (`reconcile`), or the order of calls (`people`, `threads`, …).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from migration_pipeline.journal.rows import Loss
from migration_pipeline.model.errors import InDoubt, Rejected
from migration_pipeline.target.canonical import body_hash, short_hash

Json = dict[str, Any]
Adapted = Mapping[str, Any]
"""How what is sent differs from what was meant: facts without texts, kept in the journal with the operation."""


def _as_meant(adapted: Adapted) -> str | None:
    del adapted
    return None


def _no_losses(adapted: Adapted) -> tuple[Loss, ...]:
    del adapted
    return ()


def _no_way(refusal: Rejected, adapted: Adapted) -> Adapted | None:
    del refusal, adapted
    return None


def _own_id(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str | None:
    """The id of the object that the answer is."""
    del adapted, owned
    if answer.get("id") in (None, ""):
        raise InDoubt("an answer without an id")
    return str(answer["id"])


Relation = Literal["contact", "conversation"]


@dataclass(frozen=True)
class Predates:
    """What the date of a message may be older than, and whether it is: that takes a look at the journal."""

    relation: Relation
    holds: Callable[[], bool]


@dataclass(frozen=True)
class Step:
    """One writing call."""

    name: str  # the tail of the operation's key: `part/12`
    kind: str  # the rule of `reconcile` that applies
    method: str
    route: str
    payload: Json  # what is meant; an operation whose hash differs was sent under another mapping
    target_object: str | None = None  # fills `{id}` of the route
    start: Adapted = field(default_factory=dict)
    body: Callable[[Adapted], Json] | None = None  # what is sent; the payload where None
    identity: Callable[[Adapted], str | None] = _as_meant
    reserves: Callable[[Adapted], str | None] = _as_meant
    result: Callable[[Json, Adapted, frozenset[str]], str | None] = _own_id
    losses: Callable[[Adapted], tuple[Loss, ...]] = _no_losses
    adapt: Callable[[Rejected, Adapted], Adapted | None] = _no_way  # another way to send it after a refusal
    predates: Predates | None = None

    @property
    def path(self) -> str:
        """The route with the id of its object."""
        return self.route.replace("{id}", quote(self.target_object or "", safe=""))

    @property
    def payload_hash(self) -> str:
        """The hash that the journal keeps."""
        return short_hash(self.payload)

    def request(self, adapted: Adapted) -> Json:
        """The body to send."""
        return self.payload if self.body is None else self.body(adapted)


AGAIN: Final = "again"
"""Key of `Adapted`: how many times a step was sent again unchanged, because its object may just not be visible yet."""


def soon(refusal: Rejected, adapted: Adapted) -> Adapted | None:
    """Send again after a 404: a contact may take a moment to be known everywhere (Intercom OpenAPI 2.16, messages)."""
    times = int(adapted.get(AGAIN, 0))
    unseen = refusal.status == 404 and re.search(r"(?i)\b(user|contact)\b", refusal.message)
    return {**adapted, AGAIN: times + 1} if unseen and times < 5 else None


def create_tag(name: str) -> Step:
    """Find or create a tag."""
    return Step("create", "create_tag", "POST", "/tags", {"name": name})


def create_attribute(model: str, body: Json) -> Step:
    """Create an attribute of conversations, contacts or companies."""
    if model == "conversation":
        return Step("create", "create_conversation_attribute", "POST", "/conversations/attributes", body)
    return Step("create", "create_data_attribute", "POST", "/data_attributes", {**body, "model": model}, result=_any_id)


def add_option(attribute_id: str, label: str) -> Step:
    """Add a value to a list attribute of conversations."""
    return Step(
        f"option/{short_hash(label)}",
        "add_option",
        "POST",
        "/conversations/attributes/{id}/options",
        {"label": label},
        attribute_id,
        result=_object_itself(attribute_id),
    )


def upsert_company(body: Json) -> Step:
    """Create a company, or bring it up to date: `company_id` is its key."""
    return Step("create", "upsert_company", "POST", "/companies", body)


def create_contact(body: Json) -> Step:
    """Create a user. Where Intercom refuses an e-mail address or a phone number, the contact goes without it."""

    def request(adapted: Adapted) -> Json:
        return {name: value for name, value in body.items() if name not in adapted.get("without", ())}

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        without = list(adapted.get("without", ()))
        if refusal.status in (400, 422):
            for name in ("phone", "email"):
                if name in body and name not in without and name in refusal.message.lower():
                    return {**adapted, "without": [*without, name]}
        return None

    def losses(adapted: Adapted) -> tuple[Loss, ...]:
        codes = {"email": "email_dropped", "phone": "value_dropped"}
        return tuple((codes[name], f"the target refused the {name}") for name in adapted.get("without", ()))

    return Step("create", "create_contact", "POST", "/contacts", body, body=request, adapt=adapt, losses=losses)


def unarchive_contact(contact_id: str) -> Step:
    """Bring an archived contact back."""
    return Step(
        "unarchive", "unarchive_contact", "POST", "/contacts/{id}/unarchive", {}, contact_id,
        result=_object_itself(contact_id),
    )  # fmt: skip


def refresh_contact(contact_id: str, body: Json, found: Json) -> Step:
    """Make a contact that was brought back look as a new one would: what `body` lacks is emptied."""
    custom = {name: None for name, value in (found.get("custom_attributes") or {}).items() if value is not None}
    empty = {name: None for name in ("email", "phone", "name") if found.get(name)}
    wanted = {**empty, **body}
    if custom or "custom_attributes" in body:
        wanted["custom_attributes"] = {**custom, **body.get("custom_attributes", {})}
    return Step(
        "refresh", "refresh_contact", "PUT", "/contacts/{id}", wanted, contact_id, result=_object_itself(contact_id)
    )


def claim_contact(contact_id: str, external_id: str) -> Step:
    """Give a contact that has no external id ours; a lead becomes a user by it."""
    return Step(
        "external_id", "claim_contact", "PUT", "/contacts/{id}", {"role": "user", "external_id": external_id},
        contact_id, losses=lambda _: (("shared_contact", f"contact {contact_id} was there before"),),
    )  # fmt: skip


def attach_company(contact_id: str, source_ref: str, company_id: str) -> Step:
    """Make a contact belong to a company."""
    return Step(
        f"company/{source_ref}", "attach_company", "POST", "/contacts/{id}/companies", {"id": company_id}, contact_id,
        adapt=soon, result=_object_itself(contact_id),
    )  # fmt: skip


def tag_contact(contact_id: str, name: str, tag_id: str) -> Step:
    """Put a tag on a contact."""
    return Step(
        f"tag/{name}", "tag_contact", "POST", "/contacts/{id}/tags", {"id": tag_id}, contact_id,
        adapt=soon, result=_object_itself(contact_id),
    )  # fmt: skip


def untag_contact(contact_id: str, tag_id: str) -> Step:
    """Take a tag off a contact."""
    return Step(
        "untag", "untag_contact", "DELETE", f"/contacts/{{id}}/tags/{quote(tag_id, safe='')}", {}, contact_id,
        start={"tag": tag_id}, result=_object_itself(contact_id),
    )  # fmt: skip


def tag_company(company_id: str, name: str, tag_id: str) -> Step:
    """Put a tag on a company: the call names the tag, and the company beside it."""
    return _company_tag(f"tag/{name}", "tag_company", company_id, name, {"tag": tag_id}, {})


def untag_company(company_id: str, name: str, tag_id: str) -> Step:
    """Take a tag off a company."""
    return _company_tag("untag", "untag_company", company_id, name, {"tag": tag_id}, {"untag": True})


def _company_tag(step: str, kind: str, company_id: str, name: str, start: Adapted, more: Json) -> Step:
    body = {"name": name, "companies": [{"id": company_id, **more}]}
    return Step(
        step, kind, "POST", "/tags", body, company_id, start=start, body=lambda _: body,
        result=_object_itself(company_id),
    )  # fmt: skip


def add_note(kind: str, object_id: str, html: str, admin_id: str) -> Step:
    """Write a note about a `contact` or a `company`; whether it is there is told by its text."""
    routes = {"contact": "/contacts/{id}/notes", "company": "/companies/{id}/notes"}
    return Step(
        "note", f"note_{kind}", "POST", routes[kind], {"body": html, "admin_id": admin_id}, object_id,
        identity=lambda _: body_hash(html),
    )  # fmt: skip


def add_participant(conversation_id: str, source_ref: str, contact_id: str, admin_id: str) -> Step:
    """Add a contact to a conversation."""
    return Step(
        f"participant/{source_ref}",
        "add_participant",
        "POST",
        "/conversations/{id}/customers",
        {"admin_id": admin_id, "customer": {"intercom_user_id": contact_id}},
        conversation_id,
        adapt=soon,
        result=_object_itself(conversation_id),
    )


def tag_conversation(conversation_id: str, name: str, tag_id: str, admin_id: str) -> Step:
    """Put a tag on a conversation."""
    return Step(
        f"tag/{name}",
        "tag_conversation",
        "POST",
        "/conversations/{id}/tags",
        {"id": tag_id, "admin_id": admin_id},
        conversation_id,
        result=_object_itself(conversation_id),
    )


def untag_conversation(conversation_id: str, tag_id: str, admin_id: str) -> Step:
    """Take a tag off a conversation."""
    return Step(
        "untag", "untag_conversation", "DELETE", f"/conversations/{{id}}/tags/{quote(tag_id, safe='')}",
        {"admin_id": admin_id}, conversation_id,
        start={"tag": tag_id}, body=lambda _: {"admin_id": admin_id}, result=_object_itself(conversation_id),
    )  # fmt: skip


def detach_company(contact_id: str, company_id: str) -> Step:
    """Make a contact belong to a company no more."""
    return Step(
        "detach", "detach_company", "DELETE", f"/contacts/{{id}}/companies/{quote(company_id, safe='')}", {},
        contact_id, start={"company": company_id}, result=_object_itself(contact_id),
    )  # fmt: skip


def update_contact(contact_id: str, body: Json) -> Step:
    """Change a contact. Where Intercom refuses an e-mail address or a phone number, the rest is changed without it."""
    return replace(
        create_contact(body), name="profile", kind="update_contact", method="PUT", route="/contacts/{id}",
        target_object=contact_id, result=_object_itself(contact_id),
    )  # fmt: skip


def redact(conversation_id: str, kind: str, message_id: str) -> Step:
    """Make a message unreadable for good: a `conversation_part`, or the `source` that opened the conversation."""
    key = "source_id" if kind == "source" else "conversation_part_id"
    return Step(
        f"redact/{message_id}", "redact", "POST", "/conversations/redact",
        {"type": kind, "conversation_id": conversation_id, key: message_id}, conversation_id,
        result=_object_itself(conversation_id),
    )  # fmt: skip


def drop_conversation(conversation_id: str) -> Step:
    """Delete a conversation; what statistics counted of it stays."""
    return Step(
        "drop", "drop_conversation", "DELETE", "/conversations/{id}", {}, conversation_id,
        result=_object_itself(conversation_id),
    )  # fmt: skip


def reopen(conversation_id: str, admin_id: str) -> Step:
    """Open a conversation again."""
    return _manage(conversation_id, "open", {"message_type": "open", "admin_id": admin_id})


def assign(conversation_id: str, kind: str, assignee_id: str, admin_id: str) -> Step:
    """Assign a conversation to an `admin` or a `team`; two calls where both are meant."""
    return _manage(
        conversation_id,
        f"assign_{kind}",
        {"message_type": "assignment", "type": kind, "admin_id": admin_id, "assignee_id": assignee_id},
    )


def close(conversation_id: str, admin_id: str) -> Step:
    """Close a conversation, without a word to anybody."""
    return _manage(conversation_id, "close", {"message_type": "close", "type": "admin", "admin_id": admin_id})


def snooze(conversation_id: str, admin_id: str, until: int) -> Step:
    """Snooze a conversation until a time (UTC seconds), which is no part of what is meant: it depends on today."""
    meant = {"message_type": "snoozed", "admin_id": admin_id}
    return _manage(conversation_id, "snooze", meant, lambda _: {**meant, "snoozed_until": until})


def _manage(conversation_id: str, name: str, payload: Json, body: Callable[[Adapted], Json] | None = None) -> Step:
    return Step(
        name, name, "POST", "/conversations/{id}/parts", payload, conversation_id, body=body,
        result=_object_itself(conversation_id),
    )  # fmt: skip


def delete_conversation(conversation_id: str, mark: str) -> Step:
    """Delete a conversation; keeping what reports count of it needs no scope of its own."""
    return _removal("undo_ticket", "DELETE", "/conversations/{id}?retain_metrics=true", conversation_id, mark)


def archive_contact(contact_id: str, mark: str) -> Step:
    """Archive a contact: it can be brought back, and so can its external id."""
    return _removal("undo_contact", "POST", "/contacts/{id}/archive", contact_id, mark)


def delete_company(company_id: str, mark: str) -> Step:
    """Delete a company."""
    return _removal("undo_company", "DELETE", "/companies/{id}", company_id, mark)


def delete_tag(tag_id: str, mark: str) -> Step:
    """Delete a tag; Intercom refuses while anything carries it."""
    return _removal("undo_tag", "DELETE", "/tags/{id}", tag_id, mark)


def _removal(kind: str, method: str, route: str, object_id: str, mark: str) -> Step:
    """`mark` tells the removals of a record from each other: it may be made and removed more than once."""
    return Step(f"undo/{mark}", kind, method, route, {}, object_id, result=_object_itself(object_id))


def update_conversation(
    conversation_id: str, name: str, payload: Json, other_spelling: Callable[[Json], Json] | None = None
) -> Step:
    """Set title, company and attributes in one call.

    Whether list attributes take labels or option ids is described both ways: `other_spelling` gives the payload in the
    way that was not tried first, for a refusal.
    """

    def request(adapted: Adapted) -> Json:
        return other_spelling(payload) if other_spelling and adapted.get("spelling") == "other" else payload

    def adapt(refusal: Rejected, adapted: Adapted) -> Adapted | None:
        again = refusal.status in (400, 422) and other_spelling is not None and "spelling" not in adapted
        return {**adapted, "spelling": "other"} if again else None

    return Step(
        name, "update_conversation", "PUT", "/conversations/{id}", payload, conversation_id,
        body=request, adapt=adapt, result=_object_itself(conversation_id),
    )  # fmt: skip


def _any_id(answer: Json, adapted: Adapted, owned: frozenset[str]) -> str | None:
    """The id where the answer has one: attributes of contacts and companies are named, not numbered."""
    del adapted, owned
    found = answer.get("id") or answer.get("name")
    if not found:
        raise InDoubt("an answer without an id")
    return str(found)


def _object_itself(object_id: str) -> Callable[[Json, Adapted, frozenset[str]], str | None]:
    """The id of the object that the call changed, whatever the answer is."""
    return lambda *_: object_id
