"""The checklist names a place, a risk and an owner for each item, and keeps its signatures."""

from collections.abc import Callable
from typing import Any

import pytest

from migration_pipeline.gates import AFTER, BEFORE, approve, checklist
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline_tests.gates.conftest import Desk


@pytest.mark.behaviour("S25", "S57", "S64", "S65")
def test_every_item_says_where_what_for_and_by_whom(desk: Desk, setting: Callable[[str, Any], None]) -> None:
    setting("checklist", {"owner": "Ann", "owners": {"channels_on": "Ben"}})
    with pytest.raises(RefusedByGate):  # there is no plan yet; what was signed is kept
        approve(desk.migration, desk.facts, by="Zoe", sign=["workflows_off"])
    page = (desk.migration.root / "checklist.md").read_text()
    items = checklist(desk.migration, {"workflows_off": {"by": "Zoe", "at": "now"}})
    assert [item["id"] for item in items] == [item.id for item in (*BEFORE, *AFTER)]
    for item in items:
        assert item["where"]
        assert item["risk"]
        assert item["owner"] == ("Ben" if item["id"] == "channels_on" else "Ann")
        assert f"[{'x' if item['signed'] else ' '}] **{item['id']}**" in page
    assert "signed by Zoe" in page
    assert {"channels_on", "notifications_on", "links"} <= {item.id for item in AFTER}
