"""A help desk to fill with records."""

from pathlib import Path

import pytest

from migration_pipeline_tests.mapping.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
