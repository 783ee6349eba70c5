"""A staging folder per test."""

from pathlib import Path

import pytest

from migration_pipeline_tests.reports.tables import Tables


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)
