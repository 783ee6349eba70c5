"""Changes after the start, the hidden last minute, restarts, and that the same seed gives the same desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migration_pipeline.sandbox.clock import Clock
from migration_pipeline.sandbox.service import State, Switches
from migration_pipeline.sandbox.zendesk import event_json, ticket_json
from migration_pipeline.sandbox.zendesk.desk import SCHEMA
from migration_pipeline.sandbox.zendesk.desk import Desk as State_desk
from migration_pipeline.sandbox.zendesk.plans import plan_of
from migration_pipeline.sandbox.zendesk.switches import SWITCHES
from migration_pipeline.sandbox.zendesk.view import View
from migration_pipeline_tests.sandbox.zendesk_kit import EVERYTHING, Desk, comments_of, running

TICKETS = f"incremental/tickets/cursor?{EVERYTHING}"
EVENTS = f"incremental/ticket_events?{EVERYTHING}&include=comment_events"
KINDS = {
    "new_ticket",
    "reply",
    "note",
    "edit",
    "assign",
    "solve",
    "delete",
    "redact",
    "privacy",
    "new_user",
    "user",
    "organization",
}


def everything(desk: Desk) -> dict[str, Any]:
    """All that an extraction would read."""
    return {
        "tickets": desk.export_rows(TICKETS, "tickets"),
        "events": desk.export_rows(EVENTS, "ticket_events"),
        "users": desk.export_rows("incremental/users/cursor?start_time=0", "users"),
        "organizations": desk.export_rows("incremental/organizations?start_time=0", "organizations"),
    }


def without_host(found: object, desk: Desk) -> str:
    return repr(found).replace(desk.base_url, "")


def test_changes_show_after_a_minute_and_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, tickets=150) as desk:
        before = everything(desk)
        cursor = list(desk.export_pages(TICKETS))[-1]["after_url"]
        changed = desk.act(seed=3, tickets=80)
        assert len(changed) == 80
        assert {c["kind"] for c in changed} == KINDS
        # The last minute is never shown by exports of tickets, but at once by a ticket's own address.
        assert desk.json(cursor)["tickets"] == []
        assert desk.export_rows(EVENTS, "ticket_events") == before["events"]
        new = next(c for c in changed if c["kind"] == "new_ticket")
        assert desk.json(f"tickets/{new['ticket_id']}")["ticket"]["id"] == new["ticket_id"]
        desk.advance(200)
        after = everything(desk)
        touched = {c["ticket_id"] for c in changed} - {None}
        moved = {t["id"] for t in desk.export_rows(cursor, "tickets")}
        assert moved == touched
        assert _differing(before, after) >= {c["ticket_id"] for c in changed if c["kind"] in ("new_ticket", "delete")}
        assert _differing(before, after) <= touched
        told = {e["ticket_id"] for e in after["events"]} - {e["ticket_id"] for e in before["events"]}
        assert told == {c["ticket_id"] for c in changed if c["kind"] == "new_ticket"}
        _check_comments(desk, changed, after)
        shown = without_host(after, desk)
    with running(tmp_path, tickets=150) as desk:
        assert without_host(everything(desk), desk) == shown
        assert desk.control("GET", "stats").json()["total"] > 0
        # A second day builds on the first.
        more = desk.act(seed=4, tickets=30)
        desk.advance(200)
        again = {t["id"]: t for t in desk.export_rows(TICKETS, "tickets")}
        assert all(c["ticket_id"] in again for c in more if c["ticket_id"])
        assert len(again) > len(after["tickets"])


def _differing(before: dict[str, Any], after: dict[str, Any]) -> set[int]:
    old = {t["id"]: t for t in before["tickets"]}
    return {t["id"] for t in after["tickets"] if old.get(t["id"]) != t}


def _check_comments(desk: Desk, changed: list[dict[str, Any]], after: dict[str, Any]) -> None:
    said = comments_of(after["events"])
    deleted = {c["ticket_id"] for c in changed if c["kind"] == "delete"}
    assert deleted
    for change in changed:
        if change["kind"] in ("reply", "note", "new_ticket"):
            assert change["comment_id"] in said
        if change["ticket_id"] in deleted:
            assert desk.get(f"tickets/{change['ticket_id']}/comments").status_code == 404
        elif change["kind"] in ("redact", "privacy"):
            rows = desk.rows(f"tickets/{change['ticket_id']}/comments?page[size]=100", "comments")
            shown = next(c for c in rows if c["id"] == change["comment_id"])
            assert ("▇" in shown["body"]) if change["kind"] == "redact" else not shown["public"]
    users = {u["id"]: u for u in after["users"]}
    for change in changed:
        if "user_id" in change:
            assert change["user_id"] in users
    counts = {t["id"]: t["comment_count"] for t in desk.export_rows(TICKETS + "&include=comment_count", "tickets")}
    for change in changed:
        if change["kind"] == "new_ticket" and change["ticket_id"] not in deleted:
            assert counts[change["ticket_id"]] == len(desk.json(f"tickets/{change['ticket_id']}/comments")["comments"])


def test_the_same_order_makes_the_same_changes(tmp_path: Path) -> None:
    def strip(rows: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
        return [(c["kind"], c["ticket_id"]) for c in rows]

    made = []
    for name in ("a", "b"):
        with running(tmp_path / name, tickets=60) as desk:
            made.append((strip(desk.act(7, 25)), strip(desk.act(8, 25))))
    assert made[0] == made[1]
    assert made[0][0] != made[0][1]


@pytest.mark.parametrize("tickets", [0, 1, 7])
def test_tiny_desks_work(tmp_path: Path, tickets: int) -> None:
    with running(tmp_path, tickets=tickets) as desk:
        found = everything(desk)
        assert len(found["tickets"]) == tickets
        assert desk.json("tickets?page[size]=10")["meta"]["has_more"] is False
        desk.act(1, 3)
        desk.advance(100)
        assert len(desk.export_rows(TICKETS, "tickets")) >= tickets


def test_orders_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, tickets=5) as desk:
        assert desk.control("POST", "activity", {"tickets": -1}).status_code == 400
        assert desk.control("POST", "activity", {"tickets": "many"}).status_code == 400
        assert desk.act(1, 0) == []


def test_kinds_of_changes_can_be_named(tmp_path: Path) -> None:
    with running(tmp_path, tickets=80) as desk:
        order = {"seed": 2, "tickets": 6, "kinds": ["rate"]}
        changed = desk.control("POST", "activity", order).json()["changed"]
        assert {c["event"] for c in changed} == {"rating"}
        for change in changed:
            ticket = desk.json(f"tickets/{change['ticket_id']}")["ticket"]
            assert ticket["satisfaction_rating"]["score"] in ("good", "bad")
        assert desk.control("POST", "activity", {**order, "kinds": ["dance"]}).status_code == 400
        order = {"seed": 3, "tickets": 4, "kinds": ["merge", "organization_deleted"]}
        changed = desk.control("POST", "activity", order).json()["changed"]
        merge = next(c for c in changed if c["kind"] == "merge")
        source = desk.json(f"tickets/{merge['ticket_id']}")["ticket"]
        assert (source["status"], "closed_by_merge" in source["tags"]) == ("closed", True)
        said = desk.rows(f"tickets/{merge['into']}/comments?page[size]=100", "comments")[-1]
        assert said["id"] == merge["comment_id"]
        assert said["via"]["source"]["from"]["ticket_ids"] == [merge["ticket_id"]]
        gone = next(c for c in changed if c["kind"] == "organization_deleted")["organization_id"]
        assert desk.get(f"organizations/{gone}").status_code == 404
        export = desk.export_rows("incremental/organizations?start_time=0", "organizations")
        assert next(o for o in export if o["id"] == gone)["deleted_at"]


def _world(folder: Path, *, tickets: int, seed: int, epoch: int) -> str:
    """The whole content of a desk, as text."""
    desk = State_desk(State(folder, SCHEMA), tickets=tickets, seed=seed, epoch=epoch)
    view = View(desk, "http://x", Clock(0).now(), Switches(SWITCHES), plan_of(None))
    made = []
    for place in range(desk.tickets.size):
        made.append(ticket_json.ticket_json(view, place, generated=True))
        made += [event_json.export_event(view, place, s, comments=True) for s in desk.ticket(place).steps]
    made += [desk.user(k, "") for k in range(desk.people.users)]
    desk.state.close()
    return repr(made)


def test_a_world_is_a_function_of_size_seed_and_epoch(tmp_path: Path) -> None:
    first = _world(tmp_path / "1", tickets=120, seed=1, epoch=1_790_000_000)
    assert _world(tmp_path / "2", tickets=120, seed=1, epoch=1_790_000_000) == first
    assert _world(tmp_path / "3", tickets=120, seed=2, epoch=1_790_000_000) != first
    assert _world(tmp_path / "4", tickets=120, seed=1, epoch=1_790_086_400) != first


def test_a_desk_of_five_hundred_has_one_very_long_thread(tmp_path: Path) -> None:
    with running(tmp_path, tickets=500) as desk:
        counts = sorted(t["comment_count"] for t in desk.export_rows(TICKETS + "&include=comment_count", "tickets"))
    assert 250 <= counts[-1] <= 450
    assert counts[-2] < 100
    assert 2 <= counts[len(counts) // 2] <= 8
