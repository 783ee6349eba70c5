"""What voids an approval, what does not, and what a refusal says."""

from collections.abc import Callable
from typing import Any

import pytest

from migration_pipeline.config.mapping import Mapping
from migration_pipeline.gates import BEFORE, approve, facts_of, note_proposed, require_approval, why_not_approved
from migration_pipeline.model.errors import RefusedByGate, SettingsError
from migration_pipeline.staging.atomic import write_json
from migration_pipeline_tests.gates.conftest import MAPPING, Desk


def plan(desk: Desk) -> None:
    write_json(desk.migration.root / "plan.json", {"facts": dict(desk.facts.digests)})


@pytest.fixture
def signed(desk: Desk) -> Desk:
    plan(desk)
    approve(desk.migration, desk.facts, by="Ann", sign=["all"])
    require_approval(desk.migration.root, desk.facts)
    return desk


@pytest.mark.behaviour("S61")
def test_nothing_starts_without_a_plan_and_every_signature(desk: Desk) -> None:
    root = desk.migration.root
    with pytest.raises(RefusedByGate, match="none is approved yet"):
        require_approval(root, desk.facts)
    with pytest.raises(RefusedByGate, match="no plan to approve"):
        approve(desk.migration, desk.facts, by="Ann")
    plan(desk)
    with pytest.raises(RefusedByGate, match=f"{len(BEFORE)} items of the checklist"):
        approve(desk.migration, desk.facts, by="Ann")
    with pytest.raises(SettingsError, match="no item coffee"):
        approve(desk.migration, desk.facts, by="Ann", sign=["coffee"])
    for item in BEFORE[:-1]:
        with pytest.raises(RefusedByGate, match="not signed"):
            approve(desk.migration, desk.facts, by="Ben", sign=[item.id])
    approval = approve(desk.migration, desk.facts, by="Ann", sign=[BEFORE[-1].id])
    assert (approval.hash, approval.by) == (desk.facts.hash, "Ann")
    assert {item: told["by"] for item, told in approval.signed.items()} == {
        item.id: "Ann" if item is BEFORE[-1] else "Ben" for item in BEFORE
    }
    require_approval(root, desk.facts)


@pytest.mark.behaviour("B08")
@pytest.mark.parametrize(
    ("key", "value", "voids"),
    [
        ("options.migrated_tag", "moved", True),
        ("options.files_per_part", 10, True),
        ("source.max_file_bytes", 1, True),
        ("source.subdomain", "other", True),
        ("target.workspace", "zzz999", True),
        ("target.region", "us", True),
        ("target.token", "another", False),
        ("source.auth.client_secret", "another", False),
        ("target.workers", 3, False),
        ("source.workers", 3, False),
        ("target.patience_s", 3, False),
        ("demo.size", 5, False),
        ("delta.cron", "1 1 * * *", False),
        ("full.at", "2026-12-05T20:00:00+01:00", False),
        ("checklist.owner", "Ben", False),
    ],
)
def test_what_decides_what_is_written_voids_an_approval(
    signed: Desk, setting: Callable[[str, Any], None], key: str, value: Any, voids: bool
) -> None:
    root = signed.migration.root
    setting(key, value)
    refusal = why_not_approved(root, signed.facts)
    assert (refusal is not None) == voids
    if refusal:
        assert "Ann approved an older plan" in refusal
        with pytest.raises(RefusedByGate, match="older one"):
            approve(signed.migration, signed.facts, by="Ann", sign=["all"])
    plan(signed)
    approve(signed.migration, signed.facts, by="Ann")
    require_approval(root, signed.facts)


@pytest.mark.behaviour("B08")
@pytest.mark.parametrize(
    ("sections", "voids"),
    [
        ({"agents": {"7": {**MAPPING["agents"]["7"], "target": "2"}}}, "mapping.agents.7"),
        ({"agents": {"7": {**MAPPING["agents"]["7"], "name": "Ann B.", "matched_by": "hand"}}}, None),
        ({"agents": {**MAPPING["agents"], "8": {"target": "2", "matched_by": "hand"}}}, "mapping.agents.8"),
        ({"agents": {}}, "mapping.agents.7"),
        ({"statuses": {"open": "closed"}}, "mapping.statuses.open"),
        ({"tags": {"old": "new", "older": None}}, "mapping.tags.older"),
        ({"fallback_admin": "9"}, "mapping.fallback_admin"),
    ],
)
def test_a_changed_mapping_needs_approval_again(signed: Desk, sections: dict[str, Any], voids: str | None) -> None:
    facts = facts_of(signed.migration, signed.map(**sections))
    refusal = why_not_approved(signed.migration.root, facts)
    assert refusal is None if voids is None else voids in str(refusal)


@pytest.mark.behaviour("S54", "S55")
def test_what_the_proposal_adds_for_new_records_leaves_the_approval_as_it_is(signed: Desk) -> None:
    root, before = signed.migration.root, signed.facts
    new = {"name": "Zoe", "email": "zoe@acme.example", "target": "3", "matched_by": "email"}
    proposed = signed.map(agents={**MAPPING["agents"], "8": new}, statuses={"open": "open", "hold": "snoozed"})
    note_proposed(root, before, facts_of(signed.migration, proposed))
    require_approval(root, facts_of(signed.migration, proposed))
    # What a person made of it since is a person's word, which nobody approved.
    by_hand = proposed.model_dump()
    by_hand["agents"]["8"]["target"] = "4"
    with pytest.raises(RefusedByGate, match=r"mapping\.agents\.8 changed"):
        require_approval(root, facts_of(signed.migration, Mapping.model_validate(by_hand)))
    # And what a person had written before the proposal came is not the proposal's either.
    written = signed.map(tags={"old": "new", "vip": None})
    more = written.model_dump() | {"statuses": {"open": "open", "new": "open"}}
    note_proposed(root, facts_of(signed.migration, written), facts_of(signed.migration, Mapping.model_validate(more)))
    with pytest.raises(RefusedByGate, match=r"mapping\.tags\.vip changed"):
        require_approval(root, facts_of(signed.migration, Mapping.model_validate(more)))


def test_no_secret_and_no_address_is_written_down(signed: Desk) -> None:
    for path in signed.migration.root.iterdir():
        text = path.read_text()
        assert "s3cr3t" not in text
        assert "ann@acme.example" not in text
