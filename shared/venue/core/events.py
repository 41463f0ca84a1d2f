"""What happened inside the exchange, in the order in which it happened.

What is made for each order or fill is hidden from the garbage collector (`gc=False`, as orders, commands and outcomes
are): nothing in it can lead back to itself, and looking through the thousands that are kept takes time.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.units import Px, Sz, Usd
from shared.venue.core.commands import Tif
from shared.venue.core.ledger_entries import LedgerChanged


class TriggerView(msgspec.Struct, frozen=True):
    """When a trigger order comes alive, and what it waits for: waitingForFill, waitingForTrigger or triggered."""

    px: Px
    is_market: bool
    is_tp: bool
    fires_above: bool
    phase: str
    is_position: bool
    hides_condition: bool = False


class OrderView(msgspec.Struct, frozen=True, gc=False):
    """An order as others may see it. `sz` is what remains, `orig_sz` what was asked; `children` wait for its fill."""

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
    trigger: TriggerView | None = None
    children: tuple[OrderView, ...] = ()
    twap_id: int | None = None


class OrderChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order took a status of the fact sheet's list (`open`, `filled`, `canceled`, `iocCancelRejected`, ...)."""

    order: OrderView
    status: str
    time_ms: int


class TradeHappened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A public print. `is_buy` is the aggressor's side; `users` is (buyer, seller)."""

    asset: int
    is_buy: bool
    px: Px
    sz: Sz
    tid: int
    hash: str
    users: tuple[str, str]
    time_ms: int


class LiquidationMark(msgspec.Struct, frozen=True, gc=False):
    """Whose liquidation a fill is part of, and how: to the book, to the liquidator vault, or against the winners."""

    user: str
    mark_px: Px
    method: Literal["market", "backstop", "adl"]
    is_cross: bool


class SpotLeg(msgspec.Struct, frozen=True):
    """What a spot fill tells in exact units: balance before in wei of the base token, fee in wei of the token it is
    paid in, gain x 10^-8 of the quote. The decimals are those of the wei."""

    start_wei: int
    base_decimals: int
    fee_wei: int
    fee_decimals: int
    fee_token: str
    closed_pnl_e8: int


class FillHappened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One side of a trade. `start_position` is signed lots before it; `fee` is what was paid (negative: rebate),
    the builder's part included. `direction` is the venue's `dir` where it does not follow from the position.

    With `spot` start, pnl and fee are its roundings: whole lots and micro-USDC.
    """

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
    builder_fee: Usd = Usd(0)
    direction: str | None = None
    liquidation: LiquidationMark | None = None
    spot: SpotLeg | None = None
    twap_id: int | None = None
    fee_token: str = "USDC"  # noqa: S105


class BookChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
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


class Liquidated(msgspec.Struct, frozen=True, tag=True):
    """One stage of a user's liquidation that closed something: cross positions, or one isolated one.

    `number` counts liquidations. `positions` are (asset, signed lots) that were taken away, `notional_usd` their value
    at the marks, `value_usd` the account value (isolated: the position's margin) before. `liquidator` is the vault's
    address. `surrendered_usd` is what the vault was given beside the positions (negative: what it made good).
    """

    user: str
    dex: int
    number: int
    method: Literal["market", "backstop", "adl"]
    is_cross: bool
    liquidator: str
    notional_usd: int
    value_usd: int
    positions: tuple[tuple[int, int], ...]
    surrendered_usd: int
    hash: str
    time_ms: int


class PricesChanged(msgspec.Struct, frozen=True, tag=True):
    """Mark or oracle moved."""

    asset: int
    mark_px: Px
    oracle_px: Px
    time_ms: int


class ListingChanged(msgspec.Struct, frozen=True, tag=True):
    """What `meta` says of the asset is not what it was, or it was halted or resumed."""

    asset: int
    time_ms: int


class TwapView(msgspec.Struct, frozen=True):
    """A TWAP order as others may see it; `minutes` is its whole duration."""

    twap_id: int
    user: str
    asset: int
    is_buy: bool
    sz: Sz
    executed_sz: Sz
    executed_usd: int
    minutes: int
    reduce_only: bool
    randomize: bool
    placed_ms: int


class TwapChanged(msgspec.Struct, frozen=True, tag=True):
    """A TWAP order took a status: `waitingForTrigger`, `activated`, `finished`, `terminated` or `error`."""

    twap: TwapView
    status: str
    description: str | None
    time_ms: int


Event = (
    OrderChanged
    | TradeHappened
    | FillHappened
    | BookChanged
    | FundingPaid
    | PricesChanged
    | LedgerChanged
    | ListingChanged
    | Liquidated
    | TwapChanged
)
