"""The bytes of a capture log: blocks that each prove themselves, one header, many groups of records, one footer.

A segment is `HEAD GROUP* FOOT`. Every block is a fixed header of 52 bytes and a payload:

    marker 4s | version u8 | kind u8 | codec u8 | 0 u8 | run u64 | session u32 | segment u32 | records u32 |
    first_record u64 | plain_bytes u32 | stored_bytes u32 | payload CRC u32 | header CRC u32        (little endian)

- A group is the unit of compression, of checksums and of fsync at once. zstd over a single frame of 200 bytes gains
  little, over some milliseconds of frames it gains tenfold; and what is written together is lost together, so a torn
  tail costs at most the group that was not acknowledged yet. Inside, each record carries its own length (u32).
- The checksum is CRC-32 (IEEE 802.3, `zlib.crc32`: in C in the standard library, where CRC-32C would be one more
  dependency). Both find every flipped bit and every burst up to 32 bits. It is taken over the stored bytes, so that
  nothing damaged is ever given to the decompressor.
- The header CRC also covers the block's own offset in the file, which is not stored. Bytes that look like a block
  because a frame contained them, or because the disk gave back an old or misplaced sector, are therefore no block.
- Length and count stand in the header, under a CRC of their own: damage in a payload costs exactly that group, and the
  records it held are known by number. Damage in a header costs the way to the next marker with a sound header.
- zstd comes from pyarrow, which the warehouse needs anyway. A payload that would not shrink is stored as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from shared.errors import DataError
from shared.warehouse.capture.compression import compress, decompress
from shared.warehouse.capture.records import AnyRecord, Connection, decode

MARKER: Final = b"\x89HLG"
"""Not text: a transfer that changes line ends or the eighth bit is noticed at the first block."""
VERSION: Final = 1
PLAIN_BYTES_MAX: Final = 64 << 20
"""More than this no group unpacks to, whatever its header says."""

_FIXED: Final = struct.Struct("<4sBBBBQIIIQIII")
_CRC: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<I")
_OFFSET: Final = struct.Struct("<Q")
HEADER_BYTES: Final = _FIXED.size + _CRC.size


class Kind(IntEnum):
    """What a block is."""

    HEAD = 1
    GROUP = 2
    FOOT = 3


class Codec(IntEnum):
    """How a payload is stored."""

    PLAIN = 0
    ZSTD = 1


class Place(NamedTuple):
    """Whose block it is: the run, the writer's session and the segment's number."""

    run: int
    session: int
    segment: int


class Head(msgspec.Struct, frozen=True):
    """First payload of a segment."""

    version: int
    run: int
    session: int
    segment: int
    created_ns: int
    format: str = "hats capture log"


class Foot(msgspec.Struct, frozen=True):
    """Last payload of a sealed segment; `sha256` is over every byte before this block.

    `connections` were open when it was sealed. `torn_bytes` were set aside when another writer sealed it.
    """

    records: int
    first_record: int
    last_record: int
    groups: int
    closed_ns: int
    sha256: str
    connections: tuple[Connection, ...] = ()
    torn_bytes: int = 0


class BlockHeader(NamedTuple):
    """The fixed part of a block, proven by its CRC."""

    place: Place
    kind: Kind
    codec: Codec
    records: int
    first_record: int
    plain_bytes: int
    stored_bytes: int
    payload_crc: int

    @property
    def last_record(self) -> int:
        """Number of the last record in it; first_record - 1 if it holds none."""
        return self.first_record + self.records - 1


def block(place: Place, kind: Kind, offset: int, payload: bytes, first_record: int, records: int = 0) -> bytes:
    """A whole block as it stands at `offset` of its file."""
    packed = compress(payload) if kind is Kind.GROUP else payload
    codec = Codec.ZSTD if len(packed) < len(payload) else Codec.PLAIN
    stored = packed if codec is Codec.ZSTD else payload
    fixed = _FIXED.pack(
        MARKER, VERSION, kind, codec, 0, *place, records, first_record, len(payload), len(stored), crc32(stored)
    )
    return fixed + _CRC.pack(_header_crc(fixed, offset)) + stored


def header_at(data: bytes, offset: int) -> BlockHeader | None:
    """The sound header that these HEADER_BYTES are at `offset` of their file; None if they are none.

    DataError if they are one of a version that this code does not know.
    """
    if len(data) < HEADER_BYTES or not data.startswith(MARKER):
        return None
    fixed = data[: _FIXED.size]
    if _CRC.unpack_from(data, _FIXED.size)[0] != _header_crc(fixed, offset):
        return None
    _, version, kind, codec, _, run, session, segment, records, first, plain, stored, crc = _FIXED.unpack(fixed)
    if version != VERSION:
        raise DataError(f"expected a capture log of version {VERSION}, got version {version}")
    return BlockHeader(Place(run, session, segment), Kind(kind), Codec(codec), records, first, plain, stored, crc)


def payload_of(header: BlockHeader, stored: bytes) -> bytes:
    """The payload that was stored; DataError if a bit of it changed."""
    if len(stored) != header.stored_bytes:
        raise DataError(f"expected {header.stored_bytes} bytes of payload, got {len(stored)}")
    if crc32(stored) != header.payload_crc:
        raise DataError("the payload's CRC does not hold")
    if header.plain_bytes > PLAIN_BYTES_MAX:
        raise DataError(f"expected at most {PLAIN_BYTES_MAX} bytes, got a group of {header.plain_bytes}")
    return decompress(stored, header.plain_bytes) if header.codec is Codec.ZSTD else stored


def group_payload(records: Iterable[bytes]) -> bytes:
    """Encoded records behind their lengths."""
    return b"".join(part for record in records for part in (_LENGTH.pack(len(record)), record))


def records_of(payload: bytes) -> Iterator[AnyRecord]:
    """The records of a group; DataError where they are not what this version writes."""
    view, at = memoryview(payload), 0
    while at < len(view):
        start = at + _LENGTH.size
        at = start + (_LENGTH.unpack_from(view, at)[0] if start <= len(view) else len(view))
        if at > len(view):
            raise DataError(f"a record ends {at - len(view)} bytes behind its group")
        yield decode(view[start:at])


def _header_crc(fixed: bytes, offset: int) -> int:
    return crc32(_OFFSET.pack(offset), crc32(fixed))
