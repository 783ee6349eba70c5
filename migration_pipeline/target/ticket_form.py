"""A thread as an Intercom ticket: what of a conversation's payload is said in another way there.

A payload row is always that of a conversation, so that a record which was made as one stays one when rules change. A
ticket has no participants: people in copy are named in an attribute. A contact's message there carries no files of its
own (Intercom OpenAPI 2.16, replyTicket): a note after it does, and names whose they are.

Belongs here: that translation, pure, for payload rows. Does not belong here: which tickets become tickets
(`ticket_rules`), or calls (`loading.tickets`).
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import orjson

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.target.html import escape
from migration_pipeline.target.ticket_rules import copied_attribute
from migration_pipeline.target.transcripts import line_of

Row = dict[str, Any]


def ticket_row(row: Mapping[str, Any]) -> Row:
    """The payload row of a ticket, with its people in copy among the attributes."""
    attributes = orjson.loads(row["attributes"] or "{}")
    if row["in_copy"]:
        attributes.setdefault(copied_attribute(source_name(row)), "\n".join(row["in_copy"]))
    return {**row, "participant_refs": [], "attributes": orjson.dumps(attributes).decode()}


def ticket_parts(row: Mapping[str, Any], parts: Iterable[Mapping[str, Any]], admin_id: str) -> list[Row]:
    """The parts of a ticket: files of a contact's comment follow its text in notes of `admin_id`, at its second."""
    origin = source_name(row)
    found: list[Row] = []
    for _, said in groupby(parts, key=lambda part: part["comment_ref"] or part["position"]):
        notes: list[Row] = []
        for part in said:
            if part["author_kind"] != "contact" or not part["files"]:
                found.append(dict(part))
                continue
            files = f"<p>{escape(line_of([file['name'] for file in part['files']]))}</p>"
            if part["body"] != files:
                found.append({**part, "files": []})
            whose = escape(part["speaker"] or "A contact")
            notes.append(
                {
                    **part,
                    "author_kind": "admin",
                    "admin_id": admin_id,
                    "contact_ref": None,
                    "message_type": "note",
                    "body": f"<p><b>{whose}</b> ({escape(origin)})</p>{files}",
                }
            )
        found += notes
    return [{**part, "position": position, "volume": 1} for position, part in enumerate(found)]


def source_name(row: Mapping[str, Any]) -> str:
    """The source's name, by the key that the record carries."""
    key = orjson.loads(row["attributes"] or "{}").get(KEY_ATTRIBUTE)
    return str(key or "").partition(":")[0].title()
