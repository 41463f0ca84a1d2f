"""Orders on their way to the venue and back. An action is one signed request; it may carry several entries."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.approval import Ticket
from shared.ids import Cloid, StrategyId
from shared.messages.message import Lane, Message
from shared.order import How, OrderState, Side, Tif, Trigger
from shared.units import Ns, Px, Sz, Usd


class SubmitOrder(Message, frozen=True):
    """Place one approved order (instead of `replaces`, if given). The venue refuses it after `expires_ns`."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid
    approval_id: int
    coin: str
    asset: int
    sz_decimals: int
    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool
    replaces: Cloid | None
    expires_ns: Ns
    how: How | None = None


class CancelOrder(Message, frozen=True):
    """Cancel one order by its cloid; the venue's own TWAP, which has none there, by its `twap_id`."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid
    coin: str
    asset: int
    expires_ns: Ns
    twap_id: int | None = None


class FenceOrder(Message, frozen=True):
    """Spend the nonce of this order on a noop: whichever of the two the venue takes, the other can never act."""

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid


class ResendOrder(Message, frozen=True):
    """Send the order's signed bytes once more, the very same: their nonce lets the venue act on one copy at most."""

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid


class QueryOrder(Message, frozen=True):
    """Ask the venue what became of an order. `decides`: any answer is proof, so it may use the weight held for it."""

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid
    decides: bool = False


class QueryTwap(Message, frozen=True):
    """Ask the venue what became of its own TWAP.

    Without `twap_id`: of one like this, placed since `since_ns`, which is none of `others`: those are known to be other
    orders of ours. `decides` as in QueryOrder.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid
    twap_id: int | None
    coin: str
    side: Side
    sz: Sz
    since_ns: Ns
    others: tuple[int, ...] = ()
    decides: bool = False


class QueryAccount(Message, frozen=True):
    """Ask the venue for open orders, positions, money, fills since `fills_since_ns`, and TWAPs if `with_twaps`."""

    lane: ClassVar[Lane] = Lane.ORDER

    fills_since_ns: Ns
    reason: str
    with_twaps: bool = False
    decides: bool = False  # an order in doubt, or the end of a drain, lacks nothing else


class ReadOrder(Message, frozen=True):
    """To our own gateway: read this order's status now."""

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid


class ReadTwaps(Message, frozen=True):
    """To our own gateway: read the venue's history of TWAPs now, and tell what it says of each that was asked about."""

    lane: ClassVar[Lane] = Lane.ORDER

    queries: tuple[QueryTwap, ...]


class ReadAccount(Message, frozen=True):
    """To our own gateway: read the account, with fills since `fills_since_ns` and, if asked for, the TWAPs at work."""

    lane: ClassVar[Lane] = Lane.ORDER

    fills_since_ns: Ns
    with_twaps: bool = False


class ReadAllowance(Message, frozen=True):
    """To our own gateway: read how many requests the address has used and may use."""

    lane: ClassVar[Lane] = Lane.ORDER


class AllowanceTold(Message, frozen=True):
    """The venue's own count: requests that the address has used, and how many it may use in all."""

    lane: ClassVar[Lane] = Lane.ORDER

    used: int
    cap: int
    recv_ns: Ns


class ActionKind(StrEnum):
    """What a signed request does."""

    ORDER = "order"
    MODIFY = "modify"
    CANCEL = "cancel"
    FENCE = "fence"
    TWAP = "twap"
    TWAP_CANCEL = "twap_cancel"

    @property
    def places(self) -> bool:
        """Does it bring an order to the venue?"""
        return self in (ActionKind.ORDER, ActionKind.MODIFY, ActionKind.TWAP)

    @property
    def cancels(self) -> bool:
        """Does it take an order away?"""
        return self in (ActionKind.CANCEL, ActionKind.TWAP_CANCEL)


class SignRequest(Message, frozen=True):
    """To our own signer: sign this action with this nonce. `action` is the venue's JSON, fields in signing order.

    `cloid` is the order of its first entry, `mates` are those of the others, in order. `tickets` are the approvals that
    its orders stand on, one each, in their order. `is_repeated`: it was asked before a restart, perhaps with an answer.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    kind: ActionKind
    cloid: Cloid
    nonce: int
    expires_after_ms: int
    action: bytes
    tickets: tuple[Ticket, ...] = ()
    mates: tuple[Cloid, ...] = ()
    is_repeated: bool = False

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """The orders of its entries, in their order."""
        return (self.cloid, *self.mates)


class SignedAction(Message, frozen=True):
    """The body to post, byte for byte; sent twice it acts once, for its nonce is spent. `sign_ns`: a span."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    kind: ActionKind
    cloid: Cloid
    nonce: int
    expires_after_ms: int
    body: bytes
    sign_ns: int
    mates: tuple[Cloid, ...] = ()

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """The orders of its entries, in their order."""
        return (self.cloid, *self.mates)


