"""The incremental exports over real HTTP: paging rules, scopes, what is hidden, what is repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from migration_pipeline_tests.sandbox.zendesk_kit import EVERYTHING, Desk, comments_of, cursor_text, running

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk")) as found:
        yield found


@pytest.fixture(scope="module")
def tickets(desk: Desk) -> Rows:
    """All tickets of the export by cursor, with counts, in order."""
    return desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&include=comment_count,metric_sets", "tickets")


@pytest.fixture(scope="module")
def events(desk: Desk) -> Rows:
    """All events with comments, each once."""
    rows = desk.export_rows(f"incremental/ticket_events?{EVERYTHING}&include=comment_events", "ticket_events")
    return list({row["id"]: row for row in rows}.values())


def expected_time_pages(times: list[int], per_page: int) -> list[tuple[int, int]]:
    """(rows, end_time) of each page by the rule that recorded pages show, told naively."""
    found, start = [], 0
    while True:
        rows = [t for t in times if t >= start]
        page = rows[:per_page]
        if len(rows) > len(page) and len(set(page)) == 1:
            page = [t for t in rows if t == page[0]]
            start = page[0] + 1
        else:
            start = page[-1]
        found.append((len(page), start))
        if len(page) == len(rows):
            return found


@pytest.mark.parametrize("per_page", [1, 2, 7, 100, 1000])
def test_time_based_pages_follow_the_recorded_rule(desk: Desk, tickets: Rows, per_page: int) -> None:
    times = sorted(t["generated_timestamp"] for t in tickets)
    pages = desk.export(f"incremental/tickets?{EVERYTHING}&per_page={per_page}")
    assert [(p["count"], p["end_time"]) for p in pages] == expected_time_pages(times, per_page)
    assert all(f"start_time={p['end_time']}" in p["next_page"] for p in pages)
    assert {t["id"] for p in pages for t in p["tickets"]} == {t["id"] for t in tickets}


def test_one_second_holds_more_tickets_than_a_page(desk: Desk, tickets: Rows) -> None:
    second, size = Counter(t["generated_timestamp"] for t in tickets).most_common(1)[0]
    assert size > 5
    page = desk.json(f"incremental/tickets?start_time={second}&support_type_scope=all&per_page=3")
    assert (page["count"], page["end_time"]) == (size, second + 1)
    ids = [t["id"] for t in page["tickets"]]
    assert ids != sorted(ids)


def test_boundary_seconds_are_repeated(desk: Desk) -> None:
    """Pages of one recorded read repeated about one event in fifteen: to tell events apart by id is not optional."""
    rows = desk.export_rows(f"incremental/ticket_events?{EVERYTHING}&per_page=20", "ticket_events")
    assert len(rows) > len({row["id"] for row in rows})


def test_cursor_names_watermark_and_id(desk: Desk, tickets: Rows) -> None:
    page = desk.json(f"incremental/tickets/cursor?{EVERYTHING}&per_page=10")
    last = page["tickets"][-1]
    assert cursor_text(page["after_cursor"]) == f"{last['generated_timestamp']}.0||{last['id']}|"
    assert "per_page=10" in page["after_url"]
    assert "start_time" not in page["after_url"]
    assert "%3D" in page["after_url"] or not page["after_cursor"].endswith("=")
    second = desk.json(page["after_url"])
    assert (second["before_url"], second["before_cursor"]) == (None, None)
    order = [(t["generated_timestamp"], t["id"]) for t in tickets]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert "per_page" not in desk.json(f"incremental/tickets/cursor?{EVERYTHING}")["after_url"]


def test_users_cursor_goes_by_updated_at_and_brings_identities(desk: Desk) -> None:
    pages = desk.export("incremental/users/cursor?start_time=0&per_page=40&include=identities")
    users = [u for p in pages for u in p["users"]]
    assert [u["updated_at"] for u in users] == sorted(u["updated_at"] for u in users)
    assert len({u["id"] for u in users}) == len(users)
    shared = Counter(i["value"] for p in pages for i in p["identities"] if i["type"] == "email")
    assert max(shared.values()) > 1
    assert any(not u["active"] for u in users)
    assert {u["role"] for u in users} == {"end-user", "agent", "admin"}
    assert any(u["email"] is None for u in users)


def test_organizations_come_by_time_with_tombstones(desk: Desk) -> None:
    rows = desk.export_rows("incremental/organizations?start_time=0&per_page=3", "organizations")
    assert any(o["deleted_at"] for o in rows)
    alive = {o["id"] for o in rows if not o["deleted_at"]}
    assert {o["id"] for o in desk.rows("organizations?page[size]=10", "organizations")} == alive
    owners = {
        m["organization_id"] for m in desk.rows("organization_memberships?page[size]=50", "organization_memberships")
    }
    assert owners < alive


def test_generated_timestamp_is_not_updated_at(tickets: Rows) -> None:
    by_update = sorted(tickets, key=lambda t: t["updated_at"])
    assert [t["id"] for t in by_update] != [t["id"] for t in tickets]
    assert any(t["generated_timestamp"] > 86_400 + _unix(t["updated_at"]) for t in tickets)
    assert all(t["generated_timestamp"] >= _unix(t["updated_at"]) for t in tickets)


def _unix(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp())


def test_ai_agent_tickets_come_only_when_asked_for(desk: Desk, tickets: Rows) -> None:
    def ids(scope: str) -> set[int]:
        rows = desk.export_rows(f"incremental/tickets/cursor?start_time=0{scope}", "tickets")
        return {t["id"] for t in rows}

    everything = {t["id"] for t in tickets}
    ai = ids("&support_type_scope=ai_agent")
    assert ai
    assert ids("") == ids("&support_type_scope=agent") == everything - ai
    told = {e["ticket_id"] for e in desk.export_rows("incremental/ticket_events?start_time=0", "ticket_events")}
    assert not told & ai


def test_deleted_tickets_stream_but_have_no_children(desk: Desk, tickets: Rows) -> None:
    deleted = [t for t in tickets if t["status"] == "deleted"]
    assert deleted
    for ticket in deleted:
        assert ticket["metric_set"] is None
        for child in ("", "/comments", "/audits", "/related"):
            answer = desk.get(f"tickets/{ticket['id']}{child}")
            assert (answer.status_code, answer.json()["error"]) == (404, "RecordNotFound")
    rest = desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&exclude_deleted=true", "tickets")
    assert {t["id"] for t in tickets} - {t["id"] for t in rest} == {t["id"] for t in deleted}


def test_comment_count_and_both_roads_agree(desk: Desk, tickets: Rows, events: Rows) -> None:
    said = comments_of(events)
    per_ticket = Counter(e["ticket_id"] for e in events for c in e["child_events"] if c["id"] in said)
    for ticket in tickets:
        assert ticket["comment_count"] == per_ticket[ticket["id"]]
    for ticket in tickets[:40]:
        if ticket["status"] == "deleted":
            continue
        listed = desk.rows(f"tickets/{ticket['id']}/comments?page[size]=100", "comments")
        assert len(listed) == ticket["comment_count"]
        for comment in listed:
            assert said[comment["id"]]["author_id"] == comment["author_id"]
            assert said[comment["id"]]["audit_id"] == comment["audit_id"]
            assert [a["id"] for a in said[comment["id"]]["attachments"]] == [a["id"] for a in comment["attachments"]]
        assert listed[0]["body"] == ticket["description"]


def test_via_of_comment_children_is_object_text_or_number(events: Rows) -> None:
    kinds = Counter(type(c["via"]) for c in comments_of(events).values())
    assert set(kinds) == {dict, str, int}
    assert kinds[dict] > 5 * (kinds[str] + kinds[int])


def test_without_the_sideload_events_only_say_that_there_was_a_comment(desk: Desk) -> None:
    page = desk.json("incremental/ticket_events?start_time=0")
    comments = comments_of(page["ticket_events"]).values()
    assert comments
    assert all(c["comment_present"] and "comment_public" in c and "body" not in c for c in comments)
    assert "include" not in page["next_page"]
    assert (
        "include=comment_events"
        in desk.json(f"incremental/ticket_events?{EVERYTHING}&include=comment_events")["next_page"]
    )


def test_replayed_changes_end_in_the_present_state(tickets: Rows, events: Rows) -> None:
    """What events tell and what tickets are must not contradict each other."""
    state: dict[int, dict[str, Any]] = {}
    for event in sorted(events, key=lambda e: e["id"]):
        values = state.setdefault(event["ticket_id"], {})
        for child in event["child_events"]:
            if child["event_type"] in ("Create", "Change"):
                said = {"id", "via", "via_reference_id", "event_type", "previous_value", "added_tags", "removed_tags"}
                values.update({k: v for k, v in child.items() if k not in said})
    for ticket in tickets:
        for name in ("status", "priority", "type", "group_id", "assignee_id", "tags", "subject"):
            if ticket["subject"] != "SCRUBBED":
                assert (state[ticket["id"]].get(name) or None) == (ticket[name] or None), (ticket["id"], name)


def test_redaction_and_privacy_are_told_and_old_events_may_show_the_original(desk: Desk, events: Rows) -> None:
    kinds = Counter(c["event_type"] for e in events for c in e["child_events"])
    for kind in ("CommentRedactionEvent", "CommentPrivacyChange", "AttachmentRedactionEvent", "EmailCcChange", "Cc"):
        assert kinds[kind], kind
    said = comments_of(events)
    targets = [
        (e["ticket_id"], c) for e in events for c in e["child_events"] if c["event_type"] == "CommentRedactionEvent"
    ]
    hidden = [
        (e["ticket_id"], c) for e in events for c in e["child_events"] if c["event_type"] == "CommentPrivacyChange"
    ]
    path = f"incremental/ticket_events?{EVERYTHING}&include=comment_events"
    with desk.switched(events_redacted_text="redacted"):
        after = comments_of(desk.export_rows(path, "ticket_events"))
    for ticket_id, change in targets:
        number = change["comment_id"]
        shown = next(
            c for c in desk.rows(f"tickets/{ticket_id}/comments?page[size]=100", "comments") if c["id"] == number
        )
        assert "▇" in shown["html_body"]
        assert "4111" in said[number]["body"]
        assert "4111" not in shown["body"] + after[number]["body"]
    for _, change in hidden:
        assert said[change["comment_id"]]["public"]
        assert not after[change["comment_id"]]["public"]


def test_inline_images_are_among_event_files_only_by_switch(desk: Desk, events: Rows) -> None:
    def inline(rows: Rows) -> int:
        return sum(a["inline"] for c in comments_of(rows).values() for a in c["attachments"])

    assert inline(events) == 0
    with desk.switched(inline_images_in_events=True):
        rows = desk.export_rows(f"incremental/ticket_events?{EVERYTHING}&include=comment_events", "ticket_events")
    assert inline(rows) > 0


@pytest.mark.parametrize(("switch", "status"), [("events_of_archived", "closed"), ("events_of_deleted", "deleted")])
def test_events_of_archived_and_deleted_tickets_can_be_missing(
    desk: Desk, tickets: Rows, switch: str, status: str
) -> None:
    path = "incremental/ticket_events?start_time=0&support_type_scope=all"
    every = {e["ticket_id"] for e in desk.export_rows(path, "ticket_events")}
    with desk.switched(**{switch: False}):
        some = {e["ticket_id"] for e in desk.export_rows(path, "ticket_events")}
    lost = every - some
    assert lost
    assert {t["status"] for t in tickets if t["id"] in lost} == {status}


def test_start_time_is_read_as_leading_digits(desk: Desk, tickets: Rows) -> None:
    middle = tickets[len(tickets) // 2]["generated_timestamp"]
    pages = [
        desk.json(f"incremental/tickets/cursor?start_time={t}&support_type_scope=all") for t in (middle, f"{middle}.0")
    ]
    assert pages[0]["tickets"] == pages[1]["tickets"]
    assert pages[0]["tickets"][0]["generated_timestamp"] == middle
    assert desk.json("incremental/tickets/cursor?start_time=2020-01-01T00:00:00Z")["tickets"]


@pytest.mark.parametrize("status", [400, 422])
def test_missing_and_too_recent_start_times_are_refused(desk: Desk, status: int) -> None:
    now = int(desk.advance(0))
    with desk.switched(recent_start_time=status):
        for path in ("tickets", "tickets/cursor", "ticket_events", "users", "users/cursor", "organizations"):
            assert desk.get(f"incremental/{path}?start_time={now - 5}").status_code == status
            assert desk.get(f"incremental/{path}").status_code == status
            assert desk.get(f"incremental/{path}?start_time={now - 70}").status_code == 200


def test_empty_pages_have_both_answers(desk: Desk) -> None:
    start = int(desk.advance(0)) - 100
    assert desk.json(f"incremental/tickets?start_time={start}")["end_time"] is None
    page = desk.json(f"incremental/tickets/cursor?start_time={start}")
    assert (page["tickets"], page["after_cursor"], page["end_of_stream"]) == ([], None, True)
    with desk.switched(empty_time_page="echo", empty_cursor_page="echo"):
        assert desk.json(f"incremental/tickets?start_time={start}")["end_time"] == start
        cursor = desk.json(f"incremental/tickets/cursor?start_time={start}")["after_cursor"]
        assert cursor_text(cursor) == f"{start}.0||0|"


def test_odd_empty_pages_lose_nothing(desk: Desk, tickets: Rows) -> None:
    for path in ("tickets/cursor", "tickets"):
        with desk.switched(empty_page_every=2):
            pages = desk.export(f"incremental/{path}?{EVERYTHING}&per_page=50")
        empty = [p for p in pages if not p["tickets"]]
        assert empty
        assert not any(p["end_of_stream"] for p in empty)
        assert {t["id"] for p in pages for t in p["tickets"]} == {t["id"] for t in tickets}


def test_events_can_be_repeated_and_big_pages_time_out(desk: Desk) -> None:
    path = f"incremental/ticket_events?{EVERYTHING}"
    with desk.switched(duplicate_events=0.3):
        page = desk.json(path)["ticket_events"]
    assert len(page) - len({e["id"] for e in page}) > 100
    with desk.switched(gateway_timeout_over=500):
        answer = desk.get(path)
        assert (answer.status_code, answer.text) == (504, "upstream request timeout")
        assert desk.get(path + "&per_page=500").status_code == 200


def test_sideloads_of_tickets(desk: Desk) -> None:
    page = desk.json(
        f"incremental/tickets/cursor?{EVERYTHING}&per_page=60&include=users,groups,organizations,ticket_forms,metric_sets"
    )
    tickets = page["tickets"]
    users = [u["id"] for u in page["users"]]
    assert len(users) == len(set(users))
    requesters = {t["requester_id"] for t in tickets}
    assert len(requesters - set(users)) <= 2
    assert {g["id"] for g in page["groups"]} == {t["group_id"] for t in tickets} - {None}
    assert {o["id"] for o in page["organizations"]} == {t["organization_id"] for t in tickets} - {None}
    assert {f["id"] for f in page["ticket_forms"]} == {t["ticket_form_id"] for t in tickets}
    metrics = [t["metric_set"] for t in tickets if t["metric_set"]]
    assert any(m["solved_at"] is None or m["reply_time_in_minutes"]["calendar"] is None for m in metrics)
    assert desk.get(f"incremental/tickets/cursor?{EVERYTHING}&include=last_audits").status_code == 400


def test_malformed_records_by_switch(desk: Desk, tickets: Rows) -> None:
    whole = set(tickets[0])
    with desk.switched(malformed_records=0.2):
        rows = desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&include=comment_count,metric_sets", "tickets")
        people = desk.export_rows("incremental/users/cursor?start_time=0", "users")
    damaged = [t for t in rows if set(t) != whole or not isinstance(t["tags"], list)]
    assert 0.1 < len(damaged) / len(rows) < 0.3
    assert len({frozenset(u) for u in people}) > 1
    assert {t["id"] for t in rows} == {t["id"] for t in tickets}


def test_bad_parameters_are_refused(desk: Desk) -> None:
    assert desk.get("incremental/tickets/cursor?cursor=bm9uc2Vuc2U=").status_code == 400
    assert desk.get("incremental/tickets/cursor?start_time=0&per_page=1001").status_code == 400
    assert desk.get("incremental/macros/sample?start_time=0").status_code == 404
    assert len(desk.json("incremental/tickets/sample?start_time=0")["tickets"]) == 50
