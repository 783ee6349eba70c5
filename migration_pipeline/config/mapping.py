"""`mapping.yaml`: what becomes what. Model, loading, and writing that keeps comments and whatever a person wrote.

Belongs here: the file and what it may say. Does not belong here: how a proposal is found (`target.proposals`), or what
follows from an entry (`target.payloads`).
"""

import os
from collections.abc import Mapping as Entries
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import CommentMark
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.tokens import CommentToken

from migration_pipeline.config import yamlfile

MatchedBy = Literal["email", "name", "title", "new", "hand", "nothing"]
"""What an entry follows from: `hand` is a person's word, `nothing` is still open and proposed again each time."""

State = Literal["open", "snoozed", "closed"]
DataType = Literal["string", "integer", "list", "decimal", "boolean", "datetime"]
"""What a conversation attribute may hold (Intercom OpenAPI 2.16, createConversationAttribute)."""

KEY_ATTRIBUTE: Final = "migration_key"
"""The attribute that says where a conversation comes from; it has no entry, because it is never left out."""


def _attribute_name(name: str) -> str:
    if not name.strip() or any(mark in name for mark in ".$"):
        raise ValueError("an attribute's name is not empty and holds neither . nor $")
    if name.casefold() == KEY_ATTRIBUTE:
        raise ValueError(f"{KEY_ATTRIBUTE} is the pipeline's own attribute")
    return name


AttributeName = Annotated[str, AfterValidator(_attribute_name)]
Id = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""An id; YAML reads one without quotes as a number."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    matched_by: MatchedBy = "hand"


class AgentEntry(_Entry):
    """An agent of the source, and the admin of the target who stands for them; null: the fallback admin does."""

    name: str | None = None
    email: str | None = None
    target: Id | None = None


class TeamEntry(_Entry):
    """A team of the source, and the one of the target; null: its tickets arrive without a team."""

    name: str | None = None
    target: Id | None = None


class FieldEntry(_Entry):
    """A ticket field, and the conversation attribute that takes its values; null: the field stays behind."""

    title: str | None = None
    target: AttributeName | None = None
    type: DataType = "string"


class Mapping(BaseModel):
    """What becomes what. Keys of `agents`, `teams` and `fields` are ids of the source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fallback_admin: Id | None = None
    agents: dict[Id, AgentEntry] = Field(default_factory=dict)
    teams: dict[Id, TeamEntry] = Field(default_factory=dict)
    fields: dict[Id, FieldEntry] = Field(default_factory=dict)
    statuses: dict[str, State] = Field(default_factory=dict)
    attributes: dict[str, AttributeName | None] = Field(default_factory=dict)
    tags: dict[str, str | None] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, document: Any) -> Any:
        """A section whose last entry was deleted reads as null."""
        return {key: value for key, value in document.items() if value is not None} if document else document

    @model_validator(mode="after")
    def _one_attribute_one_type(self) -> Self:
        known: dict[str, tuple[str, str, str]] = {}
        own = [(f"attributes.{key}", name, "") for key, name in self.attributes.items() if name and key != "phone"]
        fields = [
            (f"fields.{key}", entry.target, entry.type)
            for key, entry in self.fields.items()
            if entry.target is not None
        ]
        for key, name, kind in own + fields:
            first = known.setdefault(name.casefold(), (key, name, kind))
            if first[0] != key and (not kind or first[1:] != (name, kind)):
                raise ValueError(
                    f"{key} and {first[0]} both become {name!r}; give them two names, or the same spelling and type"
                )
        return self

    def summary(self) -> dict[str, int]:
        """How many entries there are, and how many of them have a target."""
        told: dict[str, int] = {}
        for section in ("agents", "teams", "fields"):
            entries = getattr(self, section).values()
            told[section] = len(entries)
            told[f"{section}_mapped"] = sum(1 for entry in entries if entry.target is not None)
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
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with aside.open("w", encoding="utf-8") as file:
            _writer().dump(document, file)
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
            if document.get(section) is None and value is not None:
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
    tail = _detached_tail(document, section) if section in document else ""
    if not document.get(section):
        document[section] = CommentedMap()
    for key, entry in entries.items():
        document[section][key] = CommentedMap(_shown(entry)) if isinstance(entry, dict) else entry
    if tail:
        node, last = _last_value(document, section)
        node.ca.items[last] = [None, None, CommentToken(tail, CommentMark(0), None), None]


def _detached_tail(document: CommentedMap, section: str) -> str:
    """Take the comment lines below the section's last value off it; a comment beside the value stays."""
    node, last = _last_value(document, section)
    token = (node.ca.items.get(last) or [None, None, None])[2]
    if token is None:
        return ""
    beside, line_end, below = token.value.partition("\n")
    token.value = beside + line_end
    if not beside:
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
    return {key: entry[key] for key in ("name", "email", "title", "target", "type", "matched_by") if key in entry}


def _blank() -> CommentedMap:
    document = CommentedMap()
    document.yaml_set_start_comment(_HEADER)
    for section, comment in _COMMENTS.items():
        document[section] = None if section == "fallback_admin" else CommentedMap()
        document.yaml_set_comment_before_after_key(section, before=f"\n{comment}")
    return document


_HEADER: Final = """\
mapping.yaml - what becomes what in Intercom.

The pipeline proposes; you decide. Change any line: what you wrote is never overwritten, and comments stay.
New agents, teams, fields and statuses of the source are added when the mapping is proposed again (migrate map).

target      what the entry becomes; null: nothing does (see each section)
matched_by  why: email, name, title (the same in Intercom), new (Intercom gets a new attribute), hand (you wrote it)
            or nothing (no match yet: looked for again each time; write hand to keep it as it is)
"""

_COMMENTS: Final = {
    "fallback_admin": "The admin who stands in for whoever has no teammate in Intercom; the text names the author.",
    "agents": "Agents by their id in the source. target: the id of an admin; null: the fallback admin stands in.",
    "teams": "Teams by their id in the source. target: the id of a team; null: tickets arrive without a team.",
    "fields": (
        "Ticket fields by their id in the source. target: the name of a conversation attribute; null: stays behind.\n"
        "type: string, integer, list, decimal, boolean or datetime."
    ),
    "statuses": "What a ticket's status becomes: open, snoozed or closed.",
    "attributes": (
        "Attributes that keep what a conversation has no place for; null: not kept. Made once a ticket needs them.\n"
        "phone belongs to contacts: the text of a number that Intercom cannot use."
    ),
    "tags": "Tags keep their names, but for those listed here (old name: new name); null: left out.",
}
