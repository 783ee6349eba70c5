"""Tokens go into the keyring where there is one, else into a file that only its owner reads."""

import stat
import time
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from migration_pipeline.credentials import TokenStore
from migration_pipeline.credentials import store as store_module
from migration_pipeline_tests.connecting.conftest import Memory


def test_a_keyring_is_used_where_there_is_one(tmp_path: Path, memory: Memory) -> None:
    store = TokenStore("intercom:https://x abc", tmp_path)
    assert (store.read(), store.place, store.forget()) == (None, "", False)
    store.write({"token": "s3cr3t"})
    assert list(memory.entries) == [("migration-pipeline", "intercom:https://x abc")]
    assert (store.read(), store.place) == ({"token": "s3cr3t"}, "the system's keyring")
    assert TokenStore("intercom:https://x abd", tmp_path).read() is None
    assert list(tmp_path.rglob("*")) == []
    assert (store.forget(), store.read(), memory.entries) == (True, None, {})


def test_a_keyring_that_fails_is_replaced_by_the_file_until_it_works_again(tmp_path: Path, memory: Memory) -> None:
    store = TokenStore("name", tmp_path)
    store.write({"token": "first"})
    memory.locked = True
    assert store.read() is None
    with pytest.raises(OSError, match="KeyringLocked"):
        store.forget()
    store.write({"token": "second"})
    memory.locked = False
    assert store.read() == {"token": "second"}  # and not the older one of the keyring
    store.write({"token": "third"})
    assert store.read() == {"token": "third"}
    assert list(tmp_path.glob("*.json")) == []
    memory.entries[next(iter(memory.entries))] = "no json"
    assert store.read() is None


def test_a_keyring_that_never_answers_is_waited_for_once(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_module, "PATIENCE_S", 0.2)
    memory.hangs = True
    store = TokenStore("name", tmp_path)
    assert store.read() is None
    assert "does not answer (TimeoutError)" in caplog.text
    before = time.monotonic()
    store.write({"token": "s3cr3t"})
    assert store.read() == {"token": "s3cr3t"}
    assert time.monotonic() - before < 0.2
    with pytest.raises(OSError, match="TimeoutError"):
        store.forget()
    assert list(tmp_path.glob("*.json")) == []
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("backend", [None, NoKeyring], ids=["null", "fail"])
def test_without_a_keyring_there_is_a_file_for_its_owner_alone(
    tmp_path: Path, backend: type[KeyringBackend] | None
) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(backend() if backend else before)
    try:
        store = TokenStore("zendesk:https://x us", tmp_path / "tokens")
        with store.alone():
            store.write({"token": "s3cr3t"})
        (path,) = (tmp_path / "tokens").glob("*.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert (store.read(), store.place) == ({"token": "s3cr3t"}, str(path))
        path.write_bytes(b"\xff")
        assert store.read() is None
        assert (store.forget(), store.forget()) == (True, False)
    finally:
        keyring.set_keyring(before)
