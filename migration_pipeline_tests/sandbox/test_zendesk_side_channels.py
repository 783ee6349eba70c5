"""Beside the comments, over real HTTP: calls, messages, ratings, side threads, held mail, odd files, private data."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from migration_pipeline_tests.sandbox.zendesk_kit import EVERYTHING, Desk, comments_of, running

Rows = list[dict[str, Any]]
EVENTS = f"incremental/ticket_events?{EVERYTHING}&include=comment_events"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk"), tickets=240) as found:
        yield found


@pytest.fixture(scope="module")
def tickets(desk: Desk) -> Rows:
    return desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}&include=comment_count", "tickets")


def nobody(url: str) -> requests.Response:
    return requests.get(url, allow_redirects=False, timeout=10)


def test_recordings_can_be_elsewhere(desk: Desk) -> None:
    def recorded() -> list[str]:
        said = comments_of(desk.export_rows(EVENTS, "ticket_events")).values()
        return [c["data"]["recording_url"] for c in said if c["type"] == "VoiceComment"]

    here = recorded()
    assert here
    assert nobody(here[0]).status_code == 401
    with desk.switched(recording_host="other"):
        there = recorded()[0]
    assert there.startswith("http://localhost:")
    hops = [nobody(nobody(there).headers["location"]), nobody(desk.get(here[0]).headers["location"])]
    assert hops[0].content == hops[1].content


def test_messages_bring_pictures_and_files(desk: Desk, tickets: Rows) -> None:
    talks = [
        t["id"] for t in tickets if t["via"]["channel"] in ("chat", "native_messaging") and t["status"] != "deleted"
    ]
    log = [e for k in talks for e in desk.rows(f"tickets/{k}/conversation_log?page[size]=100", "events")]
    kinds = {e["content"]["type"] for e in log}
    assert kinds == {"html", "text", "image", "file"}
    for event in log:
        if event["content"]["type"] in ("image", "file"):
            (file,) = event["attachments"]
            # Files of messages are private.
            assert nobody(file["content_url"]).status_code == 403
            content = nobody(desk.get(file["content_url"]).headers["location"]).content
            assert len(content) == file["size"]


def test_ratings_that_were_only_offered(desk: Desk, tickets: Rows) -> None:
    rows = desk.rows("satisfaction_ratings?page[size]=100", "satisfaction_ratings")
    offered = {t["id"] for t in tickets if (t["satisfaction_rating"] or {}).get("score") == "offered"}
    assert {r["ticket_id"] for r in rows if r["score"] == "offered"} == offered
    listed = desk.rows("satisfaction_ratings?page[size]=100&score=offered", "satisfaction_ratings")
    assert {r["ticket_id"] for r in listed} == offered
    now = int(desk.advance(0))
    assert desk.get(f"satisfaction_ratings?start_time=0&end_time={now}").status_code == 422
    assert desk.get(f"satisfaction_ratings?start_time=0&end_time={now - 61}").status_code == 200


def test_side_conversations(desk: Desk) -> None:
    with desk.switched(side_conversations=True):
        events: Rows = []
        page = desk.json("tickets/side_conversations/events?start_time=0")
        events = page["events"]
        threads = {e["side_conversation_id"]: e["ticket_id"] for e in events}
        assert {e["type"] for e in events} == {"create", "reply", "update"}
        assert {e["updates"].get("state") for e in events if e["type"] == "update"} == {"closed"}
        assert len(threads) > len(set(threads.values()))
        for thread, ticket in list(threads.items())[:4]:
            mine = [e for e in events if e["side_conversation_id"] == thread]
            path = f"tickets/{ticket}/side_conversations"
            listed = {s["id"]: s for s in desk.json(path)["side_conversations"]}
            one = desk.json(f"{path}/{thread}?include=events")
            assert one == {"side_conversation": listed[thread], "events": mine}
            assert desk.json(f"{path}/{thread}/events")["events"] == mine
            audits = desk.json(f"tickets/{ticket}/audits")["audits"]
            told = {e["thread_id"] for a in audits for e in a["events"] if e["type"].startswith("CollabThread")}
            assert told == set(listed)
        files = [f for e in events if e["message"] for f in e["message"]["attachments"]]
        assert files
        assert desk.get(files[0]["content_url"]).status_code == 302


def test_suspended_tickets(desk: Desk) -> None:
    rows = desk.rows("suspended_tickets?page[size]=2", "suspended_tickets")
    assert len(rows) == 5
    assert desk.json("suspended_tickets")["suspended_tickets"] == rows
    assert {r["cause_id"] for r in rows} >= {0, 1}
    assert any(r["subject"] is None for r in rows)
    assert any(r["author"]["name"] is None for r in rows)
    assert desk.json(f"suspended_tickets/{rows[0]['id']}")["suspended_ticket"] == rows[0]


def test_seldom_events(desk: Desk) -> None:
    events = desk.export_rows(EVENTS, "ticket_events")
    assert {e["via"] for e in events} >= {"Batch", "Group deletion", "Recovered from suspended tickets"}
    kinds = Counter(c["event_type"] for e in events for c in e["child_events"])
    assert set(kinds) >= {
        "Create",
        "Change",
        "Comment",
        "Notification",
        "NotificationWithCcs",
        "Cc",
        "EmailCcChange",
        "FollowerChange",
        "CommentRedactionEvent",
        "AttachmentRedactionEvent",
        "CommentPrivacyChange",
        "MacroReference",
        "SatisfactionRating",
        "External",
        "ChatStartedEvent",
        "ChatEndedEvent",
        "TicketSharingEvent",
        "Tweet",
        "FacebookEvent",
    }
    with desk.switched(rare_events=False):
        plain = {c["event_type"] for e in desk.export_rows(EVENTS, "ticket_events") for c in e["child_events"]}
    assert {"Tweet", "FacebookEvent", "SomethingNewEvent"} & plain == set()


def test_odd_files(desk: Desk) -> None:
    with desk.switched(odd_files=True):
        said = comments_of(desk.export_rows(EVENTS, "ticket_events")).values()
        files = [f for c in said for f in c["attachments"]]
    names = [f["file_name"] for f in files]
    assert any("\x00" in name for name in names)
    assert max(map(len, names)) == 300
    assert "" in names
    hosts = {re.sub(r"^(\w+://[^/:]+).*", r"\1", str(f["content_url"])) for f in files}
    assert {"http://10.0.0.1", "http://169.254.169.254", "http://localhost", "file:///etc/passwd"} <= hosts
    assert {f["malware_scan_result"] for f in files} >= {"malware_not_found", "not_scanned", "failed_to_scan"}
    assert any(f["content_type"] is None for f in files)


def test_very_long_threads(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = f"incremental/tickets/cursor?{EVERYTHING}&include=comment_count"
    with running(tmp_path_factory.mktemp("long"), tickets=100) as desk:
        before = {t["id"]: t for t in desk.export_rows(path, "tickets")}
        with desk.switched(long_threads=True):
            after = {t["id"]: t for t in desk.export_rows(path, "tickets")}
            long = {k: t["comment_count"] for k, t in after.items() if t["comment_count"] > 500}
            assert len(long) == 3
            some = max(long, key=lambda k: long[k])
            comments = desk.rows(f"tickets/{some}/comments?page[size]=100", "comments")
            assert len(comments) == long[some] > 1_200
            assert len({c["id"] for c in comments}) == len(comments)
        # All else is as it was, and comes back.
        assert {k: t for k, t in after.items() if k not in long} == {k: t for k, t in before.items() if k not in long}
        assert {t["id"]: t for t in desk.export_rows(path, "tickets")} == before


def test_private_data(desk: Desk, tickets: Rows) -> None:
    with desk.switched(private_data=True):
        said = list(comments_of(desk.export_rows(EVENTS, "ticket_events")).values())
        shown = desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}", "tickets")
        users = desk.export_rows("incremental/users/cursor?start_time=0", "users")
    texts = " ".join(c["body"] for c in said)
    for private in ("4111 1111 1111 1111", "5555-5555-5555-4444", "DE89 3704 0044 0532 0130 00", "078-05-1120"):
        assert private in texts
    assert any("<b>4012</b>" in c["html_body"] and "4012 8888" in c["body"] for c in said)
    by_id = {t["id"]: t for t in tickets}
    assert any(t["subject"] != by_id[t["id"]]["subject"] for t in shown)
    assert any("PIN: 4711" in str(u["notes"]) for u in users)


def test_cursor_text_is_as_recorded(desk: Desk) -> None:
    cursor = desk.json("suspended_tickets?page[size]=1")["meta"]["after_cursor"]
    assert base64.b64decode(cursor).startswith(b'{"o":"id"')


def test_odd_people(desk: Desk) -> None:
    path = "incremental/users/cursor?start_time=0&include=identities,roles,abilities"
    plain = {u["id"]: u for u in desk.export_rows(path, "users")}
    with desk.switched(odd_people=True):
        page = desk.json(path)
    users = {u["id"]: u for u in page["users"]}
    addresses = Counter(u["email"].lower() for u in users.values() if u["email"])
    assert max(addresses.values()) > 1
    assert any(u["shared"] for u in users.values())
    assert any(u["phone"] and u["shared_phone_number"] for u in users.values())
    assert {len(u["name"]) for u in users.values()} >= {0, 300}
    assert any(u["photo"] and "gravatar" in u["photo"]["content_url"] for u in users.values())
    assert any(len(u["tags"]) == 120 for u in users.values())
    agents = [u for u in users.values() if u["role"] != "end-user"]
    assert all(u == plain[u["id"]] for u in agents)
    primary = {i["user_id"]: i["value"] for i in page["identities"] if i["primary"] and i["type"] == "email"}
    assert all(users[k]["email"] == address for k, address in primary.items())
    assert {i["type"] for i in page["identities"]} == {"email", "phone_number", "facebook", "google"}
    assert len(page["abilities"]) == len(users)
    assert {r["role_type"] for r in page["roles"]} == {0, 1, 2, 3, 4}


def test_huge_comments_and_distrusted_mail(desk: Desk, tickets: Rows) -> None:
    with desk.switched(huge_comments=True):
        sizes = [len(c["body"]) for c in comments_of(desk.export_rows(EVENTS, "ticket_events")).values()]
    assert sum(size > 50_000 for size in sizes) > 5
    assert sorted(sizes)[len(sizes) // 2] < 2_000
    alive = [t["id"] for t in tickets if t["status"] != "deleted"][:80]
    said = [c for k in alive for c in desk.json(f"tickets/{k}/comments?per_page=100")["comments"]]
    flagged = [c["metadata"] for c in said if "flags" in c["metadata"]]
    assert flagged
    assert all(not m["trusted"] and str(m["flags"][0]) in m["flags_options"] for m in flagged)


def test_odd_values_and_channels(desk: Desk, tickets: Rows) -> None:
    with desk.switched(odd_values=True, many_channels=True):
        odd = desk.export_rows(f"incremental/tickets/cursor?{EVERYTHING}", "tickets")
        users = desk.export_rows("incremental/users/cursor?start_time=0", "users")
    fields = {f["id"]: f for f in desk.json("ticket_fields")["ticket_fields"]}
    values = [(fields.get(f["id"]), f["value"]) for t in odd for f in t["custom_fields"]]
    assert any(field is None for field, _ in values)
    options = {k: {o["value"] for o in f.get("custom_field_options", [])} for k, f in fields.items()}
    assert any(f and f["type"] == "tagger" and v and v not in options[f["id"]] for f, v in values)
    assert {"2026-02-30", "1e308"} <= {v for _, v in values if isinstance(v, str)}
    assert any("gone_key" in u["user_fields"] for u in users)
    channels = {t["via"]["channel"] for t in odd}
    assert channels >= {"whatsapp", "facebook", "sms", "something_new"} | {t["via"]["channel"] for t in tickets}


def test_ai_agents_answer_in_transcripts(desk: Desk, tickets: Rows) -> None:
    people = {t["id"] for t in desk.export_rows("incremental/tickets/cursor?start_time=0", "tickets")}
    alone = [t["id"] for t in tickets if t["id"] not in people]
    assert alone
    for number in alone:
        log = desk.rows(f"tickets/{number}/conversation_log?page[size]=100", "events")
        speakers = Counter(e["author"]["type"] for e in log if e["type"] == "Messaging::ConversationMessage")
        assert set(speakers) == {"bot", "user"}


def test_chats_begin_and_end(desk: Desk, tickets: Rows) -> None:
    number = next(t["id"] for t in tickets if t["via"]["channel"] == "chat" and t["status"] != "deleted")
    events = [e for a in desk.json(f"tickets/{number}/audits")["audits"] for e in a["events"]]
    history = next(e["value"]["history"] for e in events if e["type"] == "ChatEndedEvent")
    kinds = [line["type"] for line in history]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("ChatJoin", "ChatLeave", {"ChatMessage"})
    assert [line["chat_index"] for line in history] == list(range(len(history)))


def test_shared_tickets_name_their_agreement(desk: Desk) -> None:
    path = f"incremental/tickets/cursor?{EVERYTHING}&include=sharing_agreements"
    page = desk.json(path)
    shared = {k for t in page["tickets"] for k in t["sharing_agreement_ids"]}
    assert (
        shared
        == {a["id"] for a in page["sharing_agreements"]}
        == {a["id"] for a in desk.json("sharing_agreements")["sharing_agreements"]}
    )
