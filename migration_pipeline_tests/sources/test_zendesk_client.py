"""Zendesk's rate headers in all their spellings, its error shapes, and its credentials."""

import base64
import contextlib
import datetime as dt
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import HttpUrl, SecretStr

from migration_pipeline.config import ZendeskAuth
from migration_pipeline.http import Pacer, Window
from migration_pipeline.model.errors import AccessDenied, RunStopped, ServiceDown
from migration_pipeline.sources.zendesk.client import buckets, error, windows
from migration_pipeline_tests.sources.conftest import Desk, Place, changed, place


@pytest.mark.behaviour("S26")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"ratelimit-limit": "700", "ratelimit-remaining": "699", "ratelimit-reset": "11"},
            {"account": Window(700, 699, 11)},
        ),
        (
            {"RateLimit-Limit": "700, 700;w=60", "RateLimit-Remaining": "3", "RateLimit-Reset": "2"},
            {"account": Window(700, 3, 2)},
        ),
        (
            {"rate-limit-limit": "400", "rate-limit-remaining": "1", "rate-limit-reset": "5"},
            {"account": Window(400, 1, 5)},
        ),
        (
            {"X-Rate-Limit": "200", "X-Rate-Limit-Remaining": "7", "ratelimit-reset": "30"},
            {"account": Window(200, 7, 30)},
        ),
        ({"X-Rate-Limit": "200", "X-Rate-Limit-Remaining": "7"}, {}),
        (
            {"Zendesk-RateLimit-incremental-exports": "total=10; remaining=9; resets=2"},
            {"incremental-exports": Window(10, 9, 2)},
        ),
        (
            {"zendesk-ratelimit-tickets-index": "total=100; remaining=0; resets=41", "x-request-id": "1"},
            {"tickets-index": Window(100, 0, 41)},
        ),
        ({"zendesk-ratelimit-inflight-jobs": "limit=30; nonsense"}, {}),
    ],
)
def test_rate_windows_are_read_in_every_spelling(headers: dict[str, str], expected: dict[str, Window]) -> None:
    assert windows(headers) == expected


@pytest.mark.parametrize(
    ("path", "families"),
    [
        ("/api/v2/incremental/ticket_events", {"incremental-exports"}),
        ("/api/v2/incremental/organizations.json", {"incremental-exports"}),
        ("/api/v2/incremental/tickets/cursor", {"incremental-exports", "incremental-exports-cursor"}),
        ("/api/v2/tickets", {"tickets-index"}),
        ("/api/v2/tickets/12/comments", set()),
        ("/api/v2/ticket_fields", {"ticket-fields"}),
    ],
)
def test_a_call_draws_on_the_account_and_on_its_family(path: str, families: set[str]) -> None:
    assert set(buckets("GET", path)) == {"account", *families}


def test_users_do_not_wait_for_the_tickets_exports() -> None:
    assert "incremental-exports" not in buckets("GET", "/api/v2/incremental/users/cursor")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "Couldn't authenticate you"}, ("Couldn't authenticate you", "Couldn't authenticate you")),
        ({"error": {"title": "Forbidden", "message": "No access"}}, ("Forbidden", "No access")),
        ({"error": "RecordNotFound", "description": "Not found"}, ("RecordNotFound", "Not found")),
        (
            {"errors": [{"code": "InvalidPaginationDepth", "detail": "Too deep"}]},
            ("InvalidPaginationDepth", "Too deep"),
        ),
        (None, ("", "")),
        (["odd"], ("", "")),
        ({"errors": []}, ("", "")),
    ],
)
def test_refusals_are_read_in_every_shape(body: object, expected: tuple[str, str]) -> None:
    assert error(body) == expected


def test_a_token_is_kept_for_its_owner_only_and_used_by_the_next_process(desk: Desk, somewhere: Place) -> None:
    assert {check.status for check in somewhere.source.checks()} == {"pass"}
    assert stat.S_IMODE(somewhere.token_path.stat().st_mode) == 0o600
    desk.asked()
    assert {check.status for check in somewhere.again().source.checks()} == {"pass"}
    assert "POST /oauth/tokens" not in desk.asked()


@pytest.mark.parametrize("refresh", [True, False])
def test_a_token_that_ends_in_the_middle_is_renewed_once_for_all_threads(
    desk: Desk, somewhere: Place, refresh: bool
) -> None:
    desk.switch(refresh_tokens=refresh, token_lifetime_s=100)
    somewhere.source.extract("teams", somewhere.staging, somewhere.run())
    first = somewhere.token_path.read_bytes()
    desk.asked()
    desk.advance(101)  # the service's clock, not ours: the client learns it from a 401
    somewhere.sample(10)
    asked = desk.asked()
    assert asked["POST /oauth/tokens"] == 1
    assert asked["GET /api/v2/tickets/{id}/comments"] >= 10
    assert somewhere.token_path.read_bytes() != first


