"""Both services with their consent pages, a browser that needs no person, and settings without secrets."""

import datetime as dt
import ipaddress
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keyring
import pytest
import requests
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError
from ruamel.yaml import YAML

from migration_pipeline.cli import main
from migration_pipeline.credentials import state_folder
from migration_pipeline_tests import forks
from migration_pipeline_tests.forks import Sandbox
from migration_pipeline_tests.ports import free_port

CONSENT = {"source": "allow", "target": "grant"}


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = forks.sandbox(tmp_path_factory.mktemp("sandbox"), "--tickets", 30, "--seed", 3)
    yield sandbox
    sandbox.end()


@pytest.fixture
def sandbox(served: Sandbox) -> Iterator[Sandbox]:
    """Both pages say yes at once, and every switch is as it was afterwards."""
    before = {side: served.control(side, "switches") for side in CONSENT}
    for side, yes in CONSENT.items():
        served.control(side, "switches", {"oauth_consent": yes})
    yield served
    for side, switches in before.items():
        served.control(side, "switches", {name: told["value"] for name, told in switches.items()})


@pytest.fixture(autouse=True)
def _fresh_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="package")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but its maker signed, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "callback.pem"
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class Desk:
    """A migration.yaml without secrets, and the command on it."""

    path: Path
    environment: dict[str, str]
    secrets: list[str]
    said: list[str] = field(default_factory=list)

    def connect(self, side: str, *options: object, **environment: str) -> Result:
        given = ["connect", side, "--config", self.path, "--port", free_port(), *options]
        done = CliRunner().invoke(main, list(map(str, given)), env={**self.environment, **environment})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        self.said.append(done.stdout + done.stderr)
        return done

    def refused(self, code: int, *words: str, side: str = "target", options: tuple[object, ...] = ("--oauth",)) -> None:
        """The command ends with one sentence, and nothing is kept."""
        done = self.connect(side, *options)
        assert done.exit_code == code, done.stderr
        assert "Traceback" not in done.stderr
        sentence = " ".join(done.stderr.split("✗")[-1].split())
        for word in words:
            assert word in sentence, sentence
        assert self.kept() == []

    def blocked(self) -> list[str]:
        """The commands that `migrate check` advises."""
        done = CliRunner().invoke(main, ["check", "--config", str(self.path), "--json"])
        told = [check["subject"] for check in json.loads(done.stdout)["checks"] if check["status"] == "block"]
        return [found[1] for subject in told if (found := re.search("`(.+?)`", subject))]

    def kept(self) -> list[Path]:
        """The files with tokens."""
        return sorted(state_folder().glob("*.json"))

    def set(self, name: str, value: Any) -> None:
        """Set a dotted key of migration.yaml; None removes it."""
        document = YAML(typ="safe").load(self.path.read_text())
        *parents, last = name.split(".")
        node = document
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is None:
            del node[last]
        else:
            node[last] = value
        YAML().dump(document, self.path)


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    given = YAML(typ="safe").load(sandbox.config.read_text())
    app = sandbox.control("target", "oauth")
    environment = {
        "INTERCOM_CLIENT_ID": app["client_id"],
        "INTERCOM_CLIENT_SECRET": app["client_secret"],
        "ZENDESK_CLIENT_SECRET": given["source"]["auth"]["client_secret"],
    }
    path = tmp_path / "migration.yaml"
    YAML().dump(given, path)
    desk = Desk(path, environment, [app["client_secret"], given["source"]["auth"]["client_secret"]])
    desk.set("target.token", None)
    desk.set("source.auth.client_secret", None)
    return desk


Open = Callable[[str], object]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Open], None]:
    """What the browser does with the address that it is sent to."""

    def does(open_: Open) -> None:
        monkeypatch.setattr("webbrowser.open", open_)

    does(lambda url: requests.get(url, timeout=10).raise_for_status())
    return does


def location(url: str) -> str:
    """Where the consent page sends the browser."""
    return requests.get(url, timeout=10, allow_redirects=False).headers["location"]


class Memory(KeyringBackend):
    """A keyring that forgets at the end of the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped upstream
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.hangs = False

    def _open(self) -> dict[tuple[str, str], str]:
        if self.hangs:
            time.sleep(60)
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries

    def get_password(self, service: str, username: str) -> str | None:
        return self._open().get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self._open().pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture
def memory() -> Iterator[Memory]:
    before = keyring.get_keyring()
    backend = Memory()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)
