"""What becomes of each field of each record in Intercom: kept, kept otherwise, or lost, with the API's reason.

    python -m migration_pipeline.target.fidelity     writes docs/fidelity.md

Belongs here: the answer for every column of `model.entities.RECORDS`; what is kept in attributes of the pipeline's own
is read off `attributes.OWN_ATTRIBUTES`. Does not belong here: how a value is carried (`conversations`, `profiles`,
`articles`), or what one record lost (its own list of losses). Tests change each field and look at the payload.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import migration_pipeline
from migration_pipeline.model.entities import RECORDS
from migration_pipeline.target.attributes import OWN_ATTRIBUTES

How = Literal["kept", "stored as attribute", "note", "used", "lost"]
PAGE: Final = Path(migration_pipeline.__file__).parent.parent / "docs" / "fidelity.md"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one field."""

    how: How
    where: str = ""  # in Intercom; for `used`, what it decides
    why: str = ""  # what of it cannot be kept, and the API's reason


def _kept(where: str, why: str = "") -> Fate:
    return Fate("kept", where, why)


def _attribute(where: str, why: str = "") -> Fate:
    return Fate("stored as attribute", where, why)


def _note(where: str, why: str = "") -> Fate:
    return Fate("note", where, why)


def _used(where: str, why: str = "") -> Fate:
    return Fate("used", where, why)


def _lost(why: str) -> Fate:
    return Fate("lost", "", why)


_ORIGIN: Final = "named as <source kind>:<id>, the mark that every migrated object carries"
_LINK: Final = _used("the link to the source in every list of the report")
_NO_COMMENTS: Final = "articles of Intercom have no comments"
_NOT_SETTABLE: Final = "the API dates it with the time of the migration"

_BY_HAND: Final = {
    "source_id": _used("the key under which mapping.yaml names the entry"),
    "source_url": _LINK,
    "name": _used("the proposal of whom or what it becomes", "the API creates neither teammates nor teams"),
}

