"""What the mapping's page shows: one line for each entry of mapping.yaml, with all that helps to decide it.

Belongs here: putting together the file, the proposals and the workspace. Does not belong here: controls and what is
entered into them (`form`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal

from migration_pipeline.config.mapping import MODELS, FieldEntry
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.config.yamlfile import Place
from migration_pipeline.model.reasons import REASONS
from migration_pipeline.target.attributes import NAMED_VALUES
from migration_pipeline.target.catalogue import Catalogue
from migration_pipeline.target.matching import Attribute, option_names

Kind = Literal["agent", "team", "field", "state", "word"]

SECTIONS: Final[Mapping[str, tuple[Kind, str]]] = {
    "fallback_admin": ("agent", "Fallback admin"),
    "agents": ("agent", "Agents"),
    "teams": ("team", "Teams"),
    "fields": ("field", "Ticket fields"),
    "contact_fields": ("field", "Contact fields"),
    "company_fields": ("field", "Company fields"),
    "statuses": ("state", "Statuses"),
    "priorities": ("word", "Priorities"),
    "types": ("word", "Ticket types"),
    "brands": ("word", "Brands"),
    "locales": ("word", "Locales"),
}
"""The sections of the page: what their entries are matched with, and what they are called."""

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
    told: str  # address, or type of the field
    entry: Any  # what mapping.yaml says
    labels: Mapping[str, str]  # of the source's options
    samples: Sequence[str]
    candidates: Sequence[Mapping[str, Any]]
    losses: Sequence[str]
    choices: str  # name of the list to choose from
    option_choices: str  # name of the list for options, empty where there is none

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
    def why(self) -> str:
        """`matched_by` in words."""
        return WHY.get(self.matched_by or "", "")


def ident(place: Iterable[object]) -> str:
    """A name for a place in the file that is safe in HTML, whatever keys a help desk has."""
    return "e" + sha256("\x1f".join(map(str, place)).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def lines(rules: Rules, proposals: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> dict[str, list[Line]]:
    """The lines of each section, in the order of the file; empty sections have none."""
    known = {(one["section"], one["key"]): one for one in proposals}
    with_options = {name for name, _ in _option_lists(catalogue)}
    own = {section: rules.attributes.get(key) for key, section in NAMED_VALUES.items()}
    found = {}
    for section, (kind, _) in SECTIONS.items():
        there = getattr(rules, section)
        entries: dict[tuple[str, ...], Any] = {(section,): there}
        if isinstance(there, dict):
            entries = {(section, key): entry for key, entry in there.items()}
        found[section] = [
            _line(place, kind, entry, known.get((section, place[-1]), {}), own.get(section), with_options)
            for place, entry in entries.items()
        ]
    return found


def _line(
    place: tuple[str, ...], kind: Kind, entry: Any, proposal: Mapping[str, Any], own: str | None, lists: set[str]
) -> Line:
    section = place[0]
    target = own if kind == "word" else getattr(entry, "target", None) if kind == "field" else None
    models: dict[str, str] = {str(own): model for own, model in MODELS.items()} | {"locales": "contact"}
    model = models.get(section, "conversation")
    options = f"{model}-{ident([(target or '').casefold()])}"
    named = entry.title if isinstance(entry, FieldEntry) else getattr(entry, "name", None)
    title = named or proposal.get("title") or place[-1]
    return Line(
        place=place,
        kind=kind,
        title="Stands in for whoever has no teammate" if section == "fallback_admin" else title,
        told=getattr(entry, "email", None) or (proposal.get("type") or "" if kind == "field" else ""),
        entry=entry,
        labels=proposal.get("options") or {},
        samples=proposal.get("samples") or (),
        candidates=proposal.get("candidates") or () if kind != "word" and kind != "state" else (),
        losses=[_loss(one) for one in proposal.get("losses") or ()],
        choices={"agent": "admins", "team": "teams", "field": f"attributes-{model}"}.get(kind, ""),
        option_choices=options if options in lists else "",
    )


def _loss(row: Mapping[str, Any]) -> str:
    detail = f" ({row['detail']})" if row["detail"] else ""
    count = f"{row['records']:,} record{'' if row['records'] == 1 else 's'}: " if row["records"] else ""
    return f"{count}{REASONS.get(row['reason'], row['reason'])}{detail}"


def choices(catalogue: Catalogue, people: Iterable[str], teams: Iterable[str]) -> dict[str, list[Choice]]:
    """The lists that controls choose from, by name; `people` and `teams` as the form calls them."""
    found = {
        "admins": [Choice(one) for one in people],
        "teams": [Choice(one) for one in teams],
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
