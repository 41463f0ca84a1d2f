"""Reads captured frames for the warehouse with the same decoder that the feed has: what it heard becomes rows."""

from __future__ import annotations

from typing import Any, Final

from hats.exchange_architect.channels import BOOK, CANDLE, FILLS
from hats.exchange_architect.kept_channels import CHANNELS, LIQUIDATION, kept_rows
from hats.exchange_architect.numbers import near, usd_near
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import BAD, UNREADABLE, Decoder, SoundBook
from hats.exchange_architect.wire_frames import ContextData
from shared.errors import UnitError
from shared.instrument import Instrument
from shared.messages.account import AccountLiquidated, BalanceChanged
from shared.messages.market import BadData, UniverseUpdate
from shared.units import Ns
from shared.warehouse.compaction import Reading, Unread
from shared.warehouse.rows import row_of
from shared.warehouse.tables import AssetContextRow, BookRow, CandleRow, Row

_CANDLE_BEGINS: Final = b'{"channel":"candle"'


class ArchiveReader:
    """A `compaction.Reader` for this venue. It remembers only what is listed."""

    def __init__(self) -> None:
        self._universe = Universe()
        self._decoder = Decoder(self._universe)

    def learn(self, instruments: tuple[Instrument, ...]) -> None:
        """From here on these are listed."""
        self._universe.learn(UniverseUpdate(instruments, 0, 0, Ns(0)))

    def read(self, frame: bytes, recv_ns: Ns) -> Reading:
        """What the frame said, as rows; what the feed would set aside is unread here too."""
        book = self._decoder.sound_book(frame)  # most frames are one
        if book is not None:
            return Reading(BOOK, book.of.coin, (_book_row(book, recv_ns),))
        candle = self._candle(frame, recv_ns)
        if candle is not None:
            return candle
        heard = self._decoder.decode(frame, recv_ns)
        rows: list[Row] = []
        unread: list[Unread] = []
        for message in heard.messages:
            if isinstance(message, BadData):
                unread.append(Unread(message.channel, message.coin, message.reason))
                continue
            if isinstance(message, BalanceChanged | AccountLiquidated):
                continue  # of no coin; the whole entry is kept below
            of = self._universe.instrument(message.coin)  # type: ignore[attr-defined]
            row = row_of(message, of)
            if isinstance(row, AssetContextRow) and heard.context is not None:
                try:
                    row = _with_rest(row, heard.context, of)
                except UNREADABLE as error:
                    unread.append(Unread(heard.channel, heard.coin, str(error)))
            if row is not None:
                rows.append(row)
        channel = heard.channel
        if channel in CHANNELS and (channel != FILLS or LIQUIDATION in frame):
            try:
                rows.extend(kept_rows(channel, frame, self._universe, recv_ns))
            except UNREADABLE as error:
                unread.append(Unread(channel, "", str(error)))
        # the frame's own word for its channel, where the feed could not read the rest of it
        return Reading(unread[0].channel if channel == BAD else channel, heard.coin, rows, unread)

    def _candle(self, frame: bytes, recv_ns: Ns) -> Reading | None:
        """A sound candle, whose row needs no more than this; None for whatever else it is."""
        if not frame.startswith(_CANDLE_BEGINS):
            return None
        try:
            (row,) = kept_rows(CANDLE, frame, self._universe, recv_ns)
        except UNREADABLE:
            return None
        assert isinstance(row, CandleRow)
        return Reading(CANDLE, row.coin, (row,))


def _book_row(book: SoundBook, recv_ns: Ns) -> BookRow:
    of = book.of
    return BookRow(of.coin, book.exch_ns, recv_ns, of.px_decimals, of.sz_decimals, *book.bids, *book.asks)


def _with_rest(row: AssetContextRow, said: ContextData, of: Instrument) -> AssetContextRow:
    """The row with what no Hat decides on: the mid, yesterday's price, and a day's trade in micro-USDC."""
    return row._replace(
        mid_px=_px(said.mid_px, of),
        prev_day_px=_px(said.prev_day_px, of),
        day_usd=None if said.day_ntl_vlm is None else usd_near(_text(said.day_ntl_vlm)),
    )


def _px(said: Any, of: Instrument) -> int | None:
    """To the nearest unit, for a mid may lie between two; None if it was not told."""
    return None if said is None else near(_text(said), of.px_decimals)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise UnitError(f"expected a number as text, got {said!r:.40}")
    return said
