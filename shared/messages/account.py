"""The account as the venue tells it, and what the house makes of it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from shared.ids import Cloid, StrategyId
from shared.messages.message import Lane, Message
from shared.messages.order import Fill, VenueOrder
from shared.order import Side
from shared.units import Ns, Px, Sz, Usd


class VenuePosition(msgspec.Struct, frozen=True, array_like=True):
    """A position as the venue reports it: signed lots, and what they cost at its entry price, which it rounds.

    A short's cost is negative; 0 where no entry price was told.
    """

    coin: str
    net_sz: int
    cost_usd: Usd
    leverage: int


class RunningTwap(msgspec.Struct, frozen=True, array_like=True):
    """One of the venue's own TWAPs that is at work there, and how much of it has traded."""

    twap_id: int
    coin: str
    side: Side
    sz: Sz
    executed_sz: Sz
    minutes: int
    reduce_only: bool
    randomize: bool


class AccountSnapshot(Message, frozen=True):
    """Money, positions, open orders and recent fills, read over REST.

    `cash_usd` is the venue's `totalRawUsd`: collateral less what longs cost plus what shorts brought, so that
    equity = cash + signed positions at their marks. It takes several readings: `recv_ns` is when the first was asked
    for, so that nothing in it is older. `fills` are all since `fills_since_ns`, later than was asked for if
    `is_cut`: the venue has dropped those before. `twaps` is None where the venue was not asked for them.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    equity_usd: Usd
    cash_usd: Usd
    withdrawable_usd: Usd
    positions: tuple[VenuePosition, ...]
    open_orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]
    exch_ns: Ns
    recv_ns: Ns
    twaps: tuple[RunningTwap, ...] | None = None
    fills_since_ns: Ns = Ns(0)
    is_cut: bool = False


class AccountReadBegun(Message, frozen=True):
    """The feed reads the account by itself from `ns` on: after each connection, and when it may have missed a word."""

    lane: ClassVar[Lane] = Lane.ORDER

    fills_since_ns: Ns
    ns: Ns


class FundingPayment(Message, frozen=True):
    """Hourly funding of one position: `usd` > 0 was received."""

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    coin: str
    usd: Usd
    net_sz: int
    rate_e10: int
    exch_ns: Ns
    recv_ns: Ns


class BalanceChanged(Message, frozen=True):
    """Cash of the perps account came (`usd` > 0) or went, fees included, by a deposit, withdrawal or transfer.

    `cause` is the venue's word for it. What trading does to cash (fills, funding, liquidation) is never told here.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    cause: str
    usd: Usd
    hash: str
    exch_ns: Ns
    recv_ns: Ns


class AccountLiquidated(Message, frozen=True):
    """Positions were taken from the account: (coin, signed lots) of each, and what their margin was worth before.

    How they went is told by their fills, and what else went with them follows from both.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    value_usd: Usd
    positions: tuple[tuple[str, int], ...]
    hash: str
    exch_ns: Ns
    recv_ns: Ns


class FundingSettled(Message, frozen=True):
    """One funding instant of one coin that was held: predicted, paid, and what the law makes of it.

    Rates and premium are hourly x 10^10; what is not of the payment is the last that the feed said before the instant.
    `law_usd` is what `net_sz` lots, held by our own books, receive at the paid rate. None: no payment was booked.
    """

    coin: str
    instant_ns: Ns
    net_sz: int
    predicted_rate_e10: int
    paid_rate_e10: int | None
    paid_usd: Usd | None
    law_usd: Usd | None
    premium_e10: int | None
    oracle_px: Px
    mark_px: Px
    open_interest: int


class NetPosition(msgspec.Struct, frozen=True, array_like=True):
    """Signed lots held of one coin."""

    coin: str
    net_sz: int


class Reconciled(Message, frozen=True):
    """The Execution Manager compared its books with the venue's. `differences` is empty when they agree.

    `positions` are its books from here on, for every coin that it ever held, what was held at the start included.
    """

    lane: ClassVar[Lane] = Lane.ORDER
    durable: ClassVar[bool] = True

    is_clean: bool
    open_orders: int
    unknown_orders: int
    differences: tuple[str, ...]
    positions: tuple[NetPosition, ...] = ()


class PositionLine(msgspec.Struct, frozen=True, array_like=True):
    """One coin of the ledger: signed lots, exact cost, mark and what it has earned (micro-USDC)."""

    coin: str
    net_sz: int
    cost_usd: Usd
    mark_px: Px
    unrealised_usd: Usd


class AttributionLine(msgspec.Struct, frozen=True, array_like=True):
    """What one strategy earned on one coin; the lines of a report sum exactly to its totals (micro-USDC)."""

    strategy: StrategyId
    coin: str
    realised_usd: Usd
    unrealised_usd: Usd
    fees_usd: Usd
    funding_usd: Usd
    fills: int
    traded_usd: Usd


class LedgerReport(Message, frozen=True):
    """The ledger: equity = start + transfers + realised + unrealised - fees + funding, exactly, in micro-USDC.

    `transfers_usd` is what was brought less what was taken away since the start; ratios do not count it as earned.

    Ratios are NaN until there is enough to compute them from. `cash_gap_usd` is what the venue's cash and the ledger's
    differed by at least, each time of the last two that they were compared; None before there were two.
    """

    start_equity_usd: Usd
    equity_usd: Usd
    realised_usd: Usd
    unrealised_usd: Usd
    fees_usd: Usd
    funding_usd: Usd
    drawdown_ratio: float
    max_drawdown_ratio: float
    sharpe: float
    win_rate: float
    fills: int
    positions: tuple[PositionLine, ...]
    attribution: tuple[AttributionLine, ...]
    last_fill: Cloid | None
    transfers_usd: Usd = Usd(0)
    cash_gap_usd: Usd | None = None
