"""The venue's order, fill and funding records, shared by its WebSocket and its /info, as our messages."""

from __future__ import annotations

from typing import Final

import msgspec

from hats.exchange_architect.numbers import Id, Ms, exact, near, ns_from_ms, usd_near
from hats.exchange_architect.transfers import LIQUIDATION, Delta, cash_usd
from hats.exchange_architect.universe import Universe
from shared.errors import DataError, UnitError
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages.account import AccountLiquidated, BalanceChanged, FundingPayment
from shared.messages.order import Fill, VenueOrder, VenueOrderStatus
from shared.order import Side, Trigger, TriggerKind
from shared.units import Ns, Px, Sz, Usd

RATE_DECIMALS: Final = 10

STATUSES: Final[dict[str, VenueOrderStatus]] = {
    "open": VenueOrderStatus.OPEN,
    "filled": VenueOrderStatus.FILLED,
    "triggered": VenueOrderStatus.TRIGGERED,
    **dict.fromkeys(
        (
            "canceled",
            "marginCanceled",
            "vaultWithdrawalCanceled",
            "openInterestCapCanceled",
            "selfTradeCanceled",
            "reduceOnlyCanceled",
            "siblingFilledCanceled",
            "delistedCanceled",
            "liquidatedCanceled",
            "outcomeSettledCanceled",
            "scheduledCancel",
            "internalCancel",
        ),
        VenueOrderStatus.CANCELLED,
    ),
    **dict.fromkeys(
        (
            "rejected",
            "tickRejected",
            "minTradeNtlRejected",
            "minTradeSpotNtlRejected",
            "perpMarginRejected",
            "reduceOnlyRejected",
            "badAloPxRejected",
            "iocCancelRejected",
            "badTriggerPxRejected",
            "marketOrderNoLiquidityRejected",
            "positionIncreaseAtOpenInterestCapRejected",
            "positionFlipAtOpenInterestCapRejected",
            "tooAggressiveAtOpenInterestCapRejected",
            "openInterestIncreaseRejected",
            "insufficientSpotBalanceRejected",
            "oracleRejected",
            "perpMaxPositionRejected",
            "tooManyOpenOrdersRejected",
        ),
        VenueOrderStatus.REJECTED,
    ),
}
"""The venue's documented status words; every other word is OTHER."""


TRIGGERS: Final = {
    "Stop Market": TriggerKind.STOP_LOSS,
    "Stop Limit": TriggerKind.STOP_LOSS,
    "Take Profit Market": TriggerKind.TAKE_PROFIT,
    "Take Profit Limit": TriggerKind.TAKE_PROFIT,
}
"""What the venue calls an order that waits for a trigger."""


class OrderRecord(msgspec.Struct, rename="camel"):
    """An order as the venue writes it; further fields are ignored."""

    coin: str
    side: str
    limit_px: str
    sz: str
    oid: Id
    timestamp: Ms
    orig_sz: str
    cloid: str | None = None
    reduce_only: bool = False
    is_trigger: bool = False
    trigger_px: str = "0.0"
    order_type: str = ""


class StatusRecord(msgspec.Struct, rename="camel"):
    """An order with the status it took, and when."""

    order: OrderRecord
    status: str
    status_timestamp: Ms


class LiquidationRecord(msgspec.Struct, rename="camel"):
    """What a fill says of the liquidation that it is part of."""

    mark_px: str
    method: str


class FillRecord(msgspec.Struct, rename="camel"):
    """One of our fills. Old records lack `tid`; without it a fill can't be told from its copy, so it is required."""

    coin: str
    px: str
    sz: str
    side: str
    time: Ms
    start_position: str
    closed_pnl: str
    oid: Id
    crossed: bool
    fee: str
    tid: Id
    cloid: str | None = None
    fee_token: str = "USDC"  # noqa: S105 - the currency of the fee
    dir: str = ""
    twap_id: Id | None = None
    liquidation: LiquidationRecord | None = None


class FundingRecord(msgspec.Struct, rename="camel"):
    """One hourly funding payment."""

    time: Ms
    coin: str
    usdc: str
    szi: str
    funding_rate: str


class BalanceRecord(msgspec.Struct):
    """One entry of the non-funding ledger."""

    time: Ms
    hash: str
    delta: Delta


def px_from_wire(text: str, of: Instrument) -> Px:
    """A price as the venue spells it; UnitError if it does not fit the coin or an int64."""
    return Px(exact(text, of.px_decimals))


def sz_from_wire(text: str, of: Instrument) -> Sz:
    """An unsigned size as the venue spells it; UnitError if it does not fit the coin or an int64."""
    sz = exact(text, of.sz_decimals)
    if sz < 0:
        raise UnitError(f"expected an unsigned size, got {text!r}")
    return Sz(sz)


