"""What was sent to whom, frame by frame, so that whoever captured it can prove that nothing is missing."""

from __future__ import annotations

import base64
import struct
from array import array
from binascii import crc32

import msgspec


class SentLine(msgspec.Struct, frozen=True):
    """One connection: how many frames and bytes were handed to its socket, and whether it is still open."""

    connection: int
    frames: int
    bytes: int
    is_open: bool


class SentFrames(msgspec.Struct, frozen=True):
    """Every frame of one connection: CRC-32 (IEEE) of each, little endian, four bytes a frame, in base64."""

    connection: int
    checksums: str


class SentLedger:
    """Counts per connection. Four bytes a frame are kept until the exchange ends: it is for those who test."""

    def __init__(self) -> None:
        self._checksums: dict[int, array[int]] = {}
        self._bytes: dict[int, int] = {}
        self._open: set[int] = set()

    def opened(self, connection: int) -> None:
        """A connection begins."""
        self._checksums[connection] = array("I")
        self._bytes[connection] = 0
        self._open.add(connection)

    def sent(self, connection: int, frame: bytes) -> None:
        """A frame was handed to its socket."""
        self._checksums[connection].append(crc32(frame))
        self._bytes[connection] += len(frame)

    def closed(self, connection: int) -> None:
        """It is over; its frames stay known."""
        self._open.discard(connection)

    def lines(self) -> tuple[SentLine, ...]:
        """All connections in the order in which they began."""
        return tuple(
            SentLine(number, len(sums), self._bytes[number], number in self._open)
            for number, sums in self._checksums.items()
        )

    def frames_of(self, connection: int) -> SentFrames:
        """Every frame of a connection; none if it never was."""
        sums = self._checksums.get(connection, array("I"))
        return SentFrames(connection, base64.b64encode(struct.pack(f"<{len(sums)}I", *sums)).decode())
