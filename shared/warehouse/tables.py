"""The warehouse's tables: one row type each, whose fields are its columns and whose types are its Arrow types.

Times are int64 nanoseconds UTC, prices and sizes the integers of `shared/units.py` with their decimals beside them,
money micro-USDC, rates 10^-10. Null is unknown. `recv_ns` is when it was received while it happened; what was asked for
later (history) has none. A price in USDC is px / 10^px_decimals, a size in coins sz / 10^sz_decimals.

A column is only ever added, as a row's last field and nullable; the schema's hash is in every manifest.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, NamedTuple, get_args, get_type_hints

import pyarrow as pa

Int = Annotated[int, pa.int64()]
MaybeInt = Annotated[int | None, pa.int64()]
Small = Annotated[int, pa.int32()]
Decimals = Annotated[int, pa.int8()]
Flag = Annotated[bool, pa.bool_()]
Word = Annotated[str, pa.dictionary(pa.int32(), pa.string())]
MaybeWord = Annotated[str | None, pa.dictionary(pa.int32(), pa.string())]
Text = Annotated[str, pa.string()]
MaybeText = Annotated[str | None, pa.string()]
Bytes = Annotated[bytes, pa.binary()]
Ints = Annotated[list[int], pa.list_(pa.int64())]
Smalls = Annotated[list[int], pa.list_(pa.int32())]
Texts = Annotated[tuple[str, ...], pa.list_(pa.string())]


class Origin(NamedTuple):
    """Where a row comes from, the last columns of every table.

    `source` names the log ("capture:RUN"), the import or the request. Of a capture: writer's session, socket,
    connection and frame; `entry` is the row's place in its frame. Of a file: `seq` is its line. What does not apply
    is 0.
    """

    source: Word
    session: Small = 0
    socket: Small = 0
    epoch: Small = 0
    seq: Int = 0
    entry: Small = 0


class FrameRow(NamedTuple):
    """One captured frame, read or not: what it was and how many rows came of it. `direction` is "in" or "out"."""

    recv_ns: Int
    mono_ns: Int
    direction: Word
    channel: Word
    coin: MaybeWord
    bytes: Int
    rows: Small


class GapRow(NamedTuple):
    """What is declared to be missing; frames and gaps together are everything.

    The fields are those of `capture.records.Gap`. Where the log itself is damaged, or a segment of it is missing, the
    reason says so, the records lost are `first_record` to `last_record` (null: unknown), and the connection is 0.
    """

    start_ns: Int
    end_ns: Int
    reason: Word
    first_seq: Int
    last_seq: Int
    channels: Texts
    first_record: MaybeInt = None
    last_record: MaybeInt = None
    detail: MaybeText = None


class ConnectionRow(NamedTuple):
    """A connection opened, closed or changed its subscriptions, or its writer died. `last_seq` null: unknown."""

    recv_ns: Int
    event: Word
    last_seq: MaybeInt
    code: MaybeInt
    detail: Text
    added: Texts = ()
    removed: Texts = ()


class ClockRow(NamedTuple):
    """The exchange's clock minus ours, by a round trip of so long."""

    recv_ns: Int
    offset_ns: Int
    round_trip_ns: Int


class BadFrameRow(NamedTuple):
    """What was set aside: why, and the whole frame as it was received."""

    recv_ns: Int
    channel: Word
    coin: MaybeWord
    reason: Text
    data: Bytes


class InstrumentRow(NamedTuple):
    """What was listed, as it was told."""

    coin: Word
    recv_ns: Int
    asset: Int
    sz_decimals: Decimals
    px_decimals: Decimals
    max_leverage: Small
    is_delisted: Flag


class BookRow(NamedTuple):
    """The whole visible book, best level first."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    bid_px: Ints
    bid_sz: Ints
    bid_n: Smalls
    ask_px: Ints
    ask_sz: Ints
    ask_n: Smalls


class TradeRow(NamedTuple):
    """A public print; `side` is the aggressor's, "buy" or "sell". `tid` is null where the source does not tell it."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    side: Word
    px: Int
    sz: Int
    tid: MaybeInt


class BboRow(NamedTuple):
    """The best bid and offer; a side that is empty is null."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    bid_px: MaybeInt
    bid_sz: MaybeInt
    bid_n: MaybeInt
    ask_px: MaybeInt
    ask_sz: MaybeInt
    ask_n: MaybeInt


class CandleRow(NamedTuple):
    """A candle as the venue told it, finished or not; `exch_ns` is when it opens, `close_ns` its last nanosecond."""

    coin: Word
    exch_ns: Int
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    interval: Word
    close_ns: Int
    open_px: Int
    high_px: Int
    low_px: Int
    close_px: Int
    traded_sz: Int
    trades: Int


class AssetContextRow(NamedTuple):
    """The state of a market: prices, open interest (lots), the running hourly funding rate, premium, a day's trade."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    mark_px: MaybeInt
    oracle_px: MaybeInt
    mid_px: MaybeInt
    open_interest: MaybeInt
    funding_rate_e10: MaybeInt
    premium_e10: MaybeInt
    prev_day_px: MaybeInt = None
    day_usd: MaybeInt = None


