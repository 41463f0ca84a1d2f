"""An Execution Manager that protects its positions, and what is told to it and asked of it about that."""

from __future__ import annotations

from typing import Any

from hats.execution_manager import ExecutionManager
from shared.ids import PROTECT, PROTECT_NUMBER, cloid_for
from shared.messages import AnyMessage
from shared.messages.order import AnswerKind, Fill, VenueOrder, VenueOrderStatus
from shared.messages.signal import OrderIntent
from shared.order import Side, Trigger, TriggerKind
from shared.units import Ns, Px, Sz, Usd
from tests.unit.hats.execution_manager import scene
from tests.unit.hats.execution_manager.scene import (
    NOW,
    PX,
    RUN,
    approval,
    features,
    ms,
    oid_of,
    say,
    wake,
)

SETTLED = NOW + ms(1_000)
TIDS = iter(range(1_000_000))


def manager(**changed: Any) -> ExecutionManager:
    """One that protects at five per cent and knows the market."""
    hat = scene.manager(**{"protect_stop_bps": 500} | changed)
    say(hat, features())
    return hat


def moved(hat: ExecutionManager, signed_sz: int, at: int = NOW, px: int = PX) -> list[AnyMessage]:
    """A fill moves the position of AAA."""
    side = Side.BUY if signed_sz > 0 else Side.SELL
    start = hat.state.positions.get("AAA", 0)
    tid = next(TIDS)
    fill = Fill(
        "AAA", side, Px(px), Sz(abs(signed_sz)), 5, cloid_for(RUN, 1, 900_000), tid, False, Usd(0), Usd(0), start,
        Ns(at + 1), Ns(at + 1),
    )  # fmt: skip
    return say(hat, fill, at)


def wishes(said: list[AnyMessage]) -> list[OrderIntent]:
    """Stops that are asked for in what was said."""
    return [m for m in said if isinstance(m, OrderIntent) and m.strategy == PROTECT]


def asked(hat: ExecutionManager, at: int) -> OrderIntent:
    """The one stop that is asked for when the deadline comes."""
    (wish,) = wishes(wake(hat, at))
    return wish


def protected(hat: ExecutionManager, at: int) -> OrderIntent:
    """The same, and it rests at the venue."""
    wish = asked(hat, at)
    say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
    say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
    return wish


def trigger_px(wish: OrderIntent) -> int:
    """What wakes it."""
    assert isinstance(wish.how, Trigger)
    return wish.how.px


def left_over(number: int, side: Side, sz: int, kind: TriggerKind = TriggerKind.STOP_LOSS) -> VenueOrder:
    """What an earlier run left at the venue, as that lists it."""
    cloid = cloid_for(RUN - 1, PROTECT_NUMBER, number)
    return VenueOrder(
        cloid, 70 + number, "AAA", side, Px(850_000), Sz(sz), Sz(sz), VenueOrderStatus.OPEN, "open", NOW, NOW,
        reduce_only=True, trigger=Trigger(Px(950_000 if kind is TriggerKind.STOP_LOSS else 1_100_000), kind),
    )  # fmt: skip


def placed(hat: ExecutionManager, at: int) -> dict[TriggerKind, OrderIntent]:
    """Everything that is asked for when the deadline comes rests at the venue."""
    found = {}
    for wish in wishes(wake(hat, at)):
        assert isinstance(wish.how, Trigger)
        found[wish.how.kind] = wish
        say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
        say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
    return found


def rests(hat: ExecutionManager, wish: OrderIntent, at: int) -> list[AnyMessage]:
    """What follows when a stop that was asked for rests at the venue."""
    said = say(hat, approval(wish, hat.state.last_approval_id + 1, at), at)
    return said + say(hat, scene.answer(wish, AnswerKind.RESTING, oid=oid_of(wish), at=at), at)
