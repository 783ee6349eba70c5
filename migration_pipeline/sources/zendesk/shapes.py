"""Zendesk's JSON as snapshot rows: ids that can be used, and what of an update event is worth keeping.

Belongs here: pure functions from the service's objects to rows. Does not belong here: canonical records
(`normalization`), calls, or storing. Whatever comes, nothing here raises.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from migration_pipeline.staging.snapshots import Row

NO_ID: Final = "?"
"""First character of the row id of a record that has no usable id of its own."""

_ID: Final = re.compile(r"[1-9][0-9]{0,18}")
_WORD: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_IMAGE: Final = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']?([^"'>\s]+)""", re.IGNORECASE)
_TOKEN: Final = re.compile(r"/attachments/token/([^/?#\s]+)")
MESSAGING: Final = frozenset(
    {
        "chat",
        "native_messaging",
        "messaging",
        "whatsapp",
        "line",
        "wechat",
        "facebook",
        "instagram_dm",
        "sunshine_conversations_api",
    }
)
"""Channels whose comments stand for a talk that only the conversation log shows whole."""

_MERGE: Final = 19
"""The number that stands for merges where `via` is a number (Zendesk developer docs, "Via types")."""

_CHANGES: Final = {
    "CommentRedactionEvent": "redaction",
    "AttachmentRedactionEvent": "attachment_redaction",
    "CommentPrivacyChange": "privacy",
}
"""Audit events that change a comment after it was written (Zendesk developer docs, "Ticket Audits")."""


def usable_id(value: Any) -> str | None:
    """The id as text, or None for what cannot be one."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int | str) else ""
    return text if _ID.fullmatch(text) else None


def row(record: Any, *, prefix: str = "") -> Row:
    """A record of the service as a snapshot row; without a usable id, one made of its content."""
    found = usable_id(record.get("id")) if isinstance(record, dict) else None
    return Row(f"{prefix}{found or NO_ID + digest(record)}", moment(field(record, "updated_at")), record)


def named_row(record: Any) -> Row:
    """The same, of a record whose id is a word, like that of a content tag."""
    found = field(record, "id")
    usable = isinstance(found, str) and _WORD.fullmatch(found) is not None
    return Row(found if usable else NO_ID + digest(record), moment(field(record, "updated_at")), record)


def digest(record: Any) -> str:
    """Sixteen hex digits that tell contents apart."""
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def field(record: Any, name: str) -> Any:
    """A field of an object; None for what is no object."""
    return record.get(name) if isinstance(record, dict) else None


def moment(value: Any) -> dt.datetime | None:
    """A time of the service (ISO 8601) in UTC, or None."""
    if not isinstance(value, str):
        return None
    try:
        parsed = dt.datetime.fromisoformat(value)
        return parsed.replace(tzinfo=dt.UTC) if parsed.tzinfo is None else parsed.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def seconds(value: Any) -> int | None:
    """Unix seconds of a time of the service, a number or ISO 8601; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 < value < 1 << 33 else None
    found = moment(value)
    return int(found.timestamp()) if found else None


def newest(records: Iterable[Any], name: str) -> int | None:
    """The newest time (unix seconds) that the field `name` of the records tells."""
    return max((found for record in records if (found := seconds(field(record, name))) is not None), default=None)


def with_identities(users: Iterable[Any], identities: Any) -> list[Any]:
    """Users with their identities inside, which the service sends beside them."""
    by_user: dict[str, list[Any]] = {}
    for identity in identities if isinstance(identities, list) else ():
        owner = usable_id(field(identity, "user_id"))
        if owner:
            by_user.setdefault(owner, []).append(identity)
    return [
        {**user, "identities": by_user.get(usable_id(user.get("id")) or "", user.get("identities", []))}
        if isinstance(user, dict)
        else user
        for user in users
    ]


def comments_of(events: Iterable[Any]) -> tuple[list[Row], list[Row]]:
    """What update events (with `include=comment_events`) tell of comments: the comments, and flags.

    A comment's row id is `<ticket>/<comment>`. A flag asks for the whole thread to be read again: its payload tells the
    `kind` (redaction, attachment_redaction, privacy, voice, inline_image, messaging, merge,
    malformed), and the event.
    """
    comments: dict[str, Row] = {}
    flags: dict[str, Row] = {}
    for event in events:
        ticket = usable_id(field(event, "ticket_id"))
        children = field(event, "child_events")
        if ticket is None or not isinstance(children, list):
            continue
        for child in children:
            if not isinstance(child, dict):
                continue
            names = {name for name in (child.get("type"), child.get("event_type")) if isinstance(name, str)}
            if names & {"Comment", "VoiceComment"}:
                comment = usable_id(child.get("id"))
                written = child.get("created_at") or event.get("created_at") or event.get("timestamp")
                payload = {**child, "ticket_id": ticket, "created_at": written}
                if comment is None:
                    wanted: Iterator[str] = iter(["malformed"])
                else:
                    comments[f"{ticket}/{comment}"] = Row(f"{ticket}/{comment}", moment(written), payload)
                    wanted = _reasons_to_read_thread(child)
                for kind in wanted:
                    flag = f"{ticket}/{comment or NO_ID + digest(child)}/{kind}"
                    flags[flag] = Row(flag, moment(written), {"ticket_id": ticket, "kind": kind, "comment_id": comment})
            for name in names & _CHANGES.keys():
                flag = f"{ticket}/{usable_id(child.get('id')) or NO_ID + digest(child)}/{_CHANGES[name]}"
                flags[flag] = Row(
                    flag, moment(event.get("created_at")), {**child, "ticket_id": ticket, "kind": _CHANGES[name]}
                )
    return list(comments.values()), list(flags.values())


def _reasons_to_read_thread(comment: Mapping[str, Any]) -> Iterator[str]:
    """Why what an update event tells of a comment is not enough."""
    if comment.get("type") == "VoiceComment":
        yield "voice"
    if any(_is_own_image(source) for source in _unmatched_images(comment)):
        yield "inline_image"
    via = comment.get("via")
    channel = via.get("channel") if isinstance(via, dict) else via
    if isinstance(channel, str) and channel in MESSAGING:
        yield "messaging"
    if not isinstance(via, dict) and _may_merge(via, comment.get("body")):
        yield "merge"


def _may_merge(via: Any, body: Any) -> bool:
    """Whether a comment may stand for a merge, whose tickets only the full form of `via` names."""
    return via == _MERGE or any(isinstance(text, str) and "merge" in text.lower() for text in (via, body))


def _unmatched_images(comment: Mapping[str, Any]) -> Iterator[str]:
    """Sources of images in the text that are not among the comment's attachments."""
    html = comment.get("html_body")
    if not isinstance(html, str) or "<img" not in html.lower():
        return
    attachments = comment.get("attachments")
    known = set()
    for attachment in attachments if isinstance(attachments, list) else ():
        for name in ("content_url", "mapped_content_url"):
            url = field(attachment, name)
            if isinstance(url, str):
                known.update(_TOKEN.findall(url))
    for source in _IMAGE.findall(html):
        tokens = _TOKEN.findall(source)
        if not tokens or not known.issuperset(tokens):
            yield source


def _is_own_image(source: str) -> bool:
    """Whether the service may have the image as an attachment: a link to one, or a mail part left unresolved."""
    return "/attachments/" in source or source.lower().startswith("cid:")
