"""`entities` and `filters` of migration.yaml: which entity types move, and which tickets.

Belongs here: what a person may write, and contradictions in it. Does not belong here: what a filter does
(`selection`).

Kinds of filters are combined with AND, the values of one kind with OR. Names are compared without regard to case; null
in a list stands for tickets that have none.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from migration_pipeline.model.entities import ENTITY_TYPES

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "tickets": ("agents", "teams", "contacts"),
    "contacts": ("agents",),
    "articles": ("agents", "collections"),
}
"""What cannot be left out where an entity type moves: without it, nobody would have written the messages."""


def _entities(chosen: tuple[str, ...]) -> tuple[str, ...]:
    if not chosen:
        raise ValueError(f"name at least one of {', '.join(ENTITY_TYPES)}")
    for name in chosen:
        if name not in ENTITY_TYPES:
            raise ValueError(f"{name} is no entity type; take of {', '.join(ENTITY_TYPES)}")
    for name in chosen:
        if lacking := [needed for needed in NEEDED.get(name, ()) if needed not in chosen]:
            raise ValueError(f"{name} cannot move without {' and '.join(lacking)}; add them, or leave {name} out")
    return chosen


Entities = Annotated[tuple[str, ...], AfterValidator(_entities)]


def _moment(value: Any) -> Any:
    """Days and times as YAML or a text gives them; a time without a zone is UTC."""
    if isinstance(value, str):
        try:
            value = dt.date.fromisoformat(value) if len(value) <= 10 else dt.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("write a day (2024-03-31) or a time (2024-03-31T18:00:00Z)") from None
    if isinstance(value, dt.datetime):
        # A YAML reader's own kind of time does not pickle or compare like the plain one.
        return dt.datetime.fromtimestamp(value.replace(tzinfo=value.tzinfo or dt.UTC).timestamp(), dt.UTC)
    if isinstance(value, dt.date) or value is None:
        return value
    raise ValueError("write a day (2024-03-31) or a time (2024-03-31T18:00:00Z)")


Moment = Annotated[dt.datetime | dt.date | None, BeforeValidator(_moment)]


def _texts(value: Any) -> Any:
    """YAML reads ids, numbers and flags without quotes as such; one value may stand without a list."""
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) if isinstance(item, int | float) else item
                 for item in items)  # fmt: skip


Values = Annotated[tuple[str | None, ...], BeforeValidator(_texts)]
Names = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Created(_Section):
    """When a ticket was created, UTC; a day in `to` belongs to it, a time is the last moment."""

    start: Moment = Field(None, alias="from", description="the first day, or the first moment")
    end: Moment = Field(None, alias="to", description="the last day, or the last moment")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start is not None and self.end is not None and self.first >= self.after:
            raise ValueError(f"from ({self.start}) is later than to ({self.end}); no ticket is between them")
        return self

    @property
    def first(self) -> dt.datetime:
        """The first moment that belongs to it."""
        return _start_of(self.start) if self.start is not None else dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

    @property
    def after(self) -> dt.datetime:
        """The first moment that no longer belongs to it."""
        if self.end is None:
            return dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
        step = dt.timedelta(microseconds=1) if isinstance(self.end, dt.datetime) else dt.timedelta(days=1)
        return _start_of(self.end) + step


def _start_of(moment: dt.date) -> dt.datetime:
    if isinstance(moment, dt.datetime):
        return moment
    return dt.datetime(moment.year, moment.month, moment.day, tzinfo=dt.UTC)


class Tags(_Section):
    """The tags of a ticket: one of `any`, every one of `all`, and not one of `none`."""

    any: Names = Field((), description="one of them")
    all: Names = Field((), description="every one of them")
    none: Names = Field((), description="not one of them")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        unwanted = {tag.lower() for tag in self.none}
        wanted = [tag for tag in self.all if tag.lower() in unwanted]
        if self.any and all(tag.lower() in unwanted for tag in self.any):
            wanted += self.any
        if wanted:
            raise ValueError(f"{wanted[0]} is both asked for and ruled out; no ticket is left")
        return self


class Filters(_Section):
    """Which tickets move, and which help centers; without any, all do."""

    created: Created | None = Field(None, description="when the ticket was created")
    statuses: Values = Field((), description="the source's status, or its label")
    kinds: Values = Field((), description="question, incident, problem, task; null: tickets without a type")
    channels: Values = Field((), description="how the ticket came in")
    brands: Values = Field((), description="by name")
    tags: Tags | None = Field(None, description="tags of the ticket")
    fields: dict[str, Values] = Field(default_factory=dict, description="by the field's id, key or title")
    teams: Values = Field((), description="by id or name; null: tickets of no team")
    assignees: Values = Field((), description="by id, e-mail address or name; null: tickets of nobody")
    companies: Values = Field((), description="by id or name; null: tickets of no company")
    help_centers: Names = Field((), description="brands whose help centers move, by name; without any, all do")
    archived: bool = Field(True, description="false leaves out tickets that were closed 120 days ago or earlier")
    suspended: bool = Field(
        True, description="false leaves out tickets of suspended requesters, which is how spam ends"
    )

    @model_validator(mode="before")
    @classmethod
    def _field_ids(cls, document: Any) -> Any:
        if isinstance(document, dict) and isinstance(document.get("fields"), dict):
            return {**document, "fields": {str(key): value for key, value in document["fields"].items()}}
        return document

    @model_validator(mode="after")
    def _some_value(self) -> Self:
        for key, values in self.fields.items():
            if not values:
                raise ValueError(f"fields.{key} names no value; name one, or take the field out")
        return self
