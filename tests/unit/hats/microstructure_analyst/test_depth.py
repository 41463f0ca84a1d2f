"""Depth, lean and cost of taking from one book."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.microstructure_analyst.depth import depth_usd, mid_px, probe_sz, size_imbalance, slippage_bps
from shared.book import Level
from shared.order import Side
from shared.units import Px, Sz

BIDS = (Level(Px(9_990), Sz(10), 1), Level(Px(9_980), Sz(20), 1))
ASKS = (Level(Px(10_010), Sz(10), 1), Level(Px(10_020), Sz(20), 1))


def test_depth_stops_at_the_band() -> None:
    """Within 15 bps of 10000 only the best level counts; within 25 bps both."""
    mid = mid_px(BIDS, ASKS)
    assert depth_usd(ASKS, mid, 15.0) == pytest.approx(0.1001)
    assert depth_usd(ASKS, mid, 25.0) == pytest.approx(0.1001 + 0.2004)


def test_imbalance_looks_at_the_first_levels_only() -> None:
    """Equal sizes lean nowhere; a missing second ask leans to the bid."""
    assert size_imbalance(BIDS, ASKS, 2) == 0.0
    assert size_imbalance(BIDS, ASKS[:1], 2) == pytest.approx(0.5)
    assert size_imbalance(BIDS, ASKS[:1], 1) == 0.0


def test_slippage_of_the_first_level_is_half_the_spread() -> None:
    """Ten lots cost 10 bps either way."""
    assert slippage_bps(Side.BUY, ASKS, 10_000.0, 0, 10) == pytest.approx(10.0)
    assert slippage_bps(Side.SELL, BIDS, 10_000.0, 0, 10) == pytest.approx(10.0)


def test_a_thinner_book_has_no_known_cost() -> None:
    """More than the book shows costs infinity: nobody knows."""
    assert slippage_bps(Side.BUY, ASKS, 10_000.0, 0, 31) == math.inf


@given(st.integers(1, 29))
def test_parts_cost_as_much_as_the_whole(first: int) -> None:
    """An order judged in two parts costs what it costs at once."""
    whole = slippage_bps(Side.BUY, ASKS, 10_000.0, 0, 30) * 30
    parts = slippage_bps(Side.BUY, ASKS, 10_000.0, 0, first) * first
    parts += slippage_bps(Side.BUY, ASKS, 10_000.0, first, 30 - first) * (30 - first)
    assert parts == pytest.approx(whole)


def test_probe_is_at_least_one_lot() -> None:
    """A probe smaller than a lot asks for one lot."""
    assert probe_sz(0.000001, 10_000.0) == 1
    assert probe_sz(1.0, 10_000.0) == 100
