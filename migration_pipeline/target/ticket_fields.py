"""An internal note with all fields of a ticket, for whoever misses one among the attributes; only where asked for.

Belongs here: which fields it lists, and how it reads. Does not belong here: attributes (`attributes`), or who writes
notes in a thread (`transcripts`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from migration_pipeline.target.attributes import option_labels
from migration_pipeline.target.directory import fields_of
from migration_pipeline.target.html import escape, plain
from migration_pipeline.target.inputs import OWN, Inputs

COMMENT_REF: Final = f"{OWN}fields"
"""What the note says it comes from, in the place of a comment."""

_OF_THE_TICKET: Final = (("Status", "status_label"), ("Priority", "priority"), ("Type", "kind"))
"""Fields that are columns of a ticket."""


class FieldsNote:
    """The note of each ticket."""

    def __init__(self, inputs: Inputs, admin_id: str) -> None:
        """`admin_id` is the admin who writes it."""
        self._admin_id = admin_id
        self._wanted = inputs.options.ticket_fields_note
        self._lead = f"Ticket fields ({inputs.source_name})"
        self._fields = {
            row["source_id"]: (row["title"] or row["key"], option_labels(row["options"]))
            for row in inputs.rows("FROM record_fields WHERE scope = 'ticket'")
        }

    def parts(self, ticket: Mapping[str, Any], at: int | None) -> list[dict[str, Any]]:
        """The note as a part at `at` (Unix seconds); none where the ticket has no field with a value."""
        lines = list(self._lines(ticket)) if self._wanted else []
        if not lines:
            return []
        items = "".join(f"<li>{escape(title)}: {escape(value)}</li>" for title, value in lines)
        return [
            {
                "author_kind": "admin",
                "admin_id": self._admin_id,
                "contact_ref": None,
                "message_type": "note",
                "comment_ref": COMMENT_REF,
                "body": f"<p><b>{escape(self._lead)}</b></p><ul>{items}</ul>",
                "at": at,
                "files": [],
            }
        ]

    def _lines(self, ticket: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Titles and values, the ticket's own first, then by title."""
        for title, column in _OF_THE_TICKET:
            if ticket[column]:
                yield title, _line(ticket[column])
        given = fields_of(ticket["attributes"])
        titled = [(*self._fields[field], value) for field, value in given.items() if field in self._fields]
        for title, labels, value in sorted(titled, key=lambda entry: entry[0]):
            items = value if isinstance(value, list) else [value]
            spelled = (_line(labels.get(_text(item), _text(item))) for item in items if item is not None)
            if told := ", ".join(filter(None, spelled)):
                yield _line(title), told


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(text: str) -> str:
    return " ".join(plain(text).split())
