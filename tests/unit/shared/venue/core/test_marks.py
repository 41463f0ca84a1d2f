"""The mark: its legs, its averages, and that it is the median of them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from shared.units import SECOND, Px
from shared.venue.core.marks import PREMIUM_TAU_NS, DecayingMean, MarkRule


def test_the_average_follows_the_documented_recursion() -> None:
    """num <- num e^(-t/tau) + sample t and so on, against floats (fact sheet 5.5)."""
    mean, num, den = DecayingMean(PREMIUM_TAU_NS), 0.0, 0.0
    for sample, seconds in ((1_000_000, 3), (2_000_000, 3), (-500_000, 60), (0, 1)):
        mean.add(sample, seconds * SECOND)
        decay = math.exp(-seconds / 150)
        num, den = num * decay + sample * seconds, den * decay + seconds
    assert mean.value(0) == round(num / den)


def test_an_average_of_nothing_is_what_stands_in() -> None:
    """Before any time has passed there is no mean."""
    mean = DecayingMean(PREMIUM_TAU_NS)
    mean.add(7, 0)
    assert mean.value(42) == 42


def test_without_a_book_the_mark_is_the_oracle() -> None:
    """Only the first leg exists, and its average is empty."""
    assert MarkRule().update(1, Px(1_000), None, None, Px(1_100)) == 1_000


def test_the_book_leg_is_the_median_of_bid_ask_and_last() -> None:
    """At the first update all averages equal their samples: legs are mid 1005, median 1008, and that again."""
    assert MarkRule().update(1, Px(1_000), Px(1_000), Px(1_010), Px(1_008)) == 1_008
    assert MarkRule().update(1, Px(1_000), Px(1_000), Px(1_010), Px(2_000)) == 1_010
    assert MarkRule().update(1, Px(1_000), Px(1_000), Px(1_010), None) == 1_005


def test_an_oracle_jump_does_not_move_the_mark_past_the_book() -> None:
    """The book says 1000 three times over; the oracle's leg alone is outvoted."""
    rule = MarkRule()
    rule.update(1 * SECOND, Px(1_000), Px(999), Px(1_001), None)
    for step in range(2, 60):
        rule.update(3 * step * SECOND, Px(1_000), Px(999), Px(1_001), None)
    assert rule.update(180 * SECOND, Px(1_500), Px(999), Px(1_001), None) == 1_000


def test_the_oracle_leg_decides_while_the_book_is_jumping() -> None:
    """Book at 1100 now, its average near 1000, oracle plus no premium at 1050: the median is the oracle's leg."""
    rule = MarkRule()
    for step in range(1, 60):
        rule.update(3 * step * SECOND, Px(1_000), Px(999), Px(1_001), None)
    assert 1_050 <= rule.update(178 * SECOND, Px(1_050), Px(1_099), Px(1_101), None) <= 1_051


def test_a_lasting_premium_stays_when_the_book_goes() -> None:
    """With one side empty the mark is the oracle plus the average premium so far."""
    rule = MarkRule()
    for step in range(1, 100):
        rule.update(3 * step * SECOND, Px(1_000), Px(1_019), Px(1_021), None)
    assert rule.update(300 * SECOND, Px(2_000), Px(1_019), None, None) == 2_020


@given(
    st.lists(st.tuples(st.integers(900, 1_100), st.integers(900, 1_099), st.integers(1, 20)), min_size=1, max_size=20)
)
def test_the_mark_never_leaves_what_it_is_made_of(steps: list[tuple[int, int, int]]) -> None:
    """With a two-sided book the mark lies within all bids and asks seen, or at the oracle's leg between them."""
    rule, now, lowest, highest = MarkRule(), SECOND, 10**9, 0
    for oracle, bid, seconds in steps:
        now += seconds * SECOND
        lowest, highest = min(lowest, bid), max(highest, bid + 2)
        assert lowest <= rule.update(now, Px(oracle), Px(bid), Px(bid + 2), None) <= highest
