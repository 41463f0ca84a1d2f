"""Candles agree with the trades they are made of."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.units import MS, Px
from shared.venue.core.candles import INTERVALS_NS, Candle, Candles

T0 = 1_700_000_000_000
trades = st.lists(st.tuples(st.integers(0, 400_000), st.integers(90, 110), st.integers(1, 9)), max_size=80)


@given(trades, st.sampled_from(sorted(INTERVALS_NS)))
def test_candles_are_the_grouped_trades(script: list[tuple[int, int, int]], name: str) -> None:
    """First, highest, lowest, last, sum and number of each interval's trades; none where nothing traded."""
    candles, now, tape, span = Candles(), T0, [], INTERVALS_NS[name] // MS
    for wait, px, sz in script:
        now += wait
        candles.add(Px(px), sz, now)
        tape.append((now - now % span, px, sz))
    expected = []
    for open_ms, rows in groupby(tape, key=lambda row: row[0]):
        group = list(rows)
        pxs = [Px(px) for _, px, _ in group]
        expected.append(Candle(open_ms, pxs[0], max(pxs), min(pxs), pxs[-1], sum(sz for *_, sz in group), len(group)))
    assert candles.read(name) == tuple(expected)


def test_the_candle_around_the_start_is_included() -> None:
    """A span starting inside a candle includes it, and one ending before a candle does not (fact sheet 1.2)."""
    candles = Candles()
    minute = T0 - T0 % 60_000
    for index in range(4):
        candles.add(Px(100), 1, minute + index * 60_000)
    found = candles.read("1m", minute + 61_000, minute + 120_000)
    assert [candle.open_ms for candle in found] == [minute + 60_000, minute + 120_000]


def test_an_unknown_interval_is_refused() -> None:
    """There is no 7m."""
    with pytest.raises(KeyError):
        Candles().read("7m")
