"""Tickets as conversations: the rows of `tickets` and `parts`, read and written in one ordered pass.

Belongs here: everything of a conversation around its messages (title, attributes, tags, people, state). Does not belong
here: what a comment becomes (`transcripts`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.model.payloads import PAYLOADS
from migration_pipeline.target.attributes import NAMED_VALUES, TEXT_LIMIT, text_value
from migration_pipeline.target.changes import ChangeWords
from migration_pipeline.target.directory import agents, field_rules, fields_of, own_attributes, tag_names, values_of
from migration_pipeline.target.html import plain
from migration_pipeline.target.inputs import (
    BATCH_ROWS,
    Inputs,
    Loss,
    digest,
    distinct,
    encoded,
    left_out_row,
    loss,
    masked_fields,
)
from migration_pipeline.target.naming import file_name, media_type, renamed
from migration_pipeline.target.ticket_fields import FieldsNote
from migration_pipeline.target.ticket_form import ticket_parts
from migration_pipeline.target.ticket_rules import ticket_state, type_sql
from migration_pipeline.target.transcripts import Comment, File, Speakers, Thread, Ticket, build_thread, title_of
from migration_pipeline.target.volumes import capacity

_BATCH_CHARACTERS: Final = 16_000_000

_TICKETS: Final = """
    WITH people AS (
        SELECT source_id, unnest(cc_refs) AS ref, true AS copied FROM record_tickets
        UNION ALL
        -- Agents who only follow are named in an attribute.
        SELECT source_id, ref, false FROM (SELECT source_id, unnest(follower_refs) AS ref FROM record_tickets)
        ANTI JOIN record_agents AS agent ON agent.source_id = ref
    ),
    known_people AS (
        SELECT source_id, list(DISTINCT ref ORDER BY ref) AS refs, count(DISTINCT ref) FILTER (copied) AS copied
        FROM people SEMI JOIN record_contacts AS contact ON contact.source_id = people.ref
        GROUP BY source_id
    ),
    named_people AS (
        SELECT people.source_id, list(DISTINCT told ORDER BY told) AS names
        FROM people JOIN (
            SELECT source_id AS ref, coalesce(name || ' <' || emails[1] || '>', emails[1], name) AS told
            FROM record_contacts
        ) USING (ref)
        GROUP BY people.source_id
    )
    SELECT
        ticket.source_id, ticket.source_url, ticket.subject, ticket.state, ticket.status, ticket.tags,
        ticket.attributes, ticket.masked_fields, ticket.status_label, ticket.priority, ticket.kind,
        ticket.team_ref, ticket.requester_ref, ticket.assignee_ref, ticket.company_ref,
        len(list_distinct(ticket.cc_refs)) - coalesce(known_people.copied, 0) AS cc_missing,
        coalesce(known_people.refs, []) AS cc_refs,
        coalesce(named_people.names, []) AS in_copy, ticket.ticket_type,
        requester.source_id IS NOT NULL AS requester_known,
        coalesce(requester.suspended, false) AS requester_suspended,
        ticket.links, ticket.comment_count, ticket.missing_comments,
        assignee.name AS assignee_name,
        company.source_id IS NOT NULL AS company_known,
        epoch(ticket.created_at)::BIGINT AS created,
        ticket.* LIKE 'own\\_%' ESCAPE '\\'
    FROM (SELECT *{own}, {ticket_type} AS ticket_type FROM record_tickets) AS ticket
    LEFT JOIN known_people USING (source_id)
    LEFT JOIN named_people USING (source_id)
    LEFT JOIN record_contacts AS requester ON requester.source_id = ticket.requester_ref
    LEFT JOIN record_contacts AS assignee ON assignee.source_id = ticket.assignee_ref
    LEFT JOIN record_companies AS company ON company.source_id = ticket.company_ref AND company.deleted_at IS NULL
    ORDER BY ticket.source_id
"""

_COMMENTS: Final = """
    SELECT
        said.ticket_ref, said.source_id, said.author_ref, said.author_name, said.visibility, said.kind,
        said.body_html, said.body_text, said.changes,
        coalesce(said.redacted, false) AS redacted,
        epoch(said.created_at)::BIGINT AS created,
        CASE WHEN author.source_id IS NOT NULL THEN coalesce(author.kind, 'end_user') END AS contact_kind,
        author.name AS contact_name,
        carried.files
    FROM ({said}) AS said
    LEFT JOIN record_contacts AS author ON author.source_id = said.author_ref
    LEFT JOIN (
        SELECT ticket_ref, comment_ref, list(
            {{'ref': source_id, 'name': name, 'content_type': content_type, 'size': size, 'sha256': sha256,
              'missing': missing}} ORDER BY position, source_id
        ) AS files
        FROM record_attachments GROUP BY ticket_ref, comment_ref
    ) AS carried ON carried.ticket_ref = said.ticket_ref AND carried.comment_ref = said.source_id
    WHERE said.ticket_ref IS NOT NULL
    ORDER BY said.ticket_ref, {order}, said.source_id
