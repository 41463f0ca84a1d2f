"""Minute counts and volumes of a captured, compacted warehouse against the exchange's candles, with cuts on the way.

`python -m tests.bench.audit_candles --coins 100 --minutes 60 --cuts 20` prints one JSON object and exits 1 if a figure
is missed; progress goes to stderr. Real sockets, the product's feed, capture, compaction, fetch and audit; the
exchange's time and the feed's are one stepped clock, so that an hour takes minutes. A cut lasts until the feed is back
by itself. Beyond the audit, every trade that happened is known here: each one is in the warehouse or in a declared gap.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec

from hats.exchange_architect import errands
from hats.exchange_architect.budget import Budget
from hats.exchange_architect.feed import Feed
from hats.exchange_architect.history import subject
from hats.exchange_architect.reader import Reader
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.universe import Universe
from orchestrator.history import backfill
from orchestrator.history.candle_audit import Audit, Wanted
from orchestrator.history.warehouse import compact_log
from orchestrator.machine.build import build_id
from shared.clock import VirtualClock
from shared.edge import Context
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.market import FeedState, FeedStatus, UniverseUpdate
from shared.units import MINUTE, MS, SECOND
from shared.warehouse.candle_audit import SLACK_NS, Audited
from shared.warehouse.capture.recorder import Recorder
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, SocketOpened
from shared.warehouse.capture.settings import CaptureSettings
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from tests.bench.audit_venue import START, coin_name
from tests.house.sources import ROOT

STEP_MS: Final = 1_000
PATIENCE_NS: Final = 2 * MINUTE
"""How long the feed may take to come back, in the exchange's time: in ours it is as long as the machine needs."""
PATIENCE_S: Final = 600.0
"""Longer than that in our time, and it hangs."""
QUIET_S: Final = 0.004
RUN: Final = 1


class Closing(NamedTuple):
    """How a socket ends: reset, reset in the middle of a frame, or closed with a code."""

    code: int | None = None
    is_mid_frame: bool = False


CLOSINGS: Final = (Closing(), Closing(is_mid_frame=True), Closing(1000))


class Result(msgspec.Struct, frozen=True):
    """What a campaign found. `undeclared` are trades that happened, were not captured, and that no gap declares."""

    coins: int
    minutes: int
    cuts: int
    gaps: int
    happened: int
    captured: int
    lost_in_gaps: int
    undeclared: int
    wrong: int
    audited: dict[str, int]
    sound: bool
    wall_s: float

    @property
    def is_met(self) -> bool:
        """Is every figure of the claim met? Cuts that lost nothing would prove nothing."""
        audited = self.audited
        return (
            self.sound
            and self.undeclared == 0
            and self.wrong == 0
            and audited["minutes"] == self.coins * self.minutes
            and audited["trades_missing"] == self.lost_in_gaps
            and self.gaps >= self.cuts
            and (self.cuts == 0 or audited["explained"] > 0)
        )


class Venue:
    """The exchange's process, its control port, and the one clock."""

    def __init__(self, facts: dict[str, int]) -> None:
        self.url = f"http://127.0.0.1:{facts['port']}"
        self._control = f"http://127.0.0.1:{facts['control']}"
        self.clock = VirtualClock(START)

    def step(self, span_ms: int = STEP_MS) -> None:
        """Time passes, there and here."""
        self.clock.advance_to(self._post("/time", {"span_ms": span_ms})["time_ms"] * MS)

    def cut(self, closing: Closing, for_ms: int) -> None:
        """Every socket is ended, and each second every one that is open again."""
        self._post("/faults", {"kind": "cut_sockets", "every_ms": 1_000, "for_ms": for_ms, **closing._asdict()})

    def _post(self, path: str, said: dict[str, Any]) -> Any:
        body, kind = json.dumps(said).encode(), {"content-type": "application/json"}
        request = urllib.request.Request(self._control + path, body, kind)
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.loads(reply.read())


