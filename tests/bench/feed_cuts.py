"""Cut the feed's sockets a hundred times in ten minutes, in four ways, and hold it to what it promises.

`python -m tests.bench.feed_cuts --cuts 100 --minutes 10` prints one JSON object; progress goes to stderr. Exit 1 if a
promise was broken: at most 30 new connections in any 60 s, subscriptions back within 5 s (p95), no fill missed or said
twice, every cut a declared gap, and no trade missing outside of one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from random import Random
from typing import Any, Final

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.venue_edge import VenueEdge
from shared.clock import WallClock
from shared.edge import Context
from shared.messages import Message
from shared.messages.account import AccountSnapshot
from shared.messages.market import BadData, FeedState, FeedStatus, Trade
from shared.messages.order import Fill
from shared.units import MINUTE, MS, SECOND, Ns
from shared.warehouse.capture.completeness import Completeness
from shared.warehouse.capture.records import AnyRecord, Gap, Reason, SocketClosed
from tests.bench.feed_venue import COINS, CUTS, USER, CuttingVenue, most_within

BACK_S: Final = 5.0
CONNECTIONS: Final = 30
_WAY_NS: Final = 250 * MS
"""A gap begins at the receipt of the last frame; what the venue said meanwhile was older by the way."""


class Listener:
    """What the feed said and recorded."""

    def __init__(self) -> None:
        self.fills: Counter[int] = Counter()
        self.read_fills: set[int] = set()
        self.trades: Counter[tuple[str, int]] = Counter()
        self.bad: Counter[str] = Counter()
        self.records: list[AnyRecord] = []
        self.status: FeedStatus | None = None

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Take one message."""
        match message:
            case Fill(tid=tid):
                self.fills[tid] += 1
            case AccountSnapshot(fills=fills):
                self.read_fills.update(fill.tid for fill in fills)
            case Trade(coin=coin, tid=tid):
                self.trades[coin, tid] += 1
            case BadData(kind=kind):
                self.bad[kind.value] += 1
            case FeedStatus():
                self.status = message

    def is_up(self) -> bool:
        """Is the feed up for every coin?"""
        return self.status is not None and self.status.state is FeedState.UP and not self.status.stale_coins

    def wait_until_up(self, seconds: float) -> bool:
        """Does it come up in time?"""
        until = time.monotonic() + seconds
        while not self.is_up() and time.monotonic() < until:
            time.sleep(0.05)
        return self.is_up()


def run(cuts: int, seconds: float, seed: int) -> dict[str, Any]:
    """All figures of a campaign."""
    venue, heard, rng, clock = CuttingVenue(), Listener(), Random(seed), WallClock()
    settings = Settings(
        base_url=venue.url,
        user_address=USER,
        coins=tuple(coin.coin for coin in COINS),
        coins_per_socket=2,
        fast_books=True,
    )
    edge = VenueEdge(settings, clock, seed=seed, record=heard.records.append)
    made: list[tuple[Ns, str]] = []
    try:
        edge.start(heard)
        assert heard.wait_until_up(30), f"the feed did not come up: {heard.status}"
        venue.tape.is_running.set()
        began = time.monotonic()
        for number in range(cuts):
            kind = CUTS[number % len(CUTS)]
            until = began + (number + rng.random()) * seconds / cuts
            time.sleep(max(until - time.monotonic(), 0))
            at = venue.cut(kind, rng.random())
            if at is not None:
                made.append((at, kind))
            if number % 10 == 9:
                print(f"{number + 1} of {cuts} cuts", file=sys.stderr, flush=True)
        time.sleep(max(began + seconds - time.monotonic(), 0))
        came_back = heard.wait_until_up(30)
        time.sleep(1)
        venue.tape.is_running.clear()
        time.sleep(2)
    finally:
        edge.stop()
        venue.close()
    return figures(venue, heard, made, came_back)


def figures(venue: CuttingVenue, heard: Listener, made: list[tuple[Ns, str]], came_back: bool) -> dict[str, Any]:
    """What came of it, beside what the venue knows."""
    gaps = [one for one in heard.records if isinstance(one, Gap) and one.reason is Reason.DISCONNECTED]
    back_s: dict[str, list[float]] = {kind: [] for kind in CUTS}
    undeclared = 0
    free = list(gaps)
    for at, kind in made:
        fitting = [gap for gap in free if gap.start_ns - _WAY_NS <= at <= gap.end_ns]
        if not fitting:
            undeclared += 1
            continue
        # of sockets that were cut at about the same time: the one whose frames ended nearest to the cut
        gap = min(fitting, key=lambda one: abs(one.start_ns - at))
        free.remove(gap)
        back_s[kind].append((gap.end_ns - at) / SECOND)
    all_s = sorted(value for values in back_s.values() for value in values)
    tape = venue.tape
    missed = [key for key in tape.trades if key not in heard.trades]
    outside = [key for key in missed if not any(_holds(gap, tape.trades[key]) for gap in gaps)]
    proof = Completeness()
    proof.extend(heard.records)
    return {
        "cuts": len(made),
        "closed": sum(isinstance(one, SocketClosed) for one in heard.records),
        "came_back": came_back,
        "connections_in_any_minute": most_within(venue.connections_ns, MINUTE),
        "back_p50_s": _rank(all_s, 0.5),
        "back_p95_s": _rank(all_s, 0.95),
        "back_max_s": _rank(all_s, 1.0),
        "back_max_s_by_kind": {kind: round(max(values, default=0.0), 3) for kind, values in back_s.items()},
        "fills": len(tape.fills),
        "fills_missed": len(set(tape.fills) - set(heard.fills) - heard.read_fills),
        "fills_not_streamed": len(set(tape.fills) - set(heard.fills)),
        "fills_twice": sum(count > 1 for count in heard.fills.values()),
        "trades": len(tape.trades),
        "trades_missed_within_gaps": len(missed) - len(outside),
        "trades_missed_outside_gaps": len(outside),
        "trades_twice": sum(count > 1 for count in heard.trades.values()),
        "cuts_undeclared": undeclared,
        "frames_all_accounted": proof.is_complete,
        "bad_data": dict(heard.bad),
    }


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that were not kept."""
    promises = {
        "the feed came back": found["came_back"],
        f"at most {CONNECTIONS} new connections a minute": found["connections_in_any_minute"] <= CONNECTIONS,
        f"subscriptions back within {BACK_S:g} s (p95)": found["back_p95_s"] <= BACK_S,
        "no fill missed": found["fills"] > 0 and found["fills_missed"] == 0,
        "nothing said twice": found["fills_twice"] == found["trades_twice"] == 0,
        "every cut declared": found["cuts_undeclared"] == 0,
        "no trade missing outside of gaps": found["trades"] > 0 and found["trades_missed_outside_gaps"] == 0,
        "every frame accounted for": found["frames_all_accounted"],
    }
    return [promise for promise, is_kept in promises.items() if not is_kept]


def _holds(gap: Gap, time_ms: int) -> bool:
    return gap.start_ns - _WAY_NS <= time_ms * MS <= gap.end_ns


def _rank(values: list[float], share: float) -> float:
    return round(values[min(int(share * len(values)), len(values) - 1)], 3) if values else float("nan")


def main() -> None:
    """Print the figures; exit 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    found = run(chosen.cuts, chosen.minutes * 60, chosen.seed)
    missed = broken(found)
    print(json.dumps(found | {"broken": missed}, indent=1))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
