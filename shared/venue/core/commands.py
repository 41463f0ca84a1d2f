"""What may be asked of the exchange core. Users are lower-case 0x addresses; numbers are exact units."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.units import Px, Sz, Usd
from shared.venue.core.dealings import Dealing
from shared.venue.core.rulings import Ruling
from shared.venue.core.timed_commands import TimedCommand


class Tif(StrEnum):
    """Time in force, in the venue's words."""

    ALO = "Alo"
    IOC = "Ioc"
    GTC = "Gtc"
    FRONTEND_MARKET = "FrontendMarket"
    LIQUIDATION_MARKET = "LiquidationMarket"
    """The exchange's own; no user can ask for it."""


class BuilderTerms(msgspec.Struct, frozen=True):
    """Who built the front end, and what it takes of each fill in tenths of a basis point."""

    builder: str
    tenths_bp: int


class Grouping(StrEnum):
    """How the orders of a batch belong together: not at all, parent and children, or to the position."""

    NA = "na"
    NORMAL_TPSL = "normalTpsl"
    POSITION_TPSL = "positionTpsl"
    PRIORITY = "p"


class TriggerSpec(msgspec.Struct, frozen=True):
    """When an order comes alive: at a mark of `px`, as a take-profit or a stop; as IOC if `is_market`, else GTC."""

    px: Px
    is_market: bool
    is_tp: bool


class OrderSpec(msgspec.Struct, frozen=True, gc=False):
    """One order as placed: all that the user decides. All orders of a batch have the same builder."""

    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    reduce_only: bool
    tif: Tif
    cloid: str | None = None
    builder: BuilderTerms | None = None
    trigger: TriggerSpec | None = None
    twap_id: int | None = None


class PlaceOrders(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Place a batch; a later refusal does not undo an earlier order. `priority_e8`: share of notional x 10^8."""

    user: str
    orders: tuple[OrderSpec, ...]
    grouping: Grouping = Grouping.NA
    priority_e8: int = 0


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """One cancel, by venue id or by client id (exactly one of the two)."""

    asset: int
    oid: int | None = None
    cloid: str | None = None


class CancelOrders(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Cancel a batch; each entry has its own outcome."""

    user: str
    cancels: tuple[CancelOrder, ...]


class ModifySpec(msgspec.Struct, frozen=True, gc=False):
    """Replace the order named by `target` (venue id or client id) with `order`, which gets a new oid."""

    target: int | str
    order: OrderSpec


class ModifyOrders(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Cancel-and-replace a batch. Without `always_place` the new order must be ALO or a GTC that does not cross."""

    user: str
    modifies: tuple[ModifySpec, ...]
    always_place: bool = False


class UpdateLeverage(msgspec.Struct, frozen=True, tag=True):
    """Set the leverage that one user has on one asset."""

    user: str
    asset: int
    leverage: int
    is_cross: bool


class UpdateIsolatedMargin(msgspec.Struct, frozen=True, tag=True):
    """Move `usd` from cross to an isolated position; negative moves it back."""

    user: str
    asset: int
    usd: int


class TopUpIsolatedMargin(msgspec.Struct, frozen=True, tag=True):
    """Add margin to an isolated position until it is worth `leverage_e6` x 10^-6 times its margin."""

    user: str
    asset: int
    leverage_e6: int


class Deposit(msgspec.Struct, frozen=True, tag=True):
    """Credit collateral; how an account comes to be."""

    user: str
    usd: Usd


class IssueToken(msgspec.Struct, frozen=True, tag=True):
    """Credit a spot balance from outside, in wei; opens the account if need be."""

    user: str
    token: int
    wei: int


class SetPrices(msgspec.Struct, frozen=True, tag=True):
    """The oracle's word for one asset; the core derives the mark.

    `external_px` is the weighted median of other venues' perps, the mark's third leg; None: there is none now. A hyperp
    has no oracle but its own marks: for it `oracle_px` is 0.
    """

    asset: int
    oracle_px: Px
    external_px: Px | None = None


class PassTime(msgspec.Struct, frozen=True, tag=True):
    """Nothing but time went by: premium samples, hourly funding and mark updates fall due."""


class ResizeOrders(msgspec.Struct, frozen=True, tag=True):
    """Give resting orders of one user another size, (oid, lots > 0) each, without moving them in their queues."""

    user: str
    sizes: tuple[tuple[int, Sz], ...]


Command = (
    PlaceOrders
    | CancelOrders
    | ModifyOrders
    | UpdateLeverage
    | Deposit
    | SetPrices
    | PassTime
    | IssueToken
    | Dealing
    | Ruling
    | UpdateIsolatedMargin
    | TopUpIsolatedMargin
    | ResizeOrders
    | TimedCommand
)