class Capture:
    """The product's feed with its log, on the exchange's clock."""

    def __init__(self, venue: Venue, coins: int, directory: Path) -> None:
        names = tuple(coin_name(number) for number in range(coins))
        settings = Settings(base_url=venue.url, coins=names, capture=CaptureSettings())
        self.frames = self.openings = self.gaps = 0
        self._state = FeedState.DOWN
        self.instruments: tuple[Instrument, ...] = ()
        self._recorder = Recorder(directory, RUN, venue.clock, settings.capture)
        self._feed = Feed(settings, venue.clock, Universe(), random.Random(RUN), self._record)
        self._feed.start(self._hear)

    @property
    def is_up(self) -> bool:
        """Is everything subscribed and heard?"""
        return self._state is FeedState.UP

    def settle(self) -> None:
        """Wait until what was sent has arrived."""
        seen = -1
        while seen != self.frames:
            seen = self.frames
            time.sleep(QUIET_S)

    def stop(self) -> None:
        """The log is sealed."""
        self._feed.stop()
        self._recorder.close()

    def _record(self, record: AnyRecord) -> None:
        self.frames += isinstance(record, Frame)
        self.openings += isinstance(record, SocketOpened)
        self.gaps += isinstance(record, Gap)
        self._recorder.record(record)

    def _hear(self, message: Message, context: Context = Context()) -> None:
        if isinstance(message, FeedStatus):
            self._state = message.state
        elif isinstance(message, UniverseUpdate):
            self.instruments = message.instruments


