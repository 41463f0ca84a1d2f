"""Dates without a clock."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.venue.door.calendar import date_text

EPOCH = date(1970, 1, 1).toordinal()


@given(st.integers(0, 200_000))
def test_every_day_has_the_calendar_date(day: int) -> None:
    """The standard library's calendar says the same."""
    assert date_text(day) == date.fromordinal(EPOCH + day).isoformat()
