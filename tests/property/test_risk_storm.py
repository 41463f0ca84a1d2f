"""Nine Hats at once against one limit, in short; `python -m tests.bench.storm_risk` makes a hundred seeds of it."""

from __future__ import annotations

import pytest

from shared.order import Side
from tests.bench.storm_risk import POSITION_LIMIT, Found, Live, Storm
from tests.unit.hats.risk_oversight_officer.scene import intent


@pytest.mark.parametrize("seed", range(4))
def test_nine_hats_at_once_never_exceed_one_limit(seed: int) -> None:
    """Fills, doubts, lost orders, late news: at no step is the exchange's worst case over the limits."""
    found = Storm(seed, 120).run()
    assert found.is_within, found
    assert found.proposed == 9 * 120
    assert found.fills
    assert found.doubted
    assert found.is_hard, "the limit was never reached, so nothing was tried"


def test_the_look_sees_an_order_too_many() -> None:
    """An order that nobody judged, put at the exchange, is seen."""
    storm = Storm(1, 1)
    wish = intent(1, Side.BUY, POSITION_LIMIT + 1)
    storm.live[wish.cloid] = Live(wish, POSITION_LIMIT + 1)
    storm._look()
    assert not storm.found.is_within
    assert Found().is_within
