"""Tickets: creating (at once or as a job), reading, replying, updating, tagging, deleting, converting into.

A ticket is a conversation row with a ticket type, so it shows up among the conversations under the same id.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import bodies, outbox, ticket_types
from migration_pipeline.sandbox.intercom.admins import require_admin
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.companies import require_company
from migration_pipeline.sandbox.intercom.contacts import USER_NOT_FOUND, add_contact, find_contact, require_contact
from migration_pipeline.sandbox.intercom.conversation_state import assign
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.parts import (
    Author,
    Part,
    add_part,
    admin_author,
    contact_author,
    operator,
    ticket_part,
)
from migration_pipeline.sandbox.intercom.payload import (
    flag,
    id_number,
    id_text,
    is_email,
    object_of,
    objects,
    timestamp,
)
from migration_pipeline.sandbox.intercom.replies import add_reply, read_reply, require_content
from migration_pipeline.sandbox.intercom.tags import tag_object, tagging_admin, untag_object
from migration_pipeline.sandbox.intercom.threads import change_thread, open_thread, remove_thread, require_thread
from migration_pipeline.sandbox.intercom.ticket_changes import (
    create_part,
    description_of,
    index_values,
    moved_values,
    set_state,
    set_values,
    ticket_columns,
)
from migration_pipeline.sandbox.intercom.ticket_shapes import ticket_json
from migration_pipeline.sandbox.intercom.uploads import uploads_of
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/tickets/{id}"
    return [
        Route("POST", "/tickets", partial(_create, ws)),
        Route("POST", "/tickets/enqueue", partial(_enqueue, ws)),
        Route("GET", "/jobs/status/{id}", partial(_job, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("POST", f"{one}/reply", partial(_reply, ws)),
        Route("POST", f"{one}/tags", partial(_tag, ws)),
        Route("DELETE", one + "/tags/{tag_id}", partial(_untag, ws)),
        Route("POST", "/conversations/{id}/convert", partial(_convert, ws)),
        Route("POST", f"{one}/change_type", partial(_change_type, ws)),
    ]


def require_ticket(ws: Workspace, ticket_id: Any) -> Row:
    """A ticket's row by id (never by its human number). 404 ticket_not_found."""
    row = ws.row("SELECT * FROM conversations WHERE id = ? AND ticket_type_id IS NOT NULL", id_number(ticket_id))
    if row is None:
        raise fail(404, "ticket_not_found", "Ticket not found")
    return row


def _answer(ws: Workspace, ticket_id: int, call: Call) -> Answer:
    return json_answer(ticket_json(ws, require_ticket(ws, ticket_id), version_of(call)))


def _create(ws: Workspace, call: Call) -> Answer:
    return _answer(ws, _add_ticket(ws, object_of(call), call.template), call)


def _enqueue(ws: Workspace, call: Call) -> Answer:
    # The ticket is there at once; only its job is pending for a while, which is all a client can rely on.
    ticket_id = _add_ticket(ws, object_of(call), call.template)
    ready_at = ws.clock.now() + ws.switches["job_delay_s"]
    job = ws.insert("jobs", {"resource_id": str(ticket_id), "ready_at": ready_at})
    return json_answer(_job_json(ws, {"id": job, "resource_id": str(ticket_id), "ready_at": ready_at}))


def _job(ws: Workspace, call: Call) -> Answer:
    row = ws.row("SELECT * FROM jobs WHERE id = ?", id_number(call.params["id"]))
    if row is None:
        raise fail(404, "job_not_found", "Job Not Found")
    return json_answer(_job_json(ws, row))


def _job_json(ws: Workspace, row: Row) -> Json:
    done = ws.clock.now() >= row["ready_at"]
    return {
        "type": "job",
        "id": str(row["id"]),
        "status": "success" if done else "pending",
        "url": f"{ws.base_url}/jobs/status/{row['id']}",
        "resource_type": "ticket",
        "resource_id": row["resource_id"] if done else None,
        "resource_url": f"{ws.base_url}/tickets/{row['resource_id']}" if done else None,
    }


