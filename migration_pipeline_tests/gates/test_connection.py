"""A demo writes only where a person confirmed the workspace, or to a stand-in on this machine."""

from collections.abc import Callable
from typing import Any

import pytest

from migration_pipeline.gates import confirm, require_confirmed
from migration_pipeline.model.errors import RefusedByGate
from migration_pipeline_tests.gates.conftest import Desk


@pytest.mark.behaviour("S47")
def test_a_confirmation_holds_for_one_workspace_at_one_address(desk: Desk, setting: Callable[[str, Any], None]) -> None:
    with pytest.raises(RefusedByGate, match="migrate connect target"):
        require_confirmed(desk.migration)
    confirm(desk.migration, "source", identity="zendesk:acme", name="acme", by="Ann")
    with pytest.raises(RefusedByGate, match="abc123"):
        require_confirmed(desk.migration)
    confirm(desk.migration, "target", identity="abc123", name="Acme", by="Ann")
    require_confirmed(desk.migration)
    setting("target.token", "another")
    require_confirmed(desk.migration)
    setting("target.region", "us")
    with pytest.raises(RefusedByGate):
        require_confirmed(desk.migration)
    setting("target.region", "eu")
    setting("target.workspace", "zzz999")
    with pytest.raises(RefusedByGate, match="zzz999"):
        require_confirmed(desk.migration)


@pytest.mark.parametrize(
    ("url", "confirmed"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/x", True),
        ("http://127.0.0.1.evil.example", False),
        ("https://localhost.example", False),
        ("https://127.0.0.1@evil.example", False),
    ],
)
def test_only_this_machine_counts_as_a_stand_in(
    desk: Desk, setting: Callable[[str, Any], None], url: str, confirmed: bool
) -> None:
    setting("target.base_url", url)
    if confirmed:
        require_confirmed(desk.migration)
    else:
        with pytest.raises(RefusedByGate):
            require_confirmed(desk.migration)
