"""Oracles and marks: medians by weight, hyperps' own averages, and the steps that deployers are held to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.indices import (
    PERP_WEIGHTS,
    SPOT_WEIGHTS,
    deployed_mark_px,
    external_perp_px,
    hyperp_mark_px,
    hyperp_oracle_px,
    oracle_px,
    staked_oracle_px,
    stepped_px,
    twap_px,
    weighted_median_px,
)

pairs = st.lists(st.tuples(st.integers(1, 1_000), st.integers(1, 5)), min_size=1, max_size=8)


def test_weights_are_the_documented_ones() -> None:
    """Fact sheet 5.5: twelve parts of spot, nine of perps."""
    assert (sum(SPOT_WEIGHTS.values()), sum(PERP_WEIGHTS.values())) == (12, 9)
    assert (SPOT_WEIGHTS["Binance"], PERP_WEIGHTS["OKX"]) == (3, 2)


@pytest.mark.parametrize(
    ("mids", "expected"),
    [
        ({"Binance": 100, "OKX": 101, "Bybit": 102}, 101),  # 3 of 7 is less than half, 5 of 7 more
        ({"Binance": 100, "Kraken": 90, "Gate": 110}, 100),  # Binance alone outweighs both
        ({"Hyperliquid": 77}, 77),  # a coin whose spot trades nowhere else
        ({"Binance": 100, "OKX": 103, "Hyperliquid": 200}, 100),  # 3 of 6: an exact half takes the lower
        ({"Nowhere": 5}, None),
        ({}, None),
    ],
)
def test_worked_oracles(mids: dict[str, int], expected: int | None) -> None:
    """Weighted medians by hand (documentation, "Robust price indices")."""
    assert oracle_px(mids) == expected


def test_worked_external_perp() -> None:
    """Kraken has no weight among perps; Binance 3, OKX 2, Bybit 2: half of 7 is reached at OKX."""
    assert external_perp_px({"Binance": 99, "OKX": 100, "Bybit": 105, "Kraken": 1}) == 100


def test_validators_vote_by_stake() -> None:
    """One large validator outvotes three small ones."""
    assert staked_oracle_px([(100, 10), (101, 3), (102, 3), (103, 3)]) == 100


@given(pairs)
def test_the_weighted_median_splits_the_weight(votes: list[tuple[int, int]]) -> None:
    """At most half of the weight lies below it, and at most half above."""
    median, total = weighted_median_px(votes), sum(weight for _, weight in votes)
    assert median is not None
    assert 2 * sum(weight for px, weight in votes if px < median) <= total
    assert 2 * sum(weight for px, weight in votes if px > median) <= total


@pytest.mark.parametrize(("average", "first", "expected"), [(300, 100, 300), (450, 100, 400), (90, 100, 90)])
def test_worked_hyperp_oracles(average: int, first: int, expected: int) -> None:
    """The average of its own marks, at most four times the first (fact sheet 5.5)."""
    assert hyperp_oracle_px(average, first) == expected


@pytest.mark.parametrize(("mark", "average", "expected"), [(250, 100, 250), (301, 100, 300), (80, 100, 80)])
def test_worked_hyperp_marks(mark: int, average: int, expected: int) -> None:
    """At most three times the average (fact sheet 5.5)."""
    assert hyperp_mark_px(mark, average) == expected


@pytest.mark.parametrize(
    ("local", "given_pxs", "expected"),
    [(100, (), 100), (100, (104,), 102), (100, (104, 103), 103), (None, (104,), 104), (None, (), None)],
)
def test_worked_deployed_marks(local: int | None, given_pxs: tuple[int, ...], expected: int | None) -> None:
    """Median of the local mark and at most two given ones (documentation, "HIP-3 deployer actions")."""
    assert deployed_mark_px(local, given_pxs) == expected


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**5))
def test_one_update_moves_a_price_by_one_percent(asked: int, before: int, day_start: int) -> None:
    """No further than 1 % (or one unit), toward what was asked, and within ten times the day's start."""
    px = stepped_px(asked, before, day_start)
    if day_start <= before * 9 and before <= day_start * 9:
        assert abs(px - before) <= max(before // 100, 1)
        assert min(asked, before) <= px <= max(asked, before)
    assert px <= day_start * 10
    assert px * 10 >= day_start


def test_the_first_word_is_taken_as_it_is() -> None:
    """There is nothing yet to step from."""
    assert stepped_px(500, 0, 500) == 500


def test_a_mean_over_time_is_rounded_to_nearest() -> None:
    """Half of the time at 10 and half at 11 is 10.5, which is 11."""
    assert twap_px(10 * 30 + 11 * 30, 60) == 11
    assert twap_px(10 * 40 + 11 * 20, 60) == 10
