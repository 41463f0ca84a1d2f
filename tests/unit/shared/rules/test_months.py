"""Months begin and end as the calendar says."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.rules.months import month_end_ms, month_open_ms

moments = st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments)
def test_a_month_is_the_calendars(moment: datetime) -> None:
    """The month that contains a moment starts on its first day and ends where the next one starts."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    opened = month_open_ms(int(moment.timestamp() * 1_000))
    assert opened == round(first.timestamp() * 1_000)
    assert month_end_ms(opened) == round(following.timestamp() * 1_000)
