"""What update events and audits tell besides comments: changes of a ticket's fields, and talks that were chats.

Belongs here: pure functions from the service's objects to rows, the same rows from either road. Does not belong here:
comments and flags (`shapes`), calls, or storing. Whatever comes, nothing here raises.

Texts of messages are left out, whichever event repeats them (a notification, the description of a new ticket): what is
redacted in a comment must not live on in a note about it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from migration_pipeline.sources.zendesk import shapes
from migration_pipeline.staging.snapshots import Row

_FIELDS: Final = frozenset(
    {
        "status",
        "custom_status_id",
        "priority",
        "type",
        "assignee_id",
        "group_id",
        "requester_id",
        "organization_id",
        "brand_id",
        "ticket_form_id",
        "problem_id",
        "due_at",
        "subject",
    }
)
"""Fields of tickets whose changes are told; those of custom fields are told by their ids, those of tags as tags."""

_PEOPLE: Final = {
    "EmailCcChange": ("previous_email_ccs", "current_email_ccs"),
    "FollowerChange": ("previous_followers", "current_followers"),
}
_HISTORIES: Final = frozenset({"ChatStartedEvent", "ChatEndedEvent"})


def changes_of(updates: Iterable[Any]) -> list[Row]:
    """A row for each update event, or audit, that changed a ticket: who, when, and each field before and after.

    What a new ticket begins with is no change. Row ids are `<ticket>/<event>`, the same on both roads.
    """
    rows = []
    for ticket, event, update, children in _updates(updates):
        told = [change for child in children for change in _changes(child)]
        if told:
            author = update.get("updater_id", update.get("author_id"))
            written = update.get("created_at")
            payload = {"ticket_id": ticket, "author_id": author, "created_at": written, "changes": told}
            rows.append(Row(f"{ticket}/{event}", shapes.moment(written), payload))
    return rows


def chats_of(updates: Iterable[Any]) -> list[Row]:
    """The talks that came as part of update events, the last telling of each."""
    rows = {}
    for ticket, event, update, children in _updates(updates):
        for child in children:
            if _names(child) & _HISTORIES and isinstance(shapes.field(child.get("value"), "history"), list):
                value = child["value"]
                chat = value.get("chat_id") or event
                payload = {"ticket_id": ticket, "history": value["history"], "channel": value.get("channel")}
                rows[f"{ticket}/{chat}"] = Row(f"{ticket}/{chat}", shapes.moment(update.get("created_at")), payload)
    return list(rows.values())


def _updates(updates: Iterable[Any]) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
    for update in updates:
        ticket, event = (shapes.usable_id(shapes.field(update, name)) for name in ("ticket_id", "id"))
        children = shapes.field(update, "child_events")
        if children is None:
            children = shapes.field(update, "events")
        if ticket is not None and event is not None and isinstance(children, list):
            yield ticket, event, update, [child for child in children if isinstance(child, dict)]


def _names(child: Mapping[str, Any]) -> set[str]:
    """An update event tells its kind as `event_type`, an audit as `type`, which may also be the type of a ticket."""
    name = child.get("event_type", child.get("type"))
    return {name} if isinstance(name, str) else set()


def _changes(child: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = _names(child)
    if "Change" in names:
        yield from _field_changes(child)
    elif names & _PEOPLE.keys():
        for name in names & _PEOPLE.keys():
            before, after = (_texts(child.get(key)) for key in _PEOPLE[name])
            yield _change("cc" if name == "EmailCcChange" else "followers", before, after)
    elif "MacroReference" in names and isinstance(child.get("macro_title"), str):
        yield _change("macro", None, child["macro_title"])


def _field_changes(child: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    before = child.get("previous_value")
    if isinstance(name := child.get("field_name"), str):  # an audit
        values = {name: child.get("value")}
    else:
        custom = child.get("custom_ticket_fields")
        values = dict(custom) if isinstance(custom, dict) else {}
        values |= {name: child[name] for name in (*_FIELDS, "tags") if name in child and name != "type"}
        if "type" in child and child["type"] != "Change":
            values["type"] = child["type"]
    for name, value in values.items():
        if name == "tags":
            yield _change("tags", _texts(before), _texts(value))
        elif name in _FIELDS or shapes.usable_id(name):
            yield _change(name, before, value)


def _change(field: str, before: Any, after: Any) -> dict[str, Any]:
    return {"field": field, "before": _flat(before), "after": _flat(after)}


def _flat(value: Any) -> list[str]:
    """A value as texts, none for nothing: the roads spell the same value as number, text or list."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [text for item in value for text in _flat(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)] if isinstance(value, str | int | float) else []


def _texts(value: Any) -> list[str]:
    """Tags or addresses; an audit tells tags as one text at times."""
    if isinstance(value, str):
        value = value.split()
    return sorted(set(_flat(value)))
