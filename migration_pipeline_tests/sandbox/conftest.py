"""Serving a stand-in in a thread for the length of a test or module. No service's own fixtures stand here."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import uvloop

from migration_pipeline.sandbox.service import Service
from migration_pipeline.sandbox.serving import Running, listen, url_of
from migration_pipeline_tests.sandbox.file_host import file_host

if TYPE_CHECKING:
    from migration_pipeline_tests.sandbox.intercom_kit import Kit

Build = Callable[..., Service]


@contextlib.contextmanager
def served(build: Build, hosts: int = 1) -> Iterator[Service]:
    """Serve `build(base_url, ...)` on free loopback ports; the service stops and closes its state at the end."""
    socks = [listen() for _ in range(hosts)]
    service = build(*map(url_of, socks))
    running = Running([(service, socks)])
    thread = threading.Thread(target=lambda: uvloop.run(running.run()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not running.started:
        if time.monotonic() > deadline:
            raise AssertionError("the stand-in did not start")
        time.sleep(0.005)
    try:
        yield service
    finally:
        running.stop_threadsafe()
        thread.join(10)
        assert not thread.is_alive(), "the stand-in did not stop"


class Client:
    """A keep-alive JSON client of one service. `get("/x")` etc. answer the requests.Response."""

    def __init__(self, base_url: str, headers: dict[str, str] | None = None) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers or {})

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        url = path if path.startswith("http") else self.base_url + path
        return self.session.request(method, url, json=body, headers=headers, timeout=30, allow_redirects=False)

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: object = None, headers: dict[str, str] | None = None) -> requests.Response:
        return self.call("POST", path, body, headers)

    def put(self, path: str, body: object = None) -> requests.Response:
        return self.call("PUT", path, body)

    def delete(self, path: str, body: object = None) -> requests.Response:
        return self.call("DELETE", path, body)

    def control(self, method: str, name: str, body: object = None) -> requests.Response:
        return self.call(method, f"/_sandbox/{name}", body)

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A folder for a stand-in's state."""
    return tmp_path / "state"


@pytest.fixture(scope="module")
def intercom_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Intercom workspace served for a module; tests make their own objects in it."""
    from migration_pipeline_tests.sandbox import intercom_kit

    folder = tmp_path_factory.mktemp("intercom")
    with served(lambda url: intercom_kit.workspace(folder, url)) as service:
        yield service.base_url


@pytest.fixture
def desk(intercom_url: str) -> Iterator[Kit]:
    """A client of that workspace, with all switches at their defaults before and after."""
    from migration_pipeline_tests.sandbox import intercom_kit

    kit = intercom_kit.Kit(intercom_url)
    intercom_kit.reset(kit)
    yield kit
    intercom_kit.reset(kit)
    kit.close()


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """The URL of a public host of files."""
    with file_host() as url:
        yield url
