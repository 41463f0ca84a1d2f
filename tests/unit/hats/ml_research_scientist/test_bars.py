"""Bars from prints."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.ml_research_scientist.bars import BarSeries, ClosedBar


def test_a_print_of_the_next_bar_closes_the_open_one() -> None:
    """The last price of a bar is its close; the first close has no return."""
    bars = BarSeries()
    assert bars.take_print(5, 100, 10) == []
    assert bars.take_print(5, 110, 10) == []
    assert bars.take_print(6, 121, 10) == [ClosedBar(5, None, 1)]
    assert bars.close_before(7, 10) == [ClosedBar(6, math.log(121 / 110) * 10_000, 1)]


def test_empty_bars_are_said_to_be_empty() -> None:
    """Two silent bars close without a return; the next return tells how many bars it spans."""
    bars = BarSeries()
    bars.take_print(0, 100, 10)
    bars.take_print(1, 100, 10)
    closed = bars.take_print(4, 101, 10)
    assert closed == [ClosedBar(1, 0.0, 1), ClosedBar(2, None, 1), ClosedBar(3, None, 2)]
    (last,) = bars.close_before(5, 10)
    assert last.span == 3
    assert last.return_bps == pytest.approx(math.log(1.01) * 10_000)


def test_a_long_gap_ends_the_series() -> None:
    """After the longest allowed silence nothing more is closed, and the next close has no return."""
    bars = BarSeries()
    bars.take_print(0, 100, 3)
    assert [bar.number for bar in bars.close_before(1_000, 3)] == [0, 1, 2, 3]
    assert bars.close_before(2_000, 3) == []
    assert bars.take_print(2_000, 200, 3) == []
    assert bars.close_before(2_001, 3) == [ClosedBar(2_000, None, 1)]


def test_a_late_print_is_refused() -> None:
    """A print of a bar already closed is told to be late and changes nothing."""
    bars = BarSeries()
    bars.take_print(5, 100, 10)
    bars.close_before(6, 10)
    assert bars.take_print(5, 999, 10) is None
    assert bars.px == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 1_000)), min_size=1, max_size=60))
def test_returns_add_up_and_no_bar_is_closed_twice(prints: list[tuple[int, int]]) -> None:
    """Without a long gap the numbers run on one by one, and the returns sum to last over first close."""
    bars, closed, number, closes = BarSeries(), list[ClosedBar](), 0, dict[int, int]()
    for step, px in prints:
        number += step
        closed += bars.take_print(number, px, 1_000) or []
        closes[number] = px
    closed += bars.close_before(number + 1, 1_000)
    assert [bar.number for bar in closed] == list(range(min(closes), number + 1))
    total = sum(bar.return_bps for bar in closed if bar.return_bps is not None)
    first, last = closes[min(closes)], closes[number]
    assert total == pytest.approx(math.log(last / first) * 10_000, abs=1e-6)
