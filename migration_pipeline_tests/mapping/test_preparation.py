"""What a run will make in the workspace, and where mapping.yaml contradicts it."""

from pathlib import Path

import pytest

from migration_pipeline.config.mapping import Mapping, load_mapping
from migration_pipeline.model.errors import SettingsError
from migration_pipeline.target.catalogue import (
    Admin,
    Catalogue,
    ConversationAttribute,
    DataAttribute,
    Option,
    Tag,
    Team,
)
from migration_pipeline.target.conflicts import require_agreement
from migration_pipeline.target.preparation import NewAttribute, NewOption, prepare
from migration_pipeline_tests.mapping.desk import Desk

ME = Admin("1", "Owner", "owner@target.example")
WORKSPACE = Catalogue(
    workspace="w",
    region="us",
    timezone="UTC",
    me=ME,
    admins=(ME, Admin("101", "Ann", "ann@acme.example")),
    teams=(Team("501", "Support"),),
    tags=(Tag("7", "VIP"),),
    conversation_attributes=(
        ConversationAttribute("1", "Size", "list", (Option("i", "Small"),)),
        ConversationAttribute("2", "Old", "string", archived=True),
        ConversationAttribute("3", "Amount", "integer"),
        ConversationAttribute("4", "Twice", "string"),
        ConversationAttribute("5", "twice", "string"),
        ConversationAttribute("6", "Reason", "list", (Option("i", "Bug"), Option("j", "Wish")), required=True),
    ),
    data_attributes=(
        DataAttribute("", "email", "contact", "string", custom=False),
        DataAttribute("8", "Plan", "company", "string"),
        DataAttribute("9", "Tier", "contact", "list", ("Gold", "Basic")),
    ),
)


@pytest.mark.behaviour("S28")
def test_what_will_be_made_is_listed(desk: Desk) -> None:
    options = [{"value": "s", "label": "Small"}, {"value": "l", "label": "Large"}]
    both = {"type": "option", "options": options, "active": True}
    desk.add("fields", source_id="f1", scope="ticket", key="f1", title="Size", **both)
    desk.add("fields", source_id="contact:2", scope="contact", key="rank", title="Rank", **both)
    for name in ("vip", "new", "unused"):
        desk.add("tags", source_id=name, name=name, uses=1)
    desk.ticket("1", {"body_text": "x"}, tags=["vip", "new"], attributes='{"f1": "s"}')
    rules = Mapping.model_validate(
        {
            "fallback_admin": 1,
            "fields": {"f1": {"target": "Size", "type": "list"}},
            "contact_fields": {"rank": {"target": "Rank", "type": "list"}},
            "attributes": {"phone": None, "channel": "Came by"},
        }
    )
    mapped = desk.map(rules)
    for table in ("fields", "tags"):
        mapped.rows(table)
    found = prepare(mapped.staging, WORKSPACE, rules)
    assert found.attributes == (
        NewAttribute("contact", "Rank", "list", ("Small", "Large"), "Zendesk: Rank"),
        NewAttribute("conversation", "migration_key", "string", (), "Where it was migrated from."),
        NewAttribute("conversation", "Zendesk status", "string", (), "Status at the source."),
    )
    assert found.options == (NewOption("Size", "Large"),)
    assert found.tags == ("migrated", "new")
    assert found.conflicts == ()

    assert found.calls == 3 + 1
    crowd = tuple(DataAttribute(str(n), f"A{n}", "contact", "string") for n in range(250))
    full = prepare(mapped.staging, Catalogue("w", "us", "UTC", ME, (ME,), data_attributes=crowd), rules)
    assert ["over the 250" in one.sentence for one in full.conflicts] == [True]


@pytest.mark.behaviour("S27", "S28", "S29")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fallback_admin: 5\n", "line 1: fallback_admin: 5 is no teammate of the workspace."),
        ("agents:\n  7: {target: 5}\n", "line 2: agents.7.target: 5 is no teammate of the workspace; null leaves it."),
        ("teams:\n  7: {target: 5}\n", "line 2: teams.7.target: 5 is no team of the workspace; null leaves it."),
        ("fields:\n  7:\n    target: old\n", "line 3: fields.7.target: the attribute 'old' is archived; bring it back"),
        ("fields:\n  7: {target: Amount}\n", "the attribute 'Amount' holds integer, which does not take string"),
        ("fields:\n  7: {target: Twice}\n", "the workspace has 2 attributes 'Twice'; rename or archive all but one"),
        ("contact_fields:\n  7: {target: plan}\n", "the company attribute 'plan' has the name already"),
        ("contact_fields:\n  7: {target: Email}\n", "'Email' is Intercom's own; give it another name"),
        ("attributes:\n  status: Amount\n", "line 2: attributes.status: the attribute 'Amount' holds integer"),
        ("fields:\n  7: {target: N, type: integer, default: x}\n", "fields.7.default: 'x' is no value of type integer"),
        ("defaults:\n  Gone: x\n", "line 2: defaults.Gone: the workspace has no conversation attribute of this name"),
        ("defaults:\n  Reason: Praise\n", "defaults.Reason: 'Praise' is none of its options: Bug, Wish."),
        ("defaults:\n  Amount: 1.5\n", "defaults.Amount: 1.5 is no value of type integer."),
    ],
)
def test_a_file_that_contradicts_the_workspace_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        require_agreement(path, load_mapping(path), WORKSPACE)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_a_file_that_agrees_passes(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "agents: {7: {target: 101}}\nteams: {7: {target: 501}}\nfields:\n  7: {target: Size, type: list}\n"
        "  8: {target: amount, type: integer, default: 3}\ncontact_fields: {a: {target: tier, type: list}}\n"
        "defaults: {Reason: Bug, Amount: null}\n",
        encoding="utf-8",
    )
    require_agreement(path, load_mapping(path), WORKSPACE)
