"""A venue in small, for a wire that loses, delays, repeats and reorders: what the Execution Manager lives with."""

from __future__ import annotations

import msgspec

from shared.ids import Cloid
from shared.messages import AnyMessage
from shared.messages.account import AccountSnapshot, VenuePosition
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    ActionSent,
    AnswerKind,
    CancelOrder,
    FenceOrder,
    Fill,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    VenueOrder,
    VenueOrderStatus,
)
from shared.order import Side, Tif
from shared.units import USD, Ns, Px, Sz, Usd


class Copy(msgspec.Struct, frozen=True):
    """The bytes of an order, sent again: the same nonce."""

    order: SubmitOrder

    @property
    def cloid(self) -> Cloid:
        """Whose bytes."""
        return self.order.cloid


Action = SubmitOrder | CancelOrder | FenceOrder | Copy
GONE = "Order was never placed, already canceled, or filled. asset=0"


class Truth(msgspec.Struct):
    """An order as it really is."""

    action: SubmitOrder
    oid: int
    status: VenueOrderStatus
    left_sz: int

    @property
    def is_live(self) -> bool:
        """May it still trade?"""
        return self.status is VenueOrderStatus.OPEN

    @property
    def filled_sz(self) -> int:
        """What it traded."""
        return self.action.sz - self.left_sz


class Reading(msgspec.Struct):
    """An account that is being read. `live` None: its orders are still to come."""

    query: QueryAccount
    begun_ns: Ns
    held: tuple[VenuePosition, ...]
    live: tuple[VenueOrder, ...] | None = None


