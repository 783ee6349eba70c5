"""What a plan says of the calls at the source, against the calls that the pass after it makes."""

import pytest

from migration_pipeline.sources.zendesk import costs
from migration_pipeline_tests.sources.conftest import Desk, Place

FILE_STORES = ("GET /storage/{token}", "GET /hc/article_attachments/{id}")
"""Routes that no call of the service's API leads to: a redirect does, and what articles show."""


@pytest.mark.behaviour("B07")
def test_calls_are_counted_before_they_are_made(desk: Desk, somewhere: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "SAMPLED", 9)
    for entity_type in somewhere.order:
        somewhere.source.survey(entity_type, somewhere.staging, somewhere.run())
    (before,) = (work.calls for work in somewhere.source.works(somewhere.staging) if work.what == "files")
    monkeypatch.setattr(costs, "FILES_TRIED", before // 2)
    assert somewhere.source.file_speed(somewhere.staging, somewhere.run()) is not None
    surveyed = desk.asked()
    works = [work for work in somewhere.source.works(somewhere.staging) if not work.free]
    somewhere.extract()
    made = sum(number for route, number in desk.asked().items() if route not in FILE_STORES)
    error = sum(work.error for work in works)
    files = sum(work.calls for work in works if work.what == "files")
    tried = sum(number for route, number in surveyed.items() if route.startswith("GET /attachments/"))
    assert files == pytest.approx(before - tried, abs=1)
    assert error <= costs.TOLERATED * files + 1
    assert surveyed["GET /api/v2/tickets/{id}/comments"] >= costs.SAMPLED
    assert abs(sum(work.calls for work in works) - made) <= error + 0.02 * made
