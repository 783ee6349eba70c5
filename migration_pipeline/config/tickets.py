"""`tickets` of migration.yaml: which tickets of the source become Intercom tickets; all others become conversations.

Belongs here: what a person may write, and contradictions in it. Does not belong here: applying the rules
(`target.ticket_rules`), or what a status becomes (`mapping.yaml`, `ticket_states`).

The first rule that fits a ticket decides. Kinds of conditions are combined with AND, the values of one kind with OR.
Names are compared without regard to case; null in a list stands for tickets that have none.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from migration_pipeline.config.filters import Names, Values


class When(BaseModel):
    """Which tickets a rule is for; without any condition, it is for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forms: Values = Field((), description="ticket forms by name; null: tickets without a form")
    kinds: Values = Field((), description="question, incident, problem, task; null: tickets without a type")
    statuses: Values = Field((), description="the source's status, or its label")
    tags: Names = Field((), description="one of these tags")
    brands: Values = Field((), description="by name; null: tickets without a brand")


class TicketRule(BaseModel):
    """What some tickets become."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    when: When = Field(When(), description="which tickets; without any condition, all")
    becomes: Literal["ticket", "conversation"] = Field("ticket", alias="as", description="what they become")
    type: str | None = Field(None, description="name of the Intercom ticket type; it is made where it is missing")

    @model_validator(mode="after")
    def _type_of_a_ticket(self) -> Self:
        if self.becomes == "ticket" and not (self.type or "").strip():
            raise ValueError("name the Intercom ticket type in `type`")
        if self.becomes == "conversation" and self.type is not None:
            raise ValueError("a conversation has no `type`; take it out, or write `as: ticket`")
        return self

    @property
    def ticket_type(self) -> str | None:
        """The name of the ticket type; None for a conversation."""
        return " ".join(self.type.split()) if self.type else None
