"""Memories are bounded and right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect import numbers
from hats.exchange_architect.memory import Seen
from hats.exchange_architect.numbers import Spelled, exact
from shared.errors import UnitError


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 10))
def test_seen_is_a_window_of_the_newest(keys: list[int], limit: int) -> None:
    """A key is new unless it is among the last `limit` that were new."""
    seen, window = Seen(limit), list[int]()
    for key in keys:
        assert seen.is_new(key) == (key not in window)
        if key not in window:
            window = [*window, key][-limit:]


def test_spelled_reads_right_beyond_its_limit() -> None:
    """It forgets all when full and stays right; unsound texts are never kept."""
    spelled = Spelled(1)
    for number in range(numbers._REMEMBERED + 10):
        assert spelled[f"{number}.0"] == number * 10
    assert len(spelled) == 10
    for _ in range(2):
        with pytest.raises(UnitError):
            spelled["0.05"]
    assert len(spelled) == 10


_TEXTS = st.one_of(
    st.from_regex(r"-?[0-9]{0,20}(\.[0-9]{0,12})?", fullmatch=True),
    st.text("0123456789.-+eE _\u0661\u00b2\x00", max_size=24),
)


@given(_TEXTS, st.integers(0, 8))
def test_spelled_is_exact(text: str, decimals: int) -> None:
    """It reads what `exact` reads, as the same number, and refuses what `exact` refuses."""
    try:
        wanted: int | None = exact(text, decimals)
    except UnitError:
        wanted = None
    if wanted is None:
        with pytest.raises(UnitError):
            Spelled(decimals)[text]
    else:
        assert Spelled(decimals)[text] == wanted
