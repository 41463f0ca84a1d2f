"""Turns the records of a capture log into rows: every frame and every gap, each once, whatever can be read of them.

Pure: a fold that gives rows to `put`. How the venue's frames are read is not known here; whoever composes hands in the
one reader that the desk has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from shared.instrument import Instrument
from shared.units import Ns
from shared.warehouse.capture.records import (
    AnyRecord,
    ClockOffset,
    Connection,
    Direction,
    Frame,
    Gap,
    Reason,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
    Subscribed,
    WriterDied,
)
from shared.warehouse.capture.verdict import Report
from shared.warehouse.coverage import Coverage
from shared.warehouse.manifest import Carry, Covered
from shared.warehouse.rows import instrument_row
from shared.warehouse.tables import (
    BadFrameRow,
    ClockRow,
    ConnectionRow,
    FrameRow,
    GapRow,
    Origin,
    Row,
)

UNREAD: Final = "unread"
DAMAGED: Final = Reason.DAMAGED.value
MISSING_SEGMENT: Final = Reason.MISSING_SEGMENT.value


class Unread(NamedTuple):
    """Why something in a frame could not be read, and what is known of it."""

    channel: str
    coin: str
    reason: str


class Reading(NamedTuple):
    """What one frame said: its rows in their order and what of it could not be read."""

    channel: str
    coin: str
    rows: Sequence[Row] = ()
    unread: Sequence[Unread] = ()


class Reader(Protocol):
    """Reads the venue's frames; it never raises on what the venue sent."""

    def learn(self, instruments: tuple[Instrument, ...]) -> None:
        """From here on these are listed."""
        ...

    def read(self, frame: bytes, recv_ns: Ns) -> Reading:
        """What the frame said."""
        ...


def source_of(run: int) -> str:
    """How the rows of a run's capture log name it."""
    return f"capture:{run:016x}"


Put = Callable[[Row, Origin], None]


