"""The rows that messages become: one message, one row, exact."""

from __future__ import annotations

from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.account import FundingPayment
from shared.messages.market import AssetContext, BookUpdate, Trade
from shared.messages.order import Fill, VenueOrder
from shared.order import Side
from shared.warehouse.tables import (
    AssetContextRow,
    BookRow,
    FillRow,
    FundingPaymentRow,
    InstrumentRow,
    OrderRow,
    Row,
    TradeRow,
)


def side_word(side: Side) -> str:
    """How tables spell a side."""
    return "buy" if side is Side.BUY else "sell"


def row_of(message: Message, of: Instrument) -> Row | None:
    """The row that a message about this instrument is; None if it is none that a table keeps."""
    match message:
        case BookUpdate():
            return _book(message, of)
        case Trade():
            return TradeRow(
                message.coin, message.exch_ns, message.recv_ns, of.px_decimals, of.sz_decimals,
                side_word(message.side), message.px, message.sz, message.tid,
            )  # fmt: skip
        case AssetContext():
            return _context(message, of)
        case VenueOrder():
            return OrderRow(
                message.coin, message.exch_ns, message.recv_ns, of.px_decimals, of.sz_decimals,
                message.cloid, message.oid, side_word(message.side), message.px, message.sz, message.orig_sz,
                message.status.value, message.said,
            )  # fmt: skip
        case Fill():
            return _fill(message, of)
        case FundingPayment():
            return FundingPaymentRow(
                message.coin, message.exch_ns, message.recv_ns, of.sz_decimals,
                message.usd, message.net_sz, message.rate_e10,
            )  # fmt: skip
    return None


def instrument_row(instrument: Instrument, recv_ns: int) -> InstrumentRow:
    """What was listed, as a row."""
    return InstrumentRow(
        instrument.coin,
        recv_ns,
        instrument.asset,
        instrument.sz_decimals,
        instrument.px_decimals,
        instrument.max_leverage,
        instrument.is_delisted,
    )


def _book(book: BookUpdate, of: Instrument) -> BookRow:
    bids, asks = book.bids, book.asks
    return BookRow(
        book.coin, book.exch_ns, book.recv_ns, of.px_decimals, of.sz_decimals,
        [level[0] for level in bids], [level[1] for level in bids], [level[2] for level in bids],
        [level[0] for level in asks], [level[1] for level in asks], [level[2] for level in asks],
    )  # fmt: skip


def _context(context: AssetContext, of: Instrument) -> AssetContextRow:
    return AssetContextRow(
        coin=context.coin,
        exch_ns=None,
        recv_ns=context.recv_ns,
        px_decimals=of.px_decimals,
        sz_decimals=of.sz_decimals,
        mark_px=context.mark_px,
        oracle_px=context.oracle_px,
        mid_px=None,
        open_interest=context.open_interest,
        funding_rate_e10=context.funding_rate_e10,
        premium_e10=context.premium_e10,
    )


def _fill(fill: Fill, of: Instrument) -> FillRow:
    return FillRow(
        coin=fill.coin,
        exch_ns=fill.exch_ns,
        recv_ns=fill.recv_ns,
        px_decimals=of.px_decimals,
        sz_decimals=of.sz_decimals,
        user=None,
        side=side_word(fill.side),
        px=fill.px,
        sz=fill.sz,
        oid=fill.oid,
        cloid=fill.cloid,
        tid=fill.tid,
        is_taker=fill.is_taker,
        fee_usd=fill.fee_usd,
        closed_pnl_usd=fill.closed_pnl_usd,
        start_net_sz=fill.start_net_sz,
    )
