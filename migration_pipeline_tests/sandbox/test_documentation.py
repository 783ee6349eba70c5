"""docs/sandbox.md names what the stand-ins offer: control routes, kinds of faults."""

from __future__ import annotations

import re
from pathlib import Path

from migration_pipeline.sandbox.faults import KINDS
from migration_pipeline.sandbox.zendesk.switches import SWITCHES
from migration_pipeline_tests.sandbox.conftest import served
from migration_pipeline_tests.sandbox.intercom_kit import workspace
from migration_pipeline_tests.sandbox.zendesk_kit import running

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_every_control_route_is_documented_and_no_other(tmp_path: Path) -> None:
    rows = "\n".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `"))
    documented = set(re.findall(r"`(GET|POST|DELETE) (\w+)`", rows))
    with served(lambda url: workspace(tmp_path, url)) as service, running(tmp_path / "source", tickets=1) as desk:
        assert desk.control("POST", "activity", {"tickets": 0}).status_code == 200
        assert documented == {*service.control_routes, ("POST", "activity")}


def test_the_switches_of_trouble_are_those_that_there_are() -> None:
    named = re.findall(r"`([a-z_]+)`", TEXT[TEXT.index("Trouble is a switch") :].split("\n\n")[0])
    assert set(named) <= {switch.name for switch in SWITCHES}


def test_every_kind_of_fault_is_documented() -> None:
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", TEXT))
