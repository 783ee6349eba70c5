"""`migrate connect --oauth` against both services over HTTP, and a migration without a secret in its settings."""

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from migration_pipeline.config import load_migration
from migration_pipeline.model.errors import AccessDenied
from migration_pipeline.sources.zendesk import ZendeskSource, browser_tokens
from migration_pipeline.target import sign_in
from migration_pipeline.target.client import connect as intercom
from migration_pipeline_tests.connecting.conftest import Desk, Memory, Open, location
from migration_pipeline_tests.end_to_end.command import migrate
from migration_pipeline_tests.forks import Sandbox
from migration_pipeline_tests.ports import free_port

Browser = Callable[[Open], None]


@pytest.mark.behaviour("S45", "S46", "S47")
def test_a_migration_works_without_a_secret_in_its_settings(sandbox: Sandbox, desk: Desk, browser: Browser) -> None:
    assert desk.blocked() == ["migrate connect source --oauth", "migrate connect target --oauth"]
    assert desk.connect("source", "--oauth", "--yes").exit_code == 0
    assert desk.blocked() == ["migrate connect target --oauth"]
    sandbox.control("target", "switches", {"oauth_answer_key": "token"})
    told = json.loads(desk.connect("target", "--oauth", "--yes", "--json").stdout)["target"]
    migration = load_migration(desk.path)
    assert (told["id"], told["region"]) == (migration.target.workspace, "us")
    assert [stat.S_IMODE(path.stat().st_mode) for path in desk.kept()] == [0o600, 0o600]
    home = {"DAGSTER_HOME": str(desk.path.parent / "home")}
    done = migrate("map", "--config", desk.path, "--json", environment=home)
    assert done.json["mapping"] == str(migration.mapping_path)
    desk.said.append(done.out + done.err)

    token = sign_in.kept_token(migration.target)
    client = intercom(migration.target, threading.Event())
    client.require_workspace()
    sandbox.control("target", "revoke", {"token": token})
    with pytest.raises(AccessDenied, match="run `migrate connect target --oauth`"):
        client.write("POST", "/tags", {"name": "x"})
    assert desk.blocked() == ["migrate connect target --oauth"]

    kept = browser_tokens(migration.source).read()
    assert kept is not None
    secrets = [token, kept["token"]["access_token"], kept["token"]["refresh_token"], *desk.secrets]
    assert all(secret not in said for secret in secrets for said in desk.said)
    files = [path for path in desk.path.parent.rglob("*") if path.is_file() and path not in desk.kept()]
    assert len(files) > 20
    assert [path for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)] == []

    assert json.loads(desk.connect("target", "--forget", "--json").stdout) == {"target": {"forgotten": True}}
    assert json.loads(desk.connect("source", "--forget", "--json").stdout) == {"source": {"forgotten": True}}
    assert desk.kept() == []


@pytest.mark.behaviour("S46", "S47")
def test_what_comes_back_wrong_is_told_and_nothing_is_kept(sandbox: Sandbox, desk: Desk, browser: Browser) -> None:
    def forged(url: str) -> None:
        came, _ = location(url).split("?")
        requests.get(came, params={"code": "c", "state": "of somebody else"}, timeout=5)

    def late(url: str) -> None:
        back = location(url)
        for side in ("source", "target"):
            sandbox.control(side, "clock", {"advance_s": 301})
        requests.get(back, timeout=5)

    for side in ("source", "target"):
        browser(forged)
        desk.refused(1, "another state", side=side)
        browser(late)
        desk.refused(1, "does not take the code", f"migrate connect {side}", side=side)
        sandbox.control(side, "switches", {"oauth_consent": "deny"})
        browser(lambda url: requests.get(url, timeout=10))
        desk.refused(1, "gave no access (access_denied", side=side)
        browser(lambda _: False)
        desk.refused(1, "No answer came", side=side, options=("--oauth", "--no-browser", "--wait", "1"))
    sandbox.control("target", "switches", {"oauth_consent": "grant"})
    browser(lambda url: requests.get(url, timeout=10))
    desk.set("target.workspace", "another")
    desk.refused(3, "target.workspace", "another", "nothing is confirmed", options=("--oauth", "--yes"))
    assert not (load_migration(desk.path).root / "connection.json").exists()