def campaign(coins: int, minutes: int, cuts: int, seed: int, folder: Path) -> Result:
    """One run, from the exchange's start to the audit."""
    began = time.monotonic()
    trades = folder / "trades.json"
    with _exchange(coins, seed, trades) as venue:
        capture = Capture(venue, coins, folder / "log")
        try:
            _capture(venue, capture, minutes, cuts, random.Random(seed))
        finally:
            capture.stop()
        store = Store(folder / "warehouse")
        _note("compacting")
        compact_log(folder / "log", store, capture.instruments, lambda _: None)
        _note("fetching candles")
        _fetch(venue, coins, store)
    _note("auditing")
    warehouse = Warehouse(store.root)
    span = (-(-START // MINUTE) * MINUTE, -(-START // MINUTE) * MINUTE + minutes * MINUTE)
    found = Audit(warehouse).run(Wanted(since_ns=span[0], until_ns=span[1]))
    happened = [one for one in json.loads(trades.read_text()) if span[0] <= one[2] * MS < span[1]]
    return _judged(found, happened, warehouse, coins, minutes, cuts, time.monotonic() - began)


def _capture(venue: Venue, capture: Capture, minutes: int, cuts: int, rng: random.Random) -> None:
    """Step through it second by second, with a cut in every stretch, past the end of the last minute."""
    _until_up(venue, capture)
    end = -(-START // MINUTE) * MINUTE + minutes * MINUTE + 10 * SECOND
    stretch = (end - venue.clock.now()) // (cuts + 1)
    strikes = [end - stretch * (number + 1) + rng.randrange(stretch // 4) for number in range(cuts)]
    told = 0
    while venue.clock.now() < end:
        if strikes and venue.clock.now() >= strikes[-1]:
            strikes.pop()
            _cut(venue, capture, CLOSINGS[len(strikes) % len(CLOSINGS)], rng)
        venue.step()
        capture.settle()
        if capture.frames >= told + 10_000:
            told = capture.frames
            _note(f"{max(end - venue.clock.now(), 0) // MINUTE} minutes left: {told:,} frames, {capture.gaps} gaps")


def _cut(venue: Venue, capture: Capture, closing: Closing, rng: random.Random) -> None:
    """Cut every socket, and every one that comes back, for one to three minutes in which the exchange trades on.

    On subscribing the venue repeats its last ten trades of a coin, so only a longer outage loses any.
    """
    outage_s = rng.randrange(60, 180)
    venue.cut(closing, outage_s * 1_000)
    for _ in range(outage_s):
        venue.step()
        capture.settle()
    _until_up(venue, capture)


def _until_up(venue: Venue, capture: Capture) -> None:
    """Until the feed says that it can be relied on: books come only as time passes, so let it pass slowly."""
    until, until_ns = time.monotonic() + PATIENCE_S, venue.clock.now() + PATIENCE_NS
    while not capture.is_up:
        assert time.monotonic() < until, f"the feed did not come back within {PATIENCE_S:.0f} s"
        assert venue.clock.now() < until_ns, "the feed did not come back in the exchange's time"
        time.sleep(0.2)
        if not capture.is_up:
            venue.step(100)


def _fetch(venue: Venue, coins: int, store: Store) -> None:
    """Every minute's candle from the exchange; where the weight budget says wait, the exchange's time passes."""
    settings = Settings(base_url=venue.url, coins=("C000",))
    reader, budget = Reader(settings), Budget(settings.weight_per_minute)
    venue.step(MINUTE // MS)
    universe, *_ = reader.carry(errands.read_universe(None, venue.clock.now))
    assert isinstance(universe, UniverseUpdate)
    units = {one.coin: one for one in universe.instruments}
    source = backfill.Source(reader.ask, venue.clock.now, lambda seconds: venue.step(int(seconds * 1_000) + 1))
    span = (START // MS, venue.clock.now() // MS)
    try:
        with store.writing() as writing:
            for number in range(coins):
                of = subject(coin_name(number), "1m")
                backfill.fetch(of, span, units[of.coin], source, writing, budget, build_id())
    finally:
        reader.close()


def _judged(
    found: Audited, happened: list[list[Any]], warehouse: Warehouse, coins: int, minutes: int, cuts: int, wall_s: float
) -> Result:
    """The audit beside the truth. `wrong` are captured trades that never happened, or not so."""
    kept: dict[int, tuple[str, int, int]] = {}
    for group in warehouse.groups("trades"):
        for row in group.select(["tid", "coin", "exch_ns", "sz"]).to_pylist():
            kept[row["tid"]] = (row["coin"], row["exch_ns"] // MS, row["sz"])
    gaps = [
        (row["start_ns"] - SLACK_NS, row["end_ns"] + SLACK_NS)
        for group in warehouse.groups("gaps")
        for row in group.select(["source", "start_ns", "end_ns"]).to_pylist()
        if row["source"].startswith("capture:")
    ]
    lost = [one for one in happened if one[0] not in kept]
    undeclared = [one for one in lost if not any(start <= one[2] * MS <= end for start, end in gaps)]
    wrong = [one for one in happened if one[0] in kept and kept[one[0]] != tuple(one[1:])]
    counts = {name: value for name, value in msgspec.to_builtins(found).items() if isinstance(value, int)}
    return Result(
        coins=coins,
        minutes=minutes,
        cuts=cuts,
        gaps=len(gaps),
        happened=len(happened),
        captured=len(happened) - len(lost),
        lost_in_gaps=len(lost) - len(undeclared),
        undeclared=len(undeclared),
        wrong=len(wrong),
        audited=counts,
        sound=found.is_sound,
        wall_s=round(wall_s, 1),
    )


@contextlib.contextmanager
def _exchange(coins: int, seed: int, trades: Path) -> Iterator[Venue]:
    command = [sys.executable, "-m", "tests.bench.audit_venue", "--coins", str(coins), "--seed", str(seed)]
    process = subprocess.Popen([*command, "--trades", str(trades)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Venue(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if every figure is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coins", type=int, default=100)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="keep log and warehouse here; else they are thrown away")
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory() as scratch:
        found = campaign(chosen.coins, chosen.minutes, chosen.cuts, chosen.seed, chosen.dir or Path(scratch))
    print(json.dumps(msgspec.to_builtins(found) | {"met": found.is_met}, indent=1))
    return 0 if found.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