def _add_ticket(ws: Workspace, body: Json, route: str) -> int:
    if body.get("ticket_type_id") is None:
        raise fail(400, "parameter_missing", "ticket_type_id is required", field="ticket_type_id")
    ticket_type = ticket_types.require_type(ws, body["ticket_type_id"])
    linked: int | None = None
    if body.get("conversation_to_link_id") is not None:
        if ticket_type["category"] == "Customer":
            raise invalid("conversation_to_link_id is not allowed for Customer tickets", "conversation_to_link_id")
        linked = require_thread(ws, body["conversation_to_link_id"])["id"]
    values = ticket_types.checked(ws, ticket_type["id"], body.get("ticket_attributes"))
    ticket_types.require_required(ws, ticket_type["id"], values)
    columns = ticket_columns(ws, ticket_type, values)
    if body.get("company_id") is not None:
        columns["company_id"] = require_company(ws, body["company_id"])["id"]
    columns.update(_assignment(ws, body.get("assignment")))
    created_at = bodies.dated(ws, body)
    contact = _ticket_contact(ws, body)
    bodies.refuse_older_than_contact(ws, contact, created_at)
    row = open_thread(
        ws,
        author=contact_author(contact),
        contact_ids=[contact["id"]],
        body=bodies.reply(ws, description_of(values), by_contact=False),
        created_at=created_at,
        columns=columns,
    )
    index_values(ws, row["id"], ticket_type["id"], values)
    create_part(ws, row)
    if linked is not None:
        ws.insert("links", {"ticket_id": row["id"], "conversation_id": linked})
    _tell(ws, row, body, "ticket created", route)
    return int(row["id"])


def _ticket_contact(ws: Workspace, body: Json) -> Row:
    given = objects(body, "contacts")
    if len(given) != 1:
        raise invalid("exactly one contact is required", "contacts")
    wanted = given[0]
    if wanted.get("id") is not None:
        return require_contact(ws, wanted["id"])
    if wanted.get("external_id") is not None:
        found = find_contact(ws, external_id=id_text(wanted["external_id"]))
        if found is None:
            raise missing(USER_NOT_FOUND)
        return found
    email = wanted.get("email")
    if not isinstance(email, str) or not is_email(email):
        raise invalid("a contact needs an id, an external_id or an email", "contacts")
    return find_contact(ws, email=email) or add_contact(ws, {"role": "user", "email": email})


def _assignment(ws: Workspace, given: Any) -> Row:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise invalid("assignment must be an object", "assignment")
    columns: Row = {}
    for kind, known in (("admin", ws.directory.admins), ("team", ws.directory.teams)):
        key = f"{kind}_assignee_id"
        if given.get(key) is None:
            continue
        number = id_number(given[key])
        if number is None or (number and number not in known):
            raise fail(404, "assignee_not_found", "Assignee not found")
        columns[key] = number
    return columns


def _get(ws: Workspace, call: Call) -> Answer:
    row = require_ticket(ws, call.params["id"])
    return json_answer(ticket_json(ws, row, version_of(call)))


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_ticket(ws, call.params["id"])
    body = object_of(call)
    author = operator(ws)
    if body.get("admin_id") is not None:
        found = require_admin(ws, body["admin_id"], code="assignee_not_found", message="Assignee not found")
        author = admin_author(found)
    values = ticket_types.checked(ws, row["ticket_type_id"], body.get("ticket_attributes"))
    state = None if body.get("ticket_state_id") is None else ticket_types.state_of(body["ticket_state_id"])
    if state and state.id == row["ticket_state_id"]:
        raise invalid("Cannot transition ticket to the same state", "ticket_state_id")
    changes: Row = {}
    if body.get("company_id") is not None:
        changes["company_id"] = require_company(ws, body["company_id"])["id"]
    if flag(body, "is_shared") is not None:
        changes["is_shared"] = body["is_shared"]
    change_thread(ws, row, changes)
    if values:
        set_values(ws, row, values)
    if state:
        set_state(ws, row, author, state)
    if body.get("assignee_id") is not None:
        _assign(ws, row, author, body["assignee_id"])
    _open_or_close(ws, row, author, flag(body, "open"), timestamp(body, "snoozed_until"))
    _tell(ws, row, body, "ticket updated", call.template)
    return _answer(ws, row["id"], call)


def _assign(ws: Workspace, row: Row, author: Author, assignee: Any) -> None:
    """`assignee_id` is an admin's or a team's id; which one, the id tells."""
    kind = "team" if id_number(assignee) in ws.directory.teams else "admin"
    part_type, changes, reference = assign(ws, row, kind, assignee)
    add_part(ws, row["id"], Part(part_type, author, ws.now(), row["state"], assigned_to=reference))
    change_thread(ws, row, {key: value for key, value in changes.items() if key.endswith("_assignee_id")})


def _open_or_close(ws: Workspace, row: Row, author: Author, wanted: bool | None, snoozed_until: int | None) -> None:
    """`open` is independent of the ticket's state; any update that does not close a ticket reopens it."""
    state = "closed" if wanted is False else "snoozed" if snoozed_until is not None else "open"
    if state == row["state"] and state != "snoozed":
        return
    part_type = {"closed": "close", "snoozed": "snoozed", "open": "open"}[state]
    add_part(ws, row["id"], Part(part_type, author, ws.now(), state))
    change_thread(ws, row, {"state": state, "snoozed_until": snoozed_until if state == "snoozed" else None})


def _delete(ws: Workspace, call: Call) -> Answer:
    row = require_ticket(ws, call.params["id"])
    remove_thread(ws, row, retain_metrics=True)
    return json_answer({"id": str(row["id"]), "object": "ticket", "deleted": True})


