"""Authorizing an app: the page, the code that lives five minutes and once, the token and its revocation."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from migration_pipeline_tests.sandbox.conftest import Client, served
from migration_pipeline_tests.sandbox.intercom_kit import SEED, Json, Kit, workspace

BACK = "http://127.0.0.1:8765/callback"


@pytest.fixture
def browser(intercom_url: str) -> Iterator[Client]:
    """A client without a token."""
    client = Client(intercom_url)
    yield client
    client.close()


def app(desk: Kit) -> Json:
    found: Json = desk.control("GET", "oauth").json()
    return found


def asked(desk: Kit, browser: Client, **more: str) -> requests.Response:
    query = {"client_id": app(desk)["client_id"], "state": "s & t", "redirect_uri": BACK, **more}
    return browser.get(f"/oauth?{urlencode(query)}")


def returned(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def exchange(desk: Kit, browser: Client, code: str, **more: str) -> requests.Response:
    known = app(desk)
    return browser.post("/auth/eagle/token", {
        "code": code, "client_id": known["client_id"], "client_secret": known["client_secret"], **more,
    })  # fmt: skip


def test_the_page_asks_and_its_button_leads_back_with_a_code(desk: Kit, browser: Client) -> None:
    page = asked(desk, browser)
    assert page.headers["content-type"].startswith("text/html")
    assert "Authorize access</button>" in page.text
    fields = {
        name: value.replace("&amp;", "&") for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
    }
    fields.pop("decision")
    action = re.findall(r'action="([^"]+)"', page.text)[0]
    for decision, key in (("grant", "code"), ("deny", "error")):
        url = browser.base_url + action
        answer = browser.session.post(url, data={**fields, "decision": decision}, allow_redirects=False, timeout=10)
        assert answer.headers["location"].startswith(BACK + "?")
        assert returned(answer).keys() == {key, "state"}
        assert returned(answer)["state"] == "s & t"


@pytest.mark.parametrize(("key", "keys"), [("both", {"token", "access_token"}), ("token", {"token"})])
def test_a_code_becomes_a_token_once(desk: Kit, browser: Client, key: str, keys: set[str]) -> None:
    desk.switch(oauth_consent="grant", oauth_answer_key=key)
    code = returned(asked(desk, browser))["code"]
    assert exchange(desk, browser, code, client_secret="wrong").status_code == 401
    answer = exchange(desk, browser, code).json()
    assert answer.keys() == keys | {"token_type"}
    assert exchange(desk, browser, code).status_code == 400
    mine = Client(desk.base_url, {"Authorization": f"Bearer {answer['token']}"})
    assert mine.get("/me").json()["app"]["id_code"] == f"sandbox{SEED}"
    assert desk.control("POST", "revoke", {"token": answer["token"]}).status_code == 200
    refused = mine.get("/me")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "token_revoked")
    mine.close()
    assert desk.control("POST", "revoke", {"token": "never given"}).status_code == 400


def test_a_form_is_taken_as_well_and_a_code_is_over_after_five_minutes(desk: Kit, browser: Client) -> None:
    desk.switch(oauth_consent="grant")
    early, late = (returned(asked(desk, browser))["code"] for _ in range(2))
    known = app(desk)
    form = {"client_id": known["client_id"], "client_secret": known["client_secret"], "code": early}
    assert browser.session.post(known["token_url"], data=form, timeout=10).json()["token_type"] == "Bearer"
    desk.advance(301)
    assert exchange(desk, browser, late).status_code == 400


def test_redirect_urls_have_to_be_registered(desk: Kit, browser: Client) -> None:
    for url in ("https://tool.example/back", "http://192.0.2.1/back", "http://127.0.0.1.evil.example/", "nonsense"):
        assert asked(desk, browser, redirect_uri=url).status_code == 400
    assert asked(desk, browser, client_id="unknown").status_code == 400
    assert asked(desk, browser, redirect_uri="").status_code == 400
    desk.switch(oauth_consent="deny", oauth_redirect_urls=["https://tool.example/back?x=1"])
    answer = asked(desk, browser, redirect_uri="")
    assert answer.headers["location"].startswith("https://tool.example/back?x=1&error=access_denied")


@pytest.mark.parametrize("by", ["token", "switch"])
def test_another_workspace_is_recognised_and_takes_no_writes(desk: Kit, by: str) -> None:
    if by == "token":
        desk.session.headers["Authorization"] = f"Bearer sandbox-intercom-foreign-token-{SEED}"
    else:
        desk.switch(opens_workspace="foreign")
    assert desk.ok("GET", "/me")["app"]["id_code"] == f"foreign{SEED}"
    assert desk.error("POST", "/contacts", {"email": "x@customer.example"}) == (403, "action_forbidden")
    assert desk.get("/tags").status_code == 200


def test_apps_have_a_limit_each_and_the_workspace_one_for_all(tmp_path: Path) -> None:
    with served(lambda url: workspace(tmp_path, url, plan="intercom-60", limits=True)) as service:
        desk = Kit(service.base_url)
        desk.switch(oauth_consent="grant", rate_per_minute_of_workspace=90)
        code = returned(asked(desk, desk))["code"]
        public = Client(desk.base_url, {"Authorization": f"Bearer {exchange(desk, desk, code).json()['token']}"})
        desk.advance(10 - time.time() % 10 + 0.1)
        answers = [public.get("/tags") for _ in range(10)] + [desk.get("/tags") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 15 + [429]
        assert answers[-1].headers["x-ratelimit-limit"] == "10"
        assert "limit of 15 in" in answers[-1].json()["errors"][0]["message"]
        public.close()
        desk.close()
