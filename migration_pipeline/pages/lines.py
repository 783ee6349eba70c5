"""What the mapping's page shows: one line for each entry of mapping.yaml, with all that helps to decide it.

Belongs here: putting together the file, the proposals and the workspace. Does not belong here: controls and what is
entered into them (`form`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal

from migration_pipeline.config.locales import LOCALES
from migration_pipeline.config.mapping import KEY_ATTRIBUTE, MODELS, PEOPLE_ATTRIBUTES, FieldEntry
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.config.yamlfile import Place
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.pages.known import Known
from migration_pipeline.pages.texts import plain
from migration_pipeline.target.attributes import NAMED_VALUES, OWN_ATTRIBUTES
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.matching import Attribute, option_names

Kind = Literal["agent", "team", "field", "state", "word", "ticket_state", "own", "fixed", "tag", "language"]

SECTIONS: Final[Mapping[str, tuple[Kind, str]]] = {
    "fallback_admin": ("agent", "Fallback admin"),
    "agents": ("agent", "Agents"),
    "teams": ("team", "Teams"),
    "fields": ("field", "Ticket fields"),
    "contact_fields": ("field", "Contact fields"),
    "company_fields": ("field", "Company fields"),
    "statuses": ("state", "Statuses"),
    "ticket_states": ("ticket_state", "States of Intercom tickets"),
    "priorities": ("word", "Priorities"),
    "types": ("word", "Ticket types"),
    "brands": ("word", "Brands"),
    "locales": ("word", "Locales"),
    "attributes": ("own", "What has no place of its own"),
    "defaults": ("fixed", "Fixed values"),
    "tags": ("tag", "Tags"),
    "languages": ("language", "Languages of the help centre"),
}
"""The sections of the page: what their entries are matched with, and what they are called."""

PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "word": ("is called", "left out"),
    "ticket_state": ("becomes", "a category, or the name of a state"),
    "own": ("Attribute in Intercom", "not kept"),
    "fixed": ("Value of each conversation", "no fixed value"),
    "tag": ("is called", "left out"),
    "language": ("becomes", "stays behind"),
}
"""Entries of one word: what their control is called, and what it means when empty."""

WHY: Final[Mapping[str, str]] = {
    "email": "same e-mail",
    "name": "same name",
    "title": "same title",
    "near": "nearly the same",
    "new": "new attribute",
    "hand": "by hand",
    "nothing": "no match",
}
_OPEN: Final = ("near", "nothing")


@dataclass(frozen=True)
class Choice:
    """Something of the workspace to choose, as lists show it."""

    value: str
    told: str = ""


@dataclass(frozen=True)
class Line:
    """One entry to decide."""

    place: Place
    kind: Kind
    title: str
    told: str  # address, type of the field, or what the entry is about
    entry: Any  # what mapping.yaml says
    labels: Mapping[str, str]  # of the source's options
    samples: Sequence[str]
    candidates: Sequence[Mapping[str, Any]]
    losses: Sequence[str]
    choices: str  # name of the list to choose from
    option_choices: str  # name of the list for options, empty where there is none
    data_type: str = ""  # of a fixed value
    required: bool = False  # whether the workspace asks for a fixed value
    records: int | None = None  # that the entry concerns; None where nobody counted

    @cached_property
    def ident(self) -> str:
        """What controls of the line are called, and where links to it lead."""
        return ident(self.place)

    @property
    def matched_by(self) -> str | None:
        """Why the entry is as it is."""
        return getattr(self.entry, "matched_by", None)

    @property
    def unsure(self) -> bool:
        """Whether a person has to say that the entry is right as it is."""
        return self.matched_by in _OPEN

    @property
    def target(self) -> str | None:
        """What the entry becomes."""
        found: str | None = getattr(self.entry, "target", None) if self.matched_by else self.entry
        return found

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The candidate that a plain value says, whatever its case; empty where it is none of them."""
        return {} if self.matched_by else next((one for one in self.candidates if self._is_target(one)), {})

    @property
    def others(self) -> list[Mapping[str, Any]]:
        """Candidates besides the one that was taken."""
        return [one for one in self.candidates if not self._is_target(one)]

    def _is_target(self, candidate: Mapping[str, Any]) -> bool:
        return self.target is not None and str(candidate["target"]).casefold() == self.target.casefold()

    @property
    def why(self) -> str:
        """`matched_by` in words."""
        return WHY.get(self.matched_by or "", "")


