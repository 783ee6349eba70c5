"""Arrow schemas of what mapping hands to the loader: target-shaped, but still addressed by source ids.

Belongs here: the border between mapping and loading. Does not belong here: how either side does its work.

`digest` is the hash of everything the row would make the target hold; an unchanged digest needs no write.
`skip` is a reason code when mapping decided that the record does not move; `losses` lists what cannot be kept.
`body` is the JSON body of the create call without ids that only the target knows.
"""

from typing import Final

import pyarrow as pa

from migration_pipeline.model.entities import TEXTS, TIME

LOSSES: Final = pa.list_(pa.struct([("reason", pa.string()), ("detail", pa.string())]))
FILES: Final = pa.list_(
    pa.struct(
        [
            ("attachment_ref", pa.string()),
            ("name", pa.string()),
            ("content_type", pa.string()),
            ("size", pa.int64()),  # bytes
            ("sha256", pa.string()),
        ]
    )
)
ARTICLE_FILES: Final = pa.list_(
    pa.struct(
        [
            ("url", pa.string()),  # as it stands in the text
            ("picture", pa.bool_()),  # the text shows it; else it links to it
            ("name", pa.string()),
            ("content_type", pa.string()),
            ("size", pa.int64()),  # bytes
            ("sha256", pa.string()),  # null: the bytes are not in the blob store
        ]
    )
)

LINKS: Final = pa.list_(
    pa.struct(
        [
            ("url", pa.string()),  # as it stands in the text
            ("entity_type", pa.string()),  # of the record that it leads to
            ("ref", pa.string()),
            ("locale", pa.string()),  # the target's language
            ("fragment", pa.string()),
        ]
    )
)

OLD_URLS: Final = pa.list_(pa.struct([("url", pa.string()), ("locale", pa.string())]))

_HEAD: Final = [
    ("source_id", pa.string()),
    ("source_url", pa.string()),
    ("digest", pa.string()),
    ("skip", pa.string()),
    ("skip_detail", pa.string()),
    ("losses", LOSSES),
]

PAYLOADS: Final[dict[str, pa.Schema]] = {
    "agents": pa.schema(
        [*_HEAD, ("name", pa.string()), ("email", pa.string()), ("target_id", pa.string()), ("matched_by", pa.string())]
    ),
    "teams": pa.schema([*_HEAD, ("name", pa.string()), ("target_id", pa.string()), ("matched_by", pa.string())]),
    "fields": pa.schema(
        [
            *_HEAD,
            ("model", pa.string()),  # conversation | contact | company | ticket_type
            ("name", pa.string()),
            ("data_type", pa.string()),
            ("options", TEXTS),
            ("body", pa.string()),
        ]
    ),
    "tags": pa.schema([*_HEAD, ("name", pa.string())]),
    "companies": pa.schema(
        [*_HEAD, ("body", pa.string()), ("has_contacts", pa.bool_()), ("tags", TEXTS), ("note", pa.string())]
    ),
    "contacts": pa.schema(
        [
            *_HEAD,
            ("body", pa.string()),
            ("company_refs", TEXTS),
            ("tags", TEXTS),  # names
            ("note", pa.string()),  # HTML; null for none
        ]
    ),
    "tickets": pa.schema(
        [
            *_HEAD,
            ("requester_ref", pa.string()),
            ("opener", pa.string()),  # plain text
            ("created_at", TIME),
            ("title", pa.string()),
            ("attributes", pa.string()),  # JSON {attribute name: value}
            ("company_ref", pa.string()),
            ("participant_refs", TEXTS),
            ("tags", TEXTS),  # names
            ("admin_id", pa.string()),
            ("team_id", pa.string()),
            ("state", pa.string()),  # open | snoozed | closed
            ("snoozed_until", TIME),
            ("part_count", pa.int64()),
            ("volumes", pa.int64()),  # how many conversations the thread takes
            ("remark", pa.string()),  # reason code of what is to be known of a ticket that moves
            ("remark_detail", pa.string()),
            ("opener_comment_ref", pa.string()),  # the comment that the opener carries; null when the opener is a stub
            ("opener_redacted", pa.bool_()),
            ("ticket_type", pa.string()),  # name of the Intercom ticket type; null: it becomes a conversation
            ("ticket_state", pa.string()),  # category or name of the state that an Intercom ticket gets
            ("in_copy", TEXTS),  # people in copy, by name and address
        ]
    ),
    "parts": pa.schema(
        [
            ("ticket_ref", pa.string()),
            ("position", pa.int64()),  # order in the thread, 0-based; the opener is not a part
            ("volume", pa.int64()),  # which of the thread's conversations it goes into, 1-based
            ("comment_ref", pa.string()),
            ("author_kind", pa.string()),  # admin | contact
            ("admin_id", pa.string()),
            ("contact_ref", pa.string()),
            ("speaker", pa.string()),  # the name of the contact who speaks
            ("message_type", pa.string()),  # comment | note
            ("body", pa.string()),  # HTML
            ("created_at", TIME),
            ("files", FILES),
            ("redacted", pa.bool_()),  # the source took something out of the comment after it was written
        ]
    ),
    "collections": pa.schema(
        [
            *_HEAD,
            ("parent_ref", pa.string()),
            ("level", pa.int64()),  # a parent has a lower one
            ("name", pa.string()),
            ("body", pa.string()),
        ]
    ),
    "articles": pa.schema(
        [
            *_HEAD,
            ("kind", pa.string()),  # article | internal_article
            ("collection_ref", pa.string()),
            ("title", pa.string()),
            ("body", pa.string()),
            ("state", pa.string()),  # published | draft: of any of its languages
            ("author_id", pa.string()),
            ("tags", TEXTS),  # names
            ("files", ARTICLE_FILES),
            ("links", LINKS),
            ("old_urls", OLD_URLS),
        ]
    ),
}

PLAN: Final = pa.schema(
    [
        ("entity_type", pa.string()),
        ("source_id", pa.string()),
        ("source_url", pa.string()),
        ("action", pa.string()),  # create | update | keep | retire | skip | fail
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("digest", pa.string()),
        ("calls", pa.int64()),  # writing calls that the action needs
        ("changes", pa.list_(pa.struct([("what", pa.string()), ("endpoint", pa.string()), ("calls", pa.int64())]))),
        ("reads", pa.int64()),  # reading calls that an update needs besides
    ]
)
"""The load plan: one row per record in the scope of the run, and all that the loader executes."""
