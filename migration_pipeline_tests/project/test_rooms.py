"""Imports point down the list of rooms, so that a reader can take each room by itself."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import migration_pipeline

ROOT = Path(migration_pipeline.__file__).parent

# Each room, and the rooms it may import from besides itself.
ARROWS: dict[str, set[str]] = {
    "model": set(),
    "config": {"model"},
    "http": {"model"},
    "staging": {"model", "config"},
    "selection": {"model", "config", "staging"},
    "masking": {"model", "config"},
    "journal": {"model", "staging"},
    "credentials": {"model", "staging"},
    "sources": {"model", "config", "http", "staging", "credentials"},
    "target": {"model", "config", "http", "staging", "credentials", "journal", "selection", "masking"},
    "gates": {"model", "config", "staging"},
    "planning": {"model", "config", "staging", "gates"},
    "pages": {"model", "config", "staging", "target"},
    "reports": {"model", "config", "staging", "journal", "masking", "gates"},
    "assets": {
        *("model", "config", "http", "staging", "journal", "sources", "target", "gates", "planning", "reports"),
        *("selection", "jobs", "partitions", "credentials"),
    },
    "cli": {
        *("journal", "model", "config", "staging", "target", "gates", "planning", "reports", "assets", "jobs"),
        *("credentials", "pages", "sources"),
    },
    "sandbox": set(),
}
DAGSTER = {"assets", "definitions", "jobs", "partitions", "resources", "schedules", "sensors", "webserver"}


class Module(NamedTuple):
    docstring: str | None
    imports: frozenset[str]


@cache
def module(path: Path) -> Module:
    """What is looked at of a module, which takes as long as everything else here: once for all tests."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return Module(ast.get_docstring(tree), frozenset(found))


def imports(path: Path) -> frozenset[str]:
    return module(path).imports


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", [p for p in modules() if room(p) in ARROWS], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    reached = {name.split(".")[1] for name in imports(path) if name.startswith("migration_pipeline.")}
    assert reached <= ARROWS[own] | {own}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_wiring_knows_dagster(path: Path) -> None:
    knows = any(name.split(".")[0] == "dagster" for name in imports(path))
    assert not knows or room(path) in DAGSTER


def test_every_room_is_listed() -> None:
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms == set(ARROWS)


def test_one_source_does_not_know_another() -> None:
    for path in (ROOT / "sources").rglob("*.py"):
        service = path.relative_to(ROOT / "sources").parts[0]
        others = {name.split(".")[2] for name in imports(path) if name.startswith("migration_pipeline.sources.")}
        assert others <= {service}, path


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_belongs_in_it(path: Path) -> None:
    assert module(path).docstring
