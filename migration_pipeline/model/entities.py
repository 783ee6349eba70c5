"""Entity types in load order and the Arrow schemas of the canonical records that every source is normalized into.

Belongs here: what a record *is*, whatever service it came from. Does not belong here: how a service spells it
(`sources/`), or what the target wants (`target/`).

All times are UTC. Ids are strings. A `*_ref` is the `source_id` of another record.
`attributes` and `csat` are JSON text.
"""

from typing import Final

import pyarrow as pa

ENTITY_TYPES: Final = (
    "agents",
    "teams",
    "fields",
    "tags",
    "companies",
    "contacts",
    "tickets",
    "collections",
    "articles",
)
"""Partition keys, in load order: everything an entity refers to stands before it."""

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "agents": (),
    "teams": (),
    "fields": (),
    "tags": (),
    "companies": (),
    "contacts": ("companies",),
    "tickets": ("agents", "teams", "fields", "tags", "companies", "contacts"),
    "collections": (),
    "articles": ("agents", "tags", "tickets", "collections"),
}
"""What must be settled in the journal before an entity type is loaded."""

TIME: Final = pa.timestamp("us", "UTC")
TEXTS: Final = pa.list_(pa.string())
NAMES: Final = pa.list_(pa.struct([("locale", pa.string()), ("name", pa.string()), ("description", pa.string())]))

