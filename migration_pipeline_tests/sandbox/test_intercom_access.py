"""Token, version, scopes, rate windows, people of the workspace, and state over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_pipeline_tests.sandbox.conftest import Client, served
from migration_pipeline_tests.sandbox.intercom_kit import T0, TOKEN, Kit, workspace


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "missing_authorization"), ("Bearer wrong", "unauthorized"), (TOKEN, "unauthorized")],
)
def test_a_call_without_the_token_is_refused_without_rate_headers(
    intercom_url: str, header: str | None, code: str
) -> None:
    client = Client(intercom_url, {"Authorization": header} if header else {})
    answer = client.get("/me")
    client.close()
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, code)
    assert answer.json()["request_id"]
    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


def test_a_revoked_token_is_told_by_its_code(desk: Kit) -> None:
    desk.switch(token_state="token_revoked")
    assert desk.error("GET", "/admins") == (401, "token_revoked")


@pytest.mark.parametrize("version", ["2.13", "2.17", "Preview"])
def test_versions_outside_the_range_are_refused(desk: Kit, version: str) -> None:
    answer = desk.get("/me", headers={"Intercom-Version": version})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "intercom_version_invalid")


def test_conversation_attributes_came_with_2_16(desk: Kit) -> None:
    old = desk.at("2.15")
    assert old.error("GET", "/conversations/attributes") == (400, "intercom_version_invalid")
    assert old.error("POST", "/conversations/attributes", {}) == (400, "intercom_version_invalid")
    old.close()


def test_a_call_without_a_version_is_served_in_the_apps_own(desk: Kit) -> None:
    path = f"/conversations/{desk.conversation()}"
    del desk.session.headers["Intercom-Version"]
    assert desk.ok("GET", path)["admin_assignee_id"] == 0
    desk.switch(default_version="2.14")
    assert desk.ok("GET", path)["admin_assignee_id"] is None


def test_a_raised_limit_shows_in_the_headers_at_once(desk: Kit) -> None:
    desk.switch(rate_per_minute=25_000)
    assert desk.get("/tags").headers["x-ratelimit-limit"] == "4167"


def test_me_tells_region_time_zone_and_workspace(desk: Kit) -> None:
    desk.switch(region="EU", timezone="Europe/Dublin")
    me = desk.ok("GET", "/me")
    assert (me["email"], me["has_inbox_seat"]) == ("migration@acme.example", True)
    assert (me["app"]["region"], me["app"]["timezone"], me["app"]["id_code"]) == ("EU", "Europe/Dublin", "sandbox7")


def test_admins_match_most_agents_and_teams_most_groups(desk: Kit) -> None:
    admins = desk.admins()
    emails = {admin["email"] for admin in admins}
    assert emails == {"migration@acme.example"} | {f"agent{k}@acme.example" for k in range(1, 41) if k % 7}
    assert 0 < sum(not admin["has_inbox_seat"] for admin in admins) < 4
    teams = desk.ok("GET", "/teams")["teams"]
    assert {team["name"] for team in teams} == {"Support", "Billing", "Sales", "Technical", "Enterprise", "Onboarding"}
    for team in teams:
        assert {int(a["id"]) for a in admins if int(team["id"]) in a["team_ids"]} == set(team["admin_ids"])
    assert desk.error("GET", "/admins/1") == (404, "admin_not_found")
    assert desk.error("GET", "/teams/1") == (404, "team_not_found")


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("read_admins", "GET", "/admins", None),
        ("write_users", "POST", "/contacts", {"email": "x@customer.example"}),
        ("read_users", "POST", "/contacts/search", {}),
        ("write_tags", "POST", "/tags", {"name": "x"}),
        ("write_conversations", "POST", "/conversations", {}),
        ("write_tickets", "POST", "/tickets", {}),
    ],
)
def test_a_missing_scope_is_a_403(desk: Kit, scope: str, method: str, path: str, body: object) -> None:
    desk.switch(missing_scopes=[scope])
    assert desk.error(method, path, body) == (403, "token_unauthorized")
    assert desk.get("/tags").status_code == 200


def test_deleting_with_metrics_needs_its_own_scope(desk: Kit) -> None:
    talk = desk.conversation()
    desk.switch(missing_scopes=["delete_conversations_and_metrics"])
    assert desk.error("DELETE", f"/conversations/{talk}?retain_metrics=false") == (403, "token_unauthorized")
    assert desk.delete(f"/conversations/{talk}").status_code == 200


def test_without_the_tickets_scope_tickets_are_silently_left_out_of_conversations(desk: Kit) -> None:
    who = desk.contact()
    ticket = desk.ticket(desk.ticket_type(), who)
    desk.advance(5)
    query = {"query": {"field": "contact_ids", "operator": "=", "value": who["id"]}}
    found = desk.ok("POST", "/conversations/search", query)
    assert [c["id"] for c in found["conversations"]] == [ticket["id"]]
    desk.switch(missing_scopes=["read_tickets"])
    assert desk.ok("POST", "/conversations/search", query)["total_count"] == 0


def test_a_restricted_plan_refuses_conversations(desk: Kit) -> None:
    desk.switch(plan_restricted=True)
    assert desk.error("GET", "/conversations/1") == (403, "api_plan_restricted")
    assert desk.get("/contacts").status_code == 200


def test_unknown_paths_and_unreadable_bodies_are_errors_of_the_service(desk: Kit) -> None:
    assert desk.error("GET", "/nothing") == (404, "not_found")
    assert desk.error("POST", "/contacts", [1]) == (400, "bad_request")
    answer = desk.session.post(desk.base_url + "/contacts", data="{", timeout=5)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_request")
    desk.switch(max_request_bytes=50)
    assert desk.error("POST", "/contacts", {"email": "x" * 60})[0] == 413


@pytest.mark.parametrize(("plan", "limit"), [(None, 1667), ("intercom-1000", 167), ("intercom-60", 10)])
def test_the_window_limit_is_a_sixth_of_the_plans_minute(tmp_path: Path, plan: str | None, limit: int) -> None:
    with served(lambda url: workspace(tmp_path, url, plan=plan, limits=True)) as service:
        desk = Kit(service.base_url)
        headers = desk.get("/me").headers
        desk.close()
        assert headers["x-ratelimit-limit"] == str(limit)
        assert int(headers["x-ratelimit-remaining"]) < limit
        assert 0 < int(headers["x-ratelimit-reset"]) - service.clock.now() <= 10


@pytest.mark.parametrize("limits", [True, False])
def test_over_the_limit_is_a_429_without_retry_after_until_the_window_ends(tmp_path: Path, *, limits: bool) -> None:
    with served(lambda url: workspace(tmp_path, url, plan="intercom-60", limits=limits)) as service:
        desk = Kit(service.base_url)
        desk.advance(10 - service.clock.now() % 10)
        answers = [desk.get("/tags") for _ in range(11)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200] * 10 + [429 if limits else 200]
        assert answers[-1].headers["x-ratelimit-remaining"] == ("0" if limits else "10"), (
            "without limits nothing counts"
        )
        if limits:
            assert answers[-1].json()["errors"] == [
                {"code": "rate_limit_exceeded", "message": "Exceeded rate limit of 10 in 10_seconds"}
            ]
            assert "retry-after" not in answers[-1].headers
            assert desk.control("GET", "stats").json()["throttled"] == 1
            assert desk.control("GET", "outbox").status_code == 200, "control routes are outside the limits"
            desk.advance(10)
            assert desk.get("/tags").status_code == 200
        desk.close()


def test_a_throttle_fault_looks_like_the_services_own_429(desk: Kit) -> None:
    desk.control("POST", "faults", {"seed": 1, "rate": 1, "kinds": ["throttle"], "match": "GET /tags"})
    answer = desk.get("/tags")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "rate_limit_exceeded")
    assert answer.headers["x-ratelimit-remaining"] == "0"


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url)) as service:
        desk = Kit(service.base_url)
        who = desk.contact()
        talk = desk.conversation(who)
        desk.comment(talk, created_at=T0 + 1)
        desk.switch(part_order="insertion")
        desk.advance(1000)
        desk.close()
    with served(lambda url: workspace(tmp_path, url)) as service:
        desk = Kit(service.base_url)
        shown = desk.ok("GET", f"/conversations/{talk}")
        assert shown["contacts"]["contacts"][0]["id"] == who["id"]
        assert shown["conversation_parts"]["total_count"] == 1
        assert len(desk.control("GET", "outbox").json()) == 1
        assert service.switches["part_order"] == "insertion"
        again = desk.contact()
        assert again["id"] != who["id"]
        assert again["created_at"] - who["created_at"] >= 1000
        desk.close()
