"""All that the Execution Manager remembers: its orders, the fills it has booked, its positions, what it waits for."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from hats.execution_manager.settings import Settings
from shared.ids import Cloid, StrategyId
from shared.instrument import Instrument
from shared.messages.control import KillLevel
from shared.messages.order import Fill
from shared.messages.parent import ParentOrder, ParentState
from shared.messages.risk import TradingState
from shared.messages.signal import FeatureUpdate
from shared.order import How, OrderEvent, OrderState, Side, Tif, TriggerKind, VenueTwap
from shared.scorecard import Samples
from shared.units import Ns, Px, Sz

NEVER: Final = Ns(1 << 62)
"""A time that does not come."""
UNKNOWN_SZ: Final = -1
"""How much an order traded in all is not known yet."""


class Order(msgspec.Struct):
    """One order, from its approval to long after its end.

    `is_proven`: the venue has shown that it took the order. `ending` is how it ended by the venue's word, and
    `final_sz` what it traded in all by then; the order ends here once that much is booked. `deadline_ns` is when to
    look after it next. `absences` counts proofs that the venue does not know it: what ended with some, ended by our
    conclusion. `resends` counts copies of its bytes that were asked for; from `decided_ns` on its nonce is spent, so
    that it is at the venue or will never be. `mates` are the other orders of its action, which share its nonce.
    `listed_sz` is what remains of it by the venue's newest list of open orders; a trigger that waits may be clipped
    there, and then it is less than what has not traded. `has_fired`: its trigger has.
    """

    cloid: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    px: Px
    sz: Sz
    tif: Tif
    reduce_only: bool
    replaces: Cloid | None
    expires_ns: Ns
    how: How | None = None
    state: OrderState = OrderState.NEW
    filled_sz: int = 0
    oid: int = 0
    replaced_by: Cloid | None = None
    is_proven: bool = False
    is_doubled: bool = False
    ending: OrderEvent | None = None
    ending_why: str = ""
    ending_ns: Ns = Ns(0)
    final_sz: int = UNKNOWN_SZ
    wants_cancel: str = ""
    is_cancel_under_way: bool = False
    cancel_wanted_ns: Ns = Ns(0)
    begun_ns: Ns = Ns(0)
    sent_ns: Ns = Ns(0)
    doubted_ns: Ns = Ns(0)
    changed_ns: Ns = Ns(0)
    deadline_ns: Ns = NEVER
    asked_ns: Ns = Ns(0)
    asks: int = 0
    absences: int = 0
    resends: int = 0
    fence_ns: Ns = Ns(0)
    decided_ns: Ns = NEVER
    mates: tuple[Cloid, ...] = ()
    parent: Cloid | None = None
    listed_sz: Sz | None = None
    has_fired: bool = False

    @property
    def left_sz(self) -> int:
        """Lots that have not traded."""
        return self.sz - self.filled_sz

    @property
    def is_twap(self) -> bool:
        """Is it the venue's own TWAP? Then `oid` is its id among those."""
        return isinstance(self.how, VenueTwap)


class Parent(msgspec.Struct):
    """A parent order at work. `child` is the one that was asked for last, until it is proven gone.

    `arrival_mid` (USDC) is its benchmark, `paid` the sum of price x size of its fills (micro-USDC). `denials` counts
    children in a row that were denied, `vain` those that ended without trading though nobody took them back.
    """

    terms: ParentOrder
    began_ns: Ns
    arrival_mid: float = 0.0
    traded_from: int = 0
    filled_sz: int = 0
    paid: int = 0
    child: Cloid | None = None
    children: int = 0
    asked_ns: Ns = Ns(0)
    denials: int = 0
    vain: int = 0
    retry_ns: Ns = Ns(0)
    ending: ParentState | None = None
    why: str = ""

    @property
    def left_sz(self) -> int:
        """Lots that may still trade; none if late fills came on top."""
        return max(self.terms.sz - self.filled_sz, 0)


class Guard(msgspec.Struct):
    """How one kind of protection of a coin stands: since when it is not as it should be, and what was asked for."""

    wrong_ns: Ns = NEVER
    asked: Cloid | None = None
    asked_ns: Ns = Ns(0)
    denials: int = 0
    retry_ns: Ns = Ns(0)


class RecentFills(msgspec.Struct):
    """The newest fills and how many came before each, so that every one is taken once, in bounded memory."""

    taken: dict[str, int] = {}
    count: int = 0

    def take(self, fill: Fill, limit: int) -> bool:
        """True the first time; the oldest are forgotten once there are twice as many as `limit`."""
        key = " ".join(map(str, fill.trade))
        if key in self.taken:
            return False
        self.taken[key] = self.count
        self.count += 1
        if len(self.taken) > 2 * limit:
            self.taken = {key: before for key, before in self.taken.items() if before >= self.count - limit}
        return True


class Move(msgspec.Struct, array_like=True):
    """What a booked fill did to a position, by the venue's clock."""

    exch_ns: Ns
    coin: str
    signed_sz: int


class Account(msgspec.Struct):
    """The comparison with the venue: when to ask next and why, and how often in a row something differed.

    `raised_ns` is when that question was wished for: only what is read from then on answers it. `gaps` are the lots by
    which positions differed at the last look.
    Fills were read up to `covered_ns` without a gap, or it was said; `read_ns` is when the newest account was that did
    so.
    """

    wanted_ns: Ns = NEVER
    why: str = ""
    raised_ns: Ns = Ns(0)
    asked_ns: Ns = Ns(0)
    covered_ns: Ns = Ns(0)
    read_ns: Ns = Ns(0)
    rounds: int = 0
    round_ns: Ns = Ns(0)
    gaps: dict[str, int] = {}


