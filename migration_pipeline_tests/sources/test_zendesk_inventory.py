"""What a help desk holds besides records is listed whole, and a list that the plan lacks is no failure."""

import pytest

from migration_pipeline.model.inventory import COUNTERPARTS, INVENTORY
from migration_pipeline.sources.zendesk.inventory import LISTS, works
from migration_pipeline.staging import inventory
from migration_pipeline_tests.sources.conftest import Desk, Place

KEYS = {"slas/policies": "sla_policies", "business_hours/schedules": "schedules", "dynamic_content/items": "items"}


def test_every_kind_has_its_counterpart_told() -> None:
    assert {*LISTS, "article_comment"} == COUNTERPARTS.keys()  # comments are staged with their articles


@pytest.mark.behaviour("B17")
def test_the_working_rules_of_a_help_desk_are_listed_and_counted(desk: Desk, somewhere: Place) -> None:
    source = somewhere.source
    assert sum(work.calls for work in works({})) == len(LISTS)
    before = source.usage.calls
    written = inventory.write(somewhere.staging, source.inventory(somewhere.run()), "r1")
    assert written
    assert source.usage.calls - before == sum(work.calls for work in works(inventory.counted(somewhere.staging)))
    found = inventory.counted(somewhere.staging)
    for kind, path in (
        ("macro", "macros"),
        ("trigger", "triggers"),
        ("view", "views"),
        ("sla_policy", "slas/policies"),
    ):
        answered = desk.get(path, **{"page[size]": 100}).json()
        assert found[kind] == len(answered[KEYS.get(path, path)]) > 0
    with somewhere.staging.connect() as connection:
        rows = connection.sql(f"FROM {inventory.relation(somewhere.staging)}").to_arrow_table()
    assert rows.schema.names == INVENTORY.names
    assert all(row["name"] and row["source_url"].startswith(desk.url) for row in rows.to_pylist())
    assert any(row["conditions"] for row in rows.to_pylist() if row["kind"] == "trigger")


def test_a_list_that_the_plan_lacks_is_empty(desk: Desk, somewhere: Place) -> None:
    desk.switch(forms="off")
    inventory.write(somewhere.staging, somewhere.source.inventory(somewhere.run()), "r1")
    assert "ticket_form" not in inventory.counted(somewhere.staging)
