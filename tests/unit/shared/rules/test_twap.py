"""Worked examples of TWAP arithmetic. Source: Hyperliquid documentation, "Order types", and fact sheet 2.8."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rules.twap import (
    MIN_VALUE_USD,
    is_duration,
    most_sz,
    slice_count,
    slice_percent,
    slice_reach_px,
    slice_sz,
    target_sz,
)

DOCS: Final = "Order types"


def test_durations_are_five_minutes_to_seven_days() -> None:
    """Fact sheet 2.8: 5 min to 7 d."""
    assert [is_duration(minutes) for minutes in (1, 4, 5, 10_080, 10_081)] == [False, False, True, True, False]


def test_smallest_order_cuts_into_smallest_suborders() -> None:
    """Fact sheet 2.8: $100 over 5 minutes are ten suborders of $10, the venue's smallest order."""
    assert (slice_count(5), MIN_VALUE_USD // slice_count(5)) == (10, 10_000_000)


def test_target_is_elapsed_over_total_time() -> None:
    """Docs: "elapsed time divided by the total time times the total size". 10 of 30 minutes of 600 lots: 200."""
    assert target_sz(600, 20, slice_count(30)) == 200


def test_a_suborder_a_half_minute() -> None:
    """Docs: "a suborder is sent every 30 seconds". 600 lots over 30 minutes, nothing missed: 60 times 10 lots."""
    sent, executed = [], 0
    for number in range(1, slice_count(30) + 1):
        sent.append(slice_sz(600, executed, number, slice_count(30)))
        executed += sent[-1]
    assert sent == [10] * 60


def test_catch_up_is_at_most_three_times_normal() -> None:
    """Docs: "3 times the normal suborder size". After five suborders of 10 that did not fill: 30, 30, 20, 10."""
    sent, executed = [], 0
    for number in range(6, 10):
        sent.append(slice_sz(600, executed, number, 60))
        executed += sent[-1]
    assert (most_sz(600, 60), sent) == (30, [30, 30, 20, 10])
    assert executed == target_sz(600, 9, 60)


def test_too_many_misses_are_not_caught_up() -> None:
    """Docs: "the TWAP order may not fully catch up to the total size by the end". Only the last two fill: 60 of 600."""
    assert [slice_sz(600, executed, number, 60) for number, executed in ((59, 0), (60, 30))] == [30, 30]


def test_slippage_is_three_percent() -> None:
    """Docs: "max slippage of 3%". Of 100: a buy reaches 103, a sell 97; rounded toward the reference."""
    assert (slice_reach_px(100, True), slice_reach_px(100, False)) == (103, 97)
    assert (slice_reach_px(99, True), slice_reach_px(99, False)) == (101, 97)


def test_lots_too_few_for_an_order_wait() -> None:
    """Ours: below the smallest order nothing is sent; the lots wait, and the last suborder takes what is left."""
    sent, executed = [], 0
    for number in range(1, 11):
        sent.append(slice_sz(25, executed, number, 10, least_sz=10))
        executed += sent[-1]
    assert sent == [0, 0, 0, 10, 0, 0, 0, 10, 0, 5]


@pytest.mark.parametrize("twap_id", [1, 7])
def test_randomised_suborders_differ_by_a_fifth_at_most(twap_id: int) -> None:
    """Fact sheet 2.8: +-20 %; all of the range occurs, and the same numbers draw the same."""
    drawn = [slice_percent(twap_id, number) for number in range(1_000)]
    assert (min(drawn), max(drawn)) == (80, 120)
    assert drawn == [slice_percent(twap_id, number) for number in range(1_000)]


@given(
    sz=st.integers(1, 10_000),
    minutes=st.integers(5, 60),
    fills=st.lists(st.integers(0, 100), min_size=121, max_size=121),
    least=st.integers(0, 50),
    is_random=st.booleans(),
    at_once=st.booleans(),
)
@settings(max_examples=150)
def test_never_more_than_asked_and_never_too_large(
    sz: int, minutes: int, fills: list[int], least: int, is_random: bool, at_once: bool
) -> None:
    """Whatever fills: the sum stays within the size, each suborder within its bound; all is done if all fills."""
    count, executed = slice_count(minutes, at_once), 0
    for number in range(1, count + 1):
        percent = slice_percent(3, number) if is_random else 100
        sent = slice_sz(sz, executed, number, count, percent, least)
        assert 0 <= sent <= max(most_sz(sz, count), least)
        assert sent == 0 or sent >= least or number == count
        executed += sent * fills[number - 1] // 100
        assert executed <= sz
    executed = 0
    for number in range(1, count + 1):
        executed += slice_sz(sz, executed, number, count)
    assert executed == sz
