"""`mapping.yaml`: what becomes what. Model, loading, and writing that keeps comments and whatever a person wrote.

Belongs here: the file and what it may say. Does not belong here: how a proposal is found (`target.proposals`), or what
follows from an entry (`target.payloads`).
"""

import os
from collections.abc import Iterator
from collections.abc import Mapping as Entries
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import CommentMark
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.tokens import CommentToken

from migration_pipeline.config import yamlfile
from migration_pipeline.config.locales import known_locale
from migration_pipeline.config.yamlfile import Misplaced, Place

MatchedBy = Literal["email", "name", "title", "near", "new", "hand", "nothing"]
"""What an entry follows from: `hand` is a person's word, `near` wants a look, `nothing` is open and proposed again."""

State = Literal["open", "snoozed", "closed"]
DataType = Literal["string", "integer", "list", "decimal", "boolean", "datetime"]
"""What an attribute may hold (Intercom OpenAPI 2.16, createConversationAttribute)."""

Section = Literal["fields", "contact_fields", "company_fields"]
SECTIONS: Final[Entries[str, Section]] = {
    "ticket": "fields",
    "contact": "contact_fields",
    "company": "company_fields",
}
"""The section of each scope of fields."""

MODELS: Final[Entries[Section, str]] = {
    "fields": "conversation",
    "contact_fields": "contact",
    "company_fields": "company",
}
"""What carries the attributes of a section in the target."""

PEOPLE_ATTRIBUTES: Final = frozenset({"phone", "locale", "time_zone"})
"""Keys of `attributes` that contacts carry."""

KEY_ATTRIBUTE: Final = "migration_key"
"""The attribute that says where a conversation comes from; it has no entry, because it is never left out."""


def _attribute_name(name: str) -> str:
    if not name.strip() or any(mark in name for mark in ".$"):
        raise ValueError("an attribute's name is not empty and holds neither . nor $")
    if name.casefold() == KEY_ATTRIBUTE:
        raise ValueError(f"{KEY_ATTRIBUTE} is the pipeline's own attribute")
    return name


AttributeName = Annotated[str, AfterValidator(_attribute_name)]
Id = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    WithJsonSchema({"type": ["string", "integer"]}),
]
"""An id; YAML reads one without quotes as a number."""

Locale = Annotated[str, AfterValidator(known_locale)]

Text = Annotated[
    str,
    BeforeValidator(lambda value: _spelled(value) if isinstance(value, bool | int | float) else value),
    WithJsonSchema({"type": ["string", "integer", "number", "boolean"]}),
]
"""A value of the source or a label of the target; YAML reads some without quotes as numbers or yes and no."""

Fixed = bool | int | float | str
"""A value of an attribute that a person writes down: of the attribute's own type."""


