"""Contacts: their life from creation over archiving to deletion, and who conflicts with whom.

How they are answered stands in `contact_shapes`, searching in `contact_search`, what hangs on them in `contact_links`.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom import attributes
from migration_pipeline.sandbox.intercom.admission import version_of
from migration_pipeline.sandbox.intercom.contact_shapes import contact_json, reference
from migration_pipeline.sandbox.intercom.errors import fail, invalid, missing
from migration_pipeline.sandbox.intercom.payload import flag, id_number, id_text, is_email, object_of, text, timestamp
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace, dumps, loads
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]

GRACE_S = 7 * 86_400
"""How long a deleted contact still holds its external_id."""

USER_NOT_FOUND = "User Not Found"


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    one = "/contacts/{id}"
    return [
        Route("POST", "/contacts", partial(_create, ws)),
        Route("POST", "/contacts/merge", partial(_merge, ws)),
        Route("GET", "/contacts/find_by_external_id/{external_id}", partial(_find_by_external_id, ws)),
        Route("GET", one, partial(_get, ws)),
        Route("PUT", one, partial(_update, ws)),
        Route("DELETE", one, partial(_delete, ws)),
        Route("POST", f"{one}/archive", partial(_archive, ws)),
        Route("POST", f"{one}/unarchive", partial(_unarchive, ws)),
        Route("POST", f"{one}/block", partial(_block, ws)),
    ]


def require_contact(ws: Workspace, contact_id: Any) -> Row:
    """An active contact by id. 404 "User Not Found"; 410 with a Link to the canonical one if it was merged."""
    row = ws.row("SELECT * FROM contacts WHERE id = ?", id_text(contact_id))
    if row and row["state"] == "merged":
        raise _gone(row)
    if row is None or row["state"] != "active":
        raise missing(USER_NOT_FOUND)
    return row


def find_contact(ws: Workspace, *, external_id: str | None = None, email: str | None = None) -> Row | None:
    """The active user of an external_id, or the newest active contact of an e-mail."""
    if external_id is not None:
        return ws.row(
            "SELECT * FROM contacts WHERE external_id = ? AND role = 'user' AND state = 'active'", external_id
        )
    return ws.row(
        "SELECT * FROM contacts WHERE email = ? COLLATE NOCASE AND state = 'active' ORDER BY role DESC, seq DESC", email
    )


def add_contact(ws: Workspace, row: Row) -> Row:
    """Store a new contact with the given columns and answer its row."""
    now = ws.now()
    fresh = {
        "id": ws.new_object_id("contact"),
        "born_at": ws.clock.now(),
        "created_at": now,
        "updated_at": now,
        **row,
    }
    if fresh["role"] == "lead":
        # A lead's external_id is the service's own; what a client sends is ignored.
        fresh["external_id"] = str(uuid.UUID(hex=ws.new_object_id("lead") + ws.new_object_id("lead")[:8]))
    ws.insert("contacts", fresh)
    return require_contact(ws, fresh["id"])


def _create(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    if not any(body.get(key) for key in ("email", "external_id", "role")):
        raise fail(400, "parameter_missing", "One of email, external_id or role is required")
    columns = _columns(ws, body)
    columns.setdefault("role", "user")
    _refuse_verified_without_email(columns.get("email_verified"), columns.get("email"))
    if columns["role"] == "user":
        if not columns.get("external_id") and not columns.get("email"):
            raise invalid("A user needs an external_id or an email")
        _refuse_duplicate(ws, columns.get("external_id"), columns.get("email"), own_id="")
    columns["custom_attributes"] = dumps(attributes.checked(ws, "contact", body.get("custom_attributes")))
    return json_answer(contact_json(ws, add_contact(ws, columns), version_of(call)))


def _get(ws: Workspace, call: Call) -> Answer:
    return json_answer(contact_json(ws, require_contact(ws, call.params["id"]), version_of(call)))


def _find_by_external_id(ws: Workspace, call: Call) -> Answer:
    external_id = call.params["external_id"]
    row = find_contact(ws, external_id=external_id)
    if row is None:
        merged = ws.row("SELECT * FROM contacts WHERE external_id = ? AND state = 'merged'", external_id)
        raise _gone(merged) if merged else missing(USER_NOT_FOUND)
    return json_answer(contact_json(ws, row, version_of(call)))


def _update(ws: Workspace, call: Call) -> Answer:
    row = require_contact(ws, call.params["id"])
    body = object_of(call)
    columns = _columns(ws, body)
    role = columns.get("role", row["role"])
    if row["role"] == "user" and role == "lead":
        raise fail(400, "client_error", "Contact with user role can't be converted to a lead")
    if role == "lead":
        columns.pop("external_id", None)
    else:
        became_user = row["role"] == "lead"
        external_id = columns.get("external_id", None if became_user else row["external_id"])
        if became_user:
            columns["external_id"] = external_id
        new_email = "email" in columns and columns["email"] != row["email"]
        if external_id != row["external_id"] or became_user or (new_email and not external_id):
            email = columns.get("email", row["email"]) if not external_id else None
            _refuse_duplicate(ws, external_id, email, own_id=row["id"])
    _refuse_verified_without_email(columns.get("email_verified"), columns.get("email", row["email"]))
    if body.get("custom_attributes") is not None:
        given = attributes.checked(ws, "contact", body["custom_attributes"])
        columns["custom_attributes"] = dumps({**loads(row["custom_attributes"]), **given})
    ws.update("contacts", "id", row["id"], {**columns, "updated_at": ws.now()})
    return json_answer(contact_json(ws, require_contact(ws, row["id"]), version_of(call)))


def _columns(ws: Workspace, body: Json) -> Row:
    """The columns that a create or update sets; only what the body names."""
    columns: Row = {}
    if body.get("role") is not None:
        if body["role"] not in ("user", "lead"):
            raise invalid("role must be either user or lead", "role")
        columns["role"] = body["role"]
    for key in ("email", "phone", "name", "avatar"):
        if key in body:
            columns[key] = text(body, key) or None
    if "external_id" in body:
        columns["external_id"] = id_text(body["external_id"])
    email = columns.get("email")
    if email and not is_email(email) and ws.switches["invalid_email"] == "reject":
        raise invalid(f"Invalid email address: {email}", "email")
    for key in ("signed_up_at", "last_seen_at"):
        if key in body:
            columns[key] = timestamp(body, key)
    if "owner_id" in body:
        columns["owner_id"] = _owner(ws, body["owner_id"])
    if flag(body, "unsubscribed_from_emails") is not None:
        columns["unsubscribed"] = body["unsubscribed_from_emails"]
    if flag(body, "email_verified") is not None:
        columns["email_verified"] = body["email_verified"]
    return columns


def _refuse_verified_without_email(verified: bool | None, email: str | None) -> None:
    if verified is not None and not email:
        raise invalid("email_verified can only be set with an email", "email_verified")


def _owner(ws: Workspace, value: Any) -> int | None:
    if value is None:
        return None
    owner = id_number(value)
    if owner not in ws.directory.admins:
        raise invalid("The owner specified is not a member of the workspace", "owner_id")
    return owner


def _refuse_duplicate(ws: Workspace, external_id: str | None, email: str | None, own_id: str) -> None:
    """409 where a user already holds this identity: external_id always, e-mail only for users without external_id."""
    if external_id:
        _conflict(
            ws,
            ws.rows("SELECT * FROM contacts WHERE external_id = ? AND role = 'user' AND id != ?", external_id, own_id),
        )
        if not email or ws.switches["email_with_new_external_id"] == "create":
            return
        only = "AND external_id IS NULL"
    else:
        only = ""
    if email:
        sql = f"SELECT * FROM contacts WHERE email = ? COLLATE NOCASE AND role = 'user' AND id != ? {only}"
        _conflict(ws, ws.rows(sql, email, own_id))


def _conflict(ws: Workspace, rows: list[Row]) -> None:
    for row in rows:
        if row["state"] == "active":
            raise fail(409, "conflict", f"A contact matching those details already exists with id={row['id']}")
    for row in rows:
        held = row["state"] == "archived" or (
            row["state"] == "deleted" and ws.clock.now() < row["deleted_at"] + GRACE_S
        )
        if held:
            text_ = f"An archived contact matching those details already exists with id={row['id']}"
            raise fail(409, "conflict", text_)


def _known(ws: Workspace, contact_id: str) -> Row:
    """A contact in any state but merged. 404 or 410 otherwise."""
    row = ws.row("SELECT * FROM contacts WHERE id = ?", contact_id)
    if row and row["state"] == "merged":
        raise _gone(row)
    if row is None:
        raise missing(USER_NOT_FOUND)
    return row


def _archive(ws: Workspace, call: Call) -> Answer:
    row = _known(ws, call.params["id"])
    if row["state"] == "deleted":
        raise missing(USER_NOT_FOUND)
    ws.update("contacts", "id", row["id"], {"state": "archived", "updated_at": ws.now()})
    return json_answer(reference(row, archived=True))


def _unarchive(ws: Workspace, call: Call) -> Answer:
    row = _known(ws, call.params["id"])
    if row["state"] == "deleted":
        raise fail(400, "not_restorable", "The contact was permanently deleted and cannot be restored")
    ws.update("contacts", "id", row["id"], {"state": "active", "updated_at": ws.now()})
    return json_answer(reference(row, archived=False))


def _block(ws: Workspace, call: Call) -> Answer:
    row = require_contact(ws, call.params["id"])
    ws.update("contacts", "id", row["id"], {"state": "archived", "updated_at": ws.now()})
    return json_answer(reference(row, blocked=True))


def _delete(ws: Workspace, call: Call) -> Answer:
    row = _known(ws, call.params["id"])
    if row["state"] == "deleted":
        raise missing(USER_NOT_FOUND)
    ws.update("contacts", "id", row["id"], {"state": "deleted", "deleted_at": ws.clock.now()})
    ws.db.execute("DELETE FROM contact_companies WHERE contact_id = ?", (row["id"],))
    return json_answer(reference(row, deleted=True))


def _merge(ws: Workspace, call: Call) -> Answer:
    body = object_of(call)
    source, target = require_contact(ws, body.get("from")), require_contact(ws, body.get("into"))
    if source["role"] != "lead" or target["role"] != "user":
        raise fail(400, "invalid_merge", "A lead can only be merged into a user")
    shared = any(source[key] and source[key] == target[key] for key in ("email", "phone"))
    if not shared and not flag(body, "skip_duplicate_validation"):
        text_ = (
            "Contacts can only be merged when they are duplicates (matching email or phone). "
            "Pass skip_duplicate_validation=true to override this check."
        )
        raise fail(400, "invalid_merge", text_)
    now = ws.now()
    old, new = source["id"], target["id"]
    for sql in (
        "UPDATE OR IGNORE participants SET contact_id = ? WHERE contact_id = ?",
        "UPDATE OR IGNORE contact_companies SET contact_id = ? WHERE contact_id = ?",
        "UPDATE notes SET object_id = ? WHERE kind = 'contact' AND object_id = ?",
        "UPDATE OR IGNORE taggings SET object_id = ? WHERE kind = 'contact' AND object_id = ?",
    ):
        ws.db.execute(sql, (new, old))
    ws.update("contacts", "id", old, {"state": "merged", "merged_into": new, "updated_at": now})
    item = {"type": "merge_history", "source_contact_id": old, "source_contact_role": "lead", "merged_at": now}
    history = dumps([*loads(target["merge_history"]), item])
    ws.update("contacts", "id", new, {"merge_history": history, "updated_at": now})
    return json_answer(contact_json(ws, require_contact(ws, new), version_of(call)))


def _gone(row: Row) -> Exception:
    link = f'</contacts/{row["merged_into"]}>; rel="canonical"'.encode()
    text_ = "This contact has been merged. See the 'Link' header for the canonical contact."
    return fail(410, "contact_merged", text_, headers=((b"link", link),))
