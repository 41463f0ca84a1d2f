"""A burst through the whole way in: 10,000 frames a second for ten seconds, from socket to feed, hub and mailboxes.

A lean sender (`tests.bench.burst_venue`), a desk without Ray (`tests.bench.burst_desk`: the product's hub, feed and
nine Hats in three processes) and this judge, who reads the journal and the capture log afterwards. Every trade and fill
that was sent must be in the journal and in the hands of whoever hears it; books may be conflated, and then each is
counted; fifteen seconds after the burst a trade must need no longer than before.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hats.exchange_architect.measures import CONFLATED
from shared.codec import decode
from shared.ids import Role
from shared.journal import JournalReader
from shared.messages.account import AccountSnapshot
from shared.messages.control import Measured
from shared.messages.market import BadData, Trade
from shared.messages.order import Fill
from shared.units import MS
from shared.warehouse.capture.reader import read, segments, verify_log
from shared.warehouse.capture.records import Direction, Frame
from tests.bench.load_venue import instruments
from tests.bench.processes import running

BURST_S: Final = 10.0
BACK_WITHIN_S: Final = 15.0
LATE_MS: Final = 500
"""From the frame's own time to the journal; later than this is not normal."""
STARTUP_S_MAX: Final = 60.0
SETTLE_S_MAX: Final = 60.0


class Sender:
    """The sender's process and its commands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self._in, self._out = process.stdin, process.stdout
        facts = json.loads(self._out.readline())
        self.url, self.user = f"http://127.0.0.1:{facts['port']}", str(facts["user"])

    def rate(self, frames_s: float) -> None:
        """So many frames a second from now on."""
        self._say(f"rate {frames_s}")

    def report(self) -> dict[str, int]:
        """What was sent so far."""
        self._say("report")
        counts: dict[str, int] = json.loads(self._out.readline())
        return counts

    def _say(self, line: str) -> None:
        self._in.write(line + "\n")
        self._in.flush()


@contextmanager
def desk(folder: Path, sender: Sender, coins: int) -> Iterator[subprocess.Popen[str]]:
    """Hub, architect and the others; the hub's process."""
    module = "tests.bench.burst_desk"
    names = ",".join(one.coin for one in instruments(coins))
    with running(module, "hub", str(folder)) as hub:
        assert hub.stdout is not None
        assert hub.stdout.readline() == "ready\n"
        with (
            running(module, "architect", str(folder), sender.url, sender.user, names),
            running(module, "others", str(folder)),
        ):
            yield hub


def burst(
    folder: Path, rate: float = 10_000, calm: float = 1_000, coins: int = 100, seconds: float = BURST_S,
    after_s: float = BACK_WITHIN_S,
) -> dict[str, Any]:  # fmt: skip
    """One burst of `rate` frames a second between two calm times, and its figures."""
    with running("tests.bench.burst_venue", str(coins)) as process:
        sender = Sender(process)
        with desk(folder, sender, coins) as hub:
            _until_followed(sender, calm)
            before = sender.report()
            time.sleep(3)
            sender.rate(rate)
            time.sleep(seconds)
            sender.rate(calm)
            ended_ns = time.time_ns()
            time.sleep(after_s + 2)
            sender.rate(0)
            _until_empty(folder)
            sent = sender.report()
            hub.send_signal(signal.SIGTERM)
            assert hub.stdout is not None
            said = json.loads(hub.stdout.readline())
    return {"rate": rate, "burst_s": seconds, "sent": sent, "hub": said, **judged(folder, before, sent, said, ended_ns)}


def _until_followed(sender: Sender, calm: float) -> None:
    """Wait until every frame of the stream has somebody who asked for it."""
    sender.rate(calm)
    until, before = time.monotonic() + STARTUP_S_MAX, -1
    while (counts := sender.report())["unwatched"] != before or not counts["books"]:
        assert time.monotonic() < until, f"the desk does not follow: {counts}"
        before = counts["unwatched"]
        time.sleep(1)


def _until_empty(folder: Path) -> None:
    """Wait until hardly anything waits in the mailboxes, twice in a row; what still waits then is found missing."""
    until, quiet = time.monotonic() + SETTLE_S_MAX, 0
    while quiet < 3 and time.monotonic() < until:
        time.sleep(1)
        text = (folder / "depth").read_text()
        quiet = quiet + 1 if text and int(text) < 10 else 0