class SignatureRefused(Message, frozen=True):
    """Not signed, and why; nothing left the house.

    `is_doubtful`: unless it was signed before a restart, for this is a second answer or comes after its time.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    kind: ActionKind
    cloid: Cloid
    reason: str
    mates: tuple[Cloid, ...] = ()
    is_doubtful: bool = False

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """The orders of its entries, in their order."""
        return (self.cloid, *self.mates)


class PostAction(Message, frozen=True):
    """To our own gateway: put these bytes on the wire now. `is_resent`: a copy of them may be there already.

    Where several wait for a connection the highest `priority` goes first. After `expires_after_ms` (UTC, 0: never) the
    venue takes them no more, so they need not leave.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    kind: ActionKind
    cloid: Cloid
    nonce: int
    body: bytes
    is_resent: bool = False
    priority: int = 0
    expires_after_ms: int = 0
    mates: tuple[Cloid, ...] = ()

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """The orders of its entries, in their order."""
        return (self.cloid, *self.mates)


class DropWaiting(Message, frozen=True):
    """To our own gateway: what adds risk and still waits for a connection must not leave; each is told as refused."""

    lane: ClassVar[Lane] = Lane.KILL

    reason: str


class ActionSent(Message, frozen=True):
    """The gateway wrote the bytes to the socket at `sent_ns`."""

    lane: ClassVar[Lane] = Lane.ORDER

    cloid: Cloid
    nonce: int
    sent_ns: Ns
    mates: tuple[Cloid, ...] = ()

    @property
    def cloids(self) -> tuple[Cloid, ...]:
        """The orders of its entries, in their order."""
        return (self.cloid, *self.mates)


class AnswerKind(StrEnum):
    """What the venue's answer proves. FENCED: a noop took the nonce, so the action that it fences can never act."""

    RESTING = "resting"
    FILLED = "filled"
    CANCELLED = "cancelled"
    FENCED = "fenced"
    REFUSED = "refused"
    NONCE_USED = "nonce_used"
    NO_ANSWER = "no_answer"


class ActionAnswered(Message, frozen=True):
    """The venue's answer to one entry of an action, or the lack of one. `error` is its text, word for word."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    kind: ActionKind
    cloid: Cloid
    nonce: int
    answer: AnswerKind
    oid: int
    filled_sz: Sz
    error: str
    recv_ns: Ns


class VenueOrderStatus(StrEnum):
    """The venue's order statuses, folded to what they mean for the life of an order."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    TRIGGERED = "triggered"
    UNKNOWN_OID = "unknown_oid"
    OTHER = "other"


class VenueOrder(Message, frozen=True):
    """What the venue says of one order, pushed or asked. `said` is its own status word; `sz` is what remains.
    `reduce_only` and `trigger` are told in lists of open orders only. An answer's `recv_ns` is when it was asked for.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid | None
    oid: int
    coin: str
    side: Side
    px: Px
    sz: Sz
    orig_sz: Sz
    status: VenueOrderStatus
    said: str
    exch_ns: Ns
    recv_ns: Ns
    reduce_only: bool = False
    trigger: Trigger | None = None


class Fill(Message, frozen=True):
    """One of our fills. `fee_usd` > 0 was paid; `start_net_sz` is the signed position before it, in lots.
    `direction` is the venue's own word: what it did to the position, and by whose doing if not an order's. `twap_id` is
    the venue's own TWAP's. `backstop_mark_px` is the mark when a position was taken past the book, on both sides.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    coin: str
    side: Side
    px: Px
    sz: Sz
    oid: int
    cloid: Cloid | None
    tid: int
    is_taker: bool
    fee_usd: Usd
    closed_pnl_usd: Usd
    start_net_sz: int
    exch_ns: Ns
    recv_ns: Ns
    direction: str = ""
    twap_id: int | None = None
    backstop_mark_px: Px | None = None

    @property
    def trade(self) -> tuple[Ns, str, int]:
        """What tells it from every other fill of the account: a trade id alone does not. Source: fact sheet 1.4."""
        return self.exch_ns, self.coin, self.tid


class OrderChanged(Message, frozen=True):
    """The Execution Manager's record of an order after it changed: the state that everybody else goes by."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cloid: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    px: Px
    sz: Sz
    filled_sz: Sz
    reduce_only: bool
    state: OrderState
    reason: str


class FillBooked(Message, frozen=True):
    """A fill taken into the books exactly once, with its strategy ("foreign" if the order is not ours)."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    fill: Fill
    strategy: StrategyId
