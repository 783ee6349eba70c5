"""How well something of the source fits something of the target: scores from 0 to 100, and the evidence in words.

Belongs here: comparing one thing with its candidates. Does not belong here: which match is taken (`proposals`).
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process

from migration_pipeline.config.mapping import DataType
from migration_pipeline.target.attributes import REUSABLE
from migration_pipeline.target.catalogue import Admin, ConversationAttribute, DataAttribute, Tag, Team

Attribute = ConversationAttribute | DataAttribute

NEAR: Final = 88
"""Two titles from here on are one, but for a slip; a person is asked to look."""

_SHOWN: Final = 3
_WORTH_SHOWING: Final = 40


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something of the target that may be meant."""

    target: str  # what mapping.yaml would say: an id, or an attribute's name
    name: str
    score: int
    evidence: str
    likeness: int  # of the names alone


@lru_cache(maxsize=100_000)
def words(text: str | None) -> str:
    """The text's words in one order, without case, accents and punctuation."""
    bare = unicodedata.normalize("NFKD", text or "")
    kept = "".join(" " if not (c.isalnum() or unicodedata.combining(c)) else c for c in bare.casefold())
    return " ".join(sorted("".join(c for c in kept if not unicodedata.combining(c)).split()))


def admins_for(name: str | None, email: str | None, admins: Sequence[Admin]) -> list[Candidate]:
    """Teammates for an agent: the same address is certain, a like name is not."""
    address = (email or "").strip().casefold()
    like = dict(_like(name, [admin.name for admin in admins], _SHOWN + 2))
    same_address = [n for n, one in enumerate(admins) if address and (one.email or "").strip().casefold() == address]
    found = []
    for number in dict.fromkeys([*same_address, *like]):
        one, likeness = admins[number], like.get(number, 0)
        theirs = (one.email or "").strip().casefold()
        same = bool(address) and address == theirs
        local = bool(address) and address.partition("@")[0] == theirs.partition("@")[0] and not same
        told = [f"name {likeness} %", *(["same name before the @"] if local else [])]
        score = 100 if same else min(round(likeness * 0.9) + 5 * local, 95)
        found.append(Candidate(one.id, one.name, score, "same e-mail" if same else ", ".join(told), likeness))
    return _best(found)


def teams_for(name: str | None, teams: Sequence[Team]) -> list[Candidate]:
    """Teams of the target by name."""
    found = [
        Candidate(teams[team].id, teams[team].name, likeness, f"name {likeness} %", likeness)
        for team, likeness in _like(name, [team.name for team in teams])
    ]
    return _best(found)


def attributes_for(
    title: str, key: str | None, wanted: DataType, labels: Iterable[str], attributes: Sequence[Attribute]
) -> list[Candidate]:
    """Attributes for a field, by title or key, type, and how many of its options they have."""
    options = list(dict.fromkeys(labels))
    by_title = dict(_like(title, [one.name for one in attributes]))
    by_key = dict(_like(key, [one.name for one in attributes]))
    found = []
    for number, one in enumerate(attributes):
        likeness = max(by_title.get(number, 0), by_key.get(number, 0) - 3)
        told, points = [f"title {likeness} %"], [(likeness, 3)]
        fitting = one.data_type in REUSABLE[wanted]
        points.append((100 if one.data_type == wanted else 70 if fitting else 0, 1))
        told.append(
            "type equal"
            if one.data_type == wanted
            else f"type {one.data_type} {'takes' if fitting else 'does not take'} {wanted}"
        )
        if options and one.data_type == "list":
            there = len(set(options) & set(option_names(one)))
            points.append((round(100 * there / len(options)), 1))
            told.append(f"{there} of {len(options)} options")
        score = round(sum(value * weight for value, weight in points) / sum(weight for _, weight in points))
        found.append(Candidate(one.name, one.name, score, ", ".join(told), likeness))
    return _best(found)


def tags_for(tags: Sequence[Tag]) -> Callable[[str], list[Candidate]]:
    """Tells the tags that a name may mean: names are one whatever their case, others are alike but for a slip."""
    spelled = {tag.name.casefold(): tag.name for tag in tags}
    known = {tag.name: words(tag.name) for tag in tags}

    def like(name: str) -> list[Candidate]:
        if (same := spelled.get(" ".join(name.split()).casefold())) is not None:
            return [Candidate(same, same, 100, "there already", 100)]
        close = process.extract(words(name), known, scorer=fuzz.ratio, limit=_SHOWN, score_cutoff=NEAR)
        return _best(Candidate(one, one, int(score), f"name {int(score)} %", int(score)) for _, score, one in close)

    return like


def option_names(attribute: Attribute) -> list[str]:
    """The labels of a list attribute."""
    return [option if isinstance(option, str) else option.label for option in attribute.options]


def holds(attribute: Attribute, wanted: DataType, labels: Iterable[str]) -> bool:
    """Whether the attribute takes every value as it is."""
    if (
        attribute.archived
        or attribute.data_type not in REUSABLE[wanted]
        or any(mark in attribute.name for mark in ".$")
    ):
        return False
    return attribute.data_type != "list" or set(labels) <= set(option_names(attribute))


def _like(text: str | None, names: Sequence[str], limit: int | None = None) -> list[tuple[int, int]]:
    """The names that are most like the text: their positions, and how like they are in percent."""
    wanted = words(text)
    if not wanted:
        return []
    known: Mapping[int, str] = {number: words(name) for number, name in enumerate(names)}
    scored = process.extract(wanted, known, scorer=fuzz.ratio, limit=limit)
    return [(number, int(score)) for _, score, number in scored]


def _best(found: Iterable[Candidate]) -> list[Candidate]:
    """The few best that are worth a look."""
    ordered = sorted(found, key=lambda one: (-one.score, one.name, one.target))
    return [one for one in ordered[:_SHOWN] if one.score >= _WORTH_SHOWING]
