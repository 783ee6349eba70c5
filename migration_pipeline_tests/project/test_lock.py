import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
def test_the_lock_pins_what_the_project_asks_for(requirement: str) -> None:
    name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
    assert re.search(rf"^{re.escape(name)}(\[[^\]]*\])?==\S+.*\\\n    --hash=sha256:", LOCK, re.MULTILINE)


@pytest.mark.parametrize("word", ["index-url", "find-links", "http://", "https://"])
def test_the_lock_does_not_say_where_packages_come_from(word: str) -> None:
    assert word not in LOCK
