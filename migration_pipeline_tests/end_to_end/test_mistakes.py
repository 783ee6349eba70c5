"""A user's mistake gives one sentence that names the setting, no traceback, and writes nothing."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from migration_pipeline.cli.output import Told
from migration_pipeline_tests.approval import approved
from migration_pipeline_tests.end_to_end.conftest import Done, Sandbox, migrate
from migration_pipeline_tests.ports import free_port


@pytest.fixture(scope="module")
def sandbox(serve: Callable[..., Sandbox]) -> Sandbox:
    return serve(tickets=40, seed=2)


@pytest.fixture
def changed(sandbox: Sandbox, tmp_path: Path) -> Callable[..., Path]:
    """The sandbox's migration.yaml with some keys set otherwise, in a folder of its own."""

    def write(changes: dict[str, Any]) -> Path:
        document = YAML(typ="safe").load(sandbox.config.read_text())
        for name, value in changes.items():
            *parents, last = name.split(".")
            node = document
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last] = value
        path = tmp_path / "migration.yaml"
        YAML().dump(document, path)
        return path

    return write


def told(done: Done, code: int, *words: str) -> None:
    assert done.code == code, done.err
    assert "Traceback" not in done.err + done.out
    sentence = " ".join(done.err.split("✗")[-1].split())
    assert sentence.count("✗") == 0
    for word in words:
        assert word in sentence, sentence


NOBODY = object()
"""Stands for an address where nobody answers."""
MISTAKES: list[tuple[str, dict[str, Any], int, tuple[str, ...]]] = [
    ("unknown key", {"source.subdomian": "acme"}, 2, ("line", "source.subdomian", "unknown key")),
    ("missing key", {"target.workspace": None}, 2, ("target.workspace",)),
    (
        "wrong choice",
        {"options.invalid_phone": "ignore"},
        2,
        ("options.invalid_phone", "expected one of attribute, drop, fail"),
    ),
    ("unset variable", {"target.token": "${NO_SUCH_TOKEN}"}, 2, ("NO_SUCH_TOKEN", "not set")),
    ("wrong secret", {"source.auth.client_secret": "wrong"}, 1, ("source.auth", "migration.yaml")),
    ("wrong token", {"target.token": "wrong"}, 1, ("Intercom", "credentials", "target in migration.yaml")),
    ("wrong workspace", {"target.workspace": "somewhere"}, 3, ("target.workspace", "somewhere")),
    (
        "source out of reach",
        {"source.base_url": NOBODY},
        1,
        ("Zendesk", "does not answer", "source.base_url in migration.yaml"),
    ),
    (
        "target out of reach",
        {"target.base_url": NOBODY},
        1,
        ("Intercom", "does not answer", "target in migration.yaml"),
    ),
]


@pytest.mark.parametrize(("changes", "code", "words"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
@pytest.mark.behaviour("S45", "S47")
def test_a_mistake_is_told_in_one_sentence(
    sandbox: Sandbox, changed: Callable[..., Path], changes: dict[str, Any], code: int, words: tuple[str, ...]
) -> None:
    before = sandbox.writes
    meant = {name: f"http://127.0.0.1:{free_port()}" if value is NOBODY else value for name, value in changes.items()}
    told(migrate("demo", "--config", changed(meant), "--json"), code, *words)
    assert sandbox.writes == before


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    told(migrate("demo", "--config", tmp_path / "none.yaml"), 2, "none.yaml", "migrate init")


@pytest.mark.parametrize(
    ("side", "switch", "value", "words"),
    [
        ("source", "role", "agent", ("Zendesk", "admin")),
        ("target", "missing_scopes", ["write_conversations"], ("Intercom", "scope")),
    ],
)
def test_a_missing_right_is_told(
    sandbox: Sandbox, changed: Callable[..., Path], side: str, switch: str, value: Any, words: tuple[str, ...]
) -> None:
    before = sandbox.control(side, "switches")[switch]["value"]
    sandbox.control(side, "switches", {switch: value})
    try:
        told(migrate("full", "--config", approved(changed({"name": f"right-{side}"}))), 1, *words)
    finally:
        sandbox.control(side, "switches", {switch: before})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_and_the_run_goes_on_later(
    sandbox: Sandbox, changed: Callable[..., Path], small_disk: Path, tmp_path: Path
) -> None:
    path = approved(changed({"name": "small-disk", "data_dir": str(small_disk)}))
    instance = {"DAGSTER_HOME": str(tmp_path / "dagster_home")}
    told(migrate("full", "--config", path, environment=instance), 2, "disk is full", "data_dir")
    subprocess.run(["mount", "-o", "remount,size=500m", small_disk], check=True)
    document = migrate("full", "--config", path, "--json", environment=instance).json
    assert all(e["failed"] == 0 for e in document["entities"] if e["entity_type"] == "tickets")


def test_malformed_records_are_reported(serve: Callable[..., Sandbox]) -> None:
    sandbox = serve(tickets=60, seed=4)
    sandbox.control("source", "switches", {"malformed_records": 0.2})
    document = migrate("full", "--config", approved(sandbox.config), "--json").json
    assert all(e["available"] == e["migrated"] + e["failed"] + e["skipped"] for e in document["entities"])
    records = migrate("report", "--config", sandbox.config, "--json").json["records"]
    assert {row["reason"] for row in records if row["outcome"] == "failed"} >= {"malformed_record"}
    assert sandbox.control("target", "outbox") == []


def test_what_others_wrote_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of fields and answers of services may look like mark-up of the terminal."""
    Told("The field Size [/red] of [file: x]", 1).show()
    assert "The field Size [/red] of [file: x]" in capsys.readouterr().err
