"""Lists and single records over real HTTP: paging, archived tickets, audits, people, settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from migration_pipeline_tests.sandbox.zendesk_kit import EVERYTHING, Desk, running

Rows = list[dict[str, Any]]
ARCHIVE_S = 120 * 86_400


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk")) as found:
        yield found


@pytest.fixture(scope="module")
def tickets(desk: Desk) -> Rows:
    return desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&include=comment_count", "tickets")


@pytest.fixture(scope="module")
def live(desk: Desk) -> Rows:
    """Tickets that the list shows."""
    return desk.rows("tickets?page[size]=100", "tickets")


def test_the_last_page_by_cursor_still_has_a_next_link(desk: Desk, live: Rows) -> None:
    page = desk.json("tickets?page[size]=100")
    seen = list(page["tickets"])
    while page["meta"]["has_more"]:
        page = desk.json(page["links"]["next"])
        seen += page["tickets"]
    assert page["links"]["next"]
    behind = desk.json(page["links"]["next"])
    assert (behind["tickets"], behind["meta"]["has_more"], behind["links"]["next"]) == ([], False, None)
    assert [t["id"] for t in seen] == [t["id"] for t in live]


@pytest.mark.parametrize(
    "path", ["tickets?page[size]=7", "tickets?page[size]=7&sort=-updated_at", "organizations?page[size]=4"]
)
def test_pages_by_cursor_go_back_as_well(desk: Desk, path: str) -> None:
    plural = path.split("?")[0]
    first = desk.json(path)
    second = desk.json(first["links"]["next"])
    back = desk.json(second["links"]["prev"])
    assert [r["id"] for r in back[plural]] == [r["id"] for r in first[plural]]
    assert not back["meta"]["has_more"]


@pytest.mark.parametrize("sort", ["id", "-id", "updated_at", "-updated_at", "status", "-status"])
def test_tickets_are_sorted_as_asked(desk: Desk, live: Rows, sort: str) -> None:
    rows = desk.rows(f"tickets?page[size]=9&sort={sort}", "tickets")
    assert sorted(t["id"] for t in rows) == sorted(t["id"] for t in live)
    order = ["new", "open", "pending", "hold", "solved", "closed"]
    name = sort.removeprefix("-")
    values = [order.index(t[name]) if name == "status" else t[name] for t in rows]
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_lists_by_cursor_have_no_fields_key(desk: Desk, live: Rows) -> None:
    """So it was in all recorded pages by cursor; pages by number, show_many and exports have it."""
    assert not any("fields" in t for t in live)
    assert all(t["fields"] == t["custom_fields"] for t in desk.json("tickets")["tickets"])
    assert all("fields" in t for t in desk.json(f"tickets/show_many?ids={live[0]['id']}")["tickets"])


def test_page_size_over_a_hundred(desk: Desk) -> None:
    answer = desk.get("tickets?page[size]=101")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidPaginationParameter")
    with desk.switched(page_size_over_100="clamp"):
        assert len(desk.json("ticket_audits?page[size]=500")["audits"]) == 100
    assert desk.get("tickets?page[size]=many").status_code == 400
    assert desk.get("tickets?page[size]=5&page[after]=nonsense").status_code == 400


def test_pages_by_number_end_at_ten_thousand_rows(desk: Desk, live: Rows) -> None:
    answer = desk.get("tickets?page=101&per_page=100")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidPaginationDepth")
    first, last = desk.json("tickets?per_page=20"), desk.json(f"tickets?per_page=20&page={(len(live) - 1) // 20 + 1}")
    assert (first["count"], first["previous_page"]) == (len(live), None)
    assert desk.json(first["next_page"])["previous_page"]
    assert last["next_page"] is None
    assert len(desk.json("tickets?per_page=5000")["tickets"]) == min(100, len(live))


def test_archived_tickets_are_hidden_from_lists_only(desk: Desk, tickets: Rows, live: Rows) -> None:
    shown = {t["id"] for t in live}
    archived = [t for t in tickets if t["id"] not in shown and t["status"] != "deleted"]
    assert archived
    assert {t["status"] for t in archived} == {"closed"}
    assert desk.json("tickets/count")["count"]["value"] == len(live)
    assert {a["ticket_id"] for a in desk.rows("ticket_audits?page[size]=100", "audits")} == shown
    some = archived[0]["id"]
    assert desk.json(f"tickets/{some}")["ticket"]["id"] == some
    assert desk.json(f"tickets/{some}/comments")["comments"]
    assert desk.json(f"tickets/{some}/related")["ticket_related"]["from_archive"]
    assert not desk.json(f"tickets/{live[0]['id']}/related")["ticket_related"]["from_archive"]
    # Audits of an archived ticket come without pages, yet clients look for `meta`.
    page = desk.json(f"tickets/{some}/audits?page[size]=1")
    assert page["meta"] == {"has_more": False}
    assert "links" not in page
    assert len(page["audits"]) > 1


def test_comments_page_both_ways_and_bring_users(desk: Desk, tickets: Rows) -> None:
    ticket = max((t for t in tickets if t["status"] != "deleted"), key=lambda t: t["comment_count"])
    assert ticket["comment_count"] > 40
    path = f"tickets/{ticket['id']}/comments"
    by_cursor = desk.rows(f"{path}?page[size]=10&include=users&sort=created_at", "comments")
    by_number = desk.json(f"{path}?per_page=100")
    assert [c["id"] for c in by_cursor] == [c["id"] for c in by_number["comments"]]
    assert by_number["count"] == ticket["comment_count"] == len(by_cursor)
    newest_first = desk.rows(f"{path}?page[size]=10&sort=-created_at", "comments")
    assert [c["id"] for c in newest_first] == [c["id"] for c in reversed(by_cursor)]
    assert by_cursor[0]["created_at"] < by_cursor[-1]["created_at"]
    page = desk.json(f"{path}?page[size]=100&include=users")
    assert {u["id"] for u in page["users"]} == {c["author_id"] for c in page["comments"]}
    assert {c["public"] for c in by_cursor} == {True, False}


def test_inline_images_are_listed_only_when_asked_for(desk: Desk, tickets: Rows) -> None:
    listed = with_inline = pictured = 0
    for ticket in tickets[:120]:
        if ticket["status"] == "deleted":
            continue
        path = f"tickets/{ticket['id']}/comments?page[size]=100"
        listed += sum(a["inline"] for c in desk.json(path)["comments"] for a in c["attachments"])
        comments = desk.json(path + "&include_inline_images=true")["comments"]
        for comment in comments:
            for file in comment["attachments"]:
                if file["inline"]:
                    with_inline += 1
                    pictured += file["content_url"] in comment["html_body"]
    assert listed == 0
    assert with_inline > 10
    assert pictured == with_inline


def test_audits_of_all_tickets_in_both_orders(desk: Desk) -> None:
    oldest = [a["created_at"] for a in desk.rows("ticket_audits?page[size]=100", "audits")]
    assert oldest == sorted(oldest)
    with desk.switched(ticket_audits_order="newest"):
        newest = desk.rows("ticket_audits?page[size]=100", "audits")
    assert [a["created_at"] for a in newest] == sorted(oldest, reverse=True)
    older = []
    page = desk.json("ticket_audits?limit=200")
    while page["audits"]:
        older += page["audits"]
        page = desk.json(page["before_url"]) if page["before_url"] else {"audits": []}
    assert [a["id"] for a in older] == [a["id"] for a in newest]


def test_audits_of_one_ticket(desk: Desk, live: Rows) -> None:
    ticket = next(t for t in live if t["status"] not in ("new", "closed"))
    audits = desk.rows(f"tickets/{ticket['id']}/audits?page[size]=3", "audits")
    comments = desk.json(f"tickets/{ticket['id']}/comments")["comments"]
    told = [e for a in audits for e in a["events"] if e["type"] in ("Comment", "VoiceComment")]
    assert [e["id"] for e in told] == [c["id"] for c in comments]
    assert {e["type"] for e in audits[0]["events"]} >= {"Comment", "Create"}
    status = [e["value"] for a in audits for e in a["events"] if e.get("field_name") == "status"]
    assert status[-1] == ticket["status"]


def test_deleted_tickets_are_listed_for_thirty_days(desk: Desk, tickets: Rows) -> None:
    deleted = {t["id"] for t in tickets if t["status"] == "deleted"}
    rows = desk.rows("deleted_tickets?page[size]=2", "deleted_tickets")
    assert rows
    assert {r["id"] for r in rows} <= deleted
    assert all(r["actor"]["name"] and r["previous_state"] != "deleted" for r in rows)
    scrubbed = {t["id"] for t in tickets if t["subject"] == "SCRUBBED"}
    assert scrubbed == deleted - {r["id"] for r in rows}


def test_merges_follow_ups_and_incidents_are_links(desk: Desk, tickets: Rows) -> None:
    by_id = {t["id"]: t for t in tickets}
    merged = [t for t in tickets if "closed_by_merge" in t["tags"]]
    assert merged
    for ticket in merged:
        out = desk.json(f"tickets/{ticket['id']}/comments")["comments"][-1]
        assert out["via"]["source"]["rel"] == "merge"
        target = int(out["body"].split("#")[1].rstrip("."))
        inside = [
            c
            for c in desk.rows(f"tickets/{target}/comments?page[size]=100", "comments")
            if c["via"]["source"]["rel"] == "merge"
        ]
        assert ticket["id"] in [i for c in inside for i in c["via"]["source"]["from"].get("ticket_ids", [])]
    follow_ups = [t for t in tickets if t["via"]["source"]["rel"] == "follow_up"]
    assert follow_ups
    for ticket in follow_ups:
        parent = by_id[ticket["via"]["source"]["from"]["ticket_id"]]
        assert ticket["id"] in parent["followup_ids"]
        assert parent["created_at"] < ticket["created_at"]
    problems = {t["problem_id"] for t in tickets if t["problem_id"]}
    assert problems
    assert all(by_id[p]["type"] == "problem" and by_id[p]["has_incidents"] for p in problems)
    incidents = desk.json(f"tickets/{min(problems)}/related")["ticket_related"]["incidents"]
    assert incidents == sum(t["problem_id"] == min(problems) for t in tickets)


def test_a_small_desk_has_every_kind_of_ticket(desk: Desk, tickets: Rows) -> None:
    users = {u["id"]: u for u in desk.export_rows("incremental/users/cursor?start_time=0", "users")}
    said = {
        t["id"]: desk.json(f"tickets/{t['id']}/comments?per_page=100")["comments"]
        for t in tickets
        if t["status"] != "deleted"
    }
    comments = [c for rows in said.values() for c in rows]
    roles = {i: u["role"] for i, u in users.items()}
    found = {
        "voice": any(c["type"] == "VoiceComment" and c["data"]["recording_url"] for c in comments),
        "notes only": any(rows and not any(c["public"] for c in rows) for rows in said.values()),
        "gone requester or author": any(c["author_id"] not in users for c in comments),
        "agent as requester": any(roles.get(t["requester_id"]) in ("agent", "admin") for t in tickets),
        "on behalf": any(t["submitter_id"] != t["requester_id"] for t in tickets),
        "unassigned": any(t["assignee_id"] is None and t["group_id"] is None for t in tickets),
        "group only": any(t["assignee_id"] is None and t["group_id"] for t in tickets),
        "copies and followers": any(t["email_cc_ids"] for t in tickets) and any(t["follower_ids"] for t in tickets),
        "empty": any(t["description"] == "" for t in tickets if t["status"] != "deleted"),
        "garbled": any("\ufffd" in c["body"] for c in comments),
        "messaging": any(t["from_messaging_channel"] for t in tickets),
        "rated": any((t["satisfaction_rating"] or {}).get("score") in ("good", "bad") for t in tickets),
        "deactivated agent as author": any(c["author_id"] in _former(users) for c in comments),
        "right to left": any('dir="rtl"' in c["html_body"] for c in comments),
        "table, list, quote": all(
            any(tag in c["html_body"] for c in comments) for tag in ("<table", "<li>", "<blockquote")
        ),
        "many files": any(len(c["attachments"]) == 12 for c in comments),
        "long": max(map(len, said.values())) > 40,
        "ordinary": sum(t["status"] == "deleted" or "closed_by_merge" in t["tags"] for t in tickets)
        < len(tickets) / 10,
    }
    assert [name for name, there in found.items() if not there] == []
    scripts = "".join(t["subject"] for t in tickets)
    for letter in "üé注لकΗёñ📦":
        assert any(letter in text for text in (scripts, *(c["body"] for c in comments))), letter


def _former(users: dict[int, dict[str, Any]]) -> set[int]:
    agents = [u for u in users.values() if (u["email"] or "").endswith("@acme.example")]
    return {u["id"] for u in agents if u["role"] == "end-user" or u["suspended"]}


def test_ratings_by_window_and_score(desk: Desk, tickets: Rows) -> None:
    rows = desk.rows("satisfaction_ratings?page[size]=5", "satisfaction_ratings")
    rated = {t["satisfaction_rating"]["id"] for t in tickets if (t["satisfaction_rating"] or {}).get("id")}
    assert {r["id"] for r in rows if r["score"] != "offered"} == rated
    good = desk.rows("satisfaction_ratings?page[size]=50&score=good", "satisfaction_ratings")
    assert {r["score"] for r in good} == {"good"}
    assert 0 < len(good) < len(rows)
    middle = sorted(r["created_at"] for r in rows)[len(rows) // 2]
    from datetime import datetime

    start = int(datetime.fromisoformat(middle).timestamp())
    later = desk.rows(f"satisfaction_ratings?page[size]=50&start_time={start}", "satisfaction_ratings")
    assert [r["id"] for r in later] == [r["id"] for r in rows if r["created_at"] >= middle]


def test_search_export_needs_a_type_and_ends_after_an_hour(desk: Desk, tickets: Rows) -> None:
    assert desk.get("search/export?query=").status_code == 422
    rows = desk.rows("search/export?filter[type]=ticket&page[size]=1000", "results")
    assert {r["id"] for r in rows} == {t["id"] for t in tickets if t["status"] != "deleted"}
    assert [r["created_at"] for r in rows] == sorted(r["created_at"] for r in rows)
    closed = desk.rows("search/export?filter[type]=ticket&page[size]=100&query=status:closed", "results")
    assert {r["status"] for r in closed} == {"closed"}
    cursor = desk.json("search/export?filter[type]=user&page[size]=5")["links"]["next"]
    assert desk.get(cursor).status_code == 200
    desk.advance(3_700)
    assert desk.get(cursor).status_code == 400


def test_search_by_number_ends_at_a_thousand_rows(desk: Desk, tickets: Rows) -> None:
    page = desk.json("search?query=type:ticket status:closed&per_page=100")
    assert {(r["result_type"], r["status"]) for r in page["results"]} == {("ticket", "closed")}
    assert page["count"] == sum(t["status"] == "closed" for t in tickets)
    everything = desk.json("search?query=&per_page=100&page=5&sort_order=asc")
    assert {r["result_type"] for r in everything["results"]} <= {"ticket", "user", "organization"}
    assert desk.json("search/count?query=type:user")["count"] == len(desk.rows("users?page[size]=100", "users"))
    answer = desk.get("search?query=type:ticket&per_page=100&page=11")
    assert answer.status_code == 422
    assert "Requested response size was greater than Search Response Limits" in answer.text


def test_people_and_their_ties(desk: Desk) -> None:
    users = desk.rows("users?page[size]=100", "users")
    some = [u["id"] for u in users[:30]]
    many = desk.json("users/show_many?ids=" + ",".join(map(str, [*some, 123])))["users"]
    assert [u["id"] for u in many] == some
    assert desk.get("users/show_many?ids=" + ",".join(str(k) for k in range(1, 102))).status_code == 400
    agents = desk.rows("users?page[size]=100&role[]=agent&role[]=admin", "users")
    assert {u["role"] for u in agents} == {"agent", "admin"}
    assert any(u["role_type"] == 1 for u in agents)
    gone = desk.rows("deleted_users?page[size]=2", "deleted_users")
    assert "Permanently Deleted User" in {u["name"] for u in gone}
    assert all(u["email"] is None for u in gone if u["name"].startswith("Permanently"))
    erased = next(u["id"] for u in gone if u["name"].startswith("Permanently"))
    assert desk.get(f"users/{erased}").status_code == 404
    ties = desk.rows("organization_memberships?page[size]=20", "organization_memberships")
    assert len(ties) > len({m["user_id"] for m in ties})
    busy = max((m["user_id"] for m in ties), key=lambda i: sum(m["user_id"] == i for m in ties))
    mine = desk.json(f"users/{busy}/organization_memberships")["organization_memberships"]
    assert [m["id"] for m in mine] == [m["id"] for m in ties if m["user_id"] == busy]
    assert [m["default"] for m in mine] == [True] + [False] * (len(mine) - 1)
    identities = desk.json(f"users/{agents[0]['id']}/identities")["identities"]
    assert identities[0]["value"] == agents[0]["email"] == "agent1@acme.example"
    assert any(u["phone"] and not u["phone"].startswith("+") for u in users)


def test_groups_and_their_nulls(desk: Desk) -> None:
    groups = desk.json("groups")["groups"]
    assert [g["name"] for g in groups][:3] == ["Support", "Billing", "Sales"]
    assert desk.json("groups?exclude_deleted=false")["groups"][-1]["deleted"]
    ties = desk.rows("group_memberships?page[size]=5", "group_memberships")
    assert {m["updated_at"] is None for m in ties} == {True, False}
    assert {m["group_id"] for m in ties} == {g["id"] for g in groups}
    assert desk.json(f"groups/{groups[0]['id']}")["group"] == groups[0]


def test_fields_describe_the_values_of_tickets(desk: Desk, tickets: Rows) -> None:
    fields = {f["id"]: f for f in desk.json("ticket_fields")["ticket_fields"]}
    kinds = {f["type"] for f in fields.values()}
    assert kinds >= {
        "subject",
        "tickettype",
        "custom_status",
        "text",
        "textarea",
        "checkbox",
        "date",
        "integer",
        "decimal",
        "regexp",
        "tagger",
        "multiselect",
        "partialcreditcard",
        "lookup",
    }
    assert any("{{dc." in f["raw_title"] and "{{" not in f["title"] for f in fields.values())
    assert any("::" in o["name"] for f in fields.values() for o in f.get("custom_field_options", []))
    assert any(f["agent_description"] for f in fields.values())
    inactive = {i for i, f in fields.items() if not f["active"]}
    seen: dict[str, set[type]] = {}
    old = 0
    for ticket in tickets:
        for entry in ticket["custom_fields"]:
            field = fields[entry["id"]]
            old += entry["id"] in inactive
            seen.setdefault(field["type"], set()).add(type(entry["value"]))
            options = {o["value"] for o in field.get("custom_field_options", [])}
            chosen = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
            if options and entry["value"]:
                assert set(chosen) <= options
                assert set(chosen) <= set(ticket["tags"])
    assert old
    assert seen["checkbox"] == {bool}
    assert seen["decimal"] <= {str, type(None)}
    assert seen["multiselect"] == {list, type(None)}
    assert seen["integer"] == {int, type(None)}
    statuses = {s["id"]: s for s in desk.json("custom_statuses")["custom_statuses"]}
    alive = [t for t in tickets if t["status"] not in ("closed", "deleted")]
    assert all(statuses[t["custom_status_id"]]["status_category"] == t["status"] for t in alive)
    forms = {f["id"] for f in desk.json("ticket_forms")["ticket_forms"]}
    assert {t["ticket_form_id"] for t in tickets} <= forms
    assert {t["brand_id"] for t in tickets} == {b["id"] for b in desk.json("brands")["brands"]}
    for kind in ("user_fields", "organization_fields"):
        keys = {f["key"] for f in desk.json(kind)[kind]}
        record = (
            desk.json("users?per_page=1")["users"][0]
            if kind == "user_fields"
            else desk.json("organizations")["organizations"][0]
        )
        assert set(record[kind]) == keys
    one = next(iter(fields))
    assert desk.json(f"ticket_fields/{one}.json")["ticket_field"] == fields[one]


def test_tags_are_those_of_recent_tickets(desk: Desk) -> None:
    tags = desk.rows("tags?page[size]=10", "tags")
    assert [t["count"] for t in tags] == sorted((t["count"] for t in tags), reverse=True)
    assert len({t["name"] for t in tags}) == len(tags) > 10


def test_messaging_transcripts_and_side_conversations(desk: Desk, tickets: Rows) -> None:
    ticket = next(
        t
        for t in tickets
        if t["via"]["channel"] == "native_messaging"
        and t["status"] != "deleted"
        and not desk.json(f"tickets/{t['id']}/comments")["comments"][0]["public"]
    )
    log = desk.rows(f"tickets/{ticket['id']}/conversation_log?page[size]=5", "events")
    assert {e["type"] for e in log} == {"Comment", "Messaging::ConversationMessage"}
    assert {e["author"]["type"] for e in log} == {"user", "agent", "bot"}
    audits = desk.json(f"tickets/{ticket['id']}/audits")["audits"]
    assert {"ChatStartedEvent", "ChatEndedEvent"} <= {e["type"] for a in audits for e in a["events"]}
    for path in (f"tickets/{ticket['id']}/side_conversations", "tickets/side_conversations/events?start_time=0"):
        answer = desk.get(path)
        assert (answer.status_code, answer.content) == (403, b"")
        assert answer.headers["content-type"].startswith("text/html")
    with desk.switched(side_conversations=True):
        page = desk.json("tickets/side_conversations/events?start_time=0")
        assert {e["type"] for e in page["events"]} == {"create", "reply", "update"}
        some = page["events"][0]["ticket_id"]
        mine = desk.json(f"tickets/{some}/side_conversations?include=side_conversation_events")
        assert [e["id"] for e in mine["side_conversation_events"]] == [
            e["id"] for e in page["events"] if e["ticket_id"] == some
        ]


def test_the_clock_archives_tickets(desk: Desk, live: Rows) -> None:
    desk.advance(ARCHIVE_S)
    desk.session.headers["Authorization"] = f"Bearer {desk.log_in().json()['access_token']}"
    assert desk.json("tickets/count")["count"]["value"] < len(live)