"""
_SAID: Final = "SELECT *, NULL AS changes FROM record_comments"
_SAID_AND_CHANGED: Final = f"""
    {_SAID}
    UNION ALL BY NAME
    SELECT 'event:' || source_id AS source_id, ticket_ref, author_ref, 'internal' AS visibility, 'event' AS kind,
        changes, created_at
    FROM record_ticket_events WHERE len(changes) > 0
"""


def map_tickets(inputs: Inputs) -> dict[str, int]:
    """Write the tables `tickets` and `parts`; their rows.

    Raises:
        SettingsError: mapping.yaml names no fallback admin.
    """
    rules = _Rules(inputs)
    note = inputs.built_from()
    with ExitStack() as stack:
        tables = {
            table: _Table(stack.enter_context(inputs.staging.tables.writing("payloads", table, schema, note)), schema)
            for table, schema in PAYLOADS.items()
            if table in {"tickets", "parts"}
        }
        for row, comments in _threads(inputs, rules):
            payload, parts = rules.conversation(row, comments)
            tables["tickets"].add(inputs.masked(payload, parts), 0)
            for part in parts:
                tables["parts"].add(part, len(part["body"]))
        for left_out in inputs.left_out("tickets"):
            tables["tickets"].add(left_out_row(left_out, PAYLOADS["tickets"]), 0)
        for table in tables.values():
            table.flush()
    return {name: table.rows for name, table in tables.items()}


class _Table:
    """Collects rows into batches of bounded size."""

    def __init__(self, append: Any, schema: pa.Schema) -> None:
        self.rows = 0
        self._append = append
        self._schema = schema
        self._waiting: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, row: dict[str, Any], characters: int) -> None:
        self._waiting.append(row)
        self._characters += characters
        if len(self._waiting) >= 5 * BATCH_ROWS or self._characters > _BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self.rows += self._append(pa.RecordBatch.from_pylist(self._waiting, self._schema))
            self._waiting = []
            self._characters = 0


def _threads(inputs: Inputs, rules: "_Rules") -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each ticket with its comments: two streams in the order of ticket ids, walked side by side."""
    own = "".join(f", {attribute.sql} AS own_{attribute.key}" for attribute in rules.own)
    # Changes stand among the comments by their time, and after a comment that made them.
    said = (
        _COMMENTS.format(said=_SAID_AND_CHANGED, order="said.created_at, said.position NULLS LAST")
        if inputs.options.ticket_events
        else _COMMENTS.format(said=_SAID, order="said.position")
    )
    grouped = groupby(inputs.rows(said), key=lambda row: str(row["ticket_ref"]))
    ticket_ref, comments = next(grouped, ("", iter(())))
    for row in inputs.rows(_TICKETS.format(own=own, ticket_type=type_sql(inputs.migration.tickets))):
        while ticket_ref < row["source_id"]:  # comments of a ticket that is no record
            following = next(grouped, None)
            if following is None:
                break
            ticket_ref, comments = following
        yield row, list(comments) if ticket_ref == row["source_id"] else []


