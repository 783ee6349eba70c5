"""Payload rows without what `masking` names, just before they are written: nothing past this point has seen it.

Belongs here: which column of a payload is text, HTML or JSON, and which says nothing of people. Does not belong here:
what is looked for (`masking`), or named fields, which are gone from the records already.

A row that nothing struck keeps its digest. Any other has a new one, made of what is left: so a changed rule changes
just the payloads that it changes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from migration_pipeline.config.mapping import KEY_ATTRIBUTE
from migration_pipeline.masking.documents import Beginning, Document, Html, Text
from migration_pipeline.masking.masker import ADDRESSES, Masker
from migration_pipeline.model.payloads import PAYLOADS

Row = dict[str, Any]
_Rebuild = Callable[[], Any]

_SILENT: Final = frozenset(
    ["source_id", "source_url", "digest", "skip", "matched_by", "model", "data_type", "state", "message_type", "reason",
     "attachment_ref", "content_type", "sha256", "ticket_type", "ticket_state"]
)  # fmt: skip
_SILENT_ENDINGS: Final = ("_id", "_ref", "_refs", "_kind", "_by", "_url")
"""Columns of ids and fixed words; every other column with text is looked into, whoever adds it."""

_HTML: Final = frozenset({("parts", "body"), ("contacts", "note"), ("companies", "note")})
_JSON: Final = frozenset({"body", "attributes"})
_SILENT_KEYS: Final = frozenset({"external_id", "company_id", "role", "model", "data_type", KEY_ATTRIBUTE})
"""Keys of request bodies that hold ids of ours."""

_ADDRESS_KEYS: Final = ("email", "phone")
_NEVER_SENT: Final = frozenset({"agents", "teams"})
"""They are matched with the workspace's own and not made; where a text names one, the text is looked into."""

_PUBLIC: Final = frozenset({"articles", "collections"})
_PUBLIC_SILENT: Final = frozenset({"links", "old_urls", "files"})
"""Articles tell everybody how to reach the company, and are found by their addresses: both stay in them."""

_NOT_CONTENT: Final = frozenset(
    {"digest", "losses", "skip_detail", "source_url", "opener_redacted", "redacted", "speaker"}
)
_LONGEST_NUMBER: Final = 10**12
"""Numbers below this are too short to be a card."""


