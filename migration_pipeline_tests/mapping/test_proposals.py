"""What the proposal finds in the target, and what it leaves to a person."""

import pytest

from migration_pipeline.config.mapping import AgentEntry, FieldEntry, Mapping, TeamEntry
from migration_pipeline.target.catalogue import Admin, Catalogue, ConversationAttribute, DataAttribute, Option, Team
from migration_pipeline.target.proposals import missing, propose
from migration_pipeline_tests.mapping.desk import Desk

ME = Admin("1", "Owner", "owner@target.example")


def catalogue(**more: object) -> Catalogue:
    return Catalogue(**{"workspace": "w", "region": "us", "timezone": "UTC", "me": ME, "admins": (ME,), **more})  # type: ignore[arg-type]  # built from keywords


@pytest.mark.behaviour("S27")
def test_agents_by_email_then_by_a_name_that_is_unambiguous(desk: Desk) -> None:
    for key, name, email in [
        ("a3", "Eve", "x@y.z"),
        ("a4", "Eve", "v@y.z"),
        ("a5", " Flo ", None),
        ("a6", "Gus", None),
        ("a7", "Ann Long", None),
    ]:
        desk.add("agents", source_id=key, name=name, email=email)
    admins = (
        ME,
        Admin("11", "Somebody else", "ANN@acme.example "),
        Admin("12", "Eve", "other@y.z"),
        Admin("13", "Flo", None),
        Admin("14", "Ann", "ann2@y.z"),
        Admin("15", "gus", "g@y.z"),
        Admin("16", "Anna Long", "l@y.z"),
    )
    staging, settings = desk.write()
    proposed = propose(staging, catalogue(admins=admins), None, settings)
    assert {key: (entry.target, entry.matched_by) for key, entry in proposed.agents.items()} == {
        "a1": ("11", "email"),
        "a2": (None, "nothing"),
        "a3": (None, "nothing"),
        "a4": (None, "nothing"),
        "a5": ("13", "name"),
        "a6": ("15", "near"),  # the same words, in another case or order
        "a7": (None, "nothing"),  # a name that is only like another is no match
    }
    assert (proposed.agents["a1"].score, proposed.agents["a1"].evidence) == (100, "same e-mail")
    assert proposed.agents["a7"].evidence == "nearest: Anna Long (name 94 %)"
    assert proposed.fallback_admin == "1"
    assert (proposed.summary()["agents_mapped"], proposed.summary()["to_review"]) == (3, 1)
    assert missing(staging, proposed, settings) == []


@pytest.mark.parametrize(
    ("admins", "fallback"),
    [
        ((ME, Admin("7", "Robot", "Migration@target.example")), "7"),
        ((ME, Admin("7", "Ann", "ann@acme.example")), "1"),
        ((ME, Admin("7", "Bob", "bob@acme.example"), Admin("8", "R", "migration-bot@t.example")), "8"),
    ],
)
def test_the_fallback_is_an_admin_made_for_it_or_the_token_s_own(
    desk: Desk, admins: tuple[Admin, ...], fallback: str
) -> None:
    staging, settings = desk.write()
    assert propose(staging, catalogue(admins=admins), None, settings).fallback_admin == fallback


def test_teams_by_name_whatever_its_case(desk: Desk) -> None:
    staging, settings = desk.write()
    teams = (Team("51", "SUPPORT"), Team("52", "Old"), Team("53", "old"))
    proposed = propose(staging, catalogue(teams=teams), None, settings)
    assert proposed.teams["t1"] == TeamEntry(
        name="Support", target="51", matched_by="name", score=100, evidence="name 100 %"
    )
    assert proposed.teams["t2"] == TeamEntry(
        name="Old", target=None, matched_by="nothing", score=100, evidence="nearest: Old (name 100 %)"
    )


