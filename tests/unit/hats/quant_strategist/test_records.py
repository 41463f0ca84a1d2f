"""What is heard of orders, in the books."""

from __future__ import annotations

from hats.quant_strategist.desk import Desk, StrategyState
from hats.quant_strategist.records import record_change, record_denial
from hats.quant_strategist.settings import Settings
from hats.quant_strategist.working import WorkingOrder
from shared.ids import Cloid, StrategyId, cloid_for
from shared.messages.order import OrderChanged
from shared.messages.risk import DenyReason, OrderDenied
from shared.order import OrderState, Side, Tif
from shared.units import MS, Ns, Px, Sz

MM = StrategyId("mm")
OLD, NEW = cloid_for(1, 0, 1), cloid_for(1, 0, 2)
SETTINGS = Settings(deny_pause_ms=100, deny_pause_max_ms=350)


def desk() -> Desk:
    """A resting order and the intent that is to replace it."""
    old = WorkingOrder(OLD, MM, "BTC", Side.BUY, Px(9), Sz(10), Tif.ALO, reduce_only=False, state=OrderState.RESTING)
    new = WorkingOrder(NEW, MM, "BTC", Side.BUY, Px(8), Sz(10), Tif.ALO, reduce_only=False)
    return Desk(strategies={MM: StrategyState()}, working={OLD: old, NEW: new})


def change(cloid: Cloid, state: OrderState, filled_sz: int = 0, strategy: StrategyId = MM) -> OrderChanged:
    """The Execution Manager's word."""
    return OrderChanged(cloid, strategy, "BTC", Side.BUY, Px(8), Sz(10), Sz(filled_sz), False, state, "test")


def denial(reason: DenyReason, cloid: Cloid = NEW) -> OrderDenied:
    """The Risk Officer's veto."""
    return OrderDenied(cloid, MM, "BTC", reason, 0, 0, "test")


def test_a_vetoed_replacement_leaves_the_old_order_free() -> None:
    """The intent is gone; the order it was to replace may be replaced again."""
    books = desk()
    record_denial(books, denial(DenyReason.POSITION_LIMIT), SETTINGS, Ns(0))
    assert list(books.working) == [OLD]
    assert books.working[OLD].is_settled()
    assert books.samples.values == {"denied_share": [0.0]}
    assert books.strategies[MM].last_denial is DenyReason.POSITION_LIMIT


def test_the_pause_doubles_with_each_veto_and_success_ends_it() -> None:
    """100, 200, 350 (the most), then 100 again after an order came to rest; passing reasons do not grow."""
    pauses = []
    state = StrategyState()
    for reason in [DenyReason.POSITION_LIMIT] * 3 + [DenyReason.STALE_DATA]:
        books = desk()
        books.strategies[MM] = state
        record_denial(books, denial(reason), SETTINGS, Ns(0))
        pauses.append(state.paused_until_ns / MS)
    assert pauses == [100, 200, 350, 100]
    record_change(books, change(OLD, OrderState.RESTING))
    assert state.denials_in_a_row == 0


def test_a_refused_replacement_leaves_the_old_order_free() -> None:
    """Rejected by the venue: the same, and it counts as an intent that was not vetoed and never filled."""
    books = desk()
    record_change(books, change(NEW, OrderState.REJECTED))
    assert books.working[OLD].is_settled()
    assert books.samples.values == {"denied_share": [0.0], "fill_rate": [0.0]}


def test_a_partial_fill_keeps_the_rest_working() -> None:
    """What is left shrinks; at the end the order counts as filled."""
    books = desk()
    record_change(books, change(OLD, OrderState.PARTIALLY_FILLED, 4))
    assert books.working[OLD].left_sz == 6
    record_change(books, change(OLD, OrderState.CANCELLED, 4))
    assert OLD not in books.working
    assert books.samples.values["fill_rate"] == [1.0]


def test_strangers_are_adopted_only_if_they_are_ours_and_open() -> None:
    """An open order of a strategy of ours is adopted; ended ones and the house's own are none of its business."""
    books = Desk(strategies={MM: StrategyState()})
    record_change(books, change(NEW, OrderState.CANCELLED))
    record_change(books, change(NEW, OrderState.RESTING, strategy=StrategyId("flatten")))
    assert not books.working
    record_change(books, change(OLD, OrderState.RESTING))
    assert list(books.working) == [OLD]