class MaskedRows:
    """The choke point through which payload rows pass."""

    def __init__(self, masker: Masker, digest: Callable[[object], str]) -> None:
        """`digest` makes a fingerprint of a row's content."""
        self._masker = masker
        self._digest = digest

    def rows(self, table: str, rows: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
        """The rows of a table, one by one."""
        return rows if self._masker.idle or table in _NEVER_SENT else (self.row(table, dict(row)) for row in rows)

    def texts(self, texts: Sequence[str]) -> list[str]:
        """Single texts that stand in no payload, such as names of tags."""
        found, _ = self._masker.mask([Text(text) for text in texts])
        return [text if masked is None else masked for text, masked in zip(texts, found, strict=True)]

    def text(self, text: str) -> tuple[str, list[Row]]:
        """A single text, and a loss for each rule that struck it."""
        (masked,), struck = self._masker.mask([Text(text)])
        return (text if masked is None else masked), _told(struck)

    def beginnings(self, texts: Sequence[str], length: int) -> list[str]:
        """The first characters of single texts, such as samples of values; marks at their end stand whole."""
        found, _ = self._masker.mask([Beginning(text, length) for text in texts])
        return [text[:length] if masked is None else masked for text, masked in zip(texts, found, strict=True)]

    def row(self, table: str, row: Row, parts: list[Row] | None = None) -> Row:
        """One record's row; `parts` of a ticket are changed with it, in place.

        What it says of losses and of the reason why it does not move is masked too.
        """
        if self._masker.idle:
            return row
        sheet = _Sheet()
        mine = sheet.row(table, row)
        further = [sheet.row("parts", part) for part in parts or ()]
        struck = sheet.search(self._masker)
        if not struck:
            return row
        told = dict(mine())
        for part, rebuild in zip(parts or (), further, strict=True):
            part.update(rebuild())
        if table == "tags" and told.get("name") != row.get("name"):
            # The tag's name is its id as well; ten digits of a hash tell tags apart, and not what they were.
            told["source_id"] = f"masked:{self._digest(row['source_id'])[:10]}"
        told["losses"] = [*(told.get("losses") or ()), *_told(struck)]
        told["digest"] = self._digest(["masked", _content(told), [_content(part) for part in parts or ()]])
        return told


def _told(struck: Counter[str]) -> list[Row]:
    return [{"reason": "masked", "detail": f"{rule}: {count}"} for rule, count in sorted(struck.items())]


def _content(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _NOT_CONTENT and value is not None}


class _Sheet:
    """All texts of a record, searched together."""

    def __init__(self) -> None:
        self._documents: list[Document] = []
        self._addresses: list[Document] = []
        self._found: dict[int, str | None] = {}

    def search(self, masker: Masker) -> Counter[str]:
        """Look into all of it; the strikes by rule. A person's own address and number are not one of themselves."""
        counts: Counter[str] = Counter()
        for documents, without in ((self._documents, frozenset[str]()), (self._addresses, ADDRESSES)):
            found, struck = masker.mask(documents, without=without)
            self._found |= {id(document): text for document, text in zip(documents, found, strict=True)}
            counts += struck
        return counts

    def row(self, table: str, row: Row) -> Callable[[], Row]:
        """Take in a row; how it is made anew after the search."""
        schema: pa.Schema = PAYLOADS[table]
        columns = {
            name: self._column(table, name, value)
            for name, value in row.items()
            if value is not None and not _silent(name) and name in schema.names
        }
        return lambda: row | {name: rebuild() for name, rebuild in columns.items()}

    def _column(self, table: str, name: str, value: Any) -> _Rebuild:
        if table in _PUBLIC:
            return self._published(name, value)
        if (table, name) in _HTML:
            return self._text(value, Html(value))
        if name in _JSON and isinstance(value, str):
            skipped = _SILENT_KEYS | ({"name"} if table == "fields" else frozenset())
            rebuild = self._json(orjson.loads(value), skipped)
            return lambda: orjson.dumps(rebuild(), option=orjson.OPT_SORT_KEYS).decode()
        if table == "fields" and name == "name":
            return lambda: value
        return self._value(value)

    def _published(self, name: str, value: Any) -> _Rebuild:
        """Text or HTML of an article, in whatever it is nested."""
        if name in _PUBLIC_SILENT or _silent(name):
            return lambda: value
        if isinstance(value, dict):
            entries = {key: self._published(key, item) for key, item in value.items()}
            return lambda: {key: item() for key, item in entries.items()}
        if isinstance(value, list):
            items = [self._published(name, item) for item in value]
            return lambda: [item() for item in items]
        if not isinstance(value, str):
            return lambda: value
        if name == "body" and value.startswith("{"):
            rebuild = self._published("content", orjson.loads(value))
            return lambda: orjson.dumps(rebuild(), option=orjson.OPT_SORT_KEYS).decode()
        document: Document = Html(value, attributes=False) if "<" in value else Text(value)
        self._addresses.append(document)
        return lambda: value if self._found[id(document)] is None else self._found[id(document)]

    def _value(self, value: Any) -> _Rebuild:
        if isinstance(value, str):
            return self._text(value, Text(value))
        if isinstance(value, list):
            items = [self._value(item) for item in value]
            return lambda: [item() for item in items]
        if isinstance(value, dict):
            entries = {key: self._value(item) for key, item in value.items() if not _silent(key)}
            return lambda: value | {key: item() for key, item in entries.items()}
        return lambda: value

    def _json(self, value: Any, silent: frozenset[str]) -> _Rebuild:
        if isinstance(value, dict):
            entries = {
                key: self._address(key, item, value) if key in _ADDRESS_KEYS else self._json(item, silent)
                for key, item in value.items()
                if key not in silent
            }
            return lambda: _filled(value | {key: item() for key, item in entries.items()})
        if isinstance(value, list):
            items = [self._json(item, silent) for item in value]
            return lambda: [item() for item in items]
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _LONGEST_NUMBER:
            spelled = str(int(value))
            rebuild = self._text(spelled, Text(spelled))
            return lambda: value if rebuild() == spelled else None  # a mark is no number
        return self._value(value)

    def _address(self, key: str, value: Any, body: Mapping[str, Any]) -> _Rebuild:
        """An e-mail address gives way to one of nobody; a phone number goes."""
        if not isinstance(value, str):
            return lambda: value
        document = Text(value)
        self._addresses.append(document)
        instead = (
            f"masked+{str(body.get('external_id', '')).rpartition(':')[2]}@example.com" if key == "email" else None
        )
        return lambda: value if self._found[id(document)] is None else instead

    def _text(self, value: str, document: Document) -> _Rebuild:
        self._documents.append(document)

        def rebuilt() -> str:
            found = self._found[id(document)]
            return value if found is None else found

        return rebuilt


def _filled(body: Row) -> Row:
    return {key: value for key, value in body.items() if value is not None}


def _silent(name: str) -> bool:
    return name in _SILENT or name.endswith(_SILENT_ENDINGS)
