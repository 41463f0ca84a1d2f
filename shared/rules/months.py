"""Calendar months in milliseconds of UTC, without a clock."""

from __future__ import annotations

from typing import Final

from shared.units import DAY, MS

_DAY_MS: Final = DAY // MS
_DAYS_400_YEARS: Final = 146_097


def month_open_ms(now_ms: int) -> int:
    """The start of the month that contains `now_ms`."""
    year, month = _month_of(now_ms // _DAY_MS)
    return _day_of(year, month) * _DAY_MS


def month_end_ms(open_ms: int) -> int:
    """The start of the month after the one that starts at `open_ms`."""
    year, month = _month_of(open_ms // _DAY_MS)
    return (_day_of(year + 1, 1) if month == 12 else _day_of(year, month + 1)) * _DAY_MS


def _month_of(day: int) -> tuple[int, int]:
    """(year, month) of a day counted from 1970-01-01. Source: the civil calendar's 400-year cycle from March 1."""
    era, in_era = divmod(day + 719_468, _DAYS_400_YEARS)
    year = (in_era - in_era // 1_460 + in_era // 36_524 - in_era // 146_096) // 365
    in_year = in_era - (365 * year + year // 4 - year // 100)
    march_month = (5 * in_year + 2) // 153
    month = march_month + 3 if march_month < 10 else march_month - 9
    return era * 400 + year + (month <= 2), month


def _day_of(year: int, month: int) -> int:
    """The first of the month, counted in days from 1970-01-01."""
    years = year - (month <= 2)
    era, in_era = divmod(years, 400)
    in_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    return era * _DAYS_400_YEARS + 365 * in_era + in_era // 4 - in_era // 100 + in_year - 719_468