def test_a_token_that_is_over_by_our_own_clock_is_renewed_before_it_is_refused(desk: Desk, somewhere: Place) -> None:
    desk.switch(token_lifetime_s=1)
    somewhere.source.extract("teams", somewhere.staging, somewhere.run())
    time.sleep(1.1)
    desk.asked()
    somewhere.source.extract("teams", somewhere.staging, somewhere.run())
    assert desk.asked() == {"POST /oauth/tokens": 1, "GET /api/v2/groups": 1}


def test_a_damaged_or_foreign_token_file_is_not_used(
    desk: Desk, somewhere: Place, elsewhere: Callable[..., Place]
) -> None:
    somewhere.token_path.write_bytes(b"\x00 no json")
    assert {check.status for check in somewhere.source.checks()} == {"pass"}
    other = elsewhere(auth=ZendeskAuth(client_id="another", client_secret=SecretStr("one")))
    other.token_path.write_bytes(somewhere.token_path.read_bytes())
    assert [check.status for check in other.source.checks()] == ["pass", "block"]


@pytest.mark.behaviour("S45")
@pytest.mark.parametrize(
    ("auth", "named"),
    [
        (ZendeskAuth(client_id="sandbox-client-5", client_secret=SecretStr("wrong")), "source.auth.client_secret"),
        (ZendeskAuth(email="admin@acme.example", token=SecretStr("wrong")), "source.auth.token"),
    ],
)
def test_wrong_credentials_are_told_in_a_sentence_that_names_the_setting(
    elsewhere: Callable[..., Place], auth: ZendeskAuth, named: str
) -> None:
    where = elsewhere(auth=auth)
    blocked = [check for check in where.source.checks() if check.status == "block"]
    assert [check.id for check in blocked] == ["source_credentials"]
    assert named in blocked[0].subject
    assert "migration.yaml" in blocked[0].subject
    assert "wrong" not in blocked[0].subject
    with pytest.raises(AccessDenied, match=named.replace(".", r"\.")):
        where.source.extract("tickets", where.staging, where.run())
    assert where.staging.snapshots.state("tickets").rows == 0


@pytest.mark.behaviour("S45")
def test_an_agent_is_told_that_an_admin_is_needed(desk: Desk, somewhere: Place) -> None:
    desk.switch(role="agent")
    blocked = [check for check in somewhere.source.checks() if check.status == "block"]
    assert [check.id for check in blocked] == ["source_admin"]
    assert "admin" in blocked[0].subject
    assert "migration.yaml" in blocked[0].subject
    with pytest.raises(AccessDenied, match="admin"):
        somewhere.source.extract("tickets", somewhere.staging, somewhere.run())


@pytest.mark.behaviour("S45")
def test_a_missing_scope_is_told_by_name(desk: Desk, somewhere: Place) -> None:
    auth = desk.migration.source.auth
    assert auth.client_secret is not None
    narrow = requests.post(
        f"{desk.url}/oauth/tokens",
        json={
            "grant_type": "client_credentials",
            "client_id": auth.client_id,
            "client_secret": auth.client_secret.get_secret_value(),
            "scope": "users:read",
        },
        timeout=10,
    ).json()
    assert {check.status for check in somewhere.source.checks()} == {"pass"}
    kept = somewhere.token_path.read_text().replace(
        somewhere.token_path.read_text().split('"access_token":"')[1].split('"')[0], narrow["access_token"]
    )
    somewhere.token_path.write_text(kept)
    blocked = [check for check in somewhere.again().source.checks() if check.status == "block"]
    assert [check.id for check in blocked] == ["source_admin"]
    assert "scope `read`" in blocked[0].subject
    assert "source.auth.client_id" in blocked[0].subject


@pytest.mark.behaviour("S45")
def test_an_unreachable_service_is_told_quickly_and_names_the_setting(desk: Desk, tmp_path: Path) -> None:
    nobody = place(changed(desk.migration, tmp_path / "nobody", base_url=HttpUrl("http://127.0.0.1:9")))
    started = time.monotonic()
    [blocked] = nobody.source.checks()
    assert time.monotonic() - started < 15
    assert (blocked.id, blocked.status) == ("source_reachable", "block")
    assert "source.base_url" in blocked.subject
    assert "migration.yaml" in blocked.subject


def test_a_legacy_token_is_sent_as_the_service_wants_it_and_its_end_is_told(desk: Desk, tmp_path: Path) -> None:
    end: dict[str, object] = {"tickets": [], "after_cursor": None, "end_of_stream": True}
    with answering(end) as (url, seen):
        auth = ZendeskAuth(email="admin@acme.example", token=SecretStr("t0ken"))
        where = place(changed(desk.migration, tmp_path, base_url=HttpUrl(url), auth=auth))
        found = {check.id: check for check in where.source.checks()}
    assert set(seen) == {"Basic " + base64.b64encode(b"admin@acme.example/token:t0ken").decode()}
    assert {check.status for check in found.values()} == {"pass", "warn"}
    assert found["source_auth_lasts"].status == "warn"
    assert "2027-04-30" in found["source_auth_lasts"].risk


