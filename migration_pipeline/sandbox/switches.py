"""Switches: the hidden facts of a service that public material leaves open, each with the values a service may have.

Only their declaration and checking; what a switch changes stands with the rule it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

KINDS: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "list": list,
}


@dataclass(frozen=True, slots=True)
class Switch:
    """`allowed` is a tuple of the possible values, or one of boolean, integer, number, string, list."""

    name: str
    default: Any
    allowed: tuple[Any, ...] | str
    meaning: str

    def accepts(self, value: Any) -> bool:
        """Whether `value` may be set; numbers must not be negative."""
        if isinstance(self.allowed, tuple):
            return value in self.allowed and type(value) in {type(v) for v in self.allowed}
        if not isinstance(value, KINDS[self.allowed]) or (isinstance(value, bool) and self.allowed != "boolean"):
            return False
        return not isinstance(value, (int, float)) or value >= 0


class SwitchError(ValueError):
    """An unknown switch, or a value that it does not take; the text names both."""


class Switches:
    """The current values. Read with `switches["name"]`."""

    def __init__(self, declared: Iterable[Switch], stored: Mapping[str, Any] | None = None) -> None:
        """Start from the defaults, then the `stored` values of an earlier run that are still valid."""
        self._declared = {switch.name: switch for switch in declared}
        self._values = {name: switch.default for name, switch in self._declared.items()}
        for name, value in (stored or {}).items():
            if name in self._declared and self._declared[name].accepts(value):
                self._values[name] = value

    def __contains__(self, name: str) -> bool:
        """Whether a switch of this name is declared."""
        return name in self._declared

    def __getitem__(self, name: str) -> Any:
        """The value of a declared switch; KeyError otherwise."""
        return self._values[name]

    def set(self, changes: Mapping[str, Any]) -> None:
        """Set all or none. Raises SwitchError."""
        for name, value in changes.items():
            switch = self._declared.get(name)
            if switch is None:
                raise SwitchError(f"no switch is called {name!r}")
            if not switch.accepts(value):
                raise SwitchError(f"{name} takes {switch.allowed}, not {value!r}")
        self._values.update(changes)

    def values(self) -> dict[str, Any]:
        """All switches with their values."""
        return dict(self._values)

    def changed(self) -> dict[str, Any]:
        """The switches that differ from their default: what has to survive a restart."""
        return {name: value for name, value in self._values.items() if value != self._declared[name].default}

    def described(self) -> dict[str, dict[str, Any]]:
        """All switches with value, allowed values, default and meaning."""
        return {
            name: {
                "value": self._values[name],
                "allowed": list(s.allowed) if isinstance(s.allowed, tuple) else s.allowed,
                "default": s.default,
                "meaning": s.meaning,
            }
            for name, s in self._declared.items()
        }


def read_order(text: str) -> tuple[str, Any]:
    """(name, value) of an order such as `limits_seen=3` or `source.role=agent`; what is not JSON is a string.

    Raises SwitchError for a text without `=`.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise SwitchError(f"a switch is set by NAME=VALUE, not by {text!r}")
    try:
        return name.strip(), orjson.loads(value)
    except orjson.JSONDecodeError:
        return name.strip(), value