class _Rules:
    """Everything that is looked up once and used for every ticket."""

    def __init__(self, inputs: Inputs) -> None:
        fallback = inputs.mapping.fallback_admin
        if fallback is None:
            raise SettingsError(
                f"{inputs.migration.mapping_path}: fallback_admin: name the admin who stands in for authors without a "
                "teammate in Intercom."
            )
        self.own = {own: name for own, name in own_attributes(inputs).items() if own.model == "conversation"}
        self._inputs = inputs
        self._agents = agents(inputs)
        self._changes = ChangeWords(inputs, self._agents)
        self._fields = field_rules(inputs, "ticket")
        self._tags = tag_names(inputs)
        self._fields_note = FieldsNote(inputs, fallback)
        self._speakers = Speakers(
            source_name=inputs.source_name,
            agents=self._agents,
            fallback_admin=fallback,
            files_per_part=inputs.options.files_per_part,
            max_file_bytes=inputs.options.max_file_bytes,
            max_body_chars=inputs.options.max_body_chars,
            keep=lambda content: inputs.staging.blobs.add([content]),
        )

    def conversation(
        self, row: dict[str, Any], comments: list[dict[str, Any]]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A ticket's payload row and those of its parts."""
        state = self._inputs.mapping.statuses.get(row["status"], row["state"])
        if state == "deleted":
            # Marking as spam deletes the ticket and suspends its requester (Zendesk help, "Marking a ticket as spam").
            return _left_out(row, "spam_in_source" if row["requester_suspended"] else "deleted_in_source", None), []
        thread = build_thread(
            Ticket(
                requester_ref=row["requester_ref"] if row["requester_known"] else None,
                assignee_ref=row["assignee_ref"],
                subject=row["subject"],
                at=row["created"],
            ),
            [_comment(comment, self._changes) for comment in comments],
            self._speakers,
        )
        thread = replace(thread, parts=[*self._fields_note.parts(row, thread.at), *thread.parts])
        losses = masked_fields(row)
        attributes = self._attributes(row, losses)
        room = capacity(self._inputs.options.max_parts, len(attributes))
        needed = max(-(-len(thread.parts) // room), 1)
        if needed > 1:
            losses.append(loss("thread_split", f"{len(thread.parts)} parts in {needed} conversations"))
        head: dict[str, Any] = {
            "requester_ref": thread.requester_ref,
            "opener": thread.opener,
            "created_at": _time(thread.at),
            "title": self._title(row),
            "attributes": encoded(attributes),
            "company_ref": row["company_ref"] if row["company_known"] else None,
            "participant_refs": [ref for ref in row["cc_refs"] if ref != thread.requester_ref],
            "tags": self._tagged(row["tags"]),
            "admin_id": self._admin(row, losses),
            "team_id": self._team(row, losses),
            "state": state,
            "part_count": len(thread.parts),
            "volumes": needed,
            "opener_comment_ref": thread.opener_comment_ref,
        }
        parts = _part_rows(row["source_id"], thread, comments, room)
        state_there = ticket_state(self._inputs.mapping, row["status"], state)
        head |= self._as_ticket(row, head, parts, state_there, losses)
        # That a comment was redacted is known to a run that reads the source's history, and not to a demo: it decides
        # how a change is carried, never whether there is one.
        redacted = {comment["source_id"] for comment in comments if comment["redacted"]}
        losses.extend(_nobody(row))
        if row["missing_comments"]:
            losses.append(loss("comments_missing", f"{row['missing_comments']} of {row['comment_count']}"))
        remark, detail = _remark(row["links"] or ())
        content: list[object] = [head | {"created_at": thread.at}, thread.parts]
        payload = {
            "source_id": row["source_id"],
            "source_url": row["source_url"],
            "digest": digest(content),
            "losses": distinct([*thread.losses, *losses]),
            "opener_redacted": thread.opener_comment_ref in redacted,
            "remark": remark,
            "remark_detail": detail,
            # A record that was made as a ticket stays one, whatever the rules say by now.
            "ticket_state": state_there,
            **head,
        }
        for part in parts:
            part["redacted"] = part["comment_ref"] in redacted
        return payload, parts

    def _as_ticket(
        self,
        row: dict[str, Any],
        head: dict[str, Any],
        parts: list[dict[str, Any]],
        state_there: str,
        losses: list[Loss],
    ) -> dict[str, Any]:
        """What is different where the ticket becomes an Intercom ticket; nothing where it becomes a conversation."""
        if row["ticket_type"] is None:
            return {}
        count = len(ticket_parts(head, parts, ""))
        if count > capacity(self._inputs.options.max_parts, len(head["attributes"])):
            losses.append(loss("ticket_too_long", f"{count} parts"))
            return {}
        losses[:] = [one for one in losses if one["reason"] != "thread_split"]
        return {
            "ticket_type": row["ticket_type"],
            "ticket_state": state_there,
            "in_copy": row["in_copy"],
            "part_count": count,
            "volumes": 1,
        }

    def _attributes(self, row: dict[str, Any], losses: list[Loss]) -> dict[str, Any]:
        """The values of the conversation's attributes, the key first."""
        values: dict[str, Any] = {KEY_ATTRIBUTE: self._inputs.origin(row["source_id"])}
        for own, name in self.own.items():
            raw = row[f"own_{own.key}"]
            if own.key in NAMED_VALUES:
                raw = self._inputs.mapping.text_of(NAMED_VALUES[own.key], raw)
            if own.key == "followers" and raw is not None:
                raw = ", ".join(agent.name for ref in raw.split(" ") if (agent := self._agents.get(ref))) or None
            if isinstance(raw, str):
                text = plain(raw)
                fitted = text_value(self._inputs.masked_before_cut(text, losses) if len(text) > TEXT_LIMIT else text)
                if fitted.loss:
                    losses.append(loss(fitted.loss, name))
                raw = fitted.value
            if raw is not None:
                values[name] = raw
        for name, value in values_of(self._inputs, fields_of(row["attributes"]), self._fields, losses).items():
            if values.setdefault(name, value) != value:
                losses.append(loss("value_dropped", f"{name} holds something of the pipeline's own"))
        for name, fixed in self._inputs.mapping.defaults.items():
            if fixed is not None:
                values.setdefault(name, fixed)
        return values

    def _title(self, row: dict[str, Any]) -> str | None:
        told = {"subject": row["subject"] or "", "id": row["source_id"]}
        return title_of(re.sub(r"\{(subject|id)\}", lambda name: told[name[1]], self._inputs.options.title))

    def _tagged(self, tags: list[str] | None) -> list[str]:
        """The names of the target's tags, each once whatever its case, and the one that marks what was migrated."""
        names = {self._tags[tag].casefold(): self._tags[tag] for tag in sorted(tags or ()) if tag in self._tags}
        if marked := self._inputs.options.migrated_tag:
            names[marked.casefold()] = marked
        return list(names.values())

    def _admin(self, row: dict[str, Any], losses: list[Loss]) -> str | None:
        if row["assignee_ref"] is None:
            return None
        agent = self._agents.get(row["assignee_ref"])
        if agent is None or agent.admin_id is None:
            losses.append(
                loss("assignee_unmapped", agent.name if agent else row["assignee_name"] or row["assignee_ref"])
            )
            return None
        return agent.admin_id

    def _team(self, row: dict[str, Any], losses: list[Loss]) -> str | None:
        if row["team_ref"] is None:
            return None
        entry = self._inputs.mapping.teams.get(row["team_ref"])
        if entry is None or entry.target is None:
            losses.append(loss("no_team", entry.name or row["team_ref"] if entry else row["team_ref"]))
            return None
        return entry.target


def _nobody(row: dict[str, Any]) -> Iterator[Loss]:
    """Losses for what the ticket refers to and no record describes."""
    if row["cc_missing"]:
        yield loss("not_found_in_source", f"{row['cc_missing']} people in copy")
    if row["company_ref"] is not None and not row["company_known"]:
        yield loss("not_found_in_source", f"company {row['company_ref']}")


def _left_out(row: dict[str, Any], reason: str, detail: str | None) -> dict[str, Any]:
    """The row of a ticket that does not move."""
    return {
        "source_id": row["source_id"],
        "source_url": row["source_url"],
        "digest": digest(reason),
        "skip": reason,
        "skip_detail": detail,
        "losses": [],
        "title": title_of(row["subject"]),
        "participant_refs": [],
        "tags": [],
        "part_count": 0,
        "volumes": 0,
    }


def _remark(links: Sequence[Mapping[str, str]]) -> tuple[str | None, str | None]:
    """What is to be known of a ticket because of the tickets it belongs to: reason code and detail."""
    for kind, reason, words in (
        ("merged_into", "merged_in_source", "merged into ticket"),
        ("follow_up_of", "follow_up_in_source", "follows up ticket"),
    ):
        if refs := [link["ref"] for link in links if link["type"] == kind]:
            return reason, f"{words} {', '.join(refs)}"
    return None, None


def _part_rows(
    ticket_ref: str, thread: Thread, comments: Sequence[Mapping[str, Any]], room: int
) -> list[dict[str, Any]]:
    names = {comment["author_ref"]: comment["contact_name"] for comment in comments}
    return [
        {
            **part,
            "ticket_ref": ticket_ref,
            "position": position,
            "volume": 1 + position // room,
            "created_at": _time(part["at"]),
            "speaker": plain(names.get(part["contact_ref"]) or "") or None,
        }
        for position, part in enumerate(thread.parts)
    ]


def _comment(row: dict[str, Any], words: ChangeWords) -> Comment:
    return Comment(
        source_id=row["source_id"],
        author_ref=row["author_ref"],
        contact_kind=row["contact_kind"],
        contact_name=row["contact_name"],
        public=row["visibility"] == "public",
        html=words.told(row["changes"]) if row["changes"] else row["body_html"],
        text=row["body_text"],
        at=row["created"],
        files=tuple(_file(file) for file in row["files"] or ()),
        kind=row["kind"] or "text",
        author_name=row["author_name"],
    )


def _file(row: dict[str, Any]) -> File:
    name = file_name(row["name"])
    return File(
        ref=row["ref"],
        name=name,
        content_type=media_type(row["content_type"]),
        size=row["size"],
        sha256=row["sha256"],
        missing=row["missing"],
        given_name=row["name"] if renamed(row["name"], name) else None,
    )


def _time(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