def test_errors_of_a_failing_service_are_sentences(desk: Desk, somewhere: Place) -> None:
    desk.control("POST", "faults", {"seed": 1, "rate": 1.0, "kinds": ["error_before"], "match": "GET /api/v2/*"})
    [blocked] = somewhere.source.checks()
    assert blocked.id == "source_reachable"
    assert "does not answer" in blocked.subject


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(
        tmp_path_factory.mktemp("limited"), "--source", "zendesk", "--tickets", "60", "--seed", "5", "--limits", "on"
    )
    yield desk
    desk.stop()


def near_the_end_of_a_window(desk: Desk, seconds: int) -> None:
    """Set the service's clock so many seconds before its rate windows fill again."""
    resets = int(desk.get("groups").headers["ratelimit-reset"])
    if resets <= seconds:
        desk.advance(resets + 1)
        resets = int(desk.get("groups").headers["ratelimit-reset"])
    desk.advance(resets - seconds)


@pytest.mark.behaviour("S26")
def test_exports_wait_for_their_window_by_its_headers_and_are_never_refused(limited: Desk, tmp_path: Path) -> None:
    where = place(changed(limited.migration, tmp_path))
    limited.advance(61)
    where.source.extract("companies", where.staging, where.run())
    near_the_end_of_a_window(limited, 3)
    limited.control("DELETE", "stats")
    for _ in range(12):
        where.source.extract("companies", where.staging, where.run())
    stats = limited.control("GET", "stats")
    assert stats["requests"]["GET /api/v2/incremental/organizations"] == 12
    assert stats["throttled"] == 0
    assert 0 < where.source.usage.throttled_seconds < 30


@pytest.mark.behaviour("S26")
def test_a_refused_export_waits_as_long_as_the_service_says(limited: Desk, tmp_path: Path) -> None:
    where = place(changed(limited.migration, tmp_path))
    limited.advance(61)
    near_the_end_of_a_window(limited, 2)
    while limited.get("incremental/organizations", start_time=0).status_code != 429:
        pass
    assert where.source.extract("companies", where.staging, where.run()) > 0
    assert where.source.usage.throttled_seconds > 0


def test_a_stop_ends_the_wait_for_a_window(limited: Desk, tmp_path: Path) -> None:
    where = place(changed(limited.migration, tmp_path))
    limited.advance(61)
    while limited.get("incremental/organizations", start_time=0).status_code != 429:
        pass
    threading.Timer(0.5, where.stop.set).start()
    started = time.monotonic()
    with pytest.raises(RunStopped):
        where.source.extract("companies", where.staging, where.run())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("answer", [{}, {"tickets": None, "end_of_stream": True}, ["tickets"], "tickets"])
def test_an_answer_without_its_list_is_never_taken_for_an_empty_one(desk: Desk, tmp_path: Path, answer: object) -> None:
    with answering(answer) as (url, _):
        auth = ZendeskAuth(email="admin@acme.example", token=SecretStr("t0ken"))
        where = place(changed(desk.migration, tmp_path, base_url=HttpUrl(url), auth=auth))
        with pytest.raises(ServiceDown, match="start again later"):
            where.source.extract("tickets", where.staging, where.run())
    assert not where.staging.snapshots.state("tickets").complete


@pytest.mark.parametrize(("age_s", "by_time"), [(1, True), (60, True), (86_400, False)])
def test_users_of_a_second_that_may_not_be_over_are_read_again(
    desk: Desk, tmp_path: Path, age_s: int, by_time: bool
) -> None:
    """Unlike tickets, users show at once: another one may change in the second that the cursor has just left."""
    changed_at = int(time.time()) - age_s
    user = {"id": 5, "role": "end-user", "updated_at": dt.datetime.fromtimestamp(changed_at, dt.UTC).isoformat()}
    page = {"users": [user], "identities": [], "after_cursor": "the-cursor", "end_of_stream": True}
    asked: list[str] = []
    with answering(page, asked) as (url, _):
        auth = ZendeskAuth(email="admin@acme.example", token=SecretStr("t0ken"))
        where = place(changed(desk.migration, tmp_path, base_url=HttpUrl(url), auth=auth))
        assert where.source.extract("agents", where.staging, where.run()) == 1
        assert where.again().source.extract("agents", where.staging, where.run()) == 0
    second = parse_qs(urlsplit(asked[1]).query)
    if by_time:
        assert int(second["start_time"][0]) < changed_at - 60
        assert "cursor" not in second
    else:
        assert second["cursor"] == ["the-cursor"]


@contextlib.contextmanager
def answering(answer: object, asked: list[str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """A service that answers everything with the same JSON: its URL, and the Authorization of each call.

    The paths of the calls go into `asked`.
    """
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            if asked is not None:
                asked.append(self.path)
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tell nobody."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()


def test_a_slow_answer_does_not_raise_what_later_calls_left_of_a_window() -> None:
    now = 100.0
    pacer = Pacer(threading.Event(), lambda: now)
    pacer.take(("account",))  # a large page
    page = pacer.now()
    now = 101.0
    pacer.take(("account",))
    pacer.done(("account",), {"account": Window(400, 19, 50)}, pacer.now())
    pacer.done(("account",), {"account": Window(400, 76, 50)}, page)
    assert pacer.window("account", 400) == Window(400, 19, 50)
    now = 160.0
    assert pacer.window("account", 400).remaining == 400