FATES: Final[dict[str, dict[str, Fate]]] = {
    "agents": {
        **_BY_HAND,
        "email": _used("the proposal of the teammate"),
        "role": _lost("the API sets no roles; people do, in Intercom's settings"),
        "active": _used("whether a missing teammate is told as a warning"),
        "updated_at": _used("deltas"),
    },
    "teams": {**_BY_HAND, "active": _used("proposals"), "updated_at": _used("deltas")},
    "fields": {
        "source_id": _used("the key under which mapping.yaml names the field"),
        "source_url": _LINK,
        "scope": _kept("whether it is an attribute of conversations, contacts or companies"),
        "key": _used("the proposal, and which fields the conversation carries itself"),
        "title": _kept("name of the attribute", "letters, digits, blanks, hyphens and underscores only"),
        "description": _kept("description of the attribute"),
        "type": _kept("type of the attribute", "several choices and references become text; there is no such type"),
        "options": _kept(
            "values of the list", "two at least, else it becomes text; options alike but for case are one"
        ),
        "active": _used("whether a field without values moves"),
        "updated_at": _used("deltas"),
    },
    "tags": {
        "source_id": _used("the key of the tag"),
        "name": _kept("tag", "names are one whatever their case"),
        "uses": _used("whether the tag is created"),
    },
    "companies": {
        "source_id": _kept("company_id", _ORIGIN),
        "source_url": _LINK,
        "external_id": _lost("company_id is the one identifier of a company, and holds the origin"),
        "name": _kept("name"),
        "domains": _kept("website: the first of them", "a company has one website; further domains are told"),
        "notes": _note("note of the company", "where `options.profile_notes` is `note`; the API dates it itself"),
        "tags": _kept("tags of the company"),
        "attributes": _attribute("attributes of the company, as mapping.yaml says", "255 characters a text"),
        "created_at": _kept("remote_created_at"),
        "updated_at": _used("deltas", _NOT_SETTABLE),
        "deleted_at": _used("deleted companies stay behind"),
    },
    "contacts": {
        "source_id": _kept("external_id", _ORIGIN),
        "source_url": _LINK,
        "external_id": _lost("external_id is the one identifier of a contact, and holds the origin"),
        "name": _kept("name"),
        "emails": _kept("email: the first of them", "a contact has one address; further ones are told"),
        "phones": _kept("phone: the first of them, as E.164", "one number; what is none becomes an attribute"),
        "kind": _used("whose words stand under a teammate's name"),
        "active": _used("inactive people move only where a ticket needs them"),
        "suspended": _lost("blocking a contact would end conversations with it; the suspension is told"),
        "company_refs": _kept("companies of the contact"),
        "tags": _kept("tags of the contact"),
        "attributes": _attribute("attributes of the contact, as mapping.yaml says", "255 characters a text"),
        "notes": _note("note of the contact", "where `options.profile_notes` is `note`; the API dates it itself"),
        "avatar_url": _lost("Intercom fetches a picture by address only, and the source's needs a sign-in"),
        "created_at": _kept("signed_up_at", "created_at of a contact cannot be set"),
        "updated_at": _used("deltas", _NOT_SETTABLE),
    },
    "tickets": {
        "source_id": _attribute("migration_key", _ORIGIN),
        "source_url": _LINK,
        "subject": _kept("title"),
        "state": _kept(
            "open, snoozed or closed; of an Intercom ticket, its state", "the time of closing cannot be set"
        ),
        "tags": _kept("tags of the conversation"),
        "team_ref": _kept("assigned team, as mapping.yaml says", "the time of the assignment cannot be set"),
        "requester_ref": _kept("the contact who opens the conversation"),
        "submitter_ref": _lost("a conversation is opened by its contact; who wrote on their behalf is not kept"),
        "assignee_ref": _kept("assigned admin, as mapping.yaml says", "the time of the assignment cannot be set"),
        "company_ref": _kept("company of the conversation"),
        "cc_refs": _kept(
            "participants; of an Intercom ticket, an attribute that names them",
            "participants cannot be told from people in copy, and a ticket has none",
        ),
        "attributes": _attribute("attributes of the conversation, as mapping.yaml says", "255 characters a text"),
        "created_at": _kept("created_at of the conversation", "the text names a date that the workspace refuses"),
        "comment_count": _used("the proof that every comment was read"),
        "archived": _used("the filter `filters.archived`"),
        "missing_comments": _used("the reason `comments_missing`"),
    },
    "comments": {
        "source_id": _used("the operation that the journal keeps of the part"),
        "ticket_ref": _kept("the conversation that the part belongs to"),
        "position": _kept("order of the parts"),
        "author_ref": _kept("author of the part", "who is no teammate speaks through the fallback admin, named"),
        "author_name": _kept("named in the text"),
        "visibility": _kept("comment or note"),
        "kind": _used("how what was said beside the comments is told: calls, chats, side conversations, ratings"),
        "channel": _lost("every conversation made by the API came through the Messenger; the ticket's channel is kept"),
        "body_html": _kept("body", "the opening message is plain text"),
        "body_text": _kept("body, where there is no HTML"),
        "created_at": _kept("created_at of the part", "the text names a date that the workspace refuses"),
        "redacted": _used("the redaction of what was migrated before"),
    },
    "attachments": {
        "source_id": _used("the name under which a file is told where it is missing"),
        "ticket_ref": _kept("the conversation of its comment"),
        "comment_ref": _kept("the part that carries it", "ten files a part; more go into further parts"),
        "position": _kept("order of the files"),
        "name": _kept("file name", "without paths and control characters"),
        "content_type": _kept("content type"),
        "size": _kept("size"),
        "inline": _lost("Intercom shows files below the text; the text names the place of a picture"),
        "source_url": _used("where the file is fetched from"),
        "sha256": _kept("the bytes"),
        "missing": _used("the reason why a file could not be carried"),
    },
    "ticket_events": {
        "source_id": _used("the key of the note"),
        "ticket_ref": _note("the conversation", "where `options.ticket_events` is on"),
        "author_ref": _note("named in the text"),
        "changes": _note("what changed, from and to", "a history of fields cannot be written otherwise"),
        "created_at": _note("created_at of the note"),
    },
    "collections": {
        "source_id": _used("the key of the collection", "the API stores no identifier of ours in it"),
        "source_url": _used("the map from old addresses to new ones"),
        "parent_ref": _kept("the collection it stands in"),
        "level": _kept("level", "Intercom has three; deeper ones move up"),
        "position": _lost("the order of collections is read-only in the API"),
        "kind": _used("`help_center.brand_collections`"),
        "brand": _kept("the collection above it, where there are several help centres"),
        "locale": _kept("the language of name and description"),
        "names": _kept("name and description, with translations"),
        "active": _used("archived ones stay behind"),
        "created_at": _lost(_NOT_SETTABLE),
        "updated_at": _used("deltas", _NOT_SETTABLE),
    },
    "articles": {
        "source_id": _used("the key of the article", "the API stores no identifier of ours in it"),
        "source_url": _used("the map from old addresses to new ones, links, redirects"),
        "collection_ref": _kept("the collection it stands in"),
        "author_ref": _kept("author, as mapping.yaml says", "else the fallback admin"),
        "brand": _kept("the collection above it, where there are several help centres"),
        "locale": _kept("the language of the article itself"),
        "audience": _kept("internal article, draft or nothing, as set", "audiences of Intercom cannot be made by API"),
        "audience_name": _used("the report"),
        "promoted": _lost("the API cannot promote an article"),
        "position": _lost("the order of articles is read-only in the API"),
        "tags": _kept("tags of the article, where `help_center.labels` says so"),
        "content_tags": _kept(
            "tags of the article, where `help_center.content_tags` says so", "readers do not see tags"
        ),
        "comment_count": _lost(f"{_NO_COMMENTS}; they stay staged, and the report names the article"),
        "votes": _lost("reactions of readers cannot be written"),
        "active": _used("archived ones stay behind"),
        "created_at": _lost(_NOT_SETTABLE),
        "updated_at": _used("deltas", _NOT_SETTABLE),
    },
    "article_translations": {
        "source_id": _used("the report"),
        "source_url": _used("the map from old addresses to new ones"),
        "article_ref": _kept("the article"),
        "locale": _kept("language, as mapping.yaml says"),
        "title": _kept("title"),
        "body_html": _kept("body", "two levels of headings, no tables in lists, no scripts"),
        "state": _kept("draft or published"),
        "updated_at": _used("deltas", _NOT_SETTABLE),
    },
    "article_attachments": {
        "source_id": _used("the picture or link in the text"),
        "article_ref": _kept("the article"),
        "position": _kept("order of the links"),
        "name": _kept("text of the link"),
        "content_type": _used("whether it is a picture that Intercom takes"),
        "size": _used("the limit for one file"),
        "inline": _kept("a picture in the text, or a link below it"),
        "locale": _kept("the translation that shows it"),
        "source_url": _used("where the file is fetched from"),
        "sha256": _kept("pictures: the bytes", "Intercom keeps no other files of articles; a link leads to them"),
        "missing": _used("the reason why a file could not be carried"),
    },
    "article_comments": {
        "source_id": _used("the report's list of what does not move"),
        "source_url": _used("the same list"),
        "article_ref": _used("the loss that the report tells of the article"),
        "author_ref": _lost(_NO_COMMENTS),
        "locale": _lost(_NO_COMMENTS),
        "body_html": _lost(_NO_COMMENTS),
        "created_at": _lost(_NO_COMMENTS),
    },
}
"""Fields that an attribute of the pipeline's own keeps are left out here: `fates` adds them."""