@pytest.mark.behaviour("S46")
def test_a_browser_comes_back_by_https_to_this_machine(
    sandbox: Sandbox, desk: Desk, browser: Browser, certificate: Path
) -> None:
    port = free_port()
    registered = f"https://127.0.0.1:{port}/callback"
    sandbox.control("target", "switches", {"oauth_redirect_urls": [registered]})
    came: list[str] = []

    def follow(url: str) -> None:
        came.append(location(url))
        requests.get(came[-1], timeout=10, verify=str(certificate)).raise_for_status()

    browser(follow)
    done = desk.connect("target", "--oauth", "--yes", "--port", port, "--certificate", certificate)
    assert done.exit_code == 0, done.stderr
    assert came[0].startswith(f"{registered}?")
    assert len(desk.kept()) == 1


def test_what_does_not_fit_is_told_before_a_browser_opens(desk: Desk, browser: Browser) -> None:
    browser(lambda url: pytest.fail(f"opened {url}"))
    desk.refused(2, "--redirect-uri", options=("--oauth", "--redirect-uri", "http://tools.acme.example/back"))
    desk.refused(2, "--certificate", options=("--oauth", "--redirect-uri", "https://127.0.0.1:8765/callback"))
    mixed = ("--redirect-uri", "http://127.0.0.1:8765/callback", "--certificate", desk.path)
    desk.refused(2, "--redirect-uri", "only https", options=("--oauth", *mixed))
    desk.refused(2, "--certificate", "cannot be used", options=("--oauth", "--certificate", desk.path))
    desk.set("target.base_url", None)
    desk.refused(2, "https", "--certificate", "--redirect-uri", "--paste")
    desk.set("target.token", "here")
    desk.refused(2, "target.token")
    desk.set("source.auth.client_secret", "here")
    desk.refused(2, "source.auth.client_secret", side="source")
    desk.set("source.auth", {"email": "a@b.example", "token": "t"})
    desk.refused(2, "source.auth.client_id", side="source")


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_can_be_pasted(desk: Desk, browser: Browser, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    came: list[str] = []
    browser(lambda url: came.append(location(url)))

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        assert hide_input
        return came[-1] if whole else came[-1].split("code=")[1].split("&")[0]

    monkeypatch.setattr("click.prompt", prompt)
    for side in ("source", "target"):
        done = desk.connect(side, "--oauth", "--yes", "--paste")
        assert done.exit_code == 0, done.stderr
    assert len(desk.kept()) == 2


def test_one_refresh_serves_all_and_a_withdrawn_access_is_told(
    sandbox: Sandbox, desk: Desk, browser: Browser, memory: Memory
) -> None:
    sandbox.control("source", "switches", {"token_lifetime_s": 100})
    assert "the system's keyring" in desk.connect("source", "--oauth", "--yes").stderr
    assert (len(memory.entries), desk.kept()) == (1, [])
    settings = load_migration(desk.path).source
    tokens = browser_tokens(settings)
    before = tokens.read()
    sources = [ZendeskSource(settings, tokens=tokens, stop=threading.Event()) for _ in range(2)]
    assert all(check.status == "pass" for source in sources for check in source.checks())
    assert tokens.read() == before
    sandbox.control("source", "clock", {"advance_s": 101})
    assert {check.status for check in sources[0].checks()} == {"pass"}
    pair = tokens.read()
    assert before is not None
    assert pair is not None
    assert pair["client_secret"] == before["client_secret"]
    assert {pair["token"][key] == before["token"][key] for key in ("access_token", "refresh_token")} == {False}
    assert {check.status for check in sources[1].checks()} == {"pass"}
    assert tokens.read() == pair

    stolen = {
        "grant_type": "refresh_token",
        "refresh_token": pair["token"]["refresh_token"],
        "client_id": settings.auth.client_id,
    }
    requests.post(
        f"{settings.url}/oauth/tokens", json={**stolen, "client_secret": pair["client_secret"]}, timeout=10
    ).raise_for_status()
    (blocked,) = [check for check in sources[0].checks() if check.status == "block"]
    assert "migrate connect source --oauth" in blocked.subject
    assert desk.kept() == []
