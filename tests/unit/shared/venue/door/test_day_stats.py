"""The sums over the last day against all trades kept in a list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.units import Px, Sz
from shared.venue.core.events import TradeHappened
from shared.venue.door.day_stats import DayStats

DAY_MS = 86_400_000
MINUTE_MS = 60_000
STEPS = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 59_999, 60_000, 3_600_000, DAY_MS - MINUTE_MS, DAY_MS, 3 * DAY_MS)),
        st.integers(1, 10**9),
        st.integers(1, 10**6),
    ),
    min_size=1,
    max_size=60,
)


def _trade(time_ms: int, px: int, sz: int) -> TradeHappened:
    return TradeHappened(0, True, Px(px), Sz(sz), 1, "0x0", ("0x1", "0x2"), time_ms)


@given(STEPS, st.sampled_from((0, MINUTE_MS, DAY_MS - 1, DAY_MS, 2 * DAY_MS)))
def test_the_sums_are_those_of_the_minutes_of_a_day(steps: list[tuple[int, int, int]], later_ms: int) -> None:
    """Whatever the gaps: a minute counts until the whole day after it has passed, and the price is the last before."""
    stats, trades, now_ms = DayStats(), [], 1_700_000_000_000
    for gap_ms, px, sz in steps:
        now_ms += gap_ms
        trades.append((now_ms, px, sz))
        stats.add(_trade(now_ms, px, sz))
    now_ms += later_ms
    oldest = (now_ms - DAY_MS) // MINUTE_MS
    inside = [trade for trade in trades if trade[0] // MINUTE_MS >= oldest]
    before = [trade for trade in trades if trade[0] // MINUTE_MS < oldest]
    want_px = before[-1][1] if before else trades[0][1]
    assert stats.read(now_ms) == (sum(sz for _, _, sz in inside), sum(px * sz for _, px, sz in inside), want_px)


def test_a_full_day_goes_round() -> None:
    """Three days with a trade each minute: the last 24 hours and the minute that they began in."""
    stats = DayStats()
    for minute in range(3 * 1440):
        stats.add(_trade(minute * MINUTE_MS, 1 + minute, 2))
    assert stats.read((3 * 1440 - 1) * MINUTE_MS) == (2 * 1441, 2 * sum(range(2 * 1440, 3 * 1440 + 1)), 2 * 1440 - 1)
