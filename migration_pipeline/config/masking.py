"""`masking` of migration.yaml: what of people's data does not leave the machine, or only as a mark.

Belongs here: the rules a person may write. Does not belong here: finding and replacing (`masking`).
"""

import re
from typing import Annotated, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

KNOWN: Final[dict[str, frozenset[str]]] = {
    "contact": frozenset({"name", "email", "phone", "notes"}),
    "company": frozenset({"name", "domain", "notes"}),
    "ticket": frozenset({"subject"}),
}
"""Fields that every record of a kind has; any other name means a custom field of it."""


def _field(name: str) -> str:
    scope, _, rest = name.partition(".")
    if scope not in KNOWN or not rest.strip():
        raise ValueError("write the kind before the field: contact.phone, ticket.<id, key or title>, company.name")
    return name


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z_ -]{0,39}", name):
        raise ValueError(
            "a rule's name is letters, spaces, - and _, 40 at most: it stands in the text as [name masked]"
        )
    return name


def _expression(text: str) -> str:
    """An expression that RE2 takes, which needs time in proportion to the text whatever is written in it."""
    try:
        empty = pc.match_substring_regex(pa.array([""]), text)[0].as_py()
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise ValueError(
            f"no regular expression that can be used ({why}); write it in RE2's syntax, without look-around and "
            "back references"
        ) from None
    if empty:
        raise ValueError("this expression matches the empty text, and so everything")
    return text


FieldName = Annotated[str, AfterValidator(_field)]
RuleName = Annotated[str, AfterValidator(_name)]
Expression = Annotated[str, Field(max_length=1000), AfterValidator(_expression)]


class Masking(BaseModel):
    """What is masked or dropped before anything is planned or sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[FieldName, Literal["drop", "mask"]] = Field(
        default_factory=dict, description="contact.phone, company.name, ticket.<id, key or title>: drop or mask"
    )
    patterns: tuple[Literal["card_number", "iban", "email", "phone"], ...] = Field(
        (), description="what is masked wherever it stands in a text"
    )
    custom: dict[RuleName, Expression] = Field(default_factory=dict, description="name: regular expression (RE2)")

    @property
    def active(self) -> bool:
        """Whether there is any rule."""
        return bool(self.fields or self.patterns or self.custom)
