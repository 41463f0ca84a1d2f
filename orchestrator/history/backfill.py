"""Fetches the venue's history into the warehouse: page by page, each a batch of its own, never what is there already.

A page that was published is not asked for again, so a fetch that ended half-way goes on where it was, and no candle or
hour is in two batches. Time, the venue and the pause between requests are passed in.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect import history
from hats.exchange_architect.budget import SHARE_PERCENT, Budget, Priority
from hats.exchange_architect.history import Answer, Page, Subject
from shared.instrument import Instrument
from shared.sealing import SealKey
from shared.units import MS, SECOND, Ns
from shared.warehouse.capture.ranges import Ranges
from shared.warehouse.manifest import Batch, Input, Lineage
from shared.warehouse.store import Store, Writing
from shared.warehouse.tables import BadFrameRow, Origin

KIND: Final = "fetch"
PROBLEMS_NAMED: Final = 20
"""So many bad entries are named in a batch's manifest; all are rows of `bad_frames`."""


class Source(NamedTuple):
    """The venue: how it is asked (a body of /info, its reply), the clock, and how to let time pass (seconds)."""

    ask: Callable[[bytes], bytes]
    now: Callable[[], Ns]
    pause: Callable[[float], None]


class Progress(NamedTuple):
    """How far a fetch is, in milliseconds of history. `waits_s` > 0: the weight budget is used up so long."""

    name: str
    done_ms: int
    total_ms: int
    waits_s: float = 0.0


class Fetched(msgspec.Struct, frozen=True):
    """What a fetch did. Spans in milliseconds; `given` and `not_given` count intervals and gaps."""

    subject: str
    since_ms: int
    until_ms: int
    known_ms: int
    requests: int
    rows: int
    gaps: int
    not_given_ms: int
    unread: int
    batches: tuple[str, ...]


def fetch(
    of: Subject,
    span_ms: tuple[int, int],
    instrument: Instrument,
    source: Source,
    writing: Writing,
    budget: Budget,
    code: str,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Fetched:
    """Everything of [since, until) that is over and not in the warehouse yet, as batches; what that was."""
    since, until = history.span_of(of, *span_ms, source.now() // MS)
    had = covered(writing.store, of)
    most_weight = budget.limit * SHARE_PERCENT[Priority.READ] // 100
    missing = had.missing(since, until - 1) if since < until else []
    left = sum(last - first + 1 for first, last in missing)
    known, total = until - since - left, left
    answers: list[Answer] = []
    names: list[str] = []
    for first, last in missing:
        at = first
        while at <= last:
            page = history.next_page(of, at, last + 1, most_weight)
            _wait(budget, page.weight, source, partial(_tell, on_progress, of.name, total - left, total))
            reply = source.ask(page.body)
            found = history.answer(reply, page, instrument)
            names.append(_publish(writing, page, reply, found, Ns(source.now()), code).name)
            answers.append(found)
            left -= found.until_ms - at
            at = found.until_ms
    on_progress(Progress(of.name, total, total))
    holes = [hole for one in answers for hole in one.holes]
    return Fetched(
        subject=of.name,
        since_ms=since,
        until_ms=until,
        known_ms=known,
        requests=len(answers),
        rows=sum(len(one.rows) for one in answers),
        gaps=len(holes),
        not_given_ms=sum(hole.end_ns - hole.start_ns for hole in holes) // MS,
        unread=sum(len(one.unread) for one in answers),
        batches=tuple(names),
    )


def _tell(on_progress: Callable[[Progress], None], name: str, done_ms: int, total_ms: int, wait_s: float) -> None:
    on_progress(Progress(name, done_ms, total_ms, wait_s))


def covered(store: Store, of: Subject) -> Ranges:
    """The milliseconds that earlier fetches asked for, retired batches too: what was let go is not wanted back."""
    found = Ranges()
    for lineage in (*(one.lineage for one in store.batches()), *(one.lineage for one in store.tombstones())):
        made = lineage.config
        if made.get("subject") == of.name:
            found.add(int(made["since_ms"]), int(made["until_ms"]) - 1)
    return found


def batch_name(of: Subject, since_ms: int, until_ms: int, key: SealKey | None = None) -> str:
    """The name of the batch of one page. Coins and intervals that differ in case alone stay apart by a hash.

    In an encrypted warehouse, whose `key` it is, a name tells the times alone.
    """
    if key is not None:
        return f"{KIND}-{key.derive('batch name').digest(of.name.encode()).hex()[:24]}-{since_ms}-{until_ms}"
    readable = re.sub(r"[^a-z0-9.-]+", "_", of.name.lower())
    return f"{KIND}-{readable}-{hashlib.sha256(of.name.encode()).hexdigest()[:8]}-{since_ms}-{until_ms}"


def _wait(budget: Budget, weight: int, source: Source, on_wait: Callable[[float], None]) -> None:
    """Until the reading share of the weight budget has room; a desk beside us keeps the rest."""
    on_wait(0.0)
    while not budget.try_spend(weight, Priority.READ, source.now()):
        now = source.now()
        wait_s = max(budget.room_ns(weight, Priority.READ, now) - now, 0) / SECOND
        on_wait(wait_s)
        source.pause(wait_s)


def _publish(writing: Writing, page: Page, reply: bytes, found: Answer, now: Ns, code: str) -> Batch:
    of = page.subject
    question = page.body.decode()
    made = Input(question, hashlib.sha256(reply).hexdigest(), len(reply))
    config = {"subject": of.name, "since_ms": str(page.since_ms), "until_ms": str(found.until_ms)}
    origin = Origin(f"{KIND}:{of.name}")
    with writing.publication(
        batch_name(of, page.since_ms, found.until_ms, writing.store.key), KIND, Lineage((made,), code, config)
    ) as publication:
        for number, row in enumerate(found.rows):
            publication.add(row, origin._replace(seq=number))
        for hole in found.holes:
            publication.add(hole, origin)
        for why, entry in found.unread:
            publication.add(BadFrameRow(now, of.name.partition(":")[0], of.coin, why, entry), origin)
        counts = Counter(found.counts)
        counts["rows"], counts["gaps"] = len(found.rows), len(found.holes)
        problems = tuple(f"{why}: {entry[:80]!r}" for why, entry in found.unread[:PROBLEMS_NAMED])
        return publication.publish(dict(counts), problems)
