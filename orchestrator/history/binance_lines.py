"""Recorded Binance USD-M frames as rows in this venue's units: another venue's market, and its origin says so.

Prices and sizes that our units can't hold exactly are set aside, never rounded: only books are put on our ticks, bids
down and asks up, as the recorded-data driver of the local exchange does. Binance counts no orders in a level.
"""

from __future__ import annotations

from typing import Final

from hats.exchange_architect.public_archive import Said, Unread
from shared.errors import DataError
from shared.instrument import Instrument
from shared.order import Side
from shared.venue.flow.ladder import RecordedBook, lot_e8, px_unit_e8
from shared.venue.flow.recording import BookKind, BookRecord, Lines, OtherRecord, Quote, Record, TradeRecord
from shared.warehouse.rows import side_word
from shared.warehouse.tables import BboRow, BookRow, GapRow, Row, TradeRow

DEPTH: Final = 20
"""Levels of a side, as many as this venue shows."""
ID_HOLE: Final = "id_hole"
"""The recorded book's update ids do not follow each other."""


class BinanceLines:
    """Reads `<receive time, ns> <frame>` line by line; it keeps each coin's book, for frames tell only changes."""

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self._instruments = instruments
        self._lines = Lines()
        self._books: dict[str, RecordedBook] = {}
        self._sound_ns: dict[str, int] = {}

    def __call__(self, line: bytes) -> Said:
        """What the line says; DataError if it can't be read."""
        rows: list[Row] = []
        unread: list[Unread] = []
        strangers: list[str] = []
        passed = ns = 0
        for record in self._lines.read(line):
            ns = record.recv_ns
            if isinstance(record, OtherRecord):
                passed += 1
                continue
            of = self._instruments.get(record.coin)
            if of is None:
                strangers.append(record.coin)
                continue
            try:
                rows += self._rows(record, of)
            except DataError as error:
                unread.append(Unread(str(error), line))
        return Said(ns, rows, unread, strangers, passed)

    def _rows(self, record: Record, of: Instrument) -> list[Row]:
        match record:
            case TradeRecord():
                px, sz = _exact((record.px_e8, record.sz_e8), of)
                side = side_word(Side.BUY if record.is_buy else Side.SELL)
                units = (of.px_decimals, of.sz_decimals)
                return [TradeRow(of.coin, record.exch_ns, record.recv_ns, *units, side, px, sz, record.tid or None)]
            case BookRecord(kind=BookKind.BEST):
                self._book(record, of)
                return [_bbo(record, of)]
            case BookRecord():
                return self._book(record, of)
        return []

    def _book(self, record: BookRecord, of: Instrument) -> list[Row]:
        """The book after this record, if it is whole and sound; a gap from where its ids no longer follow."""
        book = self._books.setdefault(of.coin, RecordedBook(of))
        gaps = book.gaps
        is_sound = book.take(record)
        sound_ns = self._sound_ns.get(of.coin, record.recv_ns)
        if book.gaps > gaps:
            return [GapRow(sound_ns, record.recv_ns, ID_HOLE, 0, 0, (f"l2Book:{of.coin}",))]
        if not is_sound or record.kind is BookKind.BEST:
            return []
        self._sound_ns[of.coin] = record.recv_ns
        bids, asks = book.bids.levels(DEPTH), book.asks.levels(DEPTH)
        return [
            BookRow(
                of.coin, record.exch_ns, record.recv_ns, of.px_decimals, of.sz_decimals,
                [px for px, _ in bids], [sz for _, sz in bids], [],
                [px for px, _ in asks], [sz for _, sz in asks], [],
            )
        ]  # fmt: skip


def _bbo(record: BookRecord, of: Instrument) -> BboRow:
    (bid_px, bid_sz), (ask_px, ask_sz) = (
        _exact(side[0], of) if side else (None, None) for side in (record.bids, record.asks)
    )
    return BboRow(
        of.coin, record.exch_ns, record.recv_ns, of.px_decimals, of.sz_decimals,
        bid_px, bid_sz, None, ask_px, ask_sz, None,
    )  # fmt: skip


def _exact(quote: Quote, of: Instrument) -> tuple[int, int]:
    (px, px_rest), (sz, sz_rest) = divmod(quote[0], px_unit_e8(of)), divmod(quote[1], lot_e8(of))
    if px_rest or sz_rest or px <= 0 or sz <= 0:
        raise DataError(f"expected a price and a size in units of {of.coin}, got {quote[0]}e-8 and {quote[1]}e-8")
    return px, sz
