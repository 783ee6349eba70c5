"""Changes of a ticket in words: what was set, from what to what, by the names that people know.

Belongs here: one event of a ticket as the text of a note. Does not belong here: which events there are, or who made
them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from migration_pipeline.target.attributes import option_labels
from migration_pipeline.target.directory import Agent
from migration_pipeline.target.html import escape
from migration_pipeline.target.inputs import Inputs

_TITLES: Final[Mapping[str, str]] = {
    "status": "Status",
    "custom_status_id": "Custom status",
    "priority": "Priority",
    "type": "Type",
    "assignee_id": "Assignee",
    "group_id": "Team",
    "requester_id": "Requester",
    "organization_id": "Company",
    "brand_id": "Brand",
    "ticket_form_id": "Form",
    "problem_id": "Problem",
    "due_at": "Due",
    "subject": "Subject",
    "tags": "Tags",
    "cc": "In copy",
    "followers": "Followers",
    "macro": "Macro",
}
_NAMED: Final[Mapping[str, str]] = {
    "assignee_id": "SELECT source_id, name FROM record_contacts",
    "requester_id": "SELECT source_id, name FROM record_contacts",
    "group_id": "SELECT source_id, name FROM record_teams",
    "organization_id": "SELECT source_id, name FROM record_companies",
}
"""Whose names stand for the ids that a field holds."""


class ChangeWords:
    """Names of fields and of what they hold, looked up once; nothing where no ticket events move."""

    def __init__(self, inputs: Inputs, agents: Mapping[str, Agent]) -> None:
        self._titles: dict[str, str] = dict(_TITLES)
        self._values: dict[str, Mapping[str, str]] = {}
        if not inputs.options.ticket_events:
            return
        for row in inputs.rows("SELECT source_id, title, options FROM record_fields WHERE scope = 'ticket'"):
            self._titles[row["source_id"]] = row["title"] or row["source_id"]
            self._values[row["source_id"]] = option_labels(row["options"])
        used = (
            "SELECT field, unnest(list_concat(before, after)) AS ref "
            "FROM (SELECT unnest(changes, recursive := true) FROM record_ticket_events)"
        )
        for field, names in _NAMED.items():
            found = inputs.rows(
                f"SELECT source_id, name FROM ({names}) SEMI JOIN ({used}) AS used "
                f"ON used.ref = source_id AND used.field = '{field}' WHERE name IS NOT NULL"
            )
            self._values[field] = {row["source_id"]: row["name"] for row in found}
        self._values["assignee_id"] = {**self._values["assignee_id"], **{key: one.name for key, one in agents.items()}}

    def told(self, changes: Sequence[Mapping[str, Any]]) -> str:
        """The changes of one event as HTML."""
        lines = []
        for change in changes:
            field, before, after = change["field"], change["before"] or [], change["after"] or []
            if field == "custom_status_id" and any(other["field"] == "status" for other in changes):
                continue
            title = escape(self._titles.get(field, field))
            if field == "tags":
                moved = [*(f"+{tag}" for tag in sorted({*after} - {*before}))]
                moved += [f"-{tag}" for tag in sorted({*before} - {*after})]
                lines.append(f"{title}: {escape(' '.join(moved) or 'as before')}")
            else:
                was, now = self._named(field, before), self._named(field, after)
                lines.append(f"{title}: {was} \u2192 {now}" if before or field != "macro" else f"{title}: {now}")
        return "".join(f"<p><i>{line}</i></p>" for line in lines)

    def _named(self, field: str, values: Sequence[str]) -> str:
        names = self._values.get(field, {})
        return escape(", ".join(names.get(value, value) for value in values)) or "\u2013"
