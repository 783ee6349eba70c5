"""Comments over two rate windows: export and threads meet, nothing is missing, and a kill between loses nothing."""

import threading

import pytest

from migration_pipeline.model.errors import RunStopped
from migration_pipeline.sources.zendesk import meeting, streams
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole, without

FEW = 6
"""Calls of the export that are enough once threads come from the other end, with those that are too large at first."""


def read(where: Place, waits: float, worth: int = 0) -> int:
    """Read tickets and comments while the window of the exports is used up for some seconds."""
    reading = where.source._reading(where.staging, where.run())
    streams.read_tickets(reading)
    reading.client.session.pacer.exhausted(meeting.EXPORTS, waits)
    return meeting.read_comments(reading, worth)


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
        read(somewhere, 30, worth=1000)
    assert "GET /api/v2/tickets/{id}/comments" not in desk.asked()