class FundingRateRow(NamedTuple):
    """The rate that a market paid at one funding instant, and its premium; `predicted_e10` what was expected before."""

    coin: Word
    exch_ns: Int
    recv_ns: MaybeInt
    rate_e10: MaybeInt
    premium_e10: MaybeInt
    predicted_e10: MaybeInt = None


class FundingPaymentRow(NamedTuple):
    """What we received (> 0) or paid at one funding instant for `net_sz` lots."""

    coin: Word
    exch_ns: Int
    recv_ns: MaybeInt
    sz_decimals: Decimals
    usd: Int
    net_sz: Int
    rate_e10: Int


class LiquidationRow(NamedTuple):
    """A liquidation as far as the venue told of it: of an account (`lid`), or of one fill (`coin`, `px`, `tid`)."""

    coin: MaybeWord
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    liquidated_user: MaybeWord
    liquidator: MaybeWord
    method: MaybeWord
    lid: MaybeInt = None
    notional_usd: MaybeInt = None
    account_value_usd: MaybeInt = None
    px_decimals: Annotated[int | None, pa.int8()] = None
    sz_decimals: Annotated[int | None, pa.int8()] = None
    mark_px: MaybeInt = None
    side: MaybeWord = None
    px: MaybeInt = None
    sz: MaybeInt = None
    tid: MaybeInt = None


class OrderRow(NamedTuple):
    """The venue's word on one of our orders; `said` is its own status, `sz` what remains."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    cloid: MaybeText
    oid: Int
    side: Word
    px: Int
    sz: Int
    orig_sz: Int
    status: Word
    said: Word


class FillRow(NamedTuple):
    """One of our fills; `fee_usd` > 0 was paid, `start_net_sz` is the signed position before it."""

    coin: Word
    exch_ns: MaybeInt
    recv_ns: MaybeInt
    px_decimals: Decimals
    sz_decimals: Decimals
    user: MaybeWord
    side: Word
    px: Int
    sz: Int
    oid: Int
    cloid: MaybeText
    tid: Int
    is_taker: Flag
    fee_usd: Int
    closed_pnl_usd: Int
    start_net_sz: Int


class LedgerRow(NamedTuple):
    """Money moved other than by trading: `usd` came (> 0) to the perps cash or went, fees included (null: neither, or
    not known); `detail` is JSON."""

    exch_ns: Int
    recv_ns: MaybeInt
    user: MaybeWord
    kind: Word
    usd: MaybeInt
    hash: Text
    detail: Text


Row = (
    FrameRow
    | GapRow
    | ConnectionRow
    | ClockRow
    | BadFrameRow
    | InstrumentRow
    | BookRow
    | TradeRow
    | BboRow
    | CandleRow
    | AssetContextRow
    | FundingRateRow
    | FundingPaymentRow
    | LiquidationRow
    | OrderRow
    | FillRow
    | LedgerRow
)


class Table(NamedTuple):
    """One table: its name, its schema, which columns tell its time (the first that is not null), and its row groups.

    `group_rows` is how many rows of one coin a row group holds at most.
    """

    name: str
    schema: Any
    time: tuple[str, ...]
    group_rows: int

    @property
    def has_coin(self) -> bool:
        """Does each row group hold one coin alone, so that a reader of one coin skips the others?"""
        return "coin" in self.schema.names

    @property
    def schema_sha256(self) -> str:
        """Names a schema: of its columns' names, types and nullability."""
        return hashlib.sha256("\n".join(str(field) for field in self.schema).encode()).hexdigest()


def _schema(row: type) -> Any:
    fields = []
    for name, hint in (get_type_hints(row, include_extras=True) | get_type_hints(Origin, include_extras=True)).items():
        python, arrow = get_args(hint)
        fields.append(pa.field(name, arrow, nullable=type(None) in get_args(python)))
    return pa.schema(fields)


def _table(name: str, row: type, time: tuple[str, ...] = ("recv_ns", "exch_ns"), group_rows: int = 65_536) -> Table:
    return Table(name, _schema(row), time, group_rows)


TABLE_OF: Final[dict[type, Table]] = {
    FrameRow: _table("frames", FrameRow, ("recv_ns",)),
    GapRow: _table("gaps", GapRow, ("start_ns",)),
    ConnectionRow: _table("connections", ConnectionRow, ("recv_ns",)),
    ClockRow: _table("clocks", ClockRow, ("recv_ns",)),
    BadFrameRow: _table("bad_frames", BadFrameRow, ("recv_ns",), 4_096),
    InstrumentRow: _table("instruments", InstrumentRow, ("recv_ns",)),
    BookRow: _table("books", BookRow, group_rows=8_192),
    TradeRow: _table("trades", TradeRow),
    BboRow: _table("bbo", BboRow),
    CandleRow: _table("candles", CandleRow),
    AssetContextRow: _table("asset_contexts", AssetContextRow),
    FundingRateRow: _table("funding_rates", FundingRateRow),
    FundingPaymentRow: _table("funding_payments", FundingPaymentRow),
    LiquidationRow: _table("liquidations", LiquidationRow),
    OrderRow: _table("orders", OrderRow),
    FillRow: _table("fills", FillRow),
    LedgerRow: _table("ledger", LedgerRow),
}
TABLES: Final[dict[str, Table]] = {table.name: table for table in TABLE_OF.values()}
