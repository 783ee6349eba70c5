"""docs/sandbox.md names what the stand-ins offer: control routes, kinds of faults."""

from __future__ import annotations

import re
from pathlib import Path

from migration_pipeline.sandbox.faults import KINDS
from migration_pipeline_tests.sandbox.conftest import served
from migration_pipeline_tests.sandbox.intercom_kit import workspace

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_every_control_route_of_the_workspace_is_documented_and_no_other(tmp_path: Path) -> None:
    rows = "\n".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `"))
    documented = set(re.findall(r"`(GET|POST|DELETE) (\w+)`", rows))
    with served(lambda url: workspace(tmp_path, url)) as service:
        assert documented == set(service.control_routes)


def test_every_kind_of_fault_is_documented() -> None:
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", TEXT))
