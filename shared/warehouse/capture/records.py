"""What a capture log says: frames as they were received, and what happened around them, as rows of their own.

A *connection* is one epoch of one socket of one writer. Its frames, both ways, are counted 1, 2, 3 ... by whoever reads
the socket, before anything can lose them. So for every connection: frames captured + frames in declared gaps = all.

Records are msgpack arrays. A field is only ever added at the end and with a default, or the format's version changes.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

import msgspec

from shared.errors import DataError


class Direction(IntEnum):
    """Which way a frame went."""

    IN = 0
    OUT = 1


class Reason(StrEnum):
    """Why something is not in the log."""

    DISCONNECTED = "disconnected"
    STALLED = "stalled"
    OVERFLOW = "overflow"
    TOO_LARGE = "too_large"
    NO_SPACE = "no_space"
    WRITER_DIED = "writer_died"
    SHUTDOWN = "shutdown"
    DAMAGED = "damaged"
    MISSING_SEGMENT = "missing_segment"


class Connection(msgspec.Struct, frozen=True, array_like=True):
    """A connection that is open, and how far its frames are accounted for."""

    socket: int
    epoch: int
    last_seq: int = 0
    last_recv_ns: int = 0
    channels: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, array_like=True):
    """Anything that a capture log holds."""


class Frame(Record, frozen=True, array_like=True, tag="f"):
    """One frame as it was received or sent.

    `seq` counts the frames of the connection from 1; `exch_ns` is the venue's time if it was known without parsing
    (else 0); `recv_ns` is UTC and `mono_ns` the monotonic counter, both read right after the socket.
    """

    socket: int
    epoch: int
    seq: int
    recv_ns: int
    mono_ns: int
    data: bytes
    direction: Direction = Direction.IN
    exch_ns: int = 0


class Gap(Record, frozen=True, array_like=True, tag="g"):
    """A declared gap: what the venue may have said between `start_ns` and `end_ns` is not in this log.

    `first_seq` to `last_seq` are the frames that we received and did not keep. Both 0: none was received (a cut, a
    stall). Only `last_seq` 0: nobody lives who knows how many. `channels` empty: all of the socket.
    """

    socket: int
    epoch: int
    reason: Reason
    start_ns: int
    end_ns: int
    first_seq: int = 0
    last_seq: int = 0
    channels: tuple[str, ...] = ()


class SocketOpened(Record, frozen=True, array_like=True, tag="o"):
    """A connection begins; its frames count from 1."""

    socket: int
    epoch: int
    ns: int
    url: str = ""


class SocketClosed(Record, frozen=True, array_like=True, tag="c"):
    """A connection ended after `last_seq` frames (-1: unknown); `code` is the WebSocket's, 0 if none came."""

    socket: int
    epoch: int
    ns: int
    last_seq: int
    reason: str = ""
    code: int = 0


class Subscribed(Record, frozen=True, array_like=True, tag="s"):
    """The connection's subscriptions changed, as the venue acknowledged it."""

    socket: int
    epoch: int
    ns: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class ClockOffset(Record, frozen=True, array_like=True, tag="k"):
    """The exchange's clock minus ours, by a round trip of `round_trip_ns`."""

    ns: int
    offset_ns: int
    round_trip_ns: int


class SegmentStarted(Record, frozen=True, array_like=True, tag="r"):
    """First record of every segment: what was open, and the hash of the segment before, so that none can go missing.

    `session` counts the writers of this log; connections are counted anew in each.
    """

    ns: int
    session: int
    previous: str = ""
    previous_sha256: str = ""
    connections: tuple[Connection, ...] = ()


class WriterDied(Record, frozen=True, array_like=True, tag="d"):
    """The writer of `session` did not end it; `torn_bytes` after the last whole group of `segment` were set aside.

    `first_record` to `last_record` are the records in them (`last_record` -1: they do not say how many). None of them
    was acknowledged, unless the disk lost what it had promised to keep. `gaps` close the connections that were open.
    """

    ns: int
    session: int
    segment: str
    torn_bytes: int = 0
    first_record: int = 0
    last_record: int = 0
    gaps: tuple[Gap, ...] = ()


AnyRecord = Frame | Gap | SocketOpened | SocketClosed | Subscribed | ClockOffset | SegmentStarted | WriterDied

FRAME_BYTES_MAX: Final = 16 << 20
"""The largest frame that is taken."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[AnyRecord]] = msgspec.msgpack.Decoder(AnyRecord)


def encode(record: AnyRecord) -> bytes:
    """The record's one form as bytes; DataError if it is a frame beyond FRAME_BYTES_MAX."""
    if isinstance(record, Frame) and len(record.data) > FRAME_BYTES_MAX:
        raise DataError(f"expected a frame of at most {FRAME_BYTES_MAX} bytes, got {len(record.data)}")
    return _ENCODER.encode(record)


def decode(data: bytes | memoryview) -> AnyRecord:
    """The record that `data` is; DataError if this version knows none such."""
    try:
        return _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise DataError(f"expected a capture record, got {bytes(data[:80])!r}: {error}") from error
