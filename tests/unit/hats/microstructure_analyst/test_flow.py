"""Order-flow imbalance at the best quotes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.microstructure_analyst.flow import Flow, flow_event
from shared.book import Level
from shared.units import Px, Sz

sizes = st.integers(1, 1_000)


def level(px: int, sz: int) -> Level:
    """One level of one order."""
    return Level(Px(px), Sz(sz), 1)


def test_unchanged_prices_count_the_change_of_size() -> None:
    """A bid that grew by 3 and an ask that grew by 1 are a flow of 2."""
    assert flow_event(level(99, 5), level(101, 5), level(99, 8), level(101, 6)) == 2


def test_a_better_bid_brings_its_whole_size() -> None:
    """A bid one tick up counts all of its size; the old size still stands below it."""
    assert flow_event(level(99, 5), level(101, 5), level(100, 7), level(101, 5)) == 7


def test_an_ask_that_was_eaten_counts_as_buying() -> None:
    """When the best ask is gone, its old size is flow to the buy side."""
    assert flow_event(level(99, 5), level(101, 4), level(99, 5), level(102, 9)) == 4


@given(*[st.tuples(st.integers(90, 99), sizes) for _ in range(2)], *[st.tuples(st.integers(101, 110), sizes)] * 2)
def test_flow_changes_sign_in_the_mirror(
    bid0: tuple[int, int], bid1: tuple[int, int], ask0: tuple[int, int], ask1: tuple[int, int]
) -> None:
    """Swapping bid and ask (prices mirrored at 100) turns the sign and nothing else."""

    def mirrored(side: tuple[int, int]) -> Level:
        return level(200 - side[0], side[1])

    plain = flow_event(level(*bid0), level(*ask0), level(*bid1), level(*ask1))
    assert flow_event(mirrored(ask0), mirrored(bid0), mirrored(ask1), mirrored(bid1)) == -plain


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-100, 100), sizes), min_size=1, max_size=700))
def test_the_window_equals_a_sum_from_scratch(events: list[tuple[int, int, int]]) -> None:
    """The incremental window holds exactly the events younger than its length."""
    flow, now, seen, window = Flow(), 0, [], 40
    for step, event, depth in events:
        now += step
        flow.add(now, event, depth, window)
        seen.append((now, event, depth))
    inside = [(event, depth) for ns, event, depth in seen if ns > now - window]
    expected = 2.0 * sum(event for event, _ in inside) * len(inside) / sum(depth for _, depth in inside)
    assert flow.imbalance() == expected


def test_no_event_is_no_flow() -> None:
    """Before the first event the imbalance is zero, not an error."""
    assert Flow().imbalance() == 0.0
