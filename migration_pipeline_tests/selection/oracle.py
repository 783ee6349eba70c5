"""The filters once more, as plain as can be: one record after the other, in Python."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from migration_pipeline.config import Migration

Rows = Sequence[Mapping[str, Any]]


def same(one: object, other: object) -> bool:
    return str(one).strip().lower() == str(other).strip().lower()


def one_of(values: Iterable[str | None], *spelled: object) -> bool:
    found = [value for value in spelled if value is not None]
    return any((value is None and not found) or any(same(value, told) for told in found) for value in values)


def refers(values: Iterable[str | None], ref: str | None, rows: Rows, *names: str) -> bool:
    if ref is None:
        return None in tuple(values)
    row = next((row for row in rows if row["source_id"] == ref), {})
    return any(value is not None and one_of([value], ref, *(row.get(name) for name in names)) for value in values)


class Oracle:
    """The records of a desk, and the reason why each is left out."""

    def __init__(self, migration: Migration, rows: Mapping[str, Rows]) -> None:
        self.migration = migration
        self.rows = rows

    def reasons(self, entity_type: str) -> dict[str, str]:
        found = {row["source_id"]: self._reason(entity_type, row) for row in self.rows[entity_type]}
        return {source_id: reason for source_id, reason in found.items() if reason is not None}

    def moving(self) -> Rows:
        gone = self.reasons("tickets")
        return [row for row in self.rows["tickets"] if row["source_id"] not in gone and row.get("state") != "deleted"]

    def _reason(self, entity_type: str, row: Mapping[str, Any]) -> str | None:
        if entity_type == "tickets" and row.get("state") == "deleted":
            return None
        if entity_type not in self.migration.entities:
            return "entity_left_out"
        if entity_type == "tickets":
            return self._ticket(row)
        skipping = self.migration.options.unreferenced_contacts == "skip"
        if entity_type == "contacts" and skipping and row["source_id"] not in self._people():
            return "unreferenced"
        if entity_type == "companies" and skipping and row["source_id"] not in self._companies():
            return "unreferenced"
        filtered = bool(self.reasons("tickets")) if entity_type == "tags" else False
        carried = {tag for ticket in self.moving() for tag in ticket.get("tags") or ()} if filtered else set()
        return "unused_tag" if filtered and row["name"] not in carried else None

    def _people(self) -> set[str]:
        tickets = {row["source_id"] for row in self.moving()}
        people = {row["requester_ref"] for row in self.moving()}
        people |= {ref for row in self.moving() for ref in row.get("cc_refs") or ()}
        return people | {row["author_ref"] for row in self.rows["comments"] if row["ticket_ref"] in tickets}

    def _companies(self) -> set[str]:
        gone = self.reasons("contacts")
        people = [row for row in self.rows["contacts"] if row["source_id"] not in gone]
        refs = {ref for row in people for ref in row.get("company_refs") or ()}
        return refs | {row["company_ref"] for row in self.moving() if row.get("company_ref")}

    def _ticket(self, row: Mapping[str, Any]) -> str | None:
        filters, options = self.migration.filters, self.migration.options
        requester = next((one for one in self.rows["contacts"] if one["source_id"] == row["requester_ref"]), {})
        tags = {tag.lower() for tag in row.get("tags") or ()}
        asked = filters.tags
        newest = max(ticket["updated_at"] for ticket in self.rows["tickets"])
        fits = {
            "filtered_created": not filters.created
            or filters.created.first <= row["created_at"] < filters.created.after,
            "filtered_status": not filters.statuses or one_of(filters.statuses, row["status"], row.get("status_label")),
            "filtered_kind": not filters.kinds or one_of(filters.kinds, row.get("kind")),
            "filtered_channel": not filters.channels or one_of(filters.channels, row.get("channel")),
            "filtered_brand": not filters.brands or one_of(filters.brands, row.get("brand")),
            "filtered_tags": asked is None
            or (
                (not asked.any or bool(tags & {tag.lower() for tag in asked.any}))
                and {tag.lower() for tag in asked.all} <= tags
                and not tags & {tag.lower() for tag in asked.none}
            ),
            "filtered_fields": all(self._has(row, key, values) for key, values in filters.fields.items()),
            "filtered_team": not filters.teams
            or refers(filters.teams, row.get("team_ref"), self.rows["teams"], "name"),
            "filtered_assignee": not filters.assignees
            or refers(filters.assignees, row.get("assignee_ref"), self.rows["agents"], "name", "email"),
            "filtered_company": not filters.companies
            or refers(filters.companies, row.get("company_ref"), self.rows["companies"], "name"),
            "filtered_archived": filters.archived
            or not (row["status"] == "closed" and row["updated_at"] < newest - dt.timedelta(days=120)),
            "filtered_suspended": filters.suspended or not requester.get("suspended"),
            "inactive_requester": options.inactive_people == "move"
            or not requester
            or (requester["active"] and requester["kind"] != "placeholder"),
        }
        return next((reason for reason, fitting in fits.items() if not fitting), None)

    def _has(self, row: Mapping[str, Any], key: str, values: Iterable[str | None]) -> bool:
        fields = [
            field
            for field in self.rows["fields"]
            if field["scope"] == "ticket" and one_of([key], field["source_id"], field["key"], field["title"])
        ]
        given = orjson.loads(row["attributes"])
        told: list[object] = []
        for field in fields:
            value = given.get(field["source_id"])
            for item in value if isinstance(value, list) else [value]:
                if item is not None:
                    spelled = str(item).lower() if isinstance(item, bool) else item
                    told.append(spelled)
                    told += [one["label"] for one in field.get("options") or () if same(one["value"], spelled)]
        return one_of(values, *told)


def counted(reasons: Iterable[str]) -> dict[str, int]:
    return dict(Counter(reasons))
