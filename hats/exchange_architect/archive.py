"""Reads captured frames for the warehouse with the same decoder that the feed has: what it heard becomes rows."""

from __future__ import annotations

from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import BAD, Decoder
from shared.instrument import Instrument
from shared.messages.market import BadData, UniverseUpdate
from shared.units import Ns
from shared.warehouse.compaction import Reading, Unread
from shared.warehouse.rows import row_of
from shared.warehouse.tables import Row


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
        heard = self._decoder.decode(frame, recv_ns)
        rows: list[Row] = []
        unread: list[Unread] = []
        for message in heard.messages:
            match message:
                case BadData():
                    unread.append(Unread(message.channel, message.coin, message.reason))
                case _:
                    row = row_of(message, self._universe.instrument(message.coin))  # type: ignore[attr-defined]
                    if row is not None:
                        rows.append(row)
        channel = heard.channel if heard.channel != BAD else unread[0].channel
        return Reading(channel, heard.coin, rows, unread)
