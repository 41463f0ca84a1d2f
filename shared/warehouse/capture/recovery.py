"""EDGE: puts in order what a writer left that did not end: the last whole group is the end, what it cost is said.

Nothing is repaired in place. The whole blocks are copied to a new file, which is synced, sealed and renamed: so a
recovery that dies begins anew, and pages whose fsync failed once are written again instead of trusted. Bytes behind
the last whole block are kept beside it as `*.torn`, for whoever wants to look.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from shared.durable import sync_folder
from shared.errors import DataError
from shared.sealing import SealKey
from shared.warehouse.capture.blocks import Foot, Kind, block
from shared.warehouse.capture.completeness import Completeness
from shared.warehouse.capture.reader import mapped, segments
from shared.warehouse.capture.records import Connection, Gap, Reason, WriterDied
from shared.warehouse.capture.scan import Bytes
from shared.warehouse.capture.segment import OPEN, segment_path
from shared.warehouse.capture.verdict import Report, assess, sha256_of


class Recovered(NamedTuple):
    """Where the next writer goes on: after which session, segment and record, and what it has to declare first."""

    session: int = 0
    segment: int = 0
    next_record: int = 1
    name: str = ""
    sha256: str = ""
    died: WriterDied | None = None


def recover(directory: Path, now_ns: int, key: SealKey | None = None) -> Recovered:
    """Seal what was left open and say where to go on. OSError if the disk won't; safe to be killed and called again."""
    for stray in directory.glob("*.tmp"):
        stray.unlink()
    found = Recovered()
    for path in segments(directory)[-2:]:
        if path.name.endswith(OPEN):
            found = _finish(path, found, now_ns, key)
        else:
            found = _take_up(path, now_ns, key)
    return found


def _take_up(path: Path, now_ns: int, key: SealKey | None) -> Recovered:
    """Go on after a segment that is sealed; what was open in it ended with its writer."""
    with mapped(path, key) as data:
        seen = Completeness()
        report = assess(path.name, data, seen.add)
    place = report.place
    if place is None:
        raise DataError(f"{path} holds no whole block: move it away to begin a new log beside it")
    foot = report.foot
    if foot is not None:
        last, sha256, connections = foot.last_record, foot.sha256, foot.connections
    else:
        last, sha256, connections = report.last_record, "", seen.open_connections()
    died = WriterDied(now_ns, place.session, path.name, gaps=_gaps(connections, now_ns)) if connections else None
    return Recovered(place.session, place.segment, last + 1, path.name, sha256, died)


def _finish(path: Path, before: Recovered, now_ns: int, key: SealKey | None) -> Recovered:
    """Seal a segment that was left open, up to its last whole block."""
    number = int(path.name.split(".")[0])
    if number == before.segment:  # a recovery died between its last two steps
        path.unlink()
        return before
    with mapped(path) as data:
        seen = Completeness()
        report = assess(path.name, data, seen.add)
        if report.foot is not None:  # the writer died between its last two steps
            path.rename(segment_path(path.parent, number))
            sync_folder(path.parent)
            return _take_up(segment_path(path.parent, number), now_ns, key)
        _set_aside(path, data, report.whole_bytes, now_ns)
        connections = seen.open_connections()
        sealed = _seal(path, data, report, connections, now_ns)
    path.unlink()
    sync_folder(path.parent)
    if report.place is None or sealed is None:
        return _without(report, before, now_ns)
    following = _after(report, before)
    torn = report.torn
    lost = (torn.bytes, following, torn.last_record) if torn else (0, 0, 0)
    died = WriterDied(now_ns, report.place.session, sealed[0], *lost, _gaps(connections, now_ns))
    return Recovered(report.place.session, number, max(following, died.last_record + 1), sealed[0], sealed[1], died)


def _without(report: Report, before: Recovered, now_ns: int) -> Recovered:
    """Go on as if the segment had not been begun, for nothing in it is whole; what is torn in it is said."""
    if report.torn is None:
        return before
    died = WriterDied(now_ns, before.session, report.name, report.torn.bytes, before.next_record, -1)
    if before.died is not None:
        died = msgspec.structs.replace(died, gaps=before.died.gaps)
    return before._replace(died=died)


def _after(report: Report, before: Recovered) -> int:
    return report.last_record + 1 if report.last_record >= 0 else before.next_record


def _set_aside(path: Path, data: Bytes, start: int, now_ns: int) -> None:
    """Keep what is torn off under a name of its own."""
    if start < len(data):
        _write(path.with_name(f"{path.name.split('.')[0]}.{now_ns}.torn"), data[start : len(data)])


def _seal(
    path: Path, data: Bytes, report: Report, connections: tuple[Connection, ...], now_ns: int
) -> tuple[str, str] | None:
    """Write the whole blocks and a footer as the sealed segment; its name and hash. None if there is no whole group."""
    if report.place is None or not report.groups:
        return None
    end = report.whole_bytes
    digest = sha256_of(data, end)
    torn_bytes = report.torn.bytes if report.torn else 0
    first, last = max(report.first_record, 0), report.last_record
    foot = Foot(report.records, first, last, report.groups, now_ns, digest, connections, torn_bytes)
    footer = block(report.place, Kind.FOOT, end, msgspec.msgpack.encode(foot), last + 1)
    final = segment_path(path.parent, report.place.segment)
    beside = final.with_suffix(".tmp")
    _write(beside, data[0:end] + footer)
    beside.rename(final)
    sync_folder(final.parent)
    return final.name, digest


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _gaps(connections: tuple[Connection, ...], now_ns: int) -> tuple[Gap, ...]:
    """From the last frame kept until now, of each connection that was open: nobody lives who counted."""
    return tuple(
        Gap(c.socket, c.epoch, Reason.WRITER_DIED, c.last_recv_ns, now_ns, c.last_seq + 1, 0, c.channels)
        for c in connections
    )
