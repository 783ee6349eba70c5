"""What hangs on a contact: its companies, and the notes of contacts and companies. Tags stand in `tags`."""

from __future__ import annotations

from functools import partial
from typing import Any

from migration_pipeline.sandbox.intercom.admins import admin_json, require_admin
from migration_pipeline.sandbox.intercom.companies import company_json, require_company
from migration_pipeline.sandbox.intercom.contacts import require_contact
from migration_pipeline.sandbox.intercom.errors import fail, missing
from migration_pipeline.sandbox.intercom.html import has_markup, paragraphs
from migration_pipeline.sandbox.intercom.paging import number_pages, number_request
from migration_pipeline.sandbox.intercom.payload import id_number, object_of, text
from migration_pipeline.sandbox.intercom.workspace import Row, Workspace
from migration_pipeline.sandbox.wire import Answer, Call, Route, json_answer

Json = dict[str, Any]
MAX_COMPANIES = 1000


def routes(ws: Workspace) -> list[Route]:
    """The routes of this module."""
    contact, company = "/contacts/{id}", "/companies/{id}"
    return [
        Route("POST", f"{contact}/companies", partial(_attach, ws)),
        Route("GET", f"{contact}/companies", partial(_companies, ws)),
        Route("DELETE", contact + "/companies/{company_id}", partial(_detach, ws)),
        Route("POST", f"{contact}/notes", partial(_add_contact_note, ws)),
        Route("GET", f"{contact}/notes", partial(_contact_notes, ws)),
        Route("POST", f"{company}/notes", partial(_add_company_note, ws)),
        Route("GET", f"{company}/notes", partial(_company_notes, ws)),
        Route("GET", "/notes/{id}", partial(_note, ws)),
    ]


def _attach(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    wanted = object_of(call).get("id")
    if wanted is None:
        raise fail(400, "parameter_not_found", "company not specified")
    company = require_company(ws, wanted)
    key = (contact["id"], company["id"])
    if not ws.scalar("SELECT 1 FROM contact_companies WHERE contact_id = ? AND company_id = ?", *key):
        if ws.scalar("SELECT count(*) FROM contact_companies WHERE contact_id = ?", contact["id"]) >= MAX_COMPANIES:
            text_ = f"Contact has reached the maximum of {MAX_COMPANIES} company associations"
            raise fail(400, "contact_company_limit_exceeded", text_)
        ws.db.execute("INSERT INTO contact_companies (contact_id, company_id) VALUES (?, ?)", key)
    return json_answer(company_json(ws, company))


def _detach(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    company = require_company(ws, call.params["company_id"])
    ws.db.execute(
        "DELETE FROM contact_companies WHERE contact_id = ? AND company_id = ?", (contact["id"], company["id"])
    )
    return json_answer(company_json(ws, company))


def _companies(ws: Workspace, call: Call) -> Answer:
    contact = require_contact(ws, call.params["id"])
    asked = number_request(ws, call.query, 50, 50)
    total = ws.scalar("SELECT count(*) FROM contact_companies WHERE contact_id = ?", contact["id"])
    rows = ws.rows(
        "SELECT c.* FROM contact_companies cc JOIN companies c ON c.id = cc.company_id WHERE cc.contact_id = ? "
        "ORDER BY cc.seq LIMIT ? OFFSET ?",
        contact["id"],
        asked.per_page,
        asked.offset,
    )
    # Described as `companies`, shown by its example as `data`: a switch.
    key = ws.switches["contact_companies_key"]
    companies = [company_json(ws, row) for row in rows]
    pages = number_pages(ws, call, asked, total)
    return json_answer({"type": "list", key: companies, "pages": pages, "total_count": total})


def _add_contact_note(ws: Workspace, call: Call) -> Answer:
    return _add_note(ws, call, "contact", require_contact(ws, call.params["id"])["id"])


def _add_company_note(ws: Workspace, call: Call) -> Answer:
    return _add_note(ws, call, "company", require_company(ws, call.params["id"])["id"])


def _contact_notes(ws: Workspace, call: Call) -> Answer:
    return _notes(ws, call, "contact", require_contact(ws, call.params["id"])["id"])


def _company_notes(ws: Workspace, call: Call) -> Answer:
    return _notes(ws, call, "company", require_company(ws, call.params["id"])["id"])


def _add_note(ws: Workspace, call: Call, kind: str, object_id: str) -> Answer:
    body = object_of(call)
    given = text(body, "body")
    if not given:
        raise fail(400, "parameter_missing", "body is required", field="body")
    admin = require_admin(ws, body["admin_id"]) if body.get("admin_id") is not None else ws.directory.me
    stored = given if has_markup(given) else paragraphs(given, ws.switches["plain_text_newlines"])
    row = {"kind": kind, "object_id": object_id, "admin_id": admin.id, "body": stored, "created_at": ws.now()}
    return json_answer(_note_json(ws, {"id": ws.insert("notes", row), **row}))


def _notes(ws: Workspace, call: Call, kind: str, object_id: str) -> Answer:
    asked = number_request(ws, call.query, 50, 50)
    total = ws.scalar("SELECT count(*) FROM notes WHERE kind = ? AND object_id = ?", kind, object_id)
    rows = ws.rows(
        "SELECT * FROM notes WHERE kind = ? AND object_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
        kind,
        object_id,
        asked.per_page,
        asked.offset,
    )
    data = [_note_json(ws, row) for row in rows]
    return json_answer(
        {"type": "list", "data": data, "total_count": total, "pages": number_pages(ws, call, asked, total)}
    )


def _note(ws: Workspace, call: Call) -> Answer:
    row = ws.row("SELECT * FROM notes WHERE id = ?", id_number(call.params["id"]))
    if row is None:
        raise missing()
    return json_answer(_note_json(ws, row))


def _note_json(ws: Workspace, row: Row) -> Json:
    return {
        "type": "note",
        "id": str(row["id"]),
        "created_at": row["created_at"],
        row["kind"]: {"type": row["kind"], "id": row["object_id"]},
        "author": admin_json(ws.directory.admins[row["admin_id"]]),
        "body": row["body"],
    }
