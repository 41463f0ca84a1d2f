"""Holds what an exchange sent against what was captured of it, frame by frame, connection by connection."""

from __future__ import annotations

from array import array
from binascii import crc32
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from shared.warehouse.capture.records import AnyRecord, Direction, Frame, Gap, SegmentStarted, SocketOpened, WriterDied
from shared.warehouse.capture.scan import Damage


class Heard:
    """What the log says of one connection: checksums of the frames that came, and how many may be missing before each.

    `holes` maps a place among the frames to the size of the declared gap there; a gap of unknown size ends it.
    """

    def __init__(self) -> None:
        self.checksums = array("I")
        self.holes: dict[int, int] = {}
        self.is_end_open = False


class Match(msgspec.Struct, frozen=True):
    """One connection on both sides. `declared` frames were sent and lie in declared gaps; `undeclared` lie nowhere."""

    connection: int
    sent: int
    captured: int
    declared: int
    undeclared: int


class Audit(msgspec.Struct, frozen=True):
    """All connections. `strangers` are captured connections that nobody sent anything like."""

    connections: int
    sent: int
    captured: int
    declared: int
    undeclared: int
    strangers: int

    @property
    def is_proven(self) -> bool:
        """Is everything that was sent captured or declared, and nothing captured that was not sent?"""
        return self.undeclared == 0 and self.strangers == 0


def heard_of(records: Iterable[AnyRecord | Damage]) -> list[Heard]:
    """The connections of a log in the order in which they were opened."""
    found: dict[tuple[int, int, int], Heard] = {}
    session = 0
    for record in records:
        match record:
            case SegmentStarted():
                session = record.session
            case SocketOpened(socket=socket, epoch=epoch):
                found[session, socket, epoch] = Heard()
            case Frame(socket=socket, epoch=epoch, direction=Direction.IN):
                found[session, socket, epoch].checksums.append(crc32(record.data))
            case Gap():
                _open_hole(found[session, record.socket, record.epoch], record)
            case WriterDied():
                for gap in record.gaps:
                    _open_hole(found[record.session, gap.socket, gap.epoch], gap)
            case _:
                pass
    return list(found.values())


def _open_hole(heard: Heard, gap: Gap) -> None:
    if gap.channels and not gap.first_seq:
        return  # a channel that was silent: nothing came, and nothing of the connection is missing
    if gap.last_seq:
        place = len(heard.checksums)
        heard.holes[place] = heard.holes.get(place, 0) + gap.last_seq - gap.first_seq + 1
    else:
        heard.is_end_open = True


def matched(connection: int, sent: Sequence[int], heard: Heard) -> Match | None:
    """How the two sides fit; None if a frame was captured that was not sent, or not there.

    A declared gap may hold fewer of the frames that came than its size, for it counts those of both ways.
    """
    at = declared = 0
    for place, checksum in enumerate(heard.checksums):
        hole = heard.holes.get(place, 0)
        limit = at + hole
        while at < len(sent) and sent[at] != checksum and at < limit:
            at += 1
            declared += 1
        if at >= len(sent) or sent[at] != checksum:
            return None
        at += 1
    left = len(sent) - at
    may_miss = left if heard.is_end_open else min(left, heard.holes.get(len(heard.checksums), 0))
    return Match(connection, len(sent), len(heard.checksums), declared + may_miss, left - may_miss)


def audit(sent: Mapping[int, Sequence[int]], heard: Sequence[Heard]) -> Audit:
    """The verdict; both sides in the order of their opening. A connection of which nothing was heard counts whole."""
    left, matches, strangers = dict(sent), [], 0
    for one in heard:
        fits = ((number, match) for number, sums in left.items() if (match := matched(number, sums, one)))
        best = next(fits, None)
        if best is None:
            strangers += 1
            continue
        matches.append(best[1])
        del left[best[0]]
    unheard = sum(len(sums) for sums in left.values())
    return Audit(
        connections=len(heard),
        sent=sum(map(len, sent.values())),
        captured=sum(one.captured for one in matches),
        declared=sum(one.declared for one in matches),
        undeclared=sum(one.undeclared for one in matches) + unheard,
        strangers=strangers,
    )


def as_row(verdict: Audit) -> dict[str, Any]:
    """For a report."""
    return {**msgspec.structs.asdict(verdict), "is_proven": verdict.is_proven}