async def _reply(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    row = _replied(ws, call)
    by_contact = body.get("type") == "user"
    reply = read_reply(ws, body)
    if by_contact and ticket_types.require_type(ws, row["ticket_type_id"])["category"] == "Back-office":
        raise fail(400, "parameter_mismatch", "User replies are not allowed on Backoffice tickets")
    version = version_of(call)
    # attachment_files came with 2.16 for admins; a contact's are not described and are ignored.
    takes_files = ws.switches["ticket_contact_files"] == "accept" if by_contact else version >= "2.16"
    uploads = await uploads_of(body, ws.switches, files=takes_files)
    require_content(body, reply, uploads)
    row = _replied(ws, call)
    part_id = add_reply(ws, row, body, reply, uploads)
    skipped = {} if version < "2.15" else body
    if reply.contact is not None:
        if skipped.get("skip_notifications") is not True:
            outbox.tell_teammates(ws, "contact reply", call.template, row["id"])
    elif reply.part_type != "note":
        _tell(ws, row, skipped, reply.part_type, call.template)
    return json_answer(ticket_part(ws, part_id))


def _replied(ws: Workspace, call: Call) -> Row:
    row = ws.row("SELECT * FROM conversations WHERE id = ?", id_number(call.params["id"]))
    if row is None or row["ticket_type_id"] is None:
        raise missing()
    return row


def _tag(ws: Workspace, call: Call) -> Answer:
    row = require_ticket(ws, call.params["id"])
    body = object_of(call)
    return json_answer(tag_object(ws, "conversation", row["id"], body, tagging_admin(ws, body)))


def _untag(ws: Workspace, call: Call) -> Answer:
    row = require_ticket(ws, call.params["id"])
    tagging_admin(ws, object_of(call))
    return json_answer(untag_object(ws, "conversation", row["id"], call.params["tag_id"]))


def _convert(ws: Workspace, call: Call) -> Answer:
    row = require_thread(ws, call.params["id"])
    body = object_of(call)
    if row["ticket_type_id"] is not None:
        raise invalid("Conversation is already a ticket")
    if body.get("ticket_type_id") is None:
        raise fail(400, "parameter_missing", "ticket_type_id is required", field="ticket_type_id")
    ticket_type = ticket_types.require_type(ws, body["ticket_type_id"])
    if ticket_type["category"] != "Customer":
        raise invalid("Ticket type is not a customer ticket type")
    values = ticket_types.checked(ws, ticket_type["id"], body.get("attributes"))
    wanted = body.get("ticket_state_id")
    state = ticket_types.STATES[0] if wanted is None else ticket_types.state_of(wanted)
    columns = ticket_columns(ws, ticket_type, values, state)
    columns["title"] = columns["title"] or row["title"]
    change_thread(ws, row, columns)
    index_values(ws, row["id"], ticket_type["id"], values)
    converted = require_ticket(ws, row["id"])
    create_part(ws, {**converted, "created_at": ws.now()})
    # Nothing public says whether converting tells the contact; a migration has to assume it.
    _tell(ws, converted, {}, "conversation converted", call.template)
    return _answer(ws, row["id"], call)


def _change_type(ws: Workspace, call: Call) -> Answer:
    row = _replied(ws, call)
    body = object_of(call)
    for key in ("ticket_type_id", "ticket_state_id"):
        if body.get(key) is None:
            raise fail(400, "parameter_not_found", f"{key} is a required parameter")
    before = ticket_types.require_type(ws, row["ticket_type_id"])
    after = ticket_types.require_type(ws, body["ticket_type_id"])
    if after["id"] == before["id"]:
        raise invalid("Cannot change to the same ticket type")
    if after["category"] != before["category"]:
        raise invalid("The new ticket type must be of the same category", "ticket_type_id")
    state = ticket_types.state_of(body["ticket_state_id"])
    values = {**moved_values(ws, row, after), **ticket_types.checked(ws, after["id"], body.get("ticket_attributes"))}
    changes = {
        "ticket_type_id": after["id"],
        "ticket_attributes": dumps(values),
        "title": values.get("_default_title_"),
    }
    change_thread(ws, row, changes)
    index_values(ws, row["id"], after["id"], values)
    if state.id != row["ticket_state_id"]:
        set_state(ws, row, operator(ws), state)
    _tell(ws, row, body, "ticket type changed", call.template)
    return _answer(ws, row["id"], call)


def _tell(ws: Workspace, row: Row, body: Json, reason: str, route: str) -> None:
    """Without skip_notifications a ticket call tells the contact and the teammates."""
    if body.get("skip_notifications") is not True:
        outbox.tell_contacts(ws, row["id"], reason, route)
        outbox.tell_teammates(ws, reason, route, row["id"])
