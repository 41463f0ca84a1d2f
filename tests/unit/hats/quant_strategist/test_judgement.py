"""Markouts."""

from __future__ import annotations

import pytest

from hats.quant_strategist.judgement import PendingMarkout, due_markouts
from shared.order import Side
from shared.units import Ns


def test_edge_is_what_the_later_mid_says() -> None:
    """A buy below the later mid earned, a sale below it lost; other coins and times wait; too late is dropped."""
    pending = [
        PendingMarkout(Ns(100), "BTC", Side.BUY, 100.0),
        PendingMarkout(Ns(100), "BTC", Side.SELL, 100.0),
        PendingMarkout(Ns(101), "BTC", Side.BUY, 100.0),
        PendingMarkout(Ns(100), "ETH", Side.BUY, 100.0),
        PendingMarkout(Ns(10), "BTC", Side.BUY, 1.0),
    ]
    waiting = pending[2:4]
    assert due_markouts(pending, "BTC", 100.1, Ns(100), 50) == [pytest.approx(10.0), pytest.approx(-10.0)]
    assert pending == waiting
