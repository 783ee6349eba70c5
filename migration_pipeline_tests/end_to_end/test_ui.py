"""What a user sees (a demo from the launchpad, the four columns on a page), and that other web sites start nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from migration_pipeline.staging.progress import read_progress
from migration_pipeline_tests.chromium import chromium
from migration_pipeline_tests.end_to_end.canonical import read_target
from migration_pipeline_tests.end_to_end.conftest import Sandbox
from migration_pipeline_tests.ports import free_port

LAUNCH = """
mutation($name: String!) { launchRun(executionParams: {
  selector: {jobName: $name, repositoryName: "__repository__", repositoryLocationName: "migration_pipeline.definitions"}
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
TERMINATE = """
mutation($run: String!) { terminateRun(runId: $run, terminatePolicy: SAFE_TERMINATE) { __typename } }
"""
POLL_S = 0.4
"""Between two looks at a run: each costs the server as much as a part of the run does."""
RUNS = "{ runsOrError(limit: 9) { ... on Runs { results { jobName } } } }"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def sandbox(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve(tickets=60, seed=7)


@pytest.fixture(scope="module")
def ui(sandbox: Sandbox) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "migration_pipeline", "ui", "--config", str(sandbox.config), "--port", str(port)],
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{url}/server_info", timeout=5)
            break
        except requests.ConnectionError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(30)
    deadline = time.monotonic() + 20
    while leftovers(process.pid):
        assert time.monotonic() < deadline, "what served the UI's code outlived it"
        time.sleep(0.2)


def leftovers(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def seen(browser: webdriver.Chrome, xpath: str, seconds: float = 40) -> WebElement:
    """The first visible and enabled element, waited for."""

    def find(driver: webdriver.Chrome) -> list[WebElement]:
        return [e for e in driver.find_elements(By.XPATH, xpath) if e.is_displayed() and e.is_enabled()]

    return WebDriverWait(browser, seconds, ignored_exceptions=[WebDriverException]).until(find)[0]


@pytest.mark.behaviour("B01")
def test_a_run_that_is_terminated_ends_within_ten_seconds_and_is_gone_on_with(sandbox: Sandbox, ui: str) -> None:
    sandbox.faults("target", "slow", match="POST /*", rate=1.0, limit=100_000)
    run = ask(ui, LAUNCH, name="demo_migration")["launchRun"]["run"]["runId"]
    deadline = time.monotonic() + 150
    while sandbox.writes < 10:
        assert run_status(ui) in ("STARTING", "STARTED", "NOT_STARTED", "QUEUED")
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
    asked = time.monotonic()
    assert ask(ui, TERMINATE, run=run)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    while run_status(ui) not in ("CANCELED", "FAILURE", "SUCCESS"):
        time.sleep(POLL_S)
    assert time.monotonic() - asked < 10
    assert run_status(ui) == "CANCELED"
    sandbox.control("target", "faults", [])
    cut, before = read_progress(next(sandbox.folder.glob("data/*/progress.json"))), sandbox.writes
    assert cut is not None
    assert cut["status"] == "stopped"
    ask(ui, LAUNCH, name="demo_migration")
    while run_status(ui) not in ("CANCELED", "FAILURE", "SUCCESS"):
        time.sleep(POLL_S)
    assert run_status(ui) == "SUCCESS"
    assert sandbox.writes > before
    threads = read_target(sandbox.config)["conversations"]
    assert len(threads) == 20
    assert not any(isinstance(thread, list) for thread in threads.values()), "a conversation is there twice"
    assert sandbox.control("target", "outbox") == []


@pytest.mark.browser
def test_a_demo_is_launched_from_the_launchpad(browser: webdriver.Chrome, ui: str, tmp_path: Path) -> None:
    browser.get(f"{ui}/locations/migration_pipeline.definitions/jobs/demo_migration/playground")
    seen(browser, "//button[contains(., 'Skip')]").click()
    seen(browser, "//button[contains(., 'Launch run') or contains(., 'Launch Run')]").click()
    seen(browser, "//div[@role='dialog']//button[contains(., 'Confirm')]").click()
    deadline = time.monotonic() + 90
    while (status := run_status(ui)) not in ("SUCCESS", "FAILURE", "CANCELED"):
        assert time.monotonic() < deadline, status
        time.sleep(0.5)
    assert status == "SUCCESS"
    browser.get(f"{ui}/assets/report")
    table = seen(browser, "//table[.//th[contains(., 'available')]]")
    shown = [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in table.find_elements(By.TAG_NAME, "tr")
    ]
    tickets = next(row for row in shown if row and row[0] == "tickets")
    assert tickets[1] == "20"
    assert int(tickets[1]) == sum(int(number) for number in tickets[2:5])
    keep = os.environ.get("MIGRATION_SCREENSHOTS")
    assert browser.save_screenshot(str((Path(keep) if keep else tmp_path) / "report-asset.png"))


def run_status(ui: str) -> str:
    query = "{ runsOrError(limit: 1) { ... on Runs { results { jobName status } } } }"
    answer = requests.post(f"{ui}/graphql", json={"query": query}, timeout=30).json()
    results = answer["data"]["runsOrError"]["results"]
    return str(results[0]["status"]) if results else "NONE"


def ask(url: str, query: str, **variables: str) -> Any:
    body = {"query": query, "variables": variables}
    return requests.post(f"{url}/graphql", json=body, headers={"Origin": url}, timeout=60).json()["data"]


def forged(url: str) -> dict[str, dict[str, str]]:
    """The headers of requests that other sites cause, by how."""
    port = url.rsplit(":", 1)[1]
    return {
        "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        "an image or a link of another site": {"Sec-Fetch-Site": "cross-site"},
        "another server on this machine": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        "a sandboxed frame": {"Origin": "null"},
        "the same name by TLS": {"Origin": f"https://127.0.0.1:{port}"},
        "a name that was bent to lead here": {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        "a bent name without an origin": {"Host": f"evil.example:{port}", "Sec-Fetch-Site": "same-origin"},
        "another port of ours": {"Host": "127.0.0.1:1"},
        "a name that begins like ours": {"Host": f"127.0.0.1.evil.example:{port}"},
    }


def test_requests_of_other_sites_start_nothing(ui: str) -> None:
    before = ask(ui, RUNS)["runsOrError"]["results"]
    parameters = {"query": LAUNCH, "variables": '{"name": "demo_migration"}'}
    for how, headers in forged(ui).items():
        for answer in (
            requests.get(f"{ui}/graphql", params=parameters, headers=headers, timeout=30),
            requests.post(f"{ui}/graphql", params=parameters, headers=headers, timeout=30),
            requests.post(f"{ui}/graphql", data=LAUNCH, headers={**headers, "Content-Type": "text/plain"}, timeout=30),
            requests.get(f"{ui}/runs", headers=headers, timeout=30),
        ):
            assert answer.status_code == 403, how
            assert "answers only" in answer.text
    assert ask(ui, RUNS)["runsOrError"]["results"] == before


def test_subscriptions_are_for_its_own_pages(ui: str) -> None:
    address = f"{ui.replace('http', 'ws', 1)}/graphql"
    with connect(address, origin=Origin(ui), subprotocols=[Subprotocol("graphql-ws")]) as socket:
        socket.send('{"type": "connection_init"}')
        assert "connection_ack" in str(socket.recv(30))
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin=Origin("https://evil.example"), subprotocols=[Subprotocol("graphql-ws")])
    assert refused.value.response.status_code == 403


def test_its_own_pages_launch_runs(ui: str) -> None:
    launched = ask(ui, LAUNCH, name="verification")["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    assert ask(ui, RUNS)["runsOrError"]["results"][0]["jobName"] == "verification"
