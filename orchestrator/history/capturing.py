"""EDGE: a capture that stands alone: the feed and its log without Hats, Ray or keys, until told to stop."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec

from hats.exchange_architect import errands
from hats.exchange_architect.feed import Feed
from hats.exchange_architect.reader import Reader
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.universe import Universe
from orchestrator.history.warehouse import keep_listed
from shared.clock import WallClock
from shared.edge import Context
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.market import BadData, CaptureState, CaptureStatus, FeedStatus, UniverseUpdate
from shared.warehouse.capture.reader import segments
from shared.warehouse.capture.recorder import Recorder
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, SocketOpened


class LagView(msgspec.Struct, frozen=True):
    """Socket to disk in milliseconds, over every frame that was kept; None: not one yet."""

    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None


class Captured(msgspec.Struct, frozen=True):
    """What was captured so far. `lost` frames came and could not be kept; each is in a declared gap.

    `gaps` counts the gaps that the feed declared, by reason; `bad_data` the frames that nobody could read and that are
    in the log all the same. `is_listed`: are the coins' units written beside the log, so that it can be compacted?
    """

    dir: str
    url: str
    coins: int
    seconds: float
    state: CaptureState
    reason: str
    feed: str
    connections: int
    frames: int
    frame_bytes: int
    stored_bytes: int
    lost: int
    gaps: dict[str, int]
    bad_data: int
    is_listed: bool
    free_bytes: int | None
    lag: LagView


class Capturing:
    """A feed with a log behind it. `start`, then `so_far` as often as wished, then `stop`."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        """JournalError is no matter here: a log that can't be opened is DEAD in `so_far`."""
        self._settings = settings
        self._directory = directory
        self._clock = clock = WallClock()
        self._began = time.monotonic()
        self._frames = self._bytes = self._connections = self._bad_data = 0
        self._gaps: Counter[str] = Counter()
        self._feed_said = "starting"
        self._listed: tuple[Instrument, ...] = ()
        self._kept: tuple[Instrument, ...] = ()
        self._lock = threading.Lock()
        self._recorder = Recorder(directory, clock.now() // 1_000_000_000, clock, settings.capture)
        self._feed = Feed(settings, clock, Universe(), random.Random(0), self._record)

    def start(self) -> None:
        """The feed connects, and goes on connecting until `stop`."""
        self._feed.start(self._hear)

    @property
    def is_alive(self) -> bool:
        """Does the feed still run?"""
        return self._feed.is_alive

    def keep_listed(self) -> None:
        """Write beside the log what is listed, if that is news; a full disk is asked again the next time."""
        listed = self._listed
        if listed != self._kept:
            try:
                keep_listed(self._directory, listed)
            except OSError as error:
                self._feed_said = f"what is listed can't be kept: {error}"
            else:
                self._kept = listed

    def stop(self) -> Captured:
        """The sockets are closed and the log is sealed; the last word on it."""
        self._feed.stop()
        self.keep_listed()
        return self._seen(self._recorder.close())

    def so_far(self) -> Captured:
        """What was captured until now."""
        return self._seen(self._recorder.status())

    def _seen(self, status: CaptureStatus) -> Captured:
        with self._lock:
            gaps = dict(self._gaps)
        return Captured(
            dir=str(self._directory),
            url=self._settings.base_url,
            coins=len(self._settings.coins),
            seconds=round(time.monotonic() - self._began, 3),
            state=status.state,
            reason=status.reason,
            feed=self._feed_said,
            connections=self._connections,
            frames=self._frames,
            frame_bytes=self._bytes,
            stored_bytes=sum(path.stat().st_size for path in segments(self._directory)),
            lost=status.lost,
            gaps=gaps,
            bad_data=self._bad_data,
            is_listed=bool(self._kept),
            free_bytes=status.free_bytes if status.free_bytes >= 0 else None,
            lag=_lag_view(self._recorder),
        )

    def _record(self, record: AnyRecord) -> None:
        """On the feed's thread: count, and write down."""
        if isinstance(record, Frame):
            self._frames += 1
            self._bytes += len(record.data)
        elif isinstance(record, Gap):
            with self._lock:
                self._gaps[record.reason.value] += 1
        elif isinstance(record, SocketOpened):
            self._connections += 1
        self._recorder.record(record)

    def _hear(self, message: Message, context: Context = Context()) -> None:  # noqa: ARG002 - nobody here has a cause
        if isinstance(message, FeedStatus):
            self._feed_said = f"{message.state}: {message.reason}" if message.reason else message.state.value
        elif isinstance(message, BadData):
            self._bad_data += 1
        elif isinstance(message, UniverseUpdate):
            self._listed = message.instruments


def listed_coins(settings: Settings) -> tuple[str, ...]:
    """Every perp that the venue lists and has not delisted; VenueError if it can't be asked."""
    reader, clock = Reader(settings), WallClock()
    try:
        messages = reader.carry(errands.read_universe(None, clock.now))
    finally:
        reader.close()
    (universe,) = [message for message in messages if isinstance(message, UniverseUpdate)]
    return tuple(one.coin for one in universe.instruments if not one.is_delisted)


def _lag_view(recorder: Recorder) -> LagView:
    if recorder.writer is None or not recorder.writer.lags.n:
        return LagView(None, None, None, None)
    lags = recorder.writer.lags
    return LagView(lags.quantile_ms(0.5), lags.quantile_ms(0.99), lags.quantile_ms(0.999), lags.max_ns / 1e6)
