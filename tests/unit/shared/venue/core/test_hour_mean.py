"""The mean of the last hour: exact where prices stood, and bounded in what it keeps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.units import HOUR, SECOND, Px
from shared.venue.core.hour_mean import HourMean

START = 1_700_000_000 * SECOND


def test_before_any_price_there_is_none() -> None:
    """Zero says so."""
    assert HourMean().value(START) == 0


def test_a_young_mean_counts_what_there_is() -> None:
    """Twenty minutes at 100, ten at 130: 110."""
    mean = HourMean()
    mean.note(START, Px(100))
    assert mean.value(START) == 100
    mean.note(START + HOUR // 3, Px(130))
    assert mean.value(START + HOUR // 2) == 110


def test_only_the_last_hour_counts() -> None:
    """Two hours at 100, then half an hour at 200: half of the last hour each."""
    mean = HourMean()
    mean.note(START, Px(100))
    mean.note(START + 2 * HOUR, Px(200))
    assert mean.value(START + 2 * HOUR + HOUR // 2) == 150
    assert mean.value(START + 9 * HOUR) == 200


@given(st.lists(st.tuples(st.integers(3, 2_000), st.integers(1, 10_000)), min_size=1, max_size=20), st.integers(1, 999))
def test_it_is_the_integral_of_the_price(steps: list[tuple[int, int]], more: int) -> None:
    """Against a sum over every second of the last hour."""
    mean, now, seconds = HourMean(), START, []
    for span, px in steps:
        mean.note(now, Px(px))
        now += span * SECOND
        seconds += [px] * span
    mean.note(now, Px(500))
    last = (seconds + [500] * more)[-3_600:]
    assert abs(mean.value(now + more * SECOND) - sum(last) / len(last)) <= 0.5 + 1e-9


def test_what_is_kept_is_bounded() -> None:
    """Prices ten times a second for two hours leave a point every three seconds of one."""
    mean = HourMean()
    for step in range(72_000):
        mean.note(START + step * SECOND // 10, Px(step + 1))
    assert len(mean._points) <= 1_202
