"""Candles agree with the trades they are made of."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.intervals import INTERVALS_NS, end_ms_of, open_ms_at
from shared.units import Px
from shared.venue.core.candles import Candle, Candles, without_gaps

T0 = 1_700_000_000_000
trades = st.lists(st.tuples(st.integers(0, 400_000), st.integers(90, 110), st.integers(1, 9)), max_size=80)


@given(trades, st.sampled_from(sorted(INTERVALS_NS)))
def test_candles_are_the_grouped_trades(script: list[tuple[int, int, int]], name: str) -> None:
    """First, highest, lowest, last, sum and number of each interval's trades; none where nothing traded."""
    candles, now, tape = Candles(), T0, []
    for wait, px, sz in script:
        now += wait
        candles.add(Px(px), sz, now)
        tape.append((open_ms_at(name, now), px, sz))
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


@given(trades, st.sampled_from(["1m", "5m", "1M"]), st.integers(0, 10**7), st.integers(0, 10**7))
def test_without_gaps_every_interval_has_a_candle(
    script: list[tuple[int, int, int]], name: str, after_ms: int, span_ms: int
) -> None:
    """Candles follow each other without a hole up to the end, traded ones are kept, flat ones repeat the close."""
    candles, now = Candles(), T0
    for wait, px, sz in script:
        now += wait
        candles.add(Px(px), sz, now)
    start_ms, end_ms = T0 + after_ms, T0 + after_ms + span_ms
    rows = candles.read(name, 0, end_ms)
    found = without_gaps(rows, name, start_ms, end_ms)
    assert [row for row in found if row.n] == list(candles.read(name, start_ms, end_ms))
    for before, after in pairwise(found):
        assert after.open_ms == end_ms_of(name, before.open_ms)
        px = before.close_px
        assert after.n or after == Candle(after.open_ms, px, px, px, px, 0, 0)
    if rows:
        first_ms = max(rows[0].open_ms, open_ms_at(name, start_ms))
        assert (found[0].open_ms, found[-1].open_ms) == (first_ms, open_ms_at(name, end_ms))
