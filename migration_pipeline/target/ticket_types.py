"""The workspace's ticket types and states, as they are now, and whether the settings agree with them.

Belongs here: reading them in whatever shape they come, and refusals that name the setting. Does not belong here: which
tickets have a type (`ticket_rules`), or making types (`loading.definitions`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import orjson

from migration_pipeline.config import Migration
from migration_pipeline.config.mapping import Mapping as Rules
from migration_pipeline.config.yamlfile import place
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.target.client import IntercomClient
from migration_pipeline.target.conflicts import Conflict
from migration_pipeline.target.ticket_rules import CATEGORIES

Json = dict[str, Any]

_CUSTOMER: Final = "customer"
"""The category whose tickets contacts may reply to (Intercom OpenAPI 2.16, replyTicket)."""


@dataclass(frozen=True)
class TicketAttribute:
    """An attribute of a ticket type; option ids by label."""

    id: str
    name: str
    data_type: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class TicketState:
    """A state of tickets; `types` are the ids of those that have it, empty where the service does not say."""

    id: str
    category: str
    names: tuple[str, ...]
    types: frozenset[str]


@dataclass(frozen=True)
class TicketType:
    """A ticket type with its attributes by case-folded name."""

    id: str
    name: str
    category: str
    attributes: Mapping[str, TicketAttribute]


@dataclass(frozen=True)
class TicketTypes:
    """All types by case-folded name, and all states in the workspace's order."""

    by_name: Mapping[str, TicketType]
    states: tuple[TicketState, ...]

    def to_json(self) -> bytes:
        """The types as a JSON document."""
        states = [{**asdict(one), "types": sorted(one.types)} for one in self.states]
        return orjson.dumps({"types": [asdict(one) for one in self.by_name.values()], "states": states})

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """The types that `to_json` wrote.

        Raises:
            KeyError, TypeError: another version of the pipeline wrote the document.
        """
        read = orjson.loads(document)
        types = [
            TicketType(**{**row, "attributes": {key: TicketAttribute(**one) for key, one in row["attributes"].items()}})
            for row in read["types"]
        ]
        states = (
            TicketState(**{**row, "names": tuple(row["names"]), "types": frozenset(row["types"])})
            for row in read["states"]
        )
        return cls({one.name.casefold(): one for one in types}, tuple(states))

    @property
    def state_names(self) -> list[str]:
        """What mapping.yaml may call a state: categories, then the workspace's own names."""
        return [*CATEGORIES, *sorted({name for one in self.states for name in one.names})]

    def of_id(self, type_id: str) -> TicketType | None:
        """The type of an id."""
        return next((one for one in self.by_name.values() if one.id == type_id), None)

    def state(self, type_id: str | None, wanted: str) -> TicketState | None:
        """The first state of a type that has this category or name; of any type where `type_id` is None."""
        mine = [one for one in self.states if not one.types or type_id is None or type_id in one.types]
        folded = wanted.strip().casefold()
        named = [one for one in mine if folded in {name.casefold() for name in one.names}]
        return next(iter([*(one for one in mine if one.category == folded), *named]), None)


FILE: Final = "ticket_types.json"
"""What the types were when `migrate map` read them last, in the migration's folder."""

NO_TYPES: Final = TicketTypes({}, ())
"""Where no record has to do with tickets."""


def known_types(client: IntercomClient, migration: Migration) -> TicketTypes:
    """The workspace's ticket types where rules ask for tickets; else none is read, which a token may not be for."""
    return read_ticket_types(client) if migration.tickets else NO_TYPES


def types_read_last(migration: Migration) -> TicketTypes | None:
    """The types that were kept in the migration's folder; None where none were, or no rule asks for tickets."""
    path = migration.root / FILE
    return TicketTypes.from_json(path.read_bytes()) if migration.tickets and path.exists() else None


def read_ticket_types(client: IntercomClient) -> TicketTypes:
    """Types and states, by two calls.

    Raises:
        AccessDenied, ServiceDown, RunStopped, Rejected: see `ApiSession.read`.
    """
    types = [_type(row) for row in client.ticket_types() if not row.get("archived")]
    states = tuple(_state(row) for row in client.ticket_states() if not row.get("archived"))
    return TicketTypes({one.name.casefold(): one for one in reversed(types)}, states)


def require_agreement(migration: Migration, mapping: Rules, types: TicketTypes) -> None:
    """Refuse rules that the workspace cannot follow.

    Raises:
        SettingsError: a type is not one for customers, or a state does not exist; the sentence names file and key.
    """
    for number, rule in enumerate(migration.tickets):
        there = types.by_name.get((rule.ticket_type or "").casefold())
        if there is not None and there.category.casefold() != _CUSTOMER:
            raise SettingsError(
                f"{place(migration.path, ['tickets', number, 'type'])}: {there.name} is a {there.category} ticket "
                "type of Intercom, to which contacts cannot reply; name a Customer type, or one that does not exist "
                "yet."
            )
    for one in unknown_states(migration, mapping, types):
        raise SettingsError(f"{place(migration.mapping_path, one.place)}: {one.sentence}.")


def unknown_states(migration: Migration, mapping: Rules, types: TicketTypes) -> Iterator[Conflict]:
    """Entries of `ticket_states` that name no state of a type that tickets become, each once."""
    told: set[str] = set()
    for rule in migration.tickets:
        there = types.by_name.get((rule.ticket_type or "").casefold())
        for status, wanted in mapping.ticket_states.items() if rule.ticket_type is not None else ():
            if status not in told and types.state(there.id if there else None, wanted) is None:
                told.add(status)
                owner = there.name if there else "Intercom"
                named = ", ".join(types.state_names)
                yield Conflict(("ticket_states", status), f"{owner} has no ticket state {wanted}; take one of {named}")


def _type(row: Json) -> TicketType:
    # `data` in the description's example, `ticket_type_attributes` in its schema.
    listed = row.get("ticket_type_attributes")
    attributes = _rows(listed, "data", "ticket_type_attributes")
    return TicketType(
        str(row.get("id")),
        str(row.get("name") or ""),
        str(row.get("category") or ""),
        {
            str(one.get("name") or "").casefold(): TicketAttribute(
                str(one.get("id")), str(one.get("name") or ""), str(one.get("data_type") or "string"), _options(one)
            )
            for one in attributes
            if not one.get("archived")
        },
    )


def _options(row: Json) -> dict[str, str]:
    """Option ids by label; no public source says what carries the options, so the list with ids is looked for."""
    held = row.get("input_options")
    for place_ in (held if isinstance(held, dict) else {}, row):
        for value in place_.values():
            found = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
            told = {_label(one): str(one["id"]) for one in found if one.get("id") and not one.get("archived")}
            if told:
                return told
    return {}


def _label(row: Json) -> str:
    return str(row.get("label") or row.get("name") or row.get("value") or "")


def _state(row: Json) -> TicketState:
    return TicketState(
        str(row.get("id")),
        str(row.get("category") or ""),
        tuple(dict.fromkeys(filter(None, (row.get("internal_label"), row.get("external_label"))))),
        frozenset(str(one.get("id")) for one in _rows(row.get("ticket_types"), "data")),
    )


def _rows(value: Any, *keys: str) -> Sequence[Json]:
    rows: Iterable[Any] = value if isinstance(value, list) else ()
    if isinstance(value, dict):
        rows = next((value[key] for key in keys if isinstance(value.get(key), list)), ())
    return [row for row in rows if isinstance(row, dict)]
