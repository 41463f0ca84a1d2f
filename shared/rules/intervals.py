"""The candles' intervals: how long each is and where it begins, and how many candles the venue keeps."""

from __future__ import annotations

from typing import Final

from shared.rules.months import month_end_ms, month_open_ms
from shared.units import DAY, HOUR, MINUTE, MS

KEPT_CANDLES: Final = 5_000
SETTLED_MS: Final = 10_000
"""So long after its end an interval counts as final, whatever our clock is off."""
INTERVALS_NS: Final[dict[str, int]] = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": 7 * DAY,
    "1M": 0,
}
"""All are counted from 1970-01-01, weeks therefore begin on Thursdays, as the venue's do; but months have no length."""


def open_ms_at(name: str, now_ms: int) -> int:
    """When the candle of interval `name` that contains `now_ms` began."""
    span_ms = INTERVALS_NS[name] // MS
    return now_ms - now_ms % span_ms if span_ms else month_open_ms(now_ms)


def end_ms_of(name: str, open_ms: int) -> int:
    """When the candle of interval `name` that began at `open_ms` ends, exclusively."""
    span_ms = INTERVALS_NS[name] // MS
    return open_ms + span_ms if span_ms else month_end_ms(open_ms)


def ended_ms_at(name: str, now_ms: int) -> int:
    """The end, exclusively, of the last candle of interval `name` that is final at `now_ms`."""
    return open_ms_at(name, now_ms - SETTLED_MS)
