"""What closes or only reduces: which controls do not hold it up."""

from __future__ import annotations

import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from shared.ids import FLATTEN, PROTECT
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.messages.signal import Regime, RegimeUpdate
from shared.order import OrderState, Side
from shared.units import MS, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    changed,
    features,
    held,
    intent,
    judged,
    ledger,
    officer,
    say,
)


@pytest.mark.parametrize("side", list(Side))
def test_closing_everything_does_not_wait_for_our_own_order_in_doubt(side: Side) -> None:
    """An exit passes an order of ours that may not exist any more; the venue cancels what rests, and nobody trades."""
    hat = officer()
    held(hat, side, 30, 1)
    assert isinstance(judged(hat, intent(2, side)), OrderApproved)
    wish = intent(3, side.opposite, 30, reduce_only=True)
    denial = judged(hat, wish)
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.SELF_MATCH
    exit_ = intent(4, side.opposite, 30, reduce_only=True, strategy=FLATTEN, strategy_number=0xFFFF)
    assert isinstance(judged(hat, exit_), OrderApproved)


def test_flatten_is_not_held_back_by_size_rate_or_number() -> None:
    """Closing everything ignores the limits that bound how much is done, never the price collar."""
    hat = officer(order_limit_usd=50, order_rate_limit=1, open_orders_limit=1)
    hat.state.exposure("AAA").move(500)
    assert isinstance(judged(hat, intent(1, coin="BBB")), OrderApproved)
    exit_ = {"reduce_only": True, "strategy": FLATTEN, "strategy_number": 0xFFFF}
    assert isinstance(judged(hat, intent(2, Side.SELL, 400, px=PX // 2, **exit_)), OrderDenied)  # type: ignore[arg-type]
    assert isinstance(judged(hat, intent(3, Side.SELL, 400, **exit_)), OrderApproved)  # type: ignore[arg-type]


def sells(hat: RiskOversightOfficer, sz: int, state: OrderState) -> None:
    """Let an order to sell so many lots be approved, and be heard of in this state."""
    wish = intent(2, Side.SELL, sz, PX + 1_000)
    assert isinstance(judged(hat, wish), OrderApproved)
    say(hat, changed(wish, state))


def test_closing_everything_waits_for_no_word_on_money() -> None:
    """What closes a position passes although orders in doubt could open it again the other way, and equity is old."""
    hat = officer(equity_age_limit_ms=1_000, daily_volume_limit_usd=100)
    held(hat, Side.BUY, 20, 1)
    sells(hat, 60, OrderState.UNKNOWN)
    later = Ns(NOW + 2_000 * MS)
    say(hat, features(recv_ns=later), later)
    exit_ = intent(3, Side.SELL, 20, reduce_only=True, recv_ns=later, strategy=FLATTEN, strategy_number=0xFFFF)
    assert isinstance(judged(hat, exit_, later), OrderApproved)
    adding = judged(hat, intent(4, Side.SELL, 20, PX + 1_000, recv_ns=later), later)
    assert isinstance(adding, OrderDenied)


@pytest.mark.parametrize("is_turbulent", [False, True])
def test_closing_and_stops_need_no_room_within_the_position_limit(is_turbulent: bool) -> None:
    """What rests on the closing side would go beyond once the position is closed; the house closes all the same."""
    hat = officer(position_limit_usd=50 if is_turbulent else 25)
    held(hat, Side.BUY, 20, 1)
    sells(hat, 45 if is_turbulent else 40, OrderState.UNKNOWN)
    if is_turbulent:
        say(hat, RegimeUpdate("AAA", NOW, 1, Regime.TURBULENT, (0.0, 0.0, 1.0), 0.0))
    own = judged(hat, intent(3, Side.SELL, 20, reduce_only=True))
    assert isinstance(own, OrderDenied), "a strategy takes back first what rests"
    assert own.reason is DenyReason.POSITION_LIMIT
    for number, house in enumerate((FLATTEN, PROTECT), 4):
        exit_ = intent(number, Side.SELL, 20, reduce_only=True, strategy=house, strategy_number=0xFFF0 + number)
        assert isinstance(judged(hat, exit_), OrderApproved)


def test_what_only_reduces_waits_for_no_word_on_money() -> None:
    """A strategy's own, too, although what rests on its side could open a position once it has closed this one."""
    hat = officer(equity_usd=1_000, daily_loss_limit_bps=500)
    held(hat, Side.BUY, 100, 1)
    sells(hat, 20, OrderState.RESTING)
    say(hat, ledger(940))
    assert isinstance(judged(hat, intent(3, Side.SELL, 100, reduce_only=True)), OrderApproved)
    adding = judged(hat, intent(4, Side.SELL, 110, PX + 1_000))
    assert isinstance(adding, OrderDenied)
    assert adding.reason is DenyReason.REDUCING_ONLY
