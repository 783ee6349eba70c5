"""Which way comments are read: never a slower one than either way alone, for any plan, and never with a gap."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migration_pipeline.http import Window
from migration_pipeline.sources.zendesk.roads import WINDOW_S, WORTH_S, Point, Road, choose, roads

PLANS = {  # calls a minute of the account, and of exports (Zendesk developer docs, "Rate limits")
    "support-essential": (10, 10),
    "support-team": (200, 10),
    "suite-professional": (400, 10),
    "suite-enterprise": (700, 10),
    "suite-enterprise-plus": (2500, 10),
    "suite-professional+hv": (2500, 30),
}
MOST = 100_000


def full(limit: int) -> Window:
    return Window(limit, limit, WINDOW_S)


def even(tickets: int, comments: float, parts: int = 200) -> list[Point]:
    """Points of a help desk whose tickets follow each other, with so many comments each."""
    ends = sorted({tickets * part // parts for part in range(parts + 1)})
    return [Point(1 + end, end * comments, tickets - end, end) for end in ends]


def simulated(road: Road, account: int, exports: int) -> int:
    """Minutes that a reader with a minute's calls in hand at a time begins until all is read."""
    left, minutes = [road.exports, road.threads, road.repairs], 0
    while any(left):
        minutes += 1
        in_hand = account
        both = road.exports > 0
        for part, most in enumerate((exports, account - exports if both else account, account)):
            if part == 2 and (left[0] or left[1]):
                break
            made = min(left[part], most, in_hand)
            left[part] -= made
            in_hand -= made
    return minutes


@pytest.mark.behaviour("S11")
@given(
    plan=st.sampled_from(sorted(PLANS)),
    tickets=st.integers(0, MOST),
    events=st.floats(1, 2_000),  # of each ticket; rules write most of them where there are many
    written=st.floats(0.01, 1),  # share of events that are comments
    repaired=st.floats(0, 1),
)
@example(plan="suite-enterprise-plus", tickets=100_000, events=8, written=5 / 8, repaired=0.1)
@example(plan="support-essential", tickets=2_000, events=8, written=5 / 8, repaired=0.1)
@example(plan="suite-professional", tickets=200, events=2_000, written=0.01, repaired=0.0)
def test_no_way_alone_is_faster_and_nothing_is_left_out(
    plan: str, tickets: int, events: float, written: float, repaired: float
) -> None:
    account, exports = PLANS[plan]
    found = list(roads(even(tickets, events * written), 1_000 * written, repaired))
    chosen = choose(found, full(exports), full(account), worth_s=0)
    covered = next(point for point in even(tickets, 1) if point.moment == chosen.moment).covered
    assert chosen.threads + covered == tickets
    assert chosen.exports >= math.floor(covered * events / 1_000)
    alone = [found[0], found[-1]]
    assert simulated(chosen, account, exports) <= min(simulated(road, account, exports) for road in alone)
    minutes = simulated(chosen, account, exports)
    assert chosen.seconds(full(exports), full(account)) == WINDOW_S * max(minutes - 1, 0)
    thrifty = choose(found, full(exports), full(account))
    assert thrifty.seconds(full(exports), full(account)) <= chosen.seconds(full(exports), full(account)) + WORTH_S


@pytest.mark.parametrize(
    ("plan", "tickets", "minutes", "both"),
    [
        ("suite-professional", 1_000, 0, False),
        ("suite-professional", 100_000, 61, True),
        ("suite-enterprise-plus", 100_000, 26, True),
        ("support-essential", 10_000, 7, False),
        ("suite-professional+hv", 100_000, 16, True),
    ],
)
def test_the_way_by_plan(plan: str, tickets: int, minutes: int, both: bool) -> None:
    """Eight events and five comments a ticket; few tickets, and accounts whose exports use up all, by export alone."""
    account, exports = PLANS[plan]
    found = list(roads(even(tickets, 5), 625, 0))
    chosen = choose(found, full(exports), full(account))
    assert (chosen.threads > 0) == both
    assert chosen.seconds(full(exports), full(account)) == pytest.approx(minutes * 60, abs=90)


def test_where_all_threads_were_read_the_export_need_not_go_on() -> None:
    found = [Road(1, 0, 0, 0), Road(2, 9, 0, 0)]
    assert choose(found, full(10), full(400)) == found[0]
