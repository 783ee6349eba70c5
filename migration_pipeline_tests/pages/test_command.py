"""`migrate map --edit` as a command: its address, and its end by Ctrl-C."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import requests

from migration_pipeline.cli import main as migrate_command
from migration_pipeline.config import Migration
from migration_pipeline_tests import forks

CONFIG = """
name: desk
data_dir: .
source: {kind: zendesk, subdomain: acme, auth: {email: a@b.c, token: secret}}
target: {token: secret, workspace: w}
"""


def test_the_command_tells_the_address_and_ends_by_ctrl_c(proposal: Migration, tmp_path: Path) -> None:
    (tmp_path / "migration.yaml").write_text(CONFIG, encoding="utf-8")
    shutil.copyfile(proposal.mapping_path, tmp_path / "mapping.yaml")
    (tmp_path / "desk").mkdir()
    for name in ("catalogue.json", "proposals.json"):
        shutil.copyfile(proposal.root / name, tmp_path / "desk" / name)
    out = tmp_path / "out"
    process = forks.forked(edit, tmp_path / "migration.yaml", out)
    deadline = time.monotonic() + 60
    while not out.exists() or not out.read_text().endswith("}\n"):
        assert process.is_alive(), "the command ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    url = json.loads(out.read_text())["url"]
    page = requests.Session().get(url, timeout=30)
    assert "What becomes what" in page.text
    assert process.pid
    os.kill(process.pid, signal.SIGINT)
    process.join(20)
    assert process.exitcode == 0


def edit(config: Path, out: Path) -> None:
    with out.open("wb") as file:
        os.dup2(file.fileno(), 1)
    migrate_command(["map", "--edit", "--no-browser", "--json", "--config", str(config)])