class TinyVenue:
    """Orders, positions and fills as they really are. Its clock moves on with every event."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.orders: dict[Cloid, Truth] = {}
        self.net: dict[str, int] = {}
        self.fills: list[Fill] = []
        self.accepted: list[Cloid] = []
        self.spent: set[Cloid] = set()
        """Orders whose nonce is used, by themselves or by a noop."""

    def tick(self) -> Ns:
        """The time of the next event."""
        self.now += 1
        return Ns(self.now)

    def take(self, action: Action, *, refuse: bool) -> tuple[ActionAnswered, list[AnyMessage]]:
        """The answer to an action that arrives, and what is pushed because of it."""
        self.tick()
        if isinstance(action, CancelOrder):
            return self._cancel(action)
        kind = kind_of(action)
        if action.cloid in self.spent:
            return self._answer(kind, action.cloid, AnswerKind.NONCE_USED, error="Invalid nonce: duplicate nonce"), []
        self.spent.add(action.cloid)
        if isinstance(action, FenceOrder):
            return self._answer(kind, action.cloid, AnswerKind.FENCED), []
        is_copy, action = isinstance(action, Copy), action.order if isinstance(action, Copy) else action
        if self.now > action.expires_ns:
            # whoever sends bytes again learns nothing of the first copy from a refusal
            expired = AnswerKind.NO_ANSWER if is_copy else AnswerKind.REFUSED
            return self._answer(kind, action.cloid, expired, error="Action already expired"), []
        if action.replaces is not None:
            return self._modify(action, refuse=refuse)
        return self._place(action, ActionKind.ORDER, refuse=refuse)

    def trade(self, cloid: Cloid, sz: int) -> list[AnyMessage]:
        """Part of an order trades; what is pushed."""
        order = self.orders[cloid]
        action, at = order.action, self.tick()
        start = self.net.get(action.coin, 0)
        self.net[action.coin] = start + action.side.value * sz
        order.left_sz -= sz
        fill = Fill(
            action.coin, action.side, action.px, Sz(sz), order.oid, cloid, 10_000 + len(self.fills), False, Usd(0),
            Usd(0), start, at, at,
        )  # fmt: skip
        self.fills.append(fill)
        pushed: list[AnyMessage] = [fill]
        if not order.left_sz:
            order.status = VenueOrderStatus.FILLED
            pushed.append(self.word(cloid))
        return pushed

    def end(self, cloid: Cloid) -> list[AnyMessage]:
        """The venue cancels an order by itself; what is pushed."""
        self.tick()
        self.orders[cloid].status = VenueOrderStatus.CANCELLED
        return [self.word(cloid)]

    def read(self, query: QueryOrder | QueryAccount) -> AnyMessage:
        """The truth, as asked."""
        if isinstance(query, QueryOrder):
            return self.word(query.cloid)
        reading = self.read_positions(query)
        self.read_orders(reading)
        return self.read_fills(reading)

    def read_positions(self, query: QueryAccount) -> Reading:
        """The account takes three readings, and things may happen between them: the first."""
        net = sorted(self.net.items())
        held = tuple(VenuePosition(coin, net_sz, Usd(net_sz * USD), 5) for coin, net_sz in net if net_sz)
        return Reading(query, self.tick(), held)

    def read_orders(self, reading: Reading) -> None:
        """The second."""
        reading.live = tuple(self.word(cloid) for cloid, order in sorted(self.orders.items()) if order.is_live)

    def read_fills(self, reading: Reading) -> AccountSnapshot:
        """The last."""
        fills = tuple(fill for fill in self.fills if fill.exch_ns >= reading.query.fills_since_ns)
        zero, at = Usd(0), reading.begun_ns
        since_ns = reading.query.fills_since_ns
        return AccountSnapshot(zero, zero, zero, reading.held, reading.live or (), fills, at, at, (), since_ns)

    def word(self, cloid: Cloid) -> VenueOrder:
        """What it says of an order now."""
        at = Ns(self.now)
        order = self.orders.get(cloid)
        if order is None:
            zero = Sz(0)
            unknown = VenueOrderStatus.UNKNOWN_OID
            return VenueOrder(cloid, 0, "", Side.BUY, Px(0), zero, zero, unknown, "unknownOid", at, at)
        a = order.action
        return VenueOrder(
            cloid, order.oid, a.coin, a.side, a.px, Sz(order.left_sz), a.sz, order.status, order.status, at, at
        )  # fmt: skip

    def _place(self, action: SubmitOrder, kind: ActionKind, *, refuse: bool) -> tuple[ActionAnswered, list[AnyMessage]]:
        assert action.cloid not in self.accepted, "a second order for one intent"
        self.accepted.append(action.cloid)
        status = VenueOrderStatus.REJECTED if refuse else VenueOrderStatus.OPEN
        self.orders[action.cloid] = Truth(action, 100 + len(self.accepted), status, action.sz)
        pushed: list[AnyMessage] = [self.word(action.cloid)]
        if refuse:
            return self._answer(kind, action.cloid, AnswerKind.REFUSED, error="Insufficient margin"), pushed
        if action.tif is Tif.IOC:
            return self._take_at_once(action, kind, pushed)
        return self._answer(kind, action.cloid, AnswerKind.RESTING), pushed

    def _take_at_once(
        self, action: SubmitOrder, kind: ActionKind, pushed: list[AnyMessage]
    ) -> tuple[ActionAnswered, list[AnyMessage]]:
        """Nothing, a part or all of it trades, one after the other, and the rest is gone."""
        order = self.orders[action.cloid]
        sz = action.sz * (order.oid % 3) // 2
        if not sz:
            order.status = VenueOrderStatus.REJECTED
            error = "Order could not immediately match against any resting orders."
            return self._answer(kind, action.cloid, AnswerKind.REFUSED, error=error), [self.word(action.cloid)]
        pushed += self.trade(action.cloid, sz)
        pushed += self.end(action.cloid) if order.is_live else []
        answer = self._answer(kind, action.cloid, AnswerKind.FILLED)
        return msgspec.structs.replace(answer, filled_sz=Sz(sz)), pushed

    def _modify(self, action: SubmitOrder, *, refuse: bool) -> tuple[ActionAnswered, list[AnyMessage]]:
        assert action.replaces is not None
        old = self.orders.get(action.replaces)
        if old is None or not old.is_live:
            error = "Cannot modify canceled or filled order"
            return self._answer(ActionKind.MODIFY, action.cloid, AnswerKind.REFUSED, error=error), []
        gone = self.end(action.replaces)
        answer, pushed = self._place(action, ActionKind.MODIFY, refuse=refuse)
        return answer, [*pushed, *gone]

    def _cancel(self, action: CancelOrder) -> tuple[ActionAnswered, list[AnyMessage]]:
        if self.now > action.expires_ns:
            return self._answer(ActionKind.CANCEL, action.cloid, AnswerKind.REFUSED, error="Action already expired"), []
        order = self.orders.get(action.cloid)
        if order is None or not order.is_live:
            return self._answer(ActionKind.CANCEL, action.cloid, AnswerKind.REFUSED, error=GONE), []
        pushed = self.end(action.cloid)
        return self._answer(ActionKind.CANCEL, action.cloid, AnswerKind.CANCELLED), pushed

    def _answer(self, kind: ActionKind, cloid: Cloid, answer: AnswerKind, *, error: str = "") -> ActionAnswered:
        order = self.orders.get(cloid)
        return ActionAnswered(kind, cloid, 1, answer, order.oid if order else 0, Sz(0), error, Ns(self.now))


def kind_of(action: Action) -> ActionKind:
    """What the action does."""
    match action:
        case CancelOrder():
            return ActionKind.CANCEL
        case FenceOrder():
            return ActionKind.FENCE
        case Copy(order=order):
            return kind_of(order)
        case SubmitOrder():
            return ActionKind.ORDER if action.replaces is None else ActionKind.MODIFY


def no_answer(action: Action, now: int) -> ActionAnswered:
    """What the gateway says when it waited in vain."""
    return ActionAnswered(kind_of(action), action.cloid, 1, AnswerKind.NO_ANSWER, 0, Sz(0), "timed out", Ns(now))


def on_wire(action: Action, now: int) -> ActionSent:
    """What the gateway says when the bytes are out."""
    return ActionSent(action.cloid, 1, Ns(now))