class SegmentFold:
    """One segment. Give it every record in order by `take`, then the report on the segment by `finish`."""

    def __init__(
        self, run: int, reader: Reader, before: Carry | None, listed: tuple[Instrument, ...], put: Put
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        known = {one.coin: one for one in before.instruments} if before is not None else {}
        self._news = [one for one in listed if known.get(one.coin) != one]
        self.instruments = tuple((known | {one.coin: one for one in listed}).values())
        reader.learn(self.instruments)
        self._source = source_of(run)
        self._reader = reader
        self._before = before
        self._put = put
        self._session = 0 if before is None else before.session
        self._coverage = Coverage()
        if before is not None:
            self._coverage.began(before.session, before.open)
        self._span: tuple[int, int] | None = None

    def take(self, record: AnyRecord) -> None:
        """Take in one record."""
        self.counts["records"] += 1
        match record:
            case Frame():
                self._frame(record)
            case Gap():
                self._saw(record.start_ns)
                self._gap(record, self._session)
            case SocketOpened():
                self._connection(record, record.ns, "opened", detail=record.url)
            case SocketClosed():
                last = record.last_seq if record.last_seq >= 0 else None
                self._coverage.close(self._session, record.socket, record.epoch, last or 0)
                self._connection(record, record.ns, "closed", last, record.code, record.reason)
            case Subscribed():
                self._connection(record, record.ns, "subscribed", added=record.added, removed=record.removed)
            case ClockOffset():
                self._saw(record.ns)
                self._put(ClockRow(record.ns, record.offset_ns, record.round_trip_ns), self._origin())
            case SegmentStarted():
                self._started(record)
            case WriterDied():
                self._died(record)

    @property
    def covered(self) -> tuple[Covered, ...]:
        """The frames that are here or declared."""
        return self._coverage.covered()

    def finish(self, report: Report) -> None:
        """What the segment's bytes lost becomes gaps, so that nobody takes it for silence."""
        start, end = self._span or (0, 0)
        if report.foot is not None:
            self._coverage.ended(self._session, report.foot.connections)
        for lost in list(self._coverage.missing()) if report.damages else ():
            self._declare(
                GapRow(start, end, DAMAGED, lost.first_seq, lost.last_seq, ()),
                lost.session,
                lost.socket,
                lost.epoch,
            )
        for damage in report.damages:
            self.problems.append(f"{report.name}: {damage.bytes} bytes at {damage.offset}: {damage.why}")
            first, last = (number if number >= 0 else None for number in (damage.first_record, damage.last_record))
            self._declare(GapRow(start, end, DAMAGED, 0, 0, (), first, last, damage.why), self._session)
        self.problems.extend(f"{report.name}: {fault}" for fault in report.faults)

    def _frame(self, frame: Frame) -> None:
        self._saw(frame.recv_ns)
        self._coverage.take(self._session, frame.socket, frame.epoch, frame.seq, frame.seq)
        rows = 0
        origin = self._origin(frame.socket, frame.epoch, frame.seq)
        if frame.direction is Direction.IN:
            reading = self._reader.read(frame.data, Ns(frame.recv_ns))
            rows = self._said(frame, reading, origin)
            channel, coin, way = reading.channel, reading.coin, "in"
        else:
            channel, coin, way = "", "", "out"
        self.counts[f"frames_{way}"] += 1
        self._put(FrameRow(frame.recv_ns, frame.mono_ns, way, channel, coin or None, len(frame.data), rows), origin)

    def _said(self, frame: Frame, reading: Reading, origin: Origin) -> int:
        """Put down what a frame said; how many rows that were."""
        place = 0
        for row in reading.rows:
            self._put(row, origin._replace(entry=place) if place else origin)
            place += 1
        for one in reading.unread:
            self.counts[UNREAD] += 1
            row = BadFrameRow(frame.recv_ns, one.channel, one.coin or None, one.reason, frame.data)
            self._put(row, origin._replace(entry=place))
            place += 1
        return place

    def _gap(self, gap: Gap, session: int) -> None:
        row = GapRow(gap.start_ns, gap.end_ns, gap.reason.value, gap.first_seq, gap.last_seq, gap.channels)
        self._declare(row, session, gap.socket, gap.epoch)

    def _declare(self, row: GapRow, session: int, socket: int = 0, epoch: int = 0) -> None:
        self.counts["gaps"] += 1
        if row.last_seq:
            self._coverage.take(session, socket, epoch, row.first_seq, row.last_seq)
        self._put(row, Origin(self._source, session, socket, epoch))

    def _started(self, started: SegmentStarted) -> None:
        self._session = started.session
        self._coverage.began(started.session, started.connections)
        self._saw(started.ns)
        for instrument in self._news:
            self._put(instrument_row(instrument, started.ns), self._origin())
        self._news = []
        sha256 = "" if self._before is None else self._before.foot_sha256
        if started.previous_sha256 == sha256:
            return
        known = "the beginning of the log" if self._before is None else f"segment {self._before.segment}"
        why = f"it follows {started.previous or 'nothing'} by its own word; what was compacted before is {known}"
        self.problems.append(why)
        self._declare(GapRow(started.ns, started.ns, MISSING_SEGMENT, 0, 0, (), detail=why), started.session)
        for connection in started.connections:
            self._skipped(connection, started)

    def _skipped(self, now: Connection, started: SegmentStarted) -> None:
        """The frames of a connection that were in the segments that are missing."""
        then = self._before.open if self._before is not None and self._before.session == started.session else ()
        known = next((c.last_seq for c in then if (c.socket, c.epoch) == (now.socket, now.epoch)), 0)
        if now.last_seq > known:
            row = GapRow(started.ns, started.ns, MISSING_SEGMENT, known + 1, now.last_seq, now.channels)
            self._declare(row, started.session, now.socket, now.epoch)

    def _died(self, died: WriterDied) -> None:
        self._saw(died.ns)
        detail = f"{died.segment}: {died.torn_bytes} bytes torn, records {died.first_record} to {died.last_record}"
        row = ConnectionRow(died.ns, "writer_died", None, None, detail)
        self._put(row, Origin(self._source, died.session))
        for gap in died.gaps:
            self._gap(gap, died.session)

    def _connection(
        self,
        record: SocketOpened | SocketClosed | Subscribed,
        ns: int,
        event: str,
        last_seq: int | None = None,
        code: int | None = None,
        detail: str = "",
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> None:
        self._saw(ns)
        row = ConnectionRow(ns, event, last_seq, code, detail, added, removed)
        self._put(row, self._origin(record.socket, record.epoch))

    def _origin(self, socket: int = 0, epoch: int = 0, seq: int = 0) -> Origin:
        return Origin(self._source, self._session, socket, epoch, seq)

    def _saw(self, ns: int) -> None:
        low, high = self._span or (ns, ns)
        if not low <= ns <= high or self._span is None:
            self._span = (min(low, ns), max(high, ns))
