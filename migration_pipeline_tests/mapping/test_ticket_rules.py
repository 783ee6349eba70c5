"""Which tickets become Intercom tickets, of which type and state, and what their types need."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from migration_pipeline.config.mapping import FieldEntry, Mapping
from migration_pipeline.config.tickets import TicketRule
from migration_pipeline.target.catalogue import Admin, Catalogue
from migration_pipeline.target.preparation import prepare
from migration_pipeline.target.ticket_rules import MODEL
from migration_pipeline.target.ticket_types import NO_TYPES, TicketAttribute, TicketType, TicketTypes
from migration_pipeline_tests.mapping.desk import RULES, Desk, Mapped
from migration_pipeline_tests.settings import assert_refused

MAPPED = Mapping.model_validate(
    {
        **RULES.model_dump(),
        "fields": {
            "f1": FieldEntry(title="Color", target="Color", type="list", matched_by="hand"),
            "f2": FieldEntry(title="Where", target="Where", type="list", matched_by="hand"),
            "f3": FieldEntry(title="Unused", target="Unused", type="string", matched_by="hand"),
        },
        "ticket_states": {"hold": "On hold"},
    }
)


def rule(type_: str | None, **when: Any) -> TicketRule:
    return TicketRule.model_validate({"when": when, "as": "ticket" if type_ else "conversation", "type": type_})


def mapped(desk: Desk, *rules: TicketRule, **options: Any) -> Mapped:
    staging, settings = desk.write(**options)
    return Mapped(staging, settings.model_copy(update={"tickets": rules}), MAPPED)


@pytest.mark.behaviour("B10")
def test_the_first_rule_that_fits_decides(desk: Desk) -> None:
    said = {"author_ref": "c1", "body_text": "x"}
    desk.ticket("vip", said, kind="incident", tags=["VIP", "other"])
    desk.ticket("incident", said, kind="Incident", status="new")
    desk.ticket("no-form", said, form=None, status="pending", state="snoozed", brand="Acme")
    desk.ticket("other-brand", said, form=None, brand="Bcme")
    desk.ticket("o'clock", said, form="It's", brand="Acme", status="hold")
    desk.ticket("label", said, form="None", status="open", status_label="Waiting for parts")
    told = mapped(
        desk,
        rule(None, tags=["vip"]),
        rule("Incident", kinds=["incident", "problem"]),
        rule("Form", forms=[None, "it's"], brands=["acme"]),
        rule("Parts", statuses=["waiting for parts"]),
    )
    types = {row["source_id"]: (row["ticket_type"], row["ticket_state"]) for row in told.rows("tickets")}
    assert types == {
        "vip": (None, "in_progress"),
        "incident": ("Incident", "submitted"),
        "no-form": ("Form", "waiting_on_customer"),
        "other-brand": (None, "in_progress"),
        "o'clock": ("Form", "On hold"),
        "label": ("Parts", "in_progress"),
    }


@pytest.mark.behaviour("B10", "S07")
def test_a_type_has_the_attributes_that_its_tickets_use(desk: Desk) -> None:
    options = [{"value": "r", "label": "Red"}, {"value": "b", "label": "Blue"}]
    places = [{"value": "x", "label": "Here, or there"}, {"value": "y", "label": "Nowhere"}]
    for key, listed in (("f1", options), ("f2", places), ("f3", [])):
        kind = "option" if listed else "text"
        desk.add("fields", source_id=key, scope="ticket", key=key, title=key, type=kind, active=True, options=listed)
    said = {"author_ref": "c1", "body_text": "x"}
    desk.ticket("1", said, kind="incident", attributes='{"f1": "r", "f2": "x"}', cc_refs=["c2", "gone"])
    desk.ticket("2", said, kind="question", attributes='{"f3": "z"}', priority="high")
    told = mapped(desk, rule("Incident", kinds=["incident"]))
    (row,) = [row for row in told.rows("fields") if row["model"] == "ticket_type"]
    attributes = {one["name"]: one for one in orjson.loads(row["body"])["attributes"]}
    assert attributes.keys() == {"migration_key", "Zendesk status", "Zendesk type", "Zendesk in copy", "Color", "Where"}
    assert (attributes["Color"]["data_type"], attributes["Color"]["options"]) == ("list", ["Red", "Blue"])
    assert (attributes["Where"]["data_type"], attributes["Where"]["options"]) == ("string", [])
    assert told.row("tickets", "1")["in_copy"] == ["Dan <dan@x.example>"]


@pytest.mark.behaviour("B10", "S64")
def test_a_thread_that_a_ticket_cannot_show_becomes_conversations(desk: Desk) -> None:
    desk.ticket("long", *({"author_ref": "c1", "body_text": f"{number}"} for number in range(30)), kind="incident")
    told = mapped(desk, rule("Incident", kinds=["incident"]), max_parts=10)
    assert (told.row("tickets", "long")["ticket_type"], told.row("tickets", "long")["volumes"]) == (None, 3)
    assert {"ticket_too_long", "thread_split"} <= set(told.reasons("tickets", "long"))


def test_without_rules_a_payload_has_the_digest_that_it_had_before(desk: Desk) -> None:
    desk.ticket("1", {"author_ref": "c1", "body_text": "x"}, kind="incident")
    plain = mapped(desk).row("tickets", "1")
    other = mapped(desk, rule("Never", kinds=["task"])).row("tickets", "1")
    ticket = mapped(desk, rule("Incident", kinds=["incident"])).row("tickets", "1")
    assert plain["digest"] == other["digest"] != ticket["digest"]


def test_mistakes_are_refused_by_line_and_key(tmp_path: Path) -> None:
    mistakes = {
        "tickets: [{as: ticket}]": "line 4: tickets.0: name the Intercom ticket type in `type`",
        "tickets: [{as: conversation, type: X}]": "line 4: tickets.0: a conversation has no `type`",
        "tickets: [{as: case, type: X}]": "line 4: tickets.0.as: ",
        "tickets: [{type: X, when: {form: [A]}}]": "line 4: tickets.0.when.form: unknown key",
    }
    assert_refused(tmp_path, mistakes)


@pytest.mark.behaviour("B10", "S28")
def test_a_type_that_is_there_is_listed_by_what_it_lacks(desk: Desk) -> None:
    desk.ticket("1", {"author_ref": "c1", "body_text": "x"}, kind="incident")
    made = mapped(desk, rule("Incident", kinds=["incident"]))
    made.rows("tickets")
    [type_row] = [row for row in made.rows("fields") if row["model"] == MODEL]
    wanted = [one["name"] for one in orjson.loads(type_row["body"])["attributes"]]
    catalogue = Catalogue("w", "us", "UTC", Admin("1", "Me", None), ())

    def asked(types: TicketTypes) -> tuple[list[tuple[str, str]], int]:
        found = prepare(made.staging, catalogue, MAPPED, types)
        typed = [(one.model, one.name) for one in found.attributes if one.model.startswith("ticket")]
        return typed, found.calls

    def having(*names: str) -> TicketTypes:
        held = {name.casefold(): TicketAttribute(name, name, "string", {}) for name in names}
        return TicketTypes({"incident": TicketType("7", "Incident", "Customer", held)}, ())

    new, calls = asked(NO_TYPES)
    assert new == [(MODEL, "Incident")]
    assert asked(having(*wanted)) == ([], calls - 1 - len(wanted))
    assert asked(having(*wanted[1:])) == ([("ticket type", wanted[0])], calls - len(wanted))
