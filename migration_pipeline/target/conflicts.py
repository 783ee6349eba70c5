"""Where mapping.yaml and the workspace contradict each other: found before anything is written.

Belongs here: what cannot work, and the sentence that says what to do. Does not belong here: what the file lacks
(`proposals.missing`), or contradictions within the file (`config.mapping`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migration_pipeline.config import yamlfile
from migration_pipeline.config.mapping import MODELS, PEOPLE_ATTRIBUTES, DataType, FieldEntry, Mapping
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.target.attributes import OWN_ATTRIBUTES, REUSABLE, fits
from migration_pipeline.target.catalogue import Catalogue, ConversationAttribute, DataAttribute


@dataclass(frozen=True)
class Conflict:
    """One entry of mapping.yaml that the workspace cannot follow."""

    place: tuple[str, ...]  # the way to it in mapping.yaml
    sentence: str  # what is wrong and what to do, without a full stop

    @property
    def key(self) -> str:
        """The way as a person reads it."""
        return ".".join(self.place)


def conflicts(mapping: Mapping, catalogue: Catalogue) -> list[Conflict]:
    """Everything in the file that contradicts the workspace, in the order of the file."""
    return [*_people(mapping, catalogue), *_attributes(mapping, catalogue), *_defaults(mapping, catalogue)]


def require_agreement(path: Path, mapping: Mapping, catalogue: Catalogue) -> None:
    """Refuse a file that contradicts the workspace.

    Raises:
        SettingsError: it does; the sentence names file, line and key of each contradiction.
    """
    found = conflicts(mapping, catalogue)
    if found:
        document = yamlfile.read(path)
        raise SettingsError("\n".join(f"{yamlfile.at(path, document, one.place)}: {one.sentence}." for one in found))


def _people(mapping: Mapping, catalogue: Catalogue) -> Iterator[Conflict]:
    admins = {admin.id: admin for admin in catalogue.admins} | {catalogue.me.id: catalogue.me}
    if mapping.fallback_admin is not None and mapping.fallback_admin not in admins:
        yield Conflict(("fallback_admin",), f"{mapping.fallback_admin} is no teammate of the workspace")
    for key, agent in mapping.agents.items():
        if agent.target is not None and agent.target not in admins:
            yield Conflict(("agents", key, "target"), f"{agent.target} is no teammate of the workspace; null leaves it")
    teams = {team.id for team in catalogue.teams}
    for key, team in mapping.teams.items():
        if team.target is not None and team.target not in teams:
            yield Conflict(("teams", key, "target"), f"{team.target} is no team of the workspace; null leaves it")


def _attributes(mapping: Mapping, catalogue: Catalogue) -> Iterator[Conflict]:
    """Entries whose attribute is there, and cannot take the values."""
    for section, model in MODELS.items():
        entries: dict[str, FieldEntry] = getattr(mapping, section)
        for key, entry in entries.items():
            if entry.target is not None:
                wrong = _cannot_be(entry.target, model, entry.type, catalogue)
                if wrong:
                    yield Conflict((section, key, "target"), wrong)
                if entry.default is not None and not fits(entry.default, entry.type):
                    told = f"{entry.default!r} is no value of type {entry.type}"
                    yield Conflict((section, key, "default"), told)
    types = {own.key: own.data_type for own in OWN_ATTRIBUTES}
    for key, name in mapping.attributes.items():
        if name is not None and key in types:
            model = "contact" if key in PEOPLE_ATTRIBUTES else "conversation"
            wrong = _cannot_be(name, model, types[key], catalogue)
            if wrong:
                yield Conflict(("attributes", key), wrong)


def _cannot_be(name: str, model: str, data_type: DataType, catalogue: Catalogue) -> str | None:
    """Why an attribute of this name cannot take values of the type."""
    same = [one for one in _there(catalogue, model) if one.name.casefold() == name.casefold()]
    alive = [one for one in same if not one.archived]
    here = next((one for one in alive if getattr(one, "model", model) == model), None)
    if len(alive) > 1 and model == "conversation":
        return f"the workspace has {len(alive)} attributes {name!r}; rename or archive all but one"
    if here is None and alive:
        return f"the {getattr(alive[0], 'model', '')} attribute {name!r} has the name already; give it another"
    if here is None:
        return f"the attribute {name!r} is archived; bring it back in Intercom, or give another name" if same else None
    if not getattr(here, "custom", True):
        return f"{name!r} is Intercom's own; give it another name"
    if here.data_type not in REUSABLE[data_type]:
        return f"the attribute {name!r} holds {here.data_type}, which does not take {data_type}; give it another name"
    return None


def _there(catalogue: Catalogue, model: str) -> tuple[ConversationAttribute | DataAttribute, ...]:
    """The attributes that share their names with those of a model: contacts and companies have one set of names."""
    return catalogue.conversation_attributes if model == "conversation" else catalogue.data_attributes


def _defaults(mapping: Mapping, catalogue: Catalogue) -> Iterator[Conflict]:
    there = {one.name.casefold(): one for one in catalogue.conversation_attributes if not one.archived}
    for name, value in mapping.defaults.items():
        if value is None:
            continue
        attribute = there.get(name.casefold())
        if attribute is None:
            yield Conflict(("defaults", name), "the workspace has no conversation attribute of this name")
        elif not fits(value, attribute.data_type):
            yield Conflict(("defaults", name), f"{value!r} is no value of type {attribute.data_type}")
        elif attribute.data_type == "list" and value not in (labels := [one.label for one in attribute.options]):
            yield Conflict(("defaults", name), f"{value!r} is none of its options: {', '.join(labels)}")
