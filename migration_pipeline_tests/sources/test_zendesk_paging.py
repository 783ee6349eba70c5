"""Zendesk's pagers: when they stop, what they keep, and how they get out of loops."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration_pipeline.sources.zendesk.paging import CursorExport, CursorList, PagingError, TimeExport


def test_a_cursor_export_starts_at_the_beginning_and_follows_its_cursor() -> None:
    pager = CursorExport(None)
    assert pager.params() == {"start_time": 0, "per_page": 1000}
    pager.advance({"after_cursor": "abc", "end_of_stream": False}, [{}])
    assert pager.params() == {"cursor": "abc", "per_page": 1000}
    assert not pager.finished
    pager.advance({"after_cursor": "def", "end_of_stream": True}, [{}])
    assert pager.finished
    assert pager.cursor == "def"


@pytest.mark.parametrize("after", [None, "", "kept"])
def test_the_end_of_a_cursor_export_keeps_the_cursor_it_has(after: str | None) -> None:
    pager = CursorExport("kept")
    pager.advance({"after_cursor": after, "end_of_stream": True}, [])
    assert (pager.finished, pager.cursor) == (True, "kept")


def test_empty_pages_that_end_nothing_are_followed_while_the_cursor_moves_and_given_up_when_it_stands() -> None:
    pager = CursorExport("a")
    pager.advance({"after_cursor": "b", "end_of_stream": False}, [])
    assert not pager.finished
    for _ in range(3):
        pager.advance({"after_cursor": "b", "end_of_stream": False}, [])
    assert (pager.finished, pager.cursor) == (True, "b")


def test_rows_without_a_moving_cursor_are_an_error_not_an_end() -> None:
    pager = CursorExport("a")
    standing = {"after_cursor": "a", "end_of_stream": False}
    pager.advance(standing, [{}])
    pager.advance(standing, [{}])
    with pytest.raises(PagingError):
        pager.advance(standing, [{}])
    assert not pager.finished


def test_a_cursor_export_can_start_at_a_time_and_real_cursors_are_never_taken_for_one() -> None:
    assert CursorExport(CursorExport.from_time(17)).params()["start_time"] == 17
    real = base64.b64encode(b"1695062724.0||1571|").decode()
    assert CursorExport(real).params()["cursor"] == real


def desk_page(rows: list[tuple[int, int]], start: int, size: int) -> dict[str, Any]:
    """A time-based page as the service makes it: (time, id) rows, whole seconds, boundary rows repeated."""
    later = sorted(row for row in rows if row[0] >= start)
    page = later[:size]
    more = len(later) > size
    if more and page[0][0] == page[-1][0]:
        second = page[0][0]
        page = [row for row in later if row[0] == second]
        return {"rows": page, "end_time": second + 1, "end_of_stream": len(later) == len(page)}
    return {"rows": page, "end_time": page[-1][0] if page else None, "end_of_stream": not more}


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 10_000)), max_size=120, unique=True), st.integers(1, 12))
def test_a_time_export_sees_every_row_and_ends(rows: list[tuple[int, int]], size: int) -> None:
    pager = TimeExport(0, per_page=size)
    seen: set[tuple[int, int]] = set()
    for _ in range(500):
        page = desk_page(rows, pager.start_time, pager.per_page)
        seen |= set(page["rows"])
        pager.advance(page, page["rows"], max((row[0] for row in page["rows"]), default=None))
        if pager.finished:
            break
    assert pager.finished
    assert seen == set(rows)
    assert pager.resume_at <= max((row[0] for row in rows), default=0)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 10_000)), min_size=1, max_size=40, unique=True),
    st.lists(st.tuples(st.integers(0, 5), st.integers(10_001, 20_000)), max_size=20, unique=True),
)
def test_rows_that_come_later_are_in_the_next_pass_even_in_the_very_second_that_was_read_last(
    rows: list[tuple[int, int]], late: list[tuple[int, int]]
) -> None:
    pager = TimeExport(0, per_page=5)
    while not pager.finished:
        page = desk_page(rows, pager.start_time, pager.per_page)
        pager.advance(page, page["rows"], max((row[0] for row in page["rows"]), default=None))
    newest = max(row[0] for row in rows)
    later = [(newest + delay, number) for delay, number in late]
    second = TimeExport(pager.resume_at, per_page=5)
    seen: set[tuple[int, int]] = set()
    while not second.finished:
        page = desk_page(rows + later, second.start_time, second.per_page)
        seen |= set(page["rows"])
        second.advance(page, page["rows"], max((row[0] for row in page["rows"]), default=None))
    assert seen >= set(later)


def test_a_second_that_is_answered_with_itself_is_asked_for_in_larger_pages_and_then_left() -> None:
    pager = TimeExport(100, per_page=250)
    stuck = {"end_time": 100, "end_of_stream": False}
    sizes = []
    while pager.start_time == 100:
        sizes.append(pager.per_page)
        pager.advance(stuck, [{}] * pager.per_page, 100)
    assert sizes == [250, 500, 1000]
    assert pager.start_time == 101
    assert not pager.finished
    assert pager.resume_at == 100


def test_a_page_that_was_halved_for_the_service_is_not_enlarged_again() -> None:
    pager = TimeExport(100, per_page=1000)
    assert pager.halve()
    pager.advance({"end_time": 100, "end_of_stream": False}, [{}] * 500, 100)
    assert (pager.per_page, pager.start_time) == (500, 101)


def test_halving_ends() -> None:
    pager = CursorExport(None)
    halves = 0
    while pager.halve():
        halves += 1
    assert 4 <= halves <= 8
    assert pager.per_page == 25


@pytest.mark.parametrize("end_time", [None, 50])
def test_an_empty_time_page_ends_the_pass_and_keeps_its_start(end_time: int | None) -> None:
    pager = TimeExport(50)
    pager.advance({"end_time": end_time, "end_of_stream": True}, [], None)
    assert (pager.finished, pager.resume_at) == (True, 50)


def test_a_list_stops_on_has_more_though_its_next_link_is_filled() -> None:
    pager = CursorList()
    assert pager.params() == {"page[size]": 100}
    pager.advance({"meta": {"has_more": True, "after_cursor": "x"}, "links": {"next": "https://…"}})
    assert pager.params() == {"page[size]": 100, "page[after]": "x"}
    pager.advance({"meta": {"has_more": False, "after_cursor": "y"}, "links": {"next": "https://…"}})
    assert pager.finished


def test_a_list_that_is_paged_by_number_is_followed_and_an_unpaged_one_ends() -> None:
    pager = CursorList()
    pager.advance({"next_page": "https://…?page=2"})
    assert pager.params() == {"page": 2, "per_page": 100}
    pager.advance({"next_page": None})
    assert pager.finished
    unpaged = CursorList()
    unpaged.advance({"count": 3})
    assert unpaged.finished


def test_a_list_with_more_but_no_way_to_it_is_an_error() -> None:
    with pytest.raises(PagingError):
        CursorList(after="x").advance({"meta": {"has_more": True, "after_cursor": "x"}})