def _spelled(value: bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    matched_by: MatchedBy = Field("hand", description="why; `near` wants a look, `nothing` is proposed again")
    score: int | None = Field(None, ge=0, le=100, description="how well source and target fit, as the proposal saw it")
    evidence: str | None = Field(None, description="what the score follows from")


class AgentEntry(_Entry):
    """An agent of the source, and the admin of the target who stands for them; null: the fallback admin does."""

    name: str | None = Field(None, description="the agent's name, for the reader")
    email: str | None = Field(None, description="the agent's address, for the reader")
    target: Id | None = Field(None, description="id of a teammate; null: the fallback admin stands in")


class TeamEntry(_Entry):
    """A team of the source, and the one of the target; null: its tickets arrive without a team."""

    name: str | None = Field(None, description="the team's name, for the reader")
    target: Id | None = Field(None, description="id of a team; null: tickets arrive without a team")


class FieldEntry(_Entry):
    """A field of the source, and the attribute that takes its values; null: the field stays behind."""

    title: str | None = Field(None, description="the field's title, for the reader")
    target: AttributeName | None = Field(None, description="name of an attribute; null: the field stays behind")
    type: DataType = Field("string", description="what the attribute holds")
    options: dict[Text, Text | None] = Field(
        default_factory=dict,
        description="option value of the source: label in the target; null: left out. Others keep their labels",
    )
    default: Fixed | None = Field(None, description="the value of records that have none in the source")


class Mapping(BaseModel):
    """What becomes what.

    Keys of `agents`, `teams` and `fields` are ids of the source, those of `contact_fields` and `company_fields` the
    keys that its API has for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, description="of the file's format")
    fallback_admin: Id | None = Field(None, description="id of the admin who stands in for authors without a teammate")
    agents: dict[Id, AgentEntry] = Field(default_factory=dict, description="agents by id")
    teams: dict[Id, TeamEntry] = Field(default_factory=dict, description="teams by id")
    fields: dict[Id, FieldEntry] = Field(default_factory=dict, description="ticket fields by id")
    contact_fields: dict[Text, FieldEntry] = Field(default_factory=dict, description="contact fields by key")
    company_fields: dict[Text, FieldEntry] = Field(default_factory=dict, description="company fields by key")
    statuses: dict[str, State] = Field(default_factory=dict, description="status: open, snoozed or closed")
    ticket_states: dict[str, Text] = Field(
        default_factory=dict, description="status: state of an Intercom ticket, by category or name"
    )
    priorities: dict[Text, Text | None] = Field(default_factory=dict, description="priority: what it is called")
    types: dict[Text, Text | None] = Field(default_factory=dict, description="ticket type: what it is called")
    brands: dict[Text, Text | None] = Field(default_factory=dict, description="brand: what it is called")
    locales: dict[Text, Text | None] = Field(default_factory=dict, description="contact's locale: what it is called")
    attributes: dict[str, AttributeName | None] = Field(
        default_factory=dict, description="names of the attributes that keep what has no place of its own"
    )
    defaults: dict[AttributeName, Fixed | None] = Field(
        default_factory=dict, description="conversation attribute that no field fills: its value on each conversation"
    )
    tags: dict[str, str | None] = Field(default_factory=dict, description="tag: its new name; null: left out")
    languages: dict[Text, Locale | None] = Field(
        default_factory=dict, description="language of the help centre: Intercom's; null: stays behind"
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, document: Any) -> Any:
        """A section whose last entry was deleted reads as null."""
        return {key: value for key, value in document.items() if value is not None} if document else document

    @model_validator(mode="after")
    def _one_attribute_one_type(self) -> Self:
        known: dict[tuple[str, str], tuple[Place, str, str]] = {}
        people = "contact or company"  # attributes of the two share their names (Intercom, "createDataAttribute")
        own = [
            (("attributes", key), people if key in PEOPLE_ATTRIBUTES else "conversation", name, "")
            for key, name in self.attributes.items()
            if name
        ]
        fields = [
            ((section, key), "conversation" if section == "fields" else people, entry.target, entry.type)
            for section in MODELS
            for key, entry in getattr(self, section).items()
            if entry.target is not None
        ]
        for place, of, name, kind in own + fields:
            first = known.setdefault((of, name.casefold()), (place, name, kind))
            if first[0] == place or (kind and first[1:] == (name, kind) and first[0][0] == place[0]):
                continue
            told = f"also becomes {name!r}, as {'.'.join(map(str, first[0]))} does; "
            if first[0][0] == place[0] and kind:
                told += f"give them two names, or the same spelling and type ({first[1]!r}, {first[2]})"
            else:
                told += "give them two names"
            raise Misplaced(place, told)
        for section in MODELS:
            for key, entry in getattr(self, section).items():
                labels: dict[str, str] = {}
                for value, label in entry.options.items():
                    if label and labels.setdefault(label.casefold(), label) != label:
                        told = f"{label!r} and {labels[label.casefold()]!r} differ only by case: one option of Intercom"
                        raise Misplaced((section, key, "options", value), told)
        return self

    def text_of(self, section: str, value: str | None) -> str | None:
        """What a priority, type, brand or locale is called in the target; None where it is left out."""
        known: dict[str, str | None] = getattr(self, section)
        return known.get(value, value) if value is not None else None

    def summary(self) -> dict[str, int]:
        """How many entries there are, and how many of them have a target."""
        told: dict[str, int] = {}
        for section in ("agents", "teams", *MODELS):
            entries = getattr(self, section).values()
            told[section] = len(entries)
            told[f"{section}_mapped"] = sum(1 for entry in entries if entry.target is not None)
            told["to_review"] = told.get("to_review", 0) + sum(1 for e in entries if e.matched_by == "near")
        return told


def is_open(entry: Entries[str, Any]) -> bool:
    """Whether nothing was found for the entry and no person decided it: only then may a proposal change it."""
    return entry.get("target") is None and entry.get("matched_by") == "nothing"


def load_mapping(path: Path) -> Mapping:
    """Read and validate `mapping.yaml`.

    Raises:
        SettingsError: see `yamlfile.load`.
    """
    return yamlfile.load(path, Mapping, expand=False)


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Bring the file up to `mapping`: entries that it lacks are added, open ones are filled in, all else stays.

    Comments, order and spelling of what stands there are kept. Nothing is written where nothing changes.

    Raises:
        SettingsError: the file that is there is no YAML mapping.
        OSError: the folder is not writable.
    """
    document = yamlfile.read(path) if path.exists() else _blank()
    if not _merge(document, mapping.model_dump()) and path.exists():
        return
    replace_text(path, dumped(document))


def dumped(document: CommentedMap) -> str:
    """The text of the file that says `document`, its comments where they were."""
    text = StringIO()
    _writer().dump(document, text)
    return text.getvalue()


def replace_text(path: Path, text: str) -> None:
    """Put `text` in place of the file, durably: it is there whole, or the file is as it was.

    Raises:
        OSError: the folder is not writable.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _merge(document: CommentedMap, wanted: dict[str, Any]) -> bool:
    """Add to the document what it does not say; whether it changed."""
    changed = False
    for section, value in wanted.items():
        if not isinstance(value, dict):
            if document.get(section) is None and value is not None and section != "version":
                document[section] = value
                changed = True
            continue
        entries = document.get(section) or {}
        spelled = {str(key): key for key in entries}
        for key, entry in value.items():
            there = entries[spelled[key]] if key in spelled else None
            if isinstance(entry, dict) and isinstance(there, CommentedMap) and is_open(there):
                news = {name: item for name, item in _shown(entry).items() if there.get(name) != item}
                there.update(news)
                changed = changed or bool(news)
        missing = {key: entry for key, entry in value.items() if key not in spelled}
        if missing or section not in document:
            _append(document, section, missing)
            changed = True
    return changed


def _append(document: CommentedMap, section: str, entries: dict[str, Any]) -> None:
    """Add entries at the end of a section.

    ruamel keeps the lines of comment below a section with the section's last value: they move on to the new last one.
    """
    with tail_kept(document, section):
        if not document.get(section):
            document[section] = CommentedMap()
        for key, entry in entries.items():
            document[section][key] = CommentedMap(_shown(entry)) if isinstance(entry, dict) else entry


@contextmanager
def tail_kept(node: CommentedMap, key: Any) -> Iterator[None]:
    """The lines of comment below `node[key]` stay below it, whatever its last value is after the block."""
    tail = _detached_tail(node, key) if key in node else ""
    yield
    if tail:
        node, last = _last_value(node, key)
        beside = (node.ca.items.get(last) or [None, None, None])[2]
        if beside is None:  # what stands above the key is kept with it, too
            node.ca.items.setdefault(last, [None, None, None, None])[2] = CommentToken(tail, CommentMark(0), None)
        else:
            beside.value = beside.value.rstrip("\n") + tail


def _detached_tail(node: CommentedMap, key: Any) -> str:
    """Take the comment lines below the last value of `node[key]` off it; a comment beside the value stays."""
    node, last = _last_value(node, key)
    token = (node.ca.items.get(last) or [None, None, None])[2]
    if token is None:
        return ""
    beside, line_end, below = token.value.partition("\n")
    token.value = beside + line_end
    if not beside:
        node.ca.items[last][2] = None
        if not any(node.ca.items[last]):
            del node.ca.items[last]
    return line_end + below if below else ""


def _last_value(node: CommentedMap, key: Any) -> tuple[CommentedMap, Any]:
    """The mapping and the key of the value that ends the text of `node[key]`."""
    while isinstance(inner := node[key], CommentedMap) and inner and not inner.fa.flow_style():
        node, key = inner, list(inner)[-1]
    return node, key


class _Representer(RoundTripRepresenter):
    """Writes null as null: an empty place looks forgotten."""


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))


def _writer() -> YAML:
    writer = YAML(typ="rt")
    writer.Representer = _Representer
    writer.width = 4096
    return writer


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry's keys in the order a reader wants: who it is, what it becomes, why."""
    return {
        key: entry[key] for key in ENTRY_KEYS if key in entry and (key not in _IF_SAID or entry[key] not in (None, {}))
    }


ENTRY_KEYS: Final = (
    "name",
    "email",
    "title",
    "target",
    "type",
    "options",
    "default",
    "matched_by",
    "score",
    "evidence",
)
"""The keys of entries in the order that `mapping.yaml` has them."""

_IF_SAID: Final = ("options", "default", "score", "evidence")
"""Keys of an entry that are left out where they say nothing."""


def _blank() -> CommentedMap:
    document = CommentedMap()
    document.yaml_set_start_comment(_HEADER)
    for section, comment in _COMMENTS.items():
        document[section] = {"version": 1, "fallback_admin": None}.get(section, CommentedMap())
        document.yaml_set_comment_before_after_key(section, before=f"\n{comment}")
    return document


_HEADER: Final = """\
mapping.yaml - what becomes what in Intercom.

The pipeline proposes; you decide. Change any line: what you wrote is never overwritten, and comments stay.
New agents, teams, fields and statuses of the source are added when the mapping is proposed again (migrate map).

target      what the entry becomes; null: nothing does (see each section)
matched_by  why: email, name, title (the same in Intercom), near (much the same: have a look), new (Intercom gets a new
            attribute), hand (you wrote it) or nothing (no match yet: looked for again each time; write hand to keep it)
score       how well both fit, 0 to 100, and the evidence; proposals.json in the data folder lists other candidates

Fields and their values: docs/mapping.md.
"""

_COMMENTS: Final = {
    "version": "The format of this file.",
    "fallback_admin": "The admin who stands in for whoever has no teammate in Intercom; the text names the author.",
    "agents": "Agents by their id in the source. target: the id of an admin; null: the fallback admin stands in.",
    "teams": "Teams by their id in the source. target: the id of a team; null: tickets arrive without a team.",
    "fields": (
        "Ticket fields by their id in the source. target: the name of a conversation attribute; null: stays behind.\n"
        "type: string, integer, list, decimal, boolean or datetime.\n"
        "options: {value in the source: label in Intercom}; default: the value where the source has none."
    ),
    "contact_fields": "Contact fields by their key in the source; the same, with an attribute of contacts.",
    "company_fields": "Company fields by their key in the source; the same, with an attribute of companies.",
    "statuses": "What a ticket's status becomes: open, snoozed or closed.",
    "ticket_states": (
        "What a status becomes where a ticket becomes an Intercom ticket (`tickets` in migration.yaml): submitted,\n"
        "in_progress, waiting_on_customer or resolved, or the name of a state of Intercom."
    ),
    "priorities": "What a priority is called in the attribute that keeps it; null: left out.",
    "types": "What a ticket type is called in the attribute that keeps it; null: left out.",
    "brands": "What a brand is called in the attribute that keeps it; null: left out.",
    "locales": "What a contact's locale is called in the attribute that keeps it; null: left out.",
    "attributes": (
        "Attributes that keep what a conversation has no place for; null: not kept. Made once a record needs them.\n"
        "phone, locale and time_zone belong to contacts; phone is the text of a number that Intercom cannot use."
    ),
    "defaults": (
        "Conversation attributes that no field fills, and the value that each conversation gets. What the workspace\n"
        "requires stands here: give it a value."
    ),
    "tags": "Tags keep their names, but for those listed here (old name: new name); null: left out.",
    "languages": "Languages of the help centre, and what they are in Intercom; null: texts in it stay behind.",
}