def judged(
    folder: Path, before: dict[str, int], sent: dict[str, int], hub: dict[str, Any], ended_ns: int
) -> dict[str, Any]:
    """What journal and capture log say of it; `before`: what was sent while the desk was still connecting."""
    reader = JournalReader.open(folder / "journal.sqlite")
    tids, lags, trade_seqs = set(), [], set()
    for entry in reader.messages(kind="Trade"):
        trade = decode(entry.body)
        assert isinstance(trade, Trade)
        trade_seqs.add(entry.seq)
        if before["trades"] < trade.tid <= sent["trades"]:
            tids.add(trade.tid)
            lags.append((entry.ts, (entry.ts - trade.exch_ns) / MS))
    books = {entry.seq for entry in reader.messages(kind="BookUpdate")}
    by_feed, set_aside = _not_said(reader)
    handled = {role: {n for one in reader.handled(role) for n in one.seqs} for role in HEARERS}
    fills = {message.tid for entry in reader.messages(kind="Fill") if isinstance(message := decode(entry.body), Fill)}
    for entry in reader.messages(kind="AccountSnapshot"):
        message = decode(entry.body)
        assert isinstance(message, AccountSnapshot)
        fills |= {fill.tid for fill in message.fills}
    reader.close()
    analyst = handled[Role.MICROSTRUCTURE_ANALYST]
    late = [ts for ts, lag in lags if lag > LATE_MS]
    ordered = sorted(lag for ts, lag in lags)
    return {
        "trades_missing": sent["trades"] - before["trades"] - len(tids),
        "trades_not_handled": sum(len(trade_seqs - handled[role]) for role in HEARERS),
        "fills_missing": sent["fills"] - len(fills),
        "books_journaled": len(books),
        "books_conflated_uncounted": len(books - analyst) - hub["conflated"][Role.MICROSTRUCTURE_ANALYST],
        "sender_cut_us": sent["cut"],
        "lag_ms_p50": round(ordered[len(ordered) // 2], 1),
        "lag_ms_max": round(ordered[-1], 1),
        "back_to_normal_s": round(max(0.0, (max(late, default=ended_ns) - ended_ns) / 1e9), 2),
        "books_conflated_in_feed": by_feed,
        "books_set_aside": set_aside,
        "books_conflated_at_hub": hub["conflated"][Role.MICROSTRUCTURE_ANALYST],
        **_captured(folder / "capture", sent),
    }


def _not_said(reader: JournalReader) -> tuple[int, int]:
    """Books that the feed conflated, by its own measure, and books that it set aside, by its messages."""
    conflated = 0.0
    for entry in reader.messages(kind="Measured"):
        measured = decode(entry.body)
        assert isinstance(measured, Measured)
        conflated += sum(measured.samples) if measured.measure == CONFLATED else 0
    bad = [decode(entry.body) for entry in reader.messages(kind="BadData")]
    return int(conflated), sum(isinstance(one, BadData) and one.channel == "l2Book" for one in bad)


HEARERS: Final = (Role.MICROSTRUCTURE_ANALYST, Role.ML_RESEARCH_SCIENTIST)
"""Who hears of trades."""


def _captured(log: Path, sent: dict[str, int]) -> dict[str, Any]:
    """Books and trades of the stream in the capture log."""
    report = verify_log(log)
    frames = [record for path in segments(log) for record in read(path) if isinstance(record, Frame)]
    came = [frame.data for frame in frames if frame.direction is Direction.IN]
    books = sum(data.startswith(b'{"channel":"l2Book"') for data in came)
    return {
        "frames_captured": len(came),
        "books_captured": books,
        "capture_is_complete": report.is_complete and report.is_whole,
        "declared": sum(account.declared for account in report.accounts),
        "books_sent_not_captured": max(0, sent["books"] - books),
    }


def missed(figures: dict[str, Any]) -> list[str]:
    """What is not as promised, in words."""
    zero = (
        "trades_missing", "trades_not_handled", "fills_missing", "books_conflated_uncounted", "sender_cut_us",
    )  # fmt: skip
    said = ("books_journaled", "books_conflated_in_feed", "books_set_aside")
    unaccounted = figures["books_captured"] - sum(figures[name] for name in said)
    problems = [f"{unaccounted} books were neither said nor counted as conflated"] if unaccounted else []
    problems += [f"{name} is {figures[name]}" for name in zero if figures[name]]
    if figures["back_to_normal_s"] > BACK_WITHIN_S:
        problems.append(f"back to normal after {figures['back_to_normal_s']} s, the limit {BACK_WITHIN_S}")
    if not figures["capture_is_complete"]:
        problems.append("the capture log is not complete")
    if figures["books_sent_not_captured"] > figures["declared"]:
        problems.append(f"{figures['books_sent_not_captured']} books are neither captured nor declared")
    return problems