@pytest.mark.behaviour("S28")
def test_fields_reuse_what_holds_their_values_and_find_names_else(desk: Desk) -> None:
    options = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]

    def field(source_id: str, title: str, kind: str, **more: object) -> None:
        desk.add(
            "fields",
            **{"source_id": source_id, "scope": "ticket", "key": source_id, "title": title, "type": kind, **more},
        )

    field("f01", "Subject", "text", key="subject")
    field("f02", "Ref. no", "text")
    field("f03", "ref  NO", "text")
    field("f04", "Amount", "decimal")
    field("f05", "Plan", "option", options=options)
    field("f06", "Size", "option", options=options)
    field("f07", "Old", "text")
    field("f08", "Migration_Key", "text")
    field("f09", "Zendesk status", "text")
    field("f10", "Fax", "text", scope="contact")
    field("f11", "Serial", "text")
    there = (
        ConversationAttribute("1", "amount", "integer"),
        ConversationAttribute("2", "PLAN", "list", (Option("i", "A"), Option("j", "B"), Option("k", "C"))),
        ConversationAttribute("3", "Size", "list", (Option("i", "A"),)),
        ConversationAttribute("4", "Old", "string", archived=True),
        ConversationAttribute("5", "Zendesk priority", "list"),
        ConversationAttribute("6", "Zendesk channel", "string"),
        ConversationAttribute("7", "Serial", "string"),
        ConversationAttribute("8", "SERIAL", "string"),
    )
    data = (DataAttribute("9", "Zendesk phone", "company", "string"),)
    staging, settings = desk.write()
    proposed = propose(staging, catalogue(conversation_attributes=there, data_attributes=data), None, settings)
    assert {key: (entry.target, entry.type, entry.matched_by) for key, entry in proposed.fields.items()} == {
        "f02": ("Ref no", "string", "new"),
        "f03": ("Zendesk ref NO", "string", "new"),
        "f04": ("Zendesk Amount", "decimal", "new"),  # an integer does not hold it
        "f05": ("PLAN", "list", "title"),
        "f06": ("Zendesk Size", "list", "new"),  # lacks an option
        "f07": ("Zendesk Old", "string", "new"),  # archived, but the name is taken
        "f08": ("Zendesk Migration_Key", "string", "new"),
        "f09": ("Zendesk Zendesk status", "string", "new"),
        "f11": ("Zendesk Serial", "string", "new"),  # nobody could say which of the two is meant
    }
    own = proposed.attributes
    assert (own["status"], own["priority"], own["channel"]) == (
        "Zendesk status",
        "Zendesk priority 2",
        "Zendesk channel",
    )
    assert own["phone"] == "Zendesk phone 2"


def test_proposing_again_keeps_decisions_and_adds_what_is_new(desk: Desk) -> None:
    desk.add("fields", source_id="f1", scope="ticket", key="k", title="One", type="text")
    desk.add("fields", source_id="f2", scope="ticket", key="l", title="Two", type="text")
    desk.ticket("1", status="pending", state="snoozed")
    known = Mapping(
        fallback_admin="5",
        agents={
            "a1": AgentEntry(name="Ann", target=None, matched_by="hand"),
            "a2": AgentEntry(name="Bob", target=None, matched_by="nothing"),
        },
        fields={"f1": FieldEntry(title="One", target="Two", type="string", matched_by="hand")},
        statuses={"pending": "open"},
        attributes={"status": None},
    )
    admins = (ME, Admin("11", "Ann", "ann@acme.example"), Admin("12", "Bob", "bob@acme.example"))
    staging, settings = desk.write()
    assert missing(staging, known, settings) == ["teams.t1 (Support)", "teams.t2 (Old)", "fields.f2 (Two)"]
    proposed = propose(staging, catalogue(admins=admins), known, settings)
    assert proposed.fallback_admin == "5"
    assert proposed.agents["a1"].target is None
    assert proposed.agents["a2"].target == "12"
    assert proposed.fields["f1"] == known.fields["f1"]
    assert proposed.fields["f2"].target == "Zendesk Two"  # `Two` is taken by a person's choice
    assert proposed.statuses == {"pending": "open"}
    assert proposed.attributes["status"] is None
    assert missing(staging, proposed, settings) == []
    assert propose(staging, catalogue(admins=admins), proposed, settings) == proposed


def test_names_are_proposed_on_one_line_without_control_characters(desk: Desk) -> None:
    desk.add("agents", source_id="a7", name="Han\x85\x00na\u2028 \n B", email=None)
    staging, settings = desk.write()
    assert propose(staging, catalogue(), None, settings).agents["a7"].name == "Hanna B"


def test_an_empty_mapping_lacks_everything_that_is_used(desk: Desk) -> None:
    desk.ticket("1", status="hold", state="snoozed")
    desk.ticket("2", status="deleted", state="deleted")
    staging, settings = desk.write()
    assert missing(staging, Mapping(), settings) == [
        "fallback_admin",
        "agents.a1",
        "agents.a2",
        "teams.t1 (Support)",
        "teams.t2 (Old)",
        "statuses.hold",
    ]
