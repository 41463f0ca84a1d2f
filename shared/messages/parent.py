"""Parent orders: a quantity to trade over time, by an algorithm that makes child orders of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from shared.ids import Cloid, StrategyId
from shared.messages.message import Lane, Message
from shared.order import Side
from shared.units import Ns, Px, Sz

Slices = Annotated[int, Meta(ge=1, le=10_000)]


class PassiveThenCross(msgspec.Struct, frozen=True, tag="passive_then_cross", forbid_unknown_fields=True):
    """Wait at the best price of our side for so long, then take the other side's."""

    patience_ms: Annotated[int, Meta(ge=0)]


class Twap(msgspec.Struct, frozen=True, tag="twap", forbid_unknown_fields=True):
    """Even slices from now to the end; each is waited for in its first half and crossed in its second."""

    slices: Slices


class AlmgrenChriss(msgspec.Struct, frozen=True, tag="almgren_chriss", forbid_unknown_fields=True):
    """Slices along the optimal trajectory of a risk-averse trader. `urgency` is k T, without unit; 0 is a TWAP."""

    slices: Slices
    urgency: Annotated[float, Meta(ge=0.0, le=50.0)]


class Iceberg(msgspec.Struct, frozen=True, tag="iceberg", forbid_unknown_fields=True):
    """Rest at the limit price and show `display_sz` lots of it at a time."""

    display_sz: Annotated[int, Meta(ge=1)]


class Participate(msgspec.Struct, frozen=True, tag="participate", forbid_unknown_fields=True):
    """A share of what the market trades; crossing only when behind it by more than `lag_bps` of it."""

    share_bps: Annotated[int, Meta(ge=1, le=10_000)]
    lag_bps: Annotated[int, Meta(ge=0, le=10_000)] = 2_000


class Chase(msgspec.Struct, frozen=True, tag="chase", forbid_unknown_fields=True):
    """Stay at the best price of our side and follow it, up to the limit price."""


class NativeTwap(msgspec.Struct, frozen=True, tag="native_twap", forbid_unknown_fields=True):
    """The venue's own TWAP over the whole minutes that are left; its parts go up to 3 % through the market each.

    The venue takes no limit price: it is taken back while the market is beyond the limit, or nobody knows where it is.
    """

    randomize: bool = False


Algorithm = PassiveThenCross | Twap | AlmgrenChriss | Iceberg | Participate | Chase | NativeTwap


class ParentOrder(Message, frozen=True):
    """Trade `sz` lots by `end_ns`, no price worse than `limit_px`. Its children need approval, one by one."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    parent: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    sz: Sz
    limit_px: Px
    algorithm: Algorithm
    reduce_only: bool
    end_ns: Ns
    reason: str


class ParentState(StrEnum):
    """Where a parent stands; all but the first are ends."""

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"


class ParentChanged(Message, frozen=True):
    """A parent after it changed, against its arrival benchmark: the mid when it came (USDC).

    `executed_bps` is what the filled part cost against it, `shortfall_bps` (Perold 1988) also counts what the mid did
    to the part that was not filled; both without fees, positive is a cost, None without a fill or a price.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    parent: Cloid
    strategy: StrategyId
    coin: str
    side: Side
    sz: Sz
    filled_sz: Sz
    children: int
    arrival_mid: float
    average_px: float | None
    executed_bps: float | None
    shortfall_bps: float | None
    state: ParentState
    reason: str
