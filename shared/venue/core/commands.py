"""What may be asked of the exchange core. Users are lower-case 0x addresses; numbers are exact units."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.units import Px, Sz, Usd


class Tif(StrEnum):
    """Time in force, in the venue's words."""

    ALO = "Alo"
    IOC = "Ioc"
    GTC = "Gtc"
    FRONTEND_MARKET = "FrontendMarket"


class OrderSpec(msgspec.Struct, frozen=True):
    """One order as placed: all that the user decides."""

    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    reduce_only: bool
    tif: Tif
    cloid: str | None = None


class PlaceOrders(msgspec.Struct, frozen=True, tag=True):
    """Place a batch; a later refusal does not undo an earlier order."""

    user: str
    orders: tuple[OrderSpec, ...]


class CancelOrder(msgspec.Struct, frozen=True):
    """One cancel, by venue id or by client id (exactly one of the two)."""

    asset: int
    oid: int | None = None
    cloid: str | None = None


class CancelOrders(msgspec.Struct, frozen=True, tag=True):
    """Cancel a batch; each entry has its own outcome."""

    user: str
    cancels: tuple[CancelOrder, ...]


class ModifySpec(msgspec.Struct, frozen=True):
    """Replace the order named by `target` (venue id or client id) with `order`, which gets a new oid."""

    target: int | str
    order: OrderSpec


class ModifyOrders(msgspec.Struct, frozen=True, tag=True):
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


class Deposit(msgspec.Struct, frozen=True, tag=True):
    """Credit collateral; how an account comes to be."""

    user: str
    usd: Usd


class SetPrices(msgspec.Struct, frozen=True, tag=True):
    """The oracle's word for one asset; the core derives the mark."""

    asset: int
    oracle_px: Px


class PassTime(msgspec.Struct, frozen=True, tag=True):
    """Nothing but time went by: premium samples, hourly funding and mark updates fall due."""


Command = PlaceOrders | CancelOrders | ModifyOrders | UpdateLeverage | Deposit | SetPrices | PassTime


class Resting(msgspec.Struct, frozen=True, tag=True):
    """The order rests on the book (after a partial fill, perhaps)."""

    oid: int
    cloid: str | None


class Filled(msgspec.Struct, frozen=True, tag=True):
    """The order traded and nothing of it rests; `avg_px_text` is truncated to the coin's price decimals."""

    oid: int
    cloid: str | None
    total_sz: Sz
    avg_px_text: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The venue's error text for this entry, exactly as it is sent."""

    error: str


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    """The entry was cancelled."""


Status = Resting | Filled | Refused | Cancelled


class OrderView(msgspec.Struct, frozen=True):
    """An order as others may see it. `sz` is what remains, `orig_sz` what was asked."""

    user: str
    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    orig_sz: Sz
    oid: int
    cloid: str | None
    reduce_only: bool
    tif: Tif
    placed_ms: int


class OrderChanged(msgspec.Struct, frozen=True, tag=True):
    """An order took a status of the fact sheet's list (`open`, `filled`, `canceled`, `iocCancelRejected`, ...)."""

    order: OrderView
    status: str
    time_ms: int


class TradeHappened(msgspec.Struct, frozen=True, tag=True):
    """A public print. `is_buy` is the aggressor's side; `users` is (buyer, seller)."""

    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    tid: int
    hash: str
    users: tuple[str, str]
    time_ms: int


class FillHappened(msgspec.Struct, frozen=True, tag=True):
    """One side of a trade. `start_position` is signed lots before it; `fee` is what was paid (negative: rebate)."""

    user: str
    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    oid: int
    cloid: str | None
    crossed: bool
    start_position: int
    closed_pnl: Usd
    fee: Usd
    tid: int
    hash: str
    time_ms: int


class BookChanged(msgspec.Struct, frozen=True, tag=True):
    """The aggregate book of one asset is not what it was."""

    asset: int
    time_ms: int


class FundingPaid(msgspec.Struct, frozen=True, tag=True):
    """Hourly funding of one position. `usd` > 0 was received; `rate_e10` is the hourly rate x 10^10."""

    user: str
    asset: int
    usd: Usd
    net_sz: int
    rate_e10: int
    time_ms: int


class PricesChanged(msgspec.Struct, frozen=True, tag=True):
    """Mark or oracle moved."""

    asset: int
    mark_px: Px
    oracle_px: Px
    time_ms: int


Event = OrderChanged | TradeHappened | FillHappened | BookChanged | FundingPaid | PricesChanged


class Outcome(msgspec.Struct, frozen=True):
    """What a command came to: `error` if it was refused as a whole, else one status an entry; then what happened."""

    statuses: tuple[Status, ...] = ()
    error: str | None = None
    events: tuple[Event, ...] = ()
