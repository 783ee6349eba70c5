"""Comments over two rate windows: export and threads meet, nothing is missing, and a kill between loses nothing."""

import pytest

from migration_pipeline.model.errors import RunStopped
from migration_pipeline.sources.zendesk import meeting, streams
from migration_pipeline_tests.sources.conftest import Desk, Place, Whole, without

FEW = 12
"""Calls of the export that are enough once threads come from the other end; alone it takes over thirty pages."""


def read(where: Place, waits: float, worth: int = 0) -> int:
    """Read tickets and comments while the window of the exports is used up for some seconds."""
    reading = where.source._reading(where.staging, where.run())
    streams.read_tickets(reading)
    reading.client.session.pacer.exhausted(meeting.EXPORTS, waits)
    return meeting.read_comments(reading, worth)


@pytest.mark.behaviour("S11", "B01")
@pytest.mark.parametrize("cut", [False, True])
def test_export_and_threads_meet_and_nothing_is_missing(
    desk: Desk, somewhere: Place, whole: Whole, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    desk.switch(gateway_timeout_over=30)
    where = somewhere
    if cut:
        taken = meeting._Tickets.read

        def stop_after(tickets: meeting._Tickets, batch: list[str]) -> None:
            taken(tickets, batch)
            where.stop.set()

        monkeypatch.setattr(meeting._Tickets, "read", stop_after)
        with pytest.raises(RunStopped):
            read(where, 8)
        monkeypatch.setattr(meeting._Tickets, "read", taken)
        assert not where.staging.snapshots.state("comments").complete
        where = where.again()
    desk.asked()
    read(where, 8)
    assert desk.asked()["GET /api/v2/incremental/ticket_events"] <= FEW
    assert where.staging.snapshots.state("comments").complete
    where.extract()
    where.normalize()
    for table in ("tickets", "comments", "attachments"):
        # Who did not read the history does not know that an older text was taken back, and has the newest.
        assert without(where.records(table), "redacted") == without(whole.records[table], "redacted")


def test_a_small_desk_and_an_export_that_need_not_wait_cost_no_calls_besides(desk: Desk, somewhere: Place) -> None:
    desk.asked()
    read(somewhere, 1, worth=1000)
    assert "GET /api/v2/tickets/{id}/comments" not in desk.asked()
