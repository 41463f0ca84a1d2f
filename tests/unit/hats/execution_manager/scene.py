"""An Execution Manager at work on coins whose lot is worth exactly one USDC, and the messages that it hears."""

from __future__ import annotations

from hats.execution_manager import ExecutionManager, Settings
from hats.execution_manager.records import Order
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, RunningTwap, VenuePosition
from shared.messages.control import Armed, Started, WakeAt, Woke
from shared.messages.market import FeedState, FeedStatus, UniverseUpdate
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    ActionSent,
    AnswerKind,
    CancelOrder,
    Fill,
    OrderChanged,
    SubmitOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.messages.risk import OrderApproved
from shared.messages.signal import FeatureUpdate, OrderIntent
from shared.order import Side, Tif, Trigger
from shared.units import MS, SECOND, Ns, Px, Sz, Usd

EM = Role.EXECUTION_MANAGER
RUN = 7
PX = Px(1_000_000)
NOW = Ns(1_000 * SECOND)
COINS = ("AAA", "BBB")
STRATEGY = StrategyId("mm")
LATER = Ns(NOW + 60 * SECOND)


def snapshot_of(
    positions: dict[str, int] | None = None, orders: tuple[VenueOrder, ...] = (), fills: tuple[Fill, ...] = (),
    at: int = NOW, *, twaps: tuple[RunningTwap, ...] | None = (),
) -> AccountSnapshot:  # fmt: skip
    """The account as read at `at`."""
    held = tuple(VenuePosition(coin, net_sz, Usd(net_sz * PX), 5) for coin, net_sz in sorted((positions or {}).items()))
    return AccountSnapshot(Usd(0), Usd(0), Usd(0), held, orders, fills, Ns(at), Ns(at), twaps)


def manager(*, is_open: bool = True, **changed: object) -> ExecutionManager:
    """An armed manager whose books are open and flat, with everything said so far out of the way."""
    hat = ExecutionManager(Settings.model_validate(changed))
    listed = tuple(Instrument(coin, n, 0, 50) for n, coin in enumerate(COINS))
    opening: list[AnyMessage] = [
        Started(EM, RUN, NOW),
        UniverseUpdate(listed, 4500, 1500, NOW),
        FeedStatus(FeedState.UP, 1, "test", NOW),
        Armed("test"),
    ]
    for message in [*opening, *([snapshot_of()] if is_open else [])]:
        say(hat, message)
    return hat


def say(hat: ExecutionManager, message: AnyMessage, now: int = NOW) -> list[AnyMessage]:
    """What the manager says."""
    return list(hat.handle(message, Ns(now)))


def wake(hat: ExecutionManager, now: int) -> list[AnyMessage]:
    """What the manager says when its deadline timer fires."""
    return say(hat, Woke(EM, "deadlines", Ns(now)), now)


def intent(
    number: int, side: Side = Side.BUY, sz: int = 20, px: int = PX, *, coin: str = "AAA", tif: Tif = Tif.GTC,
    reduce_only: bool = False, replaces: Cloid | None = None,
) -> OrderIntent:  # fmt: skip
    """The `number`-th wish of a strategy."""
    return OrderIntent(
        cloid_for(RUN, 1, number), STRATEGY, coin, side, Px(px), Sz(sz), tif, reduce_only, replaces, NOW, "test"
    )  # fmt: skip


def approval(wish: OrderIntent, number: int, now: int = NOW) -> OrderApproved:
    """The officer's word, good for two seconds."""
    return OrderApproved(wish, number, Ns(now + 2 * SECOND))


def sent(hat: ExecutionManager, wish: OrderIntent, now: int = NOW) -> OrderIntent:
    """Let the manager send the order; its bytes are on the wire."""
    said = say(hat, approval(wish, hat.state.last_approval_id + 1, now), now)
    assert isinstance(said[0], SubmitOrder)
    say(hat, ActionSent(wish.cloid, 1, Ns(now)), now)
    return wish


def resting(hat: ExecutionManager, wish: OrderIntent, now: int = NOW) -> OrderIntent:
    """Let the manager send the order and hear that it rests."""
    sent(hat, wish, now)
    say(hat, answer(wish, AnswerKind.RESTING, oid=oid_of(wish)), now)
    return wish


def oid_of(wish: OrderIntent) -> int:
    """The venue's id of the order that comes of a wish."""
    return 1_000 + int(wish.cloid[22:], 16)


def answer(
    wish: OrderIntent, kind: AnswerKind, *, of: ActionKind = ActionKind.ORDER, oid: int = 0, filled_sz: int = 0,
    error: str = "", at: int = NOW,
) -> ActionAnswered:  # fmt: skip
    """The venue's answer to an action about the order of `wish`."""
    return ActionAnswered(of, wish.cloid, 1, kind, oid, Sz(filled_sz), error, Ns(at))


def told(wish: OrderIntent, status: VenueOrderStatus, left_sz: int = 0, at: int = NOW, said: str = "") -> VenueOrder:
    """The venue's word on the order of `wish`, with all that its list of open orders tells."""
    oid = 0 if status is VenueOrderStatus.UNKNOWN_OID else oid_of(wish)
    return VenueOrder(
        wish.cloid, oid, wish.coin, wish.side, wish.px, Sz(left_sz), wish.sz, status, said or status, Ns(at), Ns(at),
        wish.reduce_only, wish.how if isinstance(wish.how, Trigger) else None,
    )  # fmt: skip


def fill(wish: OrderIntent, sz: int, tid: int, *, start: int = 0, at: int = NOW + 1, cloid: bool = True) -> Fill:
    """A fill of the order of `wish`; without its cloid it is known by its oid alone."""
    return Fill(
        wish.coin, wish.side, wish.px, Sz(sz), oid_of(wish), wish.cloid if cloid else None, tid, False, Usd(0), Usd(0),
        start, Ns(at), Ns(at),
    )  # fmt: skip


def features(coin: str = "AAA", mid_px: int = PX, at: int = NOW) -> FeatureUpdate:
    """Features of a book one tick wide on each side of `mid_px`."""
    bid, ask = Px(mid_px - 100), Px(mid_px + 100)
    return FeatureUpdate(
        coin, Ns(at), Ns(at), bid, ask, 1.0, 1.0, 2.0, 1e6, 1e6, 0.0, 0.0, 1e4, 1.0, 1.0
    )  # fmt: skip


def record(hat: ExecutionManager, wish: OrderIntent) -> Order:
    """The manager's record of the order of `wish`."""
    order = hat.state.find(wish.cloid, 0)
    assert order is not None
    return order


def changes(said: list[AnyMessage]) -> list[tuple[str, int]]:
    """(state, filled) of every OrderChanged in what was said."""
    return [(str(m.state), m.filled_sz) for m in said if isinstance(m, OrderChanged)]


def cancels(said: list[AnyMessage]) -> list[Cloid]:
    """What is asked to be cancelled in what was said."""
    return [m.cloid for m in said if isinstance(m, CancelOrder)]


def next_wake(said: list[AnyMessage]) -> Ns | None:
    """When the deadline timer is asked for in what was said."""
    return next((m.ns for m in said if isinstance(m, WakeAt) and m.timer == "deadlines"), None)


def ms(count: int) -> int:
    """Nanoseconds."""
    return count * MS
