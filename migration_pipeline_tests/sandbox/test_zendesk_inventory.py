"""The lists of working rules over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration_pipeline_tests.sandbox.zendesk_kit import Desk, running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk"), tickets=5_000) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "plural"),
    [
        ("macros", "macros"),
        ("triggers", "triggers"),
        ("trigger_categories", "trigger_categories"),
        ("automations", "automations"),
        ("views", "views"),
        ("slas/policies", "sla_policies"),
        ("dynamic_content/items", "items"),
        ("recipient_addresses", "recipient_addresses"),
        ("sharing_agreements", "sharing_agreements"),
    ],
)
def test_lists_page_both_ways(desk: Desk, path: str, plural: str) -> None:
    rows = desk.rows(f"{path}?page[size]=100", plural)
    assert rows
    assert len({row["id"] for row in rows}) == len(rows)
    page = desk.json(f"{path}?per_page=100")
    assert page["count"] == len(rows)
    assert page[plural] == rows[:100]
    one = desk.json(f"{path}/{rows[-1]['id']}")
    assert list(one.values()) == [rows[-1]]
    assert desk.get(f"{path}/1").status_code == 404
    if "active" in rows[0]:
        active = [row for row in rows if row["active"]]
        assert 0 < len(active) < len(rows)
        assert desk.rows(f"{path}/active?page[size]=100", plural) == active


def test_macros(desk: Desk) -> None:
    macros = desk.rows("macros?page[size]=100", "macros")
    assert len(macros) == 112
    assert {(m["restriction"] or {}).get("type") for m in macros} == {None, "User", "Group"}
    fields = {a["field"] for m in macros for a in m["actions"]}
    assert {"comment_value", "comment_value_html", "status", "current_tags", "comment_mode_is_public"} <= fields
    known = {f["id"] for f in desk.json("ticket_fields")["ticket_fields"]}
    named = {int(name.removeprefix("custom_fields_")) for name in fields if name.startswith("custom_fields_")}
    assert named
    assert named <= known
    assert any("::" in m["title"] for m in macros)


def test_hours_levels_and_texts(desk: Desk) -> None:
    schedules = desk.json("business_hours/schedules")["schedules"]
    office = schedules[0]
    assert all(0 <= i["start_time"] < i["end_time"] <= 10_080 for s in schedules for i in s["intervals"])
    assert len(desk.json(f"business_hours/schedules/{office['id']}/holidays")["holidays"]) == 2
    assert desk.json("slas/policies")["sla_policies"][0]["policy_metrics"][0]["target"] == 30
    items = {i["placeholder"]: i for i in desk.json("dynamic_content/items")["items"]}
    raw = {f["raw_title"] for f in desk.json("ticket_fields")["ticket_fields"]}
    assert raw & set(items)
    assert {v["default"] for i in items.values() for v in i["variants"]} == {True, False}


def test_conditions_of_forms(desk: Desk) -> None:
    forms = desk.json("ticket_forms")["ticket_forms"]
    for form in forms:
        for condition in form["agent_conditions"] + form["end_user_conditions"]:
            children = {child["id"] for child in condition["child_fields"]}
            assert {condition["parent_field_id"], *children} <= set(form["ticket_field_ids"])
    assert sum(len(form["agent_conditions"]) for form in forms) == 2
    required = forms[1]["agent_conditions"][0]["child_fields"][0]
    assert required["required_on_statuses"]["statuses"] == ["solved"]
    assert "required_on_statuses" not in forms[1]["end_user_conditions"][0]["child_fields"][0]