RECORDS: Final[dict[str, pa.Schema]] = {
    "agents": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("name", pa.string()),
            ("email", pa.string()),
            ("role", pa.string()),  # agent | admin | light
            ("active", pa.bool_()),
            ("updated_at", TIME),
        ]
    ),
    "teams": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("name", pa.string()),
            ("active", pa.bool_()),
            ("updated_at", TIME),
        ]
    ),
    "fields": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("scope", pa.string()),  # ticket | contact | company
            ("key", pa.string()),
            ("title", pa.string()),
            ("description", pa.string()),
            (
                "type",
                pa.string(),
            ),  # text | multiline | boolean | date | integer | decimal | option | options | reference
            ("options", pa.list_(pa.struct([("value", pa.string()), ("label", pa.string())]))),
            ("active", pa.bool_()),
            ("updated_at", TIME),
        ]
    ),
    "tags": pa.schema([("source_id", pa.string()), ("name", pa.string()), ("uses", pa.int64())]),
    "companies": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("external_id", pa.string()),
            ("name", pa.string()),
            ("domains", TEXTS),
            ("notes", pa.string()),
            ("tags", TEXTS),
            ("attributes", pa.string()),
            ("created_at", TIME),
            ("updated_at", TIME),
            ("deleted_at", TIME),
        ]
    ),
    "contacts": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("external_id", pa.string()),
            ("name", pa.string()),
            ("emails", TEXTS),  # primary first
            ("phones", TEXTS),  # primary first, as the source spells them
            ("kind", pa.string()),  # end_user | agent | placeholder (someone the source no longer knows)
            ("active", pa.bool_()),
            ("suspended", pa.bool_()),
            ("company_refs", TEXTS),  # default first
            ("tags", TEXTS),
            ("attributes", pa.string()),
            ("locale", pa.string()),
            ("time_zone", pa.string()),
            ("notes", pa.string()),
            ("avatar_url", pa.string()),
            ("created_at", TIME),
            ("updated_at", TIME),
        ]
    ),
    "tickets": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("external_id", pa.string()),
            ("subject", pa.string()),
            ("state", pa.string()),  # open | snoozed | closed | deleted
            ("status", pa.string()),  # the source's status key: new, open, pending, hold, solved, closed, deleted
            ("status_label", pa.string()),
            ("priority", pa.string()),
            ("kind", pa.string()),
            ("tags", TEXTS),
            ("brand", pa.string()),
            ("form", pa.string()),
            ("team_ref", pa.string()),
            ("requester_ref", pa.string()),
            ("submitter_ref", pa.string()),
            ("assignee_ref", pa.string()),
            ("company_ref", pa.string()),
            ("cc_refs", TEXTS),
            ("follower_refs", TEXTS),
            ("channel", pa.string()),
            ("attributes", pa.string()),  # {field source_id: value | [values]}; only fields that have a value
            ("csat", pa.string()),
            ("links", pa.list_(pa.struct([("type", pa.string()), ("ref", pa.string())]))),
            ("created_at", TIME),
            ("updated_at", TIME),
            ("due_at", TIME),
            ("comment_count", pa.int64()),  # what the source says, null where it does not say
            ("archived", pa.bool_()),
            ("missing_comments", pa.int64()),  # how many more the source counts than it hands out; null for none
        ]
    ),
    "comments": pa.schema(
        [
            ("source_id", pa.string()),
            ("ticket_ref", pa.string()),
            ("position", pa.int64()),  # 0-based, by (created_at, source_id)
            ("author_ref", pa.string()),  # null: the source's own rules and systems, or somebody whom only a name tells
            ("author_name", pa.string()),  # of somebody who has no account at the source
            ("visibility", pa.string()),  # public | internal
            ("kind", pa.string()),  # text | voice | chat | side | rating
            ("channel", pa.string()),
            ("body_html", pa.string()),
            ("body_text", pa.string()),
            ("created_at", TIME),
            ("redacted", pa.bool_()),  # something was taken out of it, or of its files, after it was written
        ]
    ),
    "attachments": pa.schema(
        [
            ("source_id", pa.string()),
            ("ticket_ref", pa.string()),
            ("comment_ref", pa.string()),
            ("position", pa.int64()),
            ("name", pa.string()),
            ("content_type", pa.string()),
            ("size", pa.int64()),  # bytes, as the source says
            ("inline", pa.bool_()),
            ("source_url", pa.string()),
            ("sha256", pa.string()),  # null: the bytes are not in the blob store, `missing` says why
            ("missing", pa.string()),
        ]
    ),
    "collections": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("parent_ref", pa.string()),
            ("level", pa.int64()),  # 1 has no parent; null: no way leads to it from the top
            ("position", pa.int64()),
            ("kind", pa.string()),  # brand (of several help centers, above what it holds) | category | section
            ("brand", pa.string()),
            ("locale", pa.string()),  # the one it was written in
            ("names", NAMES),
            ("active", pa.bool_()),
            ("created_at", TIME),
            ("updated_at", TIME),
        ]
    ),
    "articles": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("collection_ref", pa.string()),
            ("author_ref", pa.string()),
            ("brand", pa.string()),
            ("locale", pa.string()),  # the one it was written in
            ("audience", pa.string()),  # everyone | signed_in | staff | restricted
            ("audience_name", pa.string()),
            ("promoted", pa.bool_()),
            ("position", pa.int64()),
            ("tags", TEXTS),
            ("content_tags", TEXTS),  # what readers filter by
            ("votes", pa.int64()),
            ("comment_count", pa.int64()),  # of readers; null: not asked for
            ("active", pa.bool_()),
            ("created_at", TIME),
            ("updated_at", TIME),  # of the article, its text and its translations, whichever is newest
        ]
    ),
    "article_translations": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("article_ref", pa.string()),
            ("locale", pa.string()),
            ("title", pa.string()),
            ("body_html", pa.string()),
            ("state", pa.string()),  # published | draft
            ("updated_at", TIME),
        ]
    ),
    "article_attachments": pa.schema(
        [
            ("source_id", pa.string()),
            ("article_ref", pa.string()),
            ("position", pa.int64()),
            ("name", pa.string()),
            ("content_type", pa.string()),
            ("size", pa.int64()),  # bytes, as the source says
            ("inline", pa.bool_()),
            ("locale", pa.string()),  # null: of every translation
            ("source_url", pa.string()),
            ("sha256", pa.string()),  # null: the bytes are not in the blob store, `missing` says why
            ("missing", pa.string()),
        ]
    ),
    "article_comments": pa.schema(
        [
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("article_ref", pa.string()),
            ("author_ref", pa.string()),
            ("locale", pa.string()),  # of the page that it was written on
            ("body_html", pa.string()),
            ("created_at", TIME),
        ]
    ),
    "ticket_events": pa.schema(
        [
            ("source_id", pa.string()),
            ("ticket_ref", pa.string()),
            ("author_ref", pa.string()),  # null: the source's own rules and systems
            (
                "changes",  # by field key, or by the source_id of a field; values as the source spells them
                pa.list_(pa.struct([("field", pa.string()), ("before", TEXTS), ("after", TEXTS)])),
            ),
            ("created_at", TIME),
        ]
    ),
    "rejects": pa.schema(
        [
            ("entity_type", pa.string()),
            ("source_id", pa.string()),
            ("source_url", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
        ]
    ),
}
"""Canonical tables.

`comments`, `attachments` and `ticket_events` belong to the partition `tickets`, `article_translations`,
`article_attachments` and `article_comments` to `articles`; `rejects` holds what no rule could read.
"""