class DrainPhase(StrEnum):
    """Where the way to flat stands."""

    NONE = "none"
    WORKING = "working"
    VERIFYING = "verifying"
    DONE = "done"


class Drain(msgspec.Struct):
    """Cancelling and closing everything. By coin: closing order under way, attempts, next try, hurdles.

    `vain` counts closing orders in a row that traded nothing, `thin` those that the market had too little for. What is
    left is said at `word_ns` if there still is something.
    """

    phase: DrainPhase = DrainPhase.NONE
    flatten: bool = False
    is_kill: bool = False
    began_ns: Ns = Ns(0)
    verify_ns: Ns = Ns(0)
    word_ns: Ns = Ns(0)
    deadline_ns: Ns = NEVER
    sent: dict[str, Cloid] = {}
    attempts: dict[str, int] = {}
    vain: dict[str, int] = {}
    thin: dict[str, int] = {}
    retry_ns: dict[str, Ns] = {}
    hurdles: dict[str, str] = {}

    @property
    def is_active(self) -> bool:
        """Is there something left to do?"""
        return self.phase in (DrainPhase.WORKING, DrainPhase.VERIFYING)

    @property
    def closes(self) -> bool:
        """Is everything to be closed, and to stay so?"""
        return self.flatten and self.phase is not DrainPhase.NONE


class State(msgspec.Struct):
    """Everything. `orders` are open, `ended` are not (oldest first in `ended_queue`); `cloids` finds them by oid,
    `twaps` the venue's own TWAPs by their id.

    `positions` are signed lots by coin, from the opening at `opened_ns` (venue's clock) on, and `costs` what they cost
    in micro-USDC (a short's is negative), which gives their average entry price. `soonest_ns` is the next
    deadline and `armed_ns` the wake-up that was asked for. `strangers` are fills that no order of ours explains, or
    that were lost; until the operator lets trading go on, the books count as different for them. `was_armed`: once in
    this run. `resumes`: the operator wants `kill` lifted, which the Risk Officer may refuse and will delay.
    """

    run: int = 0
    started_ns: Ns = Ns(0)
    is_armed: bool = False
    was_armed: bool = False
    kill: KillLevel | None = None
    resumes: bool = False
    trading: TradingState = TradingState.ACTIVE
    instruments: dict[str, Instrument] = {}
    features: dict[str, FeatureUpdate] = {}
    is_feed_up: bool = False
    feed_epoch: int = -1
    feed_lost_ns: Ns = Ns(0)
    orders: dict[Cloid, Order] = {}
    ended: dict[Cloid, Order] = {}
    ended_queue: list[Cloid] = []
    cloids: dict[str, Cloid] = {}
    twaps: dict[str, Cloid] = {}
    strategies: dict[str, StrategyId] = {}
    early_cancels: dict[Cloid, Ns] = {}
    last_approval_id: int = 0
    strangers: list[str] = []
    strangers_said: int = 0
    is_opened: bool = False
    opened_ns: Ns = Ns(0)
    positions: dict[str, int] = {}
    costs: dict[str, int] = {}
    recent_moves: list[Move] = []
    held_fills: list[Fill] = []
    unbound_fills: list[Fill] = []
    fills: RecentFills = msgspec.field(default_factory=RecentFills)
    account: Account = msgspec.field(default_factory=Account)
    drain: Drain = msgspec.field(default_factory=Drain)
    flatten_count: int = 0
    requests_left: int | None = None
    """What the venue lets our address still send, less what we sent since it told; None: it has not."""
    parents: dict[Cloid, Parent] = {}
    ended_parents: dict[Cloid, Ns] = {}
    parents_ns: Ns = NEVER
    child_count: int = 0
    guards: dict[TriggerKind, dict[str, Guard]] = {}
    guards_ns: Ns = NEVER
    guard_count: int = 0
    soonest_ns: Ns = NEVER
    armed_ns: Ns = NEVER
    samples: Samples = msgspec.field(default_factory=Samples)

    def find(self, cloid: Cloid | None, oid: int) -> Order | None:
        """The order, open or ended, by its cloid, else by its oid."""
        if cloid is None:
            cloid = self.cloids.get(str(oid))
        if cloid is None:
            return None
        return self.orders.get(cloid) or self.ended.get(cloid)

    def find_by_fill(self, fill: Fill) -> Order | None:
        """The order that a fill is of; a part of a TWAP has an oid of its own, and the TWAP's id."""
        if fill.twap_id is None:
            return self.find(fill.cloid, fill.oid)
        cloid = self.twaps.get(str(fill.twap_id))
        return None if cloid is None else self.find(cloid, 0)

    def mates_of(self, order: Order) -> list[Order]:
        """The other orders of its action that are open."""
        return [self.orders[cloid] for cloid in order.mates if cloid in self.orders]

    def parent_awaiting(self, child: Cloid) -> Parent | None:
        """The parent whose child this is, if it has not gone on without it."""
        return next((parent for parent in self.parents.values() if parent.child == child), None)


class Turn(NamedTuple):
    """The moment of handling one message: what we remember, how we are set, and the time."""

    state: State
    settings: Settings
    now: Ns