def side_from_wire(letter: str) -> Side:
    """BUY for "B", SELL for "A"; DataError for anything else."""
    if letter == "B":
        return Side.BUY
    if letter == "A":
        return Side.SELL
    raise DataError(f"expected side A or B, got {letter[:20]!r}")


def status_from_wire(word: str) -> VenueOrderStatus:
    """What a status word means for the life of an order; words that we do not know are OTHER."""
    return STATUSES.get(word, VenueOrderStatus.OTHER)


def order_message(record: OrderRecord, status: str, time_ms: int, universe: Universe, recv_ns: Ns) -> VenueOrder:
    """The venue's word on one order; DataError for an unlisted coin, UnitError for an impossible number."""
    coin = universe.instrument(record.coin)
    return VenueOrder(
        cloid=_cloid(record.cloid),
        oid=record.oid,
        coin=record.coin,
        side=side_from_wire(record.side),
        px=px_from_wire(record.limit_px, coin),
        sz=sz_from_wire(record.sz, coin),
        orig_sz=sz_from_wire(record.orig_sz, coin),
        status=status_from_wire(status),
        said=status,
        exch_ns=ns_from_ms(time_ms),
        recv_ns=recv_ns,
        reduce_only=record.reduce_only,
        trigger=_trigger(record, coin) if record.is_trigger else None,
    )


def _trigger(record: OrderRecord, coin: Instrument) -> Trigger:
    kind = TRIGGERS.get(record.order_type)
    if kind is None:
        raise DataError(f"expected a stop or a take-profit, got {record.order_type[:20]!r}")
    return Trigger(px_from_wire(record.trigger_px, coin), kind)


def fill_message(record: FillRecord, universe: Universe, recv_ns: Ns) -> Fill:
    """One fill; DataError for an unlisted coin or a fee that is not in USDC."""
    coin = universe.instrument(record.coin)
    if record.fee_token != "USDC":  # noqa: S105 - a coin  # nosec B105
        raise DataError(f"expected a fee in USDC, got {record.fee_token[:20]!r}")
    return Fill(
        coin=record.coin,
        side=side_from_wire(record.side),
        px=px_from_wire(record.px, coin),
        sz=sz_from_wire(record.sz, coin),
        oid=record.oid,
        cloid=_cloid(record.cloid),
        tid=record.tid,
        is_taker=record.crossed,
        fee_usd=usd_near(record.fee),
        closed_pnl_usd=usd_near(record.closed_pnl),
        start_net_sz=exact(record.start_position, coin.sz_decimals),
        exch_ns=ns_from_ms(record.time),
        recv_ns=recv_ns,
        direction=record.dir,
        twap_id=record.twap_id,
        backstop_mark_px=_backstop_mark_px(record.liquidation, coin),
    )


def _backstop_mark_px(said: LiquidationRecord | None, coin: Instrument) -> Px | None:
    if said is None or said.method != "backstop":
        return None
    return px_from_wire(said.mark_px, coin)


def funding_message(record: FundingRecord, universe: Universe, recv_ns: Ns) -> FundingPayment:
    """One funding payment; the venue's sign is ours: positive was received."""
    coin = universe.instrument(record.coin)
    return FundingPayment(
        coin=record.coin,
        usd=usd_near(record.usdc),
        net_sz=exact(record.szi, coin.sz_decimals),
        rate_e10=near(record.funding_rate, RATE_DECIMALS),
        exch_ns=ns_from_ms(record.time),
        recv_ns=recv_ns,
    )


def balance_message(
    record: BalanceRecord, user: str, universe: Universe, recv_ns: Ns
) -> BalanceChanged | AccountLiquidated:
    """One entry of the user's ledger; 0 if it moved no cash of the perps account.

    DataError for an unknown kind and for an unlisted coin of a liquidation.
    """
    if record.delta.type == LIQUIDATION:
        return _liquidated(record, universe, recv_ns)
    usd = cash_usd(record.delta, user)
    return BalanceChanged(record.delta.type, usd or Usd(0), record.hash, ns_from_ms(record.time), recv_ns)


def _liquidated(record: BalanceRecord, universe: Universe, recv_ns: Ns) -> AccountLiquidated:
    positions = tuple(
        (one.coin, exact(one.szi, universe.instrument(one.coin).sz_decimals))
        for one in record.delta.liquidated_positions
    )
    return AccountLiquidated(
        usd_near(record.delta.account_value), positions, record.hash, ns_from_ms(record.time), recv_ns
    )


def _cloid(text: str | None) -> Cloid | None:
    return None if text is None else Cloid(text.lower())
