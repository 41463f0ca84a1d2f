"""UTC dates without a clock."""

from __future__ import annotations

from typing import Final

_ERA_DAYS: Final = 146_097
"""Days in 400 years of the Gregorian calendar."""
_SHIFT: Final = 719_468
"""Days from 0000-03-01 to 1970-01-01; years that begin in March have their leap day last."""


def date_text(day: int) -> str:
    """`YYYY-MM-DD` of the day with that number since 1970. Source: Hinnant, "chrono-compatible date algorithms"."""
    era, day_of_era = divmod(day + _SHIFT, _ERA_DAYS)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    month = march_month + 3 if march_month < 10 else march_month - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{year:04d}-{month:02d}-{day_of_year - (153 * march_month + 2) // 5 + 1:02d}"
