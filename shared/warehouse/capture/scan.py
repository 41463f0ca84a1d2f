"""Walks over the bytes of a segment: every whole block, and exactly what is damaged between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from shared.errors import DataError
from shared.warehouse.capture.blocks import HEADER_BYTES, MARKER, BlockHeader, Place, header_at, payload_of


class Bytes(Protocol):
    """A segment's bytes: `bytes` or a memory map."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __getitem__(self, part: slice, /) -> bytes:
        """Some of them."""
        ...

    def find(self, what: bytes, start: int, /) -> int:
        """Where `what` begins at or after `start`; -1 if nowhere."""
        ...


class Block(msgspec.Struct, frozen=True):
    """A whole block: where it stands and what it holds."""

    offset: int
    end: int
    header: BlockHeader
    payload: bytes


class Damage(msgspec.Struct, frozen=True):
    """Bytes that are no block any more, and the records that were in them.

    `first_record` to `last_record` by number; last < first says that no record was lost, last_record -1 that nobody
    knows where they end, first_record -1 that nobody knows where they begin.
    """

    offset: int
    bytes: int
    why: str
    first_record: int = -1
    last_record: int = -1

    @property
    def end(self) -> int:
        """Where the next block begins, or the file ends."""
        return self.offset + self.bytes


def scan(data: Bytes) -> Iterator[Block | Damage]:
    """All of `data` in order, without a hole: the parts' sizes add up to its size.

    Only a Damage at the very end has an unknown end. DataError only for another version of the format.
    """
    expected = -1
    held: list[Damage] = []
    offset = 0
    place: Place | None = None
    while offset < len(data):
        found = _block_at(data, offset)
        if isinstance(found, Block) and found.header.place != (place or found.header.place):
            found = Damage(offset, found.end - offset, f"a block of {found.header.place}, not of {place}")
        if isinstance(found, Damage):
            held.append(found)
        else:
            place = found.header.place
            yield from _numbered(held, expected, found.header.first_record - 1)
            held.clear()
            yield found
            expected = found.header.last_record + 1
        offset = found.end
    yield from _numbered(held, expected, -1)


def _block_at(data: Bytes, offset: int) -> Block | Damage:
    header = header_at(data[offset : offset + HEADER_BYTES], offset)
    if header is None:
        return Damage(offset, _resync(data, offset + 1) - offset, "no sound header")
    end = offset + HEADER_BYTES + header.stored_bytes
    known = (header.first_record, header.last_record)
    if end > len(data):
        until = _resync(data, offset + HEADER_BYTES)
        return Damage(offset, until - offset, f"{end - len(data)} bytes of a block are missing", *known)
    try:
        payload = payload_of(header, data[offset + HEADER_BYTES : end])
    except DataError as error:
        return Damage(offset, end - offset, str(error), *known)
    return Block(offset, end, header, payload)


def _resync(data: Bytes, start: int) -> int:
    """Where the next sound header begins; the end if there is none."""
    at = data.find(MARKER, start)
    while at >= 0 and header_at(data[at : at + HEADER_BYTES], at) is None:
        at = data.find(MARKER, at + 1)
    return at if at >= 0 else len(data)


def _numbered(held: list[Damage], expected: int, last: int) -> Iterator[Damage]:
    """The damages with the records they cost, as far as their neighbours tell."""
    for place, damage in enumerate(held):
        if damage.first_record < 0:
            following = held[place + 1].first_record - 1 if place + 1 < len(held) else last
            until = following if following >= 0 else -1
            damage = msgspec.structs.replace(damage, first_record=expected, last_record=until)  # noqa: PLW2901
        yield damage
        expected = damage.last_record + 1 if damage.last_record >= 0 else -1
