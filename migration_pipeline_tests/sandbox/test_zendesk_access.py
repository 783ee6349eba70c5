"""Who may call, how often, and how refusals look, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from migration_pipeline.sandbox.zendesk import build, oauth, plans
from migration_pipeline_tests.sandbox.zendesk_kit import SEED, Desk, running

EXPORT = "/api/v2/incremental/tickets/cursor?start_time=0&per_page=1"
WISH = {
    "response_type": "code",
    "client_id": oauth.client_id(SEED),
    "redirect_uri": "http://127.0.0.1:9/callback",
    "scope": "read",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running(tmp_path_factory.mktemp("zendesk"), tickets=40) as found:
        yield found


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Desk]:
    with running(tmp_path, tickets=40, limits=True) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_nobody_is_refused_but_for_users_me(desk: Desk) -> None:
    answer = desk.with_headers(EXPORT)
    assert (answer.status_code, answer.json()) == (401, {"error": "Couldn't authenticate you"})
    me = desk.with_headers("/api/v2/users/me.json")
    assert (me.status_code, me.json()["user"]["id"], me.json()["user"]["name"]) == (200, None, "Anonymous user")
    assert desk.with_headers("/api/v2/users/me", **bearer("wrong")).status_code == 401
    assert desk.json("users/me")["user"]["email"] == "agent1@acme.example"


def test_a_client_gets_tokens_by_json_and_by_form(desk: Desk) -> None:
    auth = {"client_id": oauth.client_id(SEED), "client_secret": oauth.client_secret(SEED)}
    form = requests.post(f"{desk.base_url}/oauth/tokens", data={"grant_type": "client_credentials", **auth}, timeout=10)
    assert form.json()["token_type"] == "bearer"
    assert desk.with_headers(EXPORT, **bearer(form.json()["access_token"])).status_code == 200
    assert desk.log_in(client_secret="wrong").status_code == 401
    assert desk.log_in(grant_type="password").json()["error"] == "unsupported_grant_type"
    assert desk.log_in(scope="read tickets:read").json()["error"] == "invalid_scope"
    with desk.switched(refresh_tokens=False):
        assert "refresh_token" not in desk.log_in().json()


def test_a_refresh_ends_the_earlier_pair(desk: Desk) -> None:
    old = desk.log_in().json()
    new = desk.log_in(grant_type="refresh_token", refresh_token=old["refresh_token"]).json()
    assert desk.with_headers(EXPORT, **bearer(old["access_token"])).status_code == 401
    assert desk.with_headers(EXPORT, **bearer(new["access_token"])).status_code == 200
    again = desk.log_in(grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def redirected(desk: Desk, **asked: str) -> dict[str, str]:
    """What a browser that is sent back brings along."""
    path = "/oauth/authorizations/new?" + urlencode({**WISH, **asked})
    answer = requests.get(desk.base_url + path, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith(WISH["redirect_uri"] + "?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def exchange(desk: Desk, code: str, **more: object) -> requests.Response:
    fixed = {"grant_type": "authorization_code", "code": code, "redirect_uri": WISH["redirect_uri"]}
    return desk.log_in(**{**fixed, **more})


def test_a_person_allows_access_in_the_browser(desk: Desk) -> None:
    address = f"{desk.base_url}/oauth/authorizations/new"
    page = requests.get(address, params={**WISH, "state": 'a"b&c'}, timeout=10)
    assert page.status_code == 200
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    fields = {name: html.unescape(value) for name, value in kept}
    for decision, key in (("allow", "code"), ("deny", "error")):
        sent = requests.post(
            f"{desk.base_url}/oauth/authorizations",
            data={**fields, "decision": decision},
            allow_redirects=False,
            timeout=10,
        )
        back = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
        assert back["state"] == 'a"b&c'
        assert key in back
        if decision == "allow":
            token = exchange(desk, back["code"]).json()
            assert desk.with_headers(EXPORT, **bearer(token["access_token"])).status_code == 200
            # A code is good once.
            assert exchange(desk, back["code"]).json()["error"] == "invalid_grant"
            renewed = desk.log_in(grant_type="refresh_token", refresh_token=token["refresh_token"])
            assert renewed.status_code == 200
            assert desk.with_headers(EXPORT, **bearer(token["access_token"])).status_code == 401


def test_consent_without_a_person(desk: Desk) -> None:
    with desk.switched(oauth_consent="deny"):
        assert redirected(desk, state="1") == {
            "error": "access_denied",
            "error_description": "The end-user denied the request.",
            "state": "1",
        }
    with desk.switched(oauth_consent="allow"):
        assert exchange(desk, redirected(desk)["code"], redirect_uri="http://127.0.0.1:1/other").status_code == 400
        late = redirected(desk)["code"]
        desk.advance(121)
        assert exchange(desk, late).status_code == 400
    for wrong in ({"client_id": "x"}, {"redirect_uri": "javascript:1"}, {"response_type": "token"}):
        asked = {**WISH, **wrong}
        answer = requests.get(f"{desk.base_url}/oauth/authorizations/new", params=asked, timeout=10)
        assert answer.status_code == 400


def test_a_proof_key_stands_for_the_secret(desk: Desk) -> None:
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    with desk.switched(oauth_consent="allow"):
        proof = {"code_challenge": challenge, "code_challenge_method": "S256"}
        for sent, status in (("x" * 43, 400), (None, 400), (verifier, 200)):
            code = redirected(desk, **proof)["code"]
            assert exchange(desk, code, client_secret=None, code_verifier=sent).status_code == status
        assert exchange(desk, redirected(desk)["code"], client_secret=None).status_code == 401


def test_tokens_expire_by_the_clock(desk: Desk) -> None:
    token = desk.log_in(expires_in=600).json()
    assert token["expires_in"] == 600
    current = desk.with_headers("/api/v2/oauth/tokens/current.json", **bearer(token["access_token"])).json()["token"]
    assert current["scopes"] == ["read"]
    assert current["expires_at"] > current["created_at"]
    desk.advance(601)
    assert desk.with_headers(EXPORT, **bearer(token["access_token"])).json() == {"error": "Couldn't authenticate you"}
    with desk.switched(expired_token_body="invalid_token"):
        assert desk.with_headers(EXPORT, **bearer(token["access_token"])).json()["error"] == "invalid_token"
    renewed = desk.log_in(grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert renewed.status_code == 200
    with desk.switched(token_lifetime_s=60):
        assert desk.log_in().json()["expires_in"] == 60


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("tickets:read", "tickets/count", 200),
        ("tickets:read", "ticket_audits", 403),
        ("audits:read", "ticket_audits", 403),
        ("auditlogs:read", "ticket_audits", 403),
        ("tickets:read", "users", 403),
        ("users:read", "users", 200),
        ("reed", "tickets", 403),
        ("read", "ticket_audits", 200),
    ],
)
def test_scopes(desk: Desk, scope: str, path: str, status: int) -> None:
    """A misspelt scope is accepted when the token is given out, and then nothing is allowed."""
    token = desk.log_in(scope=scope).json()["access_token"]
    answer = desk.with_headers(f"/api/v2/{path}", **bearer(token))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["title"] == "Forbidden"


def test_exports_and_ratings_are_for_admins(desk: Desk) -> None:
    exports = ("tickets", "tickets/cursor", "ticket_events", "users", "users/cursor", "organizations")
    paths = [*(f"incremental/{name}?start_time=0" for name in exports), "satisfaction_ratings"]
    with desk.switched(role="agent"):
        for path in paths:
            answer = desk.get(path)
            assert (answer.status_code, answer.json()["error"]["title"]) == (403, "Forbidden"), path
        assert desk.get("tickets").status_code == 200
        assert desk.json("users/me")["user"]["role"] == "agent"
    assert all(desk.get(path).status_code == 200 for path in paths)


def test_email_and_api_token(desk: Desk) -> None:
    def basic(user: str, password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    good = basic("agent1@acme.example/token", oauth.api_token(SEED))
    assert desk.with_headers(EXPORT, **good).status_code == 200
    assert desk.with_headers(EXPORT, **basic("agent1@acme.example/token", "x")).status_code == 401
    assert desk.with_headers(EXPORT, **basic("agent1@acme.example", oauth.api_token(SEED))).status_code == 401
    with desk.switched(basic_auth=False):
        assert desk.with_headers(EXPORT, **good).status_code == 401


def test_api_tokens_end_with_april_2027(limited: Desk) -> None:
    secret = base64.b64encode(f"agent1@acme.example/token:{oauth.api_token(SEED)}".encode()).decode()
    assert limited.with_headers(EXPORT, Authorization=f"Basic {secret}").status_code == 200
    limited.advance(1_809_043_200 - limited.advance(0))
    assert limited.with_headers(EXPORT, Authorization=f"Basic {secret}").status_code == 401


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failures_come_in_four_shapes(desk: Desk, status: int) -> None:
    with desk.switched(failure_status=status):
        desk.control("POST", "faults", {"kinds": ["error_before"], "limit": 1})
        answer = desk.get("groups")
        assert answer.status_code == status
        assert ("retry-after" in answer.headers) == (status == 503)
        assert answer.headers["content-type"].startswith("application/json") == (status == 500)
        assert desk.get("groups").status_code == 200


def test_exports_have_a_bucket_of_their_own(limited: Desk) -> None:
    assert limited.advance(60 - limited.advance(0) % 60 + 1)  # The start of a minute.
    paths = ["tickets/cursor", "tickets", "ticket_events", "users", "organizations"] * 2
    answers = [limited.get(f"incremental/{path}?start_time=0&per_page=5") for path in paths]
    assert [a.status_code for a in answers] == [200] * 10
    told = answers[-1].headers["zendesk-ratelimit-incremental-exports"]
    assert told.startswith("total=10; remaining=0; resets=")
    refused = limited.get("incremental/tickets?start_time=0")
    assert (refused.status_code, refused.text) == (429, "Number of allowed API requests per minute exceeded")
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 60
    # Other families go on, each by its own measure.
    cursor = limited.get("incremental/users/cursor?start_time=0")
    assert cursor.headers["Zendesk-RateLimit-incremental-exports-cursor"].startswith("total=20; remaining=19")
    assert limited.get("groups").status_code == 200
    assert limited.control("GET", "stats").json()["throttled"] == 1
    limited.advance(wait)
    assert limited.get("incremental/tickets?start_time=0").status_code == 200


def test_the_account_bucket(limited: Desk) -> None:
    limited.advance(60 - limited.advance(0) % 60 + 1)
    first = limited.get("groups")
    assert first.headers["X-Rate-Limit"] == first.headers["ratelimit-limit"] == "400"
    assert first.headers["X-Rate-Limit-Remaining"] == "399"
    assert 1 <= int(first.headers["ratelimit-reset"]) <= 60
    statuses = [limited.get("groups").status_code for _ in range(402)]
    assert statuses.index(429) == 399
    assert limited.get("incremental/users/cursor?start_time=0").status_code == 429
    assert limited.with_headers("/attachments/token/none/").status_code == 404


def test_a_sliding_window_forgets_slowly(limited: Desk) -> None:
    limited.switch(rate_window="sliding")
    limited.advance(60 - limited.advance(0) % 60 + 50)
    for _ in range(10):
        assert limited.get("incremental/users?start_time=0").status_code == 200
    limited.advance(15)
    refused = limited.get("incremental/users?start_time=0")
    assert refused.status_code == 429
    assert 40 <= int(refused.headers["retry-after"]) <= 46
    limited.advance(46)
    assert limited.get("incremental/users?start_time=0").status_code == 200


@pytest.mark.parametrize(
    ("path", "header", "total"),
    [
        ("ticket_fields", "zendesk-ratelimit-ticket-fields", 300),
        ("tickets", "zendesk-ratelimit-tickets-index", 100),
        ("tickets?page[size]=2", "zendesk-ratelimit-tickets-index", 100),
        ("deleted_tickets", "zendesk-ratelimit-deleted-tickets", 10),
        ("search/export?filter[type]=user", "zendesk-ratelimit-search-export", 100),
    ],
)
def test_families_tell_their_limits(limited: Desk, path: str, header: str, total: int) -> None:
    assert limited.get(path).headers[header].startswith(f"total={total}; remaining={total - 1};")


def test_deep_pages_of_deleted_tickets_are_rationed(limited: Desk) -> None:
    limited.advance(60 - limited.advance(0) % 60 + 1)
    statuses = [limited.get("deleted_tickets?page=101&per_page=1").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_limits_off_never_refuses(desk: Desk) -> None:
    answers = [desk.get("incremental/users?start_time=0&per_page=1") for _ in range(15)]
    assert {a.status_code for a in answers} == {200}
    assert "zendesk-ratelimit-incremental-exports" in answers[-1].headers


@pytest.mark.parametrize("name", [*plans.NAMES, "suite-professional+hv"])
def test_plans_differ_in_limits_and_features(tmp_path: Path, name: str) -> None:
    plan = plans.plan_of(name)
    with running(tmp_path, tickets=5, plan=name, limits=False) as desk:
        assert desk.get("groups").headers["X-Rate-Limit"] == str(plan.per_minute)
        export = desk.get("incremental/users?start_time=0").headers["zendesk-ratelimit-incremental-exports"]
        assert export.startswith("total=30" if plan.high_volume else "total=10")
        forms = desk.get("ticket_forms")
        assert forms.status_code == (200 if plan.forms else 404)
        if not plan.forms:
            assert forms.json()["error"] == {"title": "InvalidEndpoint", "message": "Not found"}
        assert desk.get("custom_roles").status_code == (200 if plan.custom_roles else 403)
        assert desk.get("satisfaction_ratings").status_code == (200 if plan.satisfaction else 403)


def test_forms_can_be_off_and_unknown_paths_are_told(desk: Desk) -> None:
    with desk.switched(forms="off"):
        assert desk.get("ticket_forms").status_code == 404
    assert desk.get("no_such_thing").json()["error"]["title"] == "InvalidEndpoint"
    assert desk.get("tickets/999999").json() == {"error": "RecordNotFound", "description": "Not found"}
    assert desk.get("tickets/12ab").status_code == 404


def test_unknown_plans_and_other_desks_in_a_folder_are_refused(tmp_path: Path) -> None:
    with running(tmp_path, tickets=5):
        pass
    for changed in ({"plan": "gold"}, {"tickets": 6}, {"seed": 9}):
        asked = {"tickets": 5, "seed": SEED, "plan": None} | changed
        with pytest.raises(ValueError, match=r"gold|holds a help desk"):
            build(tmp_path, limits=False, latency_ms=0, base_url="http://127.0.0.1:1", **asked)


def test_bodies_are_compressed_where_accepted(desk: Desk) -> None:
    path = "/api/v2/incremental/tickets?start_time=0"
    token = desk.session.headers["Authorization"]
    packed = desk.get(path, {"Accept-Encoding": "gzip"})
    plain = desk.with_headers(path, **{"Accept-Encoding": "identity", "Authorization": str(token)})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json()["tickets"] == plain.json()["tickets"]
    assert plain.headers["x-zendesk-api-version"] == "v2"
    assert plain.headers["etag"].startswith('W/"')
