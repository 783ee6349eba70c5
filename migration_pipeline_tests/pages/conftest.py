"""A page that is served, and a person before it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration_pipeline.config import Migration
from migration_pipeline_tests.pages.served import FILES, Person, proposed, serving, settings_of


@pytest.fixture(scope="session")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Migration:
    return proposed(tmp_path_factory.mktemp("proposal"))


@pytest.fixture
def person(proposal: Migration, tmp_path: Path) -> Iterator[Person]:
    """Somebody who may write the file."""
    copy = settings_of(tmp_path)
    copy.root.mkdir()
    for name in FILES:
        shutil.copyfile(proposal.root / name, copy.root / name)
    shutil.copyfile(proposal.mapping_path, copy.mapping_path)
    with serving(copy) as someone:
        yield someone


@pytest.fixture(scope="module")
def asker(proposal: Migration) -> Iterator[Person]:
    """Somebody whose wishes are refused."""
    with serving(proposal) as someone:
        yield someone
