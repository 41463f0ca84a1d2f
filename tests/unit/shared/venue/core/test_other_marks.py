"""Hyperps and deployed perps: averages of their own marks, and a deployer's words within limits."""

from __future__ import annotations

import math

from shared.units import HOUR, MINUTE, SECOND, Px
from shared.venue.core.marks import MarkRule
from shared.venue.core.other_marks import STALE_NS, DeployedRule, HyperpRule

START = 1_700_000_040 * SECOND


def test_a_hyperp_begins_at_its_first_mark() -> None:
    """Oracle and mark are the listing's price until something trades."""
    rule = HyperpRule(Px(1_000))
    assert rule.oracle(START, Px(5), Px(1_000)) == 1_000
    assert rule.update(START, Px(1_000), None, None, None) == 1_000


def test_a_hyperps_oracle_is_the_average_of_minutely_marks() -> None:
    """Two hours at 2000 after a first minute at 1000, against the documented weights in floats."""
    rule = HyperpRule(Px(1_000))
    rule.oracle(START, Px(0), Px(1_000))
    rule.update(START, Px(1_000), Px(1_999), Px(2_001), Px(2_000))
    oracle = rule.oracle(START + 120 * MINUTE, Px(0), Px(1_000))
    weights = [math.exp(-minutes / 480) for minutes in range(121)]
    expected = (2_000 * sum(weights[:120]) + 1_000 * weights[120]) / sum(weights)
    assert abs(oracle - expected) <= 1


def test_a_hyperps_mark_is_capped_at_three_times_its_average() -> None:
    """The book says ten times as much; the mark does not."""
    rule = HyperpRule(Px(1_000))
    oracle = rule.oracle(START, Px(0), Px(1_000))
    assert rule.update(START, oracle, Px(9_999), Px(10_001), Px(10_000)) == 3_000


def test_a_hyperps_oracle_is_capped_at_four_times_its_first_mark() -> None:
    """However long it is marked higher."""
    rule = HyperpRule(Px(1_000))
    oracle, now = rule.oracle(START, Px(0), Px(1_000)), START
    for _ in range(40):
        now += HOUR
        rule.update(now, oracle, Px(9_999), Px(10_001), Px(10_000))
        oracle = rule.oracle(now, Px(0), oracle)
    assert oracle == 4_000


def test_a_deployers_mark_is_the_median_of_its_words_and_the_book() -> None:
    """Local mark 1000 (median of 998, 1002, 1000), given 1004 and 1006: the median is 1004."""
    rule = DeployedRule(weighs_external=False)
    oracle = rule.oracle(START, Px(1_000), Px(0))
    rule.hear((1_004, 1_006), None)
    assert rule.update(START, oracle, Px(998), Px(1_002), Px(1_000)) == 1_004


def test_a_deployers_mark_moves_one_percent_an_update() -> None:
    """From 1000 toward 2000 by 10, then by 1 % of that."""
    rule = DeployedRule(weighs_external=False)
    for step, expected in enumerate((1_000, 1_010, 1_020)):
        now = START + 3 * step * SECOND
        rule.oracle(now, Px(1_000), Px(1_000 if step else 0))
        rule.hear((2_000, 2_000) if step else (1_000,), None)
        assert rule.update(now, Px(1_000), None, None, None) == expected


def test_a_silent_deployers_mark_goes_to_the_book_after_ten_seconds() -> None:
    """Until then it stands, whatever the book does."""
    rule = DeployedRule(weighs_external=False)
    rule.oracle(START, Px(1_000), Px(0))
    rule.hear((1_000,), None)
    rule.update(START, Px(1_000), None, None, None)
    book = Px(1_004), Px(1_006), None
    assert rule.update(START + STALE_NS - 1, Px(1_000), *book) == 1_000
    assert rule.update(START + STALE_NS, Px(1_000), *book) == 1_005


def test_external_prices_weigh_only_if_the_policy_says_so() -> None:
    """Given 1000 and external 1008: 1000, or the median of both."""
    for weighs, expected in ((False, 1_000), (True, 1_004)):
        rule = DeployedRule(weighs)
        rule.oracle(START, Px(1_000), Px(0))
        rule.hear((1_000,), Px(1_008))
        assert rule.update(START, Px(1_000), None, None, None) == expected


def test_worked_marks_with_three_legs() -> None:
    """Legs by hand: oracle's, the book's, other venues' (fact sheet 5.5); three legs need no 30 s average."""
    rule = MarkRule()
    rule.external_px = Px(1_020)
    assert rule.update(START, Px(1_000), Px(1_009), Px(1_011), Px(1_010)) == 1_010
    rule.external_px = Px(990)
    assert rule.update(START + 3 * SECOND, Px(1_000), Px(1_009), Px(1_011), Px(1_010)) == 1_010
    rule.external_px = Px(1_012)
    assert rule.update(START + 6 * SECOND, Px(1_040), Px(1_009), Px(1_011), Px(1_010)) == 1_012


def test_two_legs_without_a_book_take_its_average_as_third() -> None:
    """Oracle's leg 1030 and 1040 from outside; the book's 30 s average is still 1010: the median is 1030."""
    rule = MarkRule()
    for step in range(1, 40):
        rule.update(START + 3 * step * SECOND, Px(1_000), Px(1_009), Px(1_011), Px(1_010))
    rule.external_px = Px(1_040)
    assert rule.update(START + 120 * SECOND, Px(1_020), None, Px(1_011), Px(1_010)) == 1_030


def test_two_legs_alone_give_their_mean() -> None:
    """No book ever: oracle 1000 and 1010 from outside."""
    rule = MarkRule()
    rule.external_px = Px(1_010)
    assert rule.update(START, Px(1_000), None, None, None) == 1_005