def ident(place: Iterable[object]) -> str:
    """A name for a place in the file that is safe in HTML, whatever keys a help desk has."""
    return "e" + sha256("\x1f".join(map(str, place)).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def lines(rules: Rules, known: Known) -> dict[str, list[Line]]:
    """The lines of each section, in the order of the file; empty sections have none."""
    proposed = {(one["section"], one["key"]): one for one in known.proposals}
    with_options = {name for name, _ in _option_lists(known.catalogue)}
    own = {section: rules.attributes.get(key) for key, section in NAMED_VALUES.items()}
    found = {}
    for section, (kind, _) in SECTIONS.items():
        there = getattr(rules, section)
        entries: dict[tuple[str, ...], Any] = {(section,): there}
        if isinstance(there, dict):
            entries = {(section, key): entry for key, entry in there.items()}
        # What need not stand in the file: it is as it is until somebody says otherwise.
        if section == "tags":
            entries |= {("tags", key): key for part, key in proposed if part == "tags" and key not in there}
        elif section == "defaults":
            entries |= {("defaults", name): None for name in _unfilled(rules, known.catalogue)}
        found[section] = [
            _line(place, kind, entry, proposed.get((section, place[-1]), {}), own.get(section), with_options)
            for place, entry in entries.items()
        ]
    found["defaults"] = [_fixed(line, known.catalogue) for line in found["defaults"]]
    return found


def _unfilled(rules: Rules, catalogue: Catalogue) -> list[str]:
    """Conversation attributes that nothing fills."""
    filled = {
        KEY_ATTRIBUTE,
        *(name.casefold() for name in rules.defaults),
        *(name.casefold() for name in rules.attributes.values() if name),
    }
    filled |= {entry.target.casefold() for entry in rules.fields.values() if entry.target}
    return [
        one.name
        for one in _attributes(catalogue, "conversation")
        if one.name.strip() and one.name.casefold() not in filled and not any(mark in one.name for mark in ".$")
    ]


def _fixed(line: Line, catalogue: Catalogue) -> Line:
    """The line of a fixed value, with what its attribute holds."""
    name = str(line.place[-1]).casefold()
    attribute = next((one for one in catalogue.conversation_attributes if one.name.casefold() == name), None)
    if attribute is None:
        return line
    told = attribute.data_type + (", required by the workspace" if attribute.required else "")
    return replace(line, told=told, data_type=attribute.data_type, required=attribute.required)


def _line(
    place: tuple[str, ...], kind: Kind, entry: Any, proposal: Mapping[str, Any], own: str | None, lists: set[str]
) -> Line:
    section, key = place[0], place[-1]
    about = {"word": own, "field": getattr(entry, "target", None), "fixed": key}
    models: dict[str, str] = {str(own): model for own, model in MODELS.items()} | {"locales": "contact"}
    model = "contact" if kind == "own" and key in PEOPLE_ATTRIBUTES else models.get(section, "conversation")
    options = f"{model}-{ident([(about.get(kind) or '').casefold()])}"
    options = options if options in lists else ""
    named = entry.title if isinstance(entry, FieldEntry) else getattr(entry, "name", None)
    title = named or proposal.get("title") or key
    told = {"field": proposal.get("type") or "", "own": _DESCRIPTIONS.get(key, "")}
    choices = {"agent": "admins", "team": "teams", "tag": "tags", "language": "languages", "ticket_state": "states"}
    return Line(
        place=place,
        kind=kind,
        title="Stands in for whoever has no teammate" if section == "fallback_admin" else title,
        told=getattr(entry, "email", None) or told.get(kind, ""),
        entry=entry,
        labels=proposal.get("options") or {},
        samples=proposal.get("samples") or (),
        candidates=proposal.get("candidates") or () if kind != "word" and kind != "state" else (),
        losses=[_loss(one) for one in proposal.get("losses") or ()],
        choices=f"attributes-{model}" if kind in ("field", "own") else choices.get(kind, options),
        option_choices=options,
        records=proposal.get("records"),
    )


_DESCRIPTIONS: Final = {own.key: own.description for own in OWN_ATTRIBUTES}


def _loss(row: Mapping[str, Any]) -> str:
    detail = f" ({row['detail']})" if row["detail"] else ""
    count = f"{row['records']:,} record{'' if row['records'] == 1 else 's'}: " if row["records"] else ""
    return f"{count}{REASONS.get(row['reason'], row['reason'])}{detail}"


def choices(known: Known, people: Iterable[str], teams: Iterable[str]) -> dict[str, list[Choice]]:
    """The lists that controls choose from, by name; `people` and `teams` as the form calls them."""
    catalogue = known.catalogue
    found = {
        "admins": [Choice(one) for one in people],
        "teams": [Choice(one) for one in teams],
        "tags": [Choice(name) for name in sorted({plain(one.name) for one in catalogue.tags})],
        "languages": [Choice(one) for one in LOCALES],
        "states": [Choice(one) for one in known.states],
    }
    for model in MODELS.values():
        found[f"attributes-{model}"] = [
            Choice(one.name, one.data_type + (f", {len(one.options)} options" if one.options else ""))
            for one in _attributes(catalogue, model)
        ]
    return found | {name: [Choice(option) for option in options] for name, options in _option_lists(catalogue)}


def _option_lists(catalogue: Catalogue) -> Iterator[tuple[str, list[str]]]:
    for model in MODELS.values():
        for one in _attributes(catalogue, model):
            if one.options:
                yield f"{model}-{ident([one.name.casefold()])}", option_names(one)


def _attributes(catalogue: Catalogue, model: str) -> Sequence[Attribute]:
    if model == "conversation":
        return [one for one in catalogue.conversation_attributes if not one.archived]
    return [one for one in catalogue.data_attributes if one.model == model and one.custom and not one.archived]
