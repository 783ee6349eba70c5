"""Comments over two rate windows: export and threads meet, nothing is missing, and a kill between loses nothing."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from migration_pipeline.model.costs import total
from migration_pipeline.model.errors import RunStopped
from migration_pipeline.sources.zendesk import meeting, paging, streams
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole, changed, place, without
from migration_pipeline_tests.sources.small_windows import SmallWindows

FEW = 6
"""Calls of the export that are enough once threads come from the other end, with those that are too large at first."""


def read(where: Place, waits: float, worth_s: float = 0) -> int:
    """Read tickets and comments while the window of the exports is used up for some seconds."""
    reading = where.source._reading(where.staging, where.run())
    streams.read_tickets(reading)
    reading.client.session.pacer.exhausted(meeting.EXPORTS, waits)
    return meeting.read_comments(reading, worth_s)


@pytest.mark.behaviour("S11", "B01")
def test_export_and_threads_meet_and_nothing_is_missing(
    desk: Desk, somewhere: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.switch(gateway_timeout_over=100)
    taken = meeting._Tickets.read

    def stop_after(tickets: meeting._Tickets, batch: list[str]) -> None:
        taken(tickets, batch)
        somewhere.stop.set()

    monkeypatch.setattr(meeting._Tickets, "read", stop_after)
    with pytest.raises(RunStopped):
        read(somewhere, 4)
    monkeypatch.setattr(meeting._Tickets, "read", taken)
    assert not somewhere.staging.snapshots.state("comments").complete
    resumed = somewhere.again()
    desk.advance(61)
    desk.asked()
    read(resumed, 4)
    assert desk.asked()["GET /api/v2/incremental/ticket_events"] <= FEW
    assert resumed.staging.snapshots.state("comments").complete
    desk.reset()
    resumed.extract()
    resumed.normalize("tickets")
    for table in ("tickets", "comments", "attachments"):
        # Who did not read the history does not know that an older text was taken back, and has the newest.
        assert without(resumed.records(table), "redacted") == without(whole.records[table], "redacted")


def test_a_small_desk_costs_no_calls_besides(desk: Desk, somewhere: Place) -> None:
    desk.asked()
    threading.Timer(2, somewhere.stop.set).start()  # long enough for threads to be asked for, had it been worth it
    with pytest.raises(RunStopped):
        read(somewhere, 30, worth_s=60)
    assert "GET /api/v2/tickets/{id}/comments" not in desk.asked()


def test_a_desk_without_tickets_takes_a_call(somewhere: Place) -> None:
    works = [work for work in somewhere.source.works(somewhere.staging) if work.what in ("comments", "threads")]
    assert sum(work.calls for work in works) == 1


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("unlimited"), "--tickets", "250", "--seed", "5", "--limits", "off")
    yield desk
    desk.stop()


@pytest.mark.behaviour("S11", "S58")
def test_the_plan_tells_what_both_ways_take(unlimited: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreseen from the first pages, then read by both ways, then counted to the call for what is left."""
    monkeypatch.setattr(streams, "TimeExport", partial(paging.TimeExport, per_page=50, most=50))
    limits = {meeting.ACCOUNT: 40, meeting.EXPORTS: 4}
    begun = place(changed(unlimited.migration, tmp_path))
    reading = begun.source._reading(begun.staging, begun.run())
    streams.read_tickets(reading)
    pages: list[int] = []

    def stop(reached: int) -> None:
        pages.append(reached)
        if len(pages) == 5:
            begun.stop.set()

    with pytest.raises(RunStopped):
        streams.read_events(reading, stop)

    where = begun.again()
    late = {meeting.ACCOUNT: where.migration.source.workers - 1}
    SmallWindows(1, limits, late).stand_before(where.source)
    foreseen = {(work.what, work.beside): work for work in where.source.works(where.staging)}
    exports, threads = foreseen["comments", False], foreseen["threads", True]
    unlimited.asked()
    where.source.survey("tickets", where.staging, where.run())
    asked = unlimited.asked()
    taken = asked["GET /api/v2/incremental/ticket_events"] + asked["GET /api/v2/tickets/{id}/comments"]
    repaired = foreseen["threads", False].calls
    assert abs(exports.calls + threads.calls + repaired - taken) <= exports.error < taken / 2
    assert exports.calls < 250 * 9 / 50 - len(pages)  # the export did not go to its end
    assert threads.calls > 0
    assert where.staging.snapshots.state("comments").complete

    left = total(where.source.works(where.staging), "source", "tickets")
    before = where.source.usage.calls
    where.source.extract("tickets", where.staging, where.run())
    assert where.source.usage.calls - before == pytest.approx(left, rel=0.02)
