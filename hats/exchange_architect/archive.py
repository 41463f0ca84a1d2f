"""Reads captured frames for the warehouse with the same decoder that the feed has: what it heard becomes rows."""

from __future__ import annotations

from hats.exchange_architect.channels import BOOK, FILLS
from hats.exchange_architect.kept_channels import CHANNELS, LIQUIDATION, kept_rows
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import BAD, UNREADABLE, Decoder, SoundBook
from shared.instrument import Instrument
from shared.messages.market import BadData, UniverseUpdate
from shared.units import Ns
from shared.warehouse.compaction import Reading, Unread
from shared.warehouse.rows import row_of
from shared.warehouse.tables import BookRow, Row


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
        heard = self._decoder.decode(frame, recv_ns)
        rows: list[Row] = []
        unread: list[Unread] = []
        for message in heard.messages:
            if isinstance(message, BadData):
                unread.append(Unread(message.channel, message.coin, message.reason))
                continue
            row = row_of(message, self._universe.instrument(message.coin))  # type: ignore[attr-defined]
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


def _book_row(book: SoundBook, recv_ns: Ns) -> BookRow:
    of = book.of
    return BookRow(of.coin, book.exch_ns, recv_ns, of.px_decimals, of.sz_decimals, *book.bids, *book.asks)
