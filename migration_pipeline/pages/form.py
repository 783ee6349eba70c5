"""The controls of the mapping's page: what they hold, and which edits of mapping.yaml follow from what was entered.

Belongs here: names and values of controls, and reading them. Does not belong here: how they look (the template), or
whether the file may say so (`config.mapping`, `target.conflicts`).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from migration_pipeline.config.mapping import FieldEntry
from migration_pipeline.config.mapping_edits import UNSAID, Refusal
from migration_pipeline.config.yamlfile import Place
from migration_pipeline.pages.lines import Line, ident
from migration_pipeline.pages.texts import entered, label
from migration_pipeline.target.catalogue import Catalogue

Entered = Mapping[str, str]
"""What controls hold, by name."""

NO_ANSWER: Final = ""


class Names:
    """What lists call teammates or teams, and whom an entered text means."""

    def __init__(self, rows: Sequence[tuple[str, str | None, str | None]]) -> None:
        """`rows` are id, name and address."""
        self.labels = {own: label(name, [email], own) for own, name, email in rows}
        meant: dict[str, set[str]] = {}
        for own, name, email in rows:
            for text in (self.labels[own], own, name, email):
                if text:
                    meant.setdefault(_folded(text), set()).add(own)
        self._meant = {text: ids.pop() for text, ids in meant.items() if len(ids) == 1}

    def shown(self, own: str | None) -> str:
        """The label of an id; the id itself where the workspace has it no more."""
        return entered(self.labels.get(own, own) if own is not None else None)

    def meant(self, text: str) -> str | None:
        """The id that an entered text means: a label, an id, or an address or name that only one has."""
        return self._meant.get(_folded(text))


def _folded(text: str) -> str:
    return " ".join(entered(text).split()).casefold()


class Form:
    """The controls of one reading of mapping.yaml."""

    def __init__(self, lines: Mapping[str, Sequence[Line]], catalogue: Catalogue) -> None:
        """`lines` are those of the page."""
        everyone = {one.id: one for one in (*catalogue.admins, catalogue.me)}
        self.people = Names([(one.id, one.name, one.email) for one in everyone.values()])
        self.teams = Names([(one.id, one.name, None) for one in catalogue.teams])
        self._lines = [line for section in lines.values() for line in section]
        self.values: dict[str, str] = {}
        for line in self._lines:
            self.values |= self._held(line)

    def changed(self, given: Entered) -> dict[str, str]:
        """What was entered that the controls did not hold before."""
        return {name: text for name, text in given.items() if name in self.values and text != self.values[name]}

    def edits(self, given: Entered) -> tuple[dict[Place, Any], list[Refusal]]:
        """The edits that a person's entries mean, and which entries mean nothing."""
        news: dict[str, dict[str, str]] = {}
        for name, text in self.changed(given).items():
            own, _, control = name.partition(".")
            news.setdefault(own, {})[control] = text
        edits: dict[Place, Any] = {}
        refusals: list[Refusal] = []
        for line in self._lines:
            if line.ident not in news:
                continue
            try:
                found = dict(self._read(line, news[line.ident]))
            except _Unclear as error:
                refusals.append(Refusal(line.place, str(error)))
                continue
            edits |= {(*line.place, *way): value for way, value in found.items()}
        return edits, refusals

    def _held(self, line: Line) -> dict[str, str]:
        name, entry = line.ident, line.entry
        held: dict[str, str] = {}
        if line.unsure:
            held[f"{name}.right"] = NO_ANSWER
        if line.kind in ("agent", "team"):
            names = self.people if line.kind == "agent" else self.teams
            own = entry.target if line.matched_by else entry
            return held | {f"{name}.target": names.shown(own)}
        if line.kind != "field":
            return {f"{name}.target": entered(entry)}
        return held | {
            f"{name}.choice": _choice(entry),
            f"{name}.target": entered(entry.target),
            f"{name}.type": entry.type,
            f"{name}.default": entered(entry.default),
            **{option_name(line, value): entered(_label(line, value)) for value in options(line)},
        }

    def _read(self, line: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
        """The edits of one entry, by the way to them from the entry."""
        found = dict(_READERS[line.kind](self, line, own))
        yield from found.items()
        if line.matched_by is None:  # a plain value: nothing stands beside it
            return
        if ("target",) in found:
            chosen = next((one for one in line.candidates if one["target"] == found["target",]), {})
            for key in ("score", "evidence"):
                if chosen.get(key) is not None or getattr(line.entry, key) is not None:
                    yield (key,), chosen.get(key, UNSAID)
        if line.matched_by != "hand":
            yield ("matched_by",), "hand"


class _Unclear(ValueError):
    """What was entered means nothing."""


def options(line: Line) -> list[str]:
    """The source's options of a field, and those that mapping.yaml names besides."""
    return list(dict.fromkeys([*line.labels, *line.entry.options]))


def option_name(line: Line, value: str) -> str:
    """The control of an option."""
    return f"{line.ident}.{ident(['option', value])}"


def _label(line: Line, value: str) -> str | None:
    known: Mapping[str, str | None] = line.entry.options
    return known[value] if value in known else line.labels.get(value, value)


def _choice(entry: FieldEntry) -> str:
    return "skip" if entry.target is None else "attribute" if entry.default is None else "default"


def _someone(form: Form, line: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
    if "target" not in own:
        return
    names, kind = (form.people, "teammate") if line.kind == "agent" else (form.teams, "team")
    text = own["target"].strip()
    meant = names.meant(text) if text else None
    if not text and line.matched_by is None:
        raise _Unclear("somebody has to stand in for authors without a teammate")
    if text and meant is None:
        raise _Unclear(f"{text!r} is no {kind} of the workspace; choose one from the list, or leave it empty")
    yield (("target",) if line.matched_by else ()), meant


def _plain_value(_: Form, __: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
    if "target" in own:
        yield (), own["target"].strip() or None


def _ticket_state(_: Form, __: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
    if not own["target"].strip():
        raise _Unclear("name a state; what has none in Intercom cannot become a ticket")
    yield (), own["target"].strip()


def _fixed(_: Form, line: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
    """A value of the attribute's type; none takes the entry out of the file, but for what the workspace requires."""
    text = own["target"]
    yield (), typed(text, line.data_type) if text.strip() else None if line.required else UNSAID


def _field(form: Form, line: Line, own: Entered) -> Iterator[tuple[Place, Any]]:
    """An attribute, an attribute with a default, or nothing; what a person touched says which."""
    before = {name: form.values[f"{line.ident}.{name}"] for name in ("choice", "target", "type", "default")}
    now = {**before, **own}
    choice = now["choice"]
    if "choice" not in own and "default" in own:
        choice = "default" if own["default"].strip() else "attribute" if choice == "default" else choice
    elif "choice" not in own and own.get("target", "").strip() and choice == "skip":
        choice = "attribute"
    target = now["target"].strip() if "target" in own else line.entry.target
    if choice != "skip" and not target:
        raise _Unclear("name an attribute, or choose to skip the field")
    if choice == "default" and not now["default"].strip():
        raise _Unclear("enter the value of records that have none, or choose the attribute alone")
    wanted = None if choice == "skip" else target
    if wanted != line.entry.target:
        yield ("target",), wanted
    if now["type"] != line.entry.type:
        yield ("type",), now["type"]
    value = typed(now["default"], now["type"]) if choice == "default" else None
    if choice == "default" and ("default" in own or "type" in own or line.entry.default is None):
        yield ("default",), value
    elif choice != "default" and line.entry.default is not None:
        yield ("default",), UNSAID
    for option in options(line):
        text = own.get(option_name(line, option).partition(".")[2])
        if text is not None:
            yield ("options", option), text.strip() or None


_READERS: Final[Mapping[str, Callable[[Form, Line, Entered], Iterator[tuple[Place, Any]]]]] = {
    "agent": _someone,
    "team": _someone,
    "field": _field,
    "state": _plain_value,
    "word": _plain_value,
    "ticket_state": _ticket_state,
    "own": _plain_value,
    "fixed": _fixed,
    "tag": _plain_value,
    "language": _plain_value,
}

_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}


def typed(text: str, data_type: str) -> bool | int | float | str:
    """What a person entered as a value of the type; the text itself where it is none."""
    bare = text.strip()
    try:
        if data_type == "boolean":
            return _BOOLEANS.get(bare.casefold(), bare)
        if data_type in ("integer", "datetime"):
            return int(bare)
        if data_type == "decimal":
            number = float(bare)
            return number if math.isfinite(number) else bare
    except ValueError:
        pass
    return bare
