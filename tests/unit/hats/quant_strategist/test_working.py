"""Our own record of an order."""

from __future__ import annotations

import pytest

from hats.quant_strategist.working import WorkingOrder, adopted_from
from shared.ids import StrategyId, cloid_for
from shared.messages.order import OrderChanged
from shared.order import OrderState, Side, Tif
from shared.units import Ns, Px, Sz

MM = StrategyId("mm")


def order(state: OrderState, tif: Tif = Tif.ALO, cancel_ns: int = 0) -> WorkingOrder:
    """An order in a state."""
    return WorkingOrder(
        cloid_for(1, 0, 1),
        MM,
        "BTC",
        Side.BUY,
        Px(1),
        Sz(10),
        tif,
        reduce_only=False,
        state=state,
        cancel_ns=Ns(cancel_ns),
    )


@pytest.mark.parametrize(
    ("state", "tif", "possible"),
    [
        (OrderState.NEW, Tif.ALO, False),
        (OrderState.PENDING_SUBMIT, Tif.ALO, True),
        (OrderState.PENDING_SUBMIT, Tif.IOC, False),
        (OrderState.RESTING, Tif.ALO, True),
        (OrderState.UNKNOWN, Tif.GTC, True),
        (OrderState.PENDING_CANCEL, Tif.ALO, False),
    ],
)
def test_a_cancel_is_asked_for_only_where_it_can_help(state: OrderState, tif: Tif, possible: bool) -> None:
    """Not before the order left us, not for what ends by itself, not while one is under way."""
    assert order(state, tif).can_be_cancelled(Ns(100), 50) is possible


def test_a_cancel_is_repeated_after_a_while() -> None:
    """Asked at 60, it may be asked again at 110, not before."""
    asked = order(OrderState.RESTING, cancel_ns=60)
    assert not asked.can_be_cancelled(Ns(109), 50)
    assert asked.can_be_cancelled(Ns(110), 50)
    assert not asked.is_settled()


def test_an_unknown_order_of_ours_is_adopted() -> None:
    """All that was said is kept; its time in force is not ALO, so it will be cancelled rather than modified."""
    change = OrderChanged(
        cloid_for(1, 0, 9), MM, "BTC", Side.SELL, Px(5), Sz(8), Sz(3), False, OrderState.PARTIALLY_FILLED, "found"
    )
    adopted = adopted_from(change)
    assert (adopted.left_sz, adopted.tif, adopted.is_settled()) == (5, Tif.GTC, True)
