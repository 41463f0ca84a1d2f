"""Judges segments and whole logs: what is there, what was lost, and whether it is what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from shared.errors import DataError
from shared.warehouse.capture.blocks import Foot, Kind, Place, records_of
from shared.warehouse.capture.completeness import Account, Completeness
from shared.warehouse.capture.records import AnyRecord, SegmentStarted, WriterDied
from shared.warehouse.capture.scan import Block, Bytes, Damage, scan

_HASH_STEP = 1 << 20


class Report(msgspec.Struct, frozen=True):
    """One segment: what it holds by count and number, what of it is damaged, and what else is wrong with it.

    `torn` is damage that ends the file of a segment that was never sealed: a write that was cut. `whole_bytes` is where
    its last whole block ends. Numbers are -1 where there is no record to take them from.
    """

    name: str
    bytes: int
    place: Place | None
    foot: Foot | None
    groups: int
    records: int
    first_record: int
    last_record: int
    whole_bytes: int
    damages: tuple[Damage, ...]
    torn: Damage | None
    faults: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Is every byte of it as it was written?"""
        return not (self.damages or self.torn or self.faults)


class LogReport(msgspec.Struct, frozen=True):
    """A whole log: its segments, what is wrong between them, and the account of every connection."""

    segments: tuple[Report, ...]
    faults: tuple[str, ...]
    accounts: tuple[Account, ...]
    is_complete: bool

    @property
    def is_whole(self) -> bool:
        """Is every segment there and whole?"""
        return not self.faults and all(report.is_whole for report in self.segments)


def contents(data: Bytes) -> Iterator[AnyRecord | Damage]:
    """The records of a segment in order, and between them what is damaged."""
    for part in scan(data):
        if isinstance(part, Damage):
            yield part
        elif part.header.kind is Kind.GROUP:
            yield from _records(part)


def assess(name: str, data: Bytes, on_record: Callable[[AnyRecord], None] = lambda _: None) -> Report:
    """The report on a segment of this file name; `on_record` hears each record, so that none need be kept here."""
    blocks: list[Block] = []
    damages: list[Damage] = []
    for part in scan(data):
        if isinstance(part, Damage):
            damages.append(part)
        elif part.header.kind is Kind.GROUP:
            for item in _records(part):
                if isinstance(item, Damage):
                    damages.append(item)
                else:
                    on_record(item)
            blocks.append(msgspec.structs.replace(part, payload=b""))
        else:
            blocks.append(part)
    foot = _foot(blocks)
    whole_bytes = blocks[-1].end if blocks else 0
    tail = [damage for damage in damages if damage.offset >= whole_bytes]
    is_torn = bool(tail) and foot is None and not name.endswith(".hlog")
    groups = [block.header for block in blocks if block.header.kind is Kind.GROUP]
    return Report(
        name=name,
        bytes=len(data),
        place=blocks[0].header.place if blocks else None,
        foot=foot,
        groups=len(groups),
        records=sum(header.records for header in groups),
        first_record=groups[0].first_record if groups else -1,
        last_record=groups[-1].last_record if groups else -1,
        whole_bytes=whole_bytes,
        damages=tuple(damages[: len(damages) - len(tail)] if is_torn else damages),
        torn=_merged(tail) if is_torn else None,
        faults=tuple(_faults(name, data, blocks, foot)),
    )


class LogVerdict:
    """A fold over the segments of a log in their order."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._faults: list[str] = []
        self._completeness = Completeness()
        self._previous: Report | None = None

    def take(self, name: str, data: Bytes) -> Report:
        """The report on the next segment."""
        news: list[SegmentStarted | WriterDied] = []

        def hear(record: AnyRecord) -> None:
            self._completeness.add(record)
            if isinstance(record, SegmentStarted | WriterDied):
                news.append(record)

        report = assess(name, data, hear)
        if self._previous is not None:
            self._faults.extend(_breaks(self._previous, report, news))
        self._previous = report
        self._reports.append(report)
        return report

    def report(self) -> LogReport:
        """The verdict on all that was taken."""
        completeness = self._completeness
        return LogReport(tuple(self._reports), tuple(self._faults), completeness.accounts(), completeness.is_complete)


def sha256_of(data: Bytes, length: int) -> str:
    """The hash of the first `length` bytes."""
    total = hashlib.sha256()
    for start in range(0, length, _HASH_STEP):
        total.update(data[start : min(start + _HASH_STEP, length)])
    return total.hexdigest()


def _records(group: Block) -> Iterator[AnyRecord | Damage]:
    header = group.header
    try:
        records = list(records_of(group.payload))
        if len(records) != header.records:
            raise DataError(f"expected {header.records} records, got {len(records)}")
    except DataError as error:
        yield Damage(group.offset, group.end - group.offset, str(error), header.first_record, header.last_record)
        return
    yield from records


def _foot(blocks: list[Block]) -> Foot | None:
    if not blocks or blocks[-1].header.kind is not Kind.FOOT:
        return None
    return msgspec.msgpack.decode(blocks[-1].payload, type=Foot)


def _merged(tail: list[Damage]) -> Damage:
    size = tail[-1].end - tail[0].offset
    return Damage(tail[0].offset, size, tail[0].why, tail[0].first_record, tail[-1].last_record)


def _faults(name: str, data: Bytes, blocks: list[Block], foot: Foot | None) -> Iterator[str]:
    if not blocks:
        if len(data):
            yield "no block of it is whole"
        return
    if not name.startswith(f"{blocks[0].header.place.segment:08d}."):
        yield f"it is segment {blocks[0].header.place.segment} by its own word"
    for before, after in pairwise(blocks):
        if before.header.kind is Kind.FOOT:
            yield f"there are blocks behind the footer, from byte {before.end}"
        if before.end == after.offset and before.header.last_record + 1 != after.header.first_record:
            yield f"records {before.header.last_record + 1} to {after.header.first_record - 1} are not there"
    if foot is not None:
        if sha256_of(data, blocks[-1].offset) != foot.sha256:
            yield "its bytes are not those that the footer's SHA-256 was made of"
        records = sum(block.header.records for block in blocks)
        if records != foot.records:
            yield f"the footer counts {foot.records} records, there are {records}"
    elif name.endswith(".hlog"):
        yield "it is sealed by its name, and has no footer"


def _breaks(previous: Report, report: Report, news: list[SegmentStarted | WriterDied]) -> Iterator[str]:
    """What does not fit between two segments that follow each other."""
    if previous.place and report.place and previous.place.segment + 1 != report.place.segment:
        yield f"between {previous.name} and {report.name} segments are missing"
    started = next((record for record in news if isinstance(record, SegmentStarted)), None)
    sha256 = previous.foot.sha256 if previous.foot else ""
    if started is not None and sha256 and started.previous_sha256 != sha256:
        yield f"{report.name} follows {started.previous or 'nothing'} by its own word, not this {previous.name}"
    if previous.foot is None or report.first_record < 0:
        return
    died = next((record for record in news if isinstance(record, WriterDied)), None)
    expected = previous.foot.last_record + 1
    if died is not None and died.last_record >= expected:
        expected = died.last_record + 1
    if report.first_record != expected and not report.damages:
        yield f"{report.name} begins with record {report.first_record}, expected {expected}"