_OWN: Final = {
    ("tickets", "status"): "status", ("tickets", "status_label"): "status", ("tickets", "priority"): "priority",
    ("tickets", "kind"): "type", ("tickets", "brand"): "brand", ("tickets", "form"): "form",
    ("tickets", "channel"): "channel", ("tickets", "external_id"): "external_id", ("tickets", "csat"): "satisfaction",
    ("tickets", "links"): "links", ("tickets", "follower_refs"): "followers", ("tickets", "updated_at"): "updated_at",
    ("tickets", "due_at"): "due_at", ("contacts", "locale"): "locale", ("contacts", "time_zone"): "time_zone",
}  # fmt: skip
"""The column that each attribute of the pipeline's own is read from."""

_TITLES: Final = {
    "kept": "kept", "stored as attribute": "attribute", "note": "note", "used": "decides", "lost": "lost"
}  # fmt: skip

_HEAD: Final = """\
# Fidelity

What becomes of each field, for every table of `records` (see `staging.duckdb`). Made by
`python -m migration_pipeline.target.fidelity`; a test changes each field of contacts, companies, tickets, comments and
attachments, and looks at the payload.

| | |
|---|---|
| kept | in Intercom's own place for it |
| attribute | as an attribute |
| note | as a private note |
| decides | not carried itself, but used for what is named |
| lost | the API has no place for it |

What one record lost stands with it in the report. Times that Intercom gives everything itself, and that cannot be set:
closing, assigning, tagging, changes of attributes, and `updated_at`.
"""


def fates(table: str) -> Iterator[tuple[str, Fate]]:
    """Each field of a table of records with what becomes of it, in the table's order.

    Raises:
        KeyError: a field has no entry; every field must.
    """
    titles = {attribute.key: attribute for attribute in OWN_ATTRIBUTES}
    for column in RECORDS[table].names:
        own = titles[_OWN[table, column]] if (table, column) in _OWN else None
        if own is not None:
            yield column, _attribute(f"“<source> {own.title}”", "" if own.data_type == "datetime" else "255 characters")
        else:
            yield column, FATES[table][column]


def page() -> str:
    """The text of `docs/fidelity.md`."""
    lines = [_HEAD]
    for table in RECORDS:
        if table == "rejects":
            continue
        lines += [f"## {table}", "", "| field | | in Intercom | what is not, and why |", "|---|---|---|---|"]
        lines += [f"| `{name}` | {_TITLES[fate.how]} | {fate.where} | {fate.why} |" for name, fate in fates(table)]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
