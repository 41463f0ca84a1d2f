"""Let the venue fall silent while it answers pings, and time the desk: seen within 5 s, quotes gone 2 s later.

`python -m tests.bench.feed_stalls --stalls 50` runs a whole desk (nine Hats, signer, local exchange) on the stage and
prints one JSON object; progress goes to stderr. Exit 1 if a stall was seen too late, a quote that depends on it stayed
too long, or too few stalls met a quote at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any, Final

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.messages.market import FeedState

SEEN_S: Final = 5.0
GONE_S: Final = 2.0
STALL_S: Final = 9.0
PATIENCE_S: Final = 60
_LOOK_S: Final = 0.01
_PONG: Final = b'{"channel":"pong"}'
_NOISE: Final = b'{"channel":"notification","data":{"notification":""}}'
"""Stands for a frame that never came: a channel from which nothing follows and which no deadline watches."""


class Stalls:
    """A desk on the stage whose venue can be made to fall silent."""

    def __init__(self, folder: Path, seed: int) -> None:
        settings = Settings()
        hats = settings.hats
        fast = hats.exchange_architect.model_copy(update={"fast_books": True})
        self.desk: Rehearsal = rehearse(
            settings.model_copy(update={"hats": hats.model_copy(update={"exchange_architect": fast})}),
            folder / "journal.sqlite",
            seed=seed,
        )
        self._rng = Random(seed)

    def quotes(self) -> int:
        """Orders of ours that rest at the exchange."""
        return len(self.desk.exchange.open_orders(self.desk.master))

    def is_up(self) -> bool:
        """Is the feed up, by its last word?"""
        feed = self.desk.heart.situation.feed
        return feed is not None and feed.state is FeedState.UP

    def stall(self) -> dict[str, float] | None:
        """Seconds until it was seen, and from then until no quote was left; None if nothing was quoted in time."""
        waited = 0.0
        while not (self.is_up() and self.quotes()):
            self.desk.run_for(0.1)
            waited += 0.1
            if waited > PATIENCE_S:
                return None
        self.desk.run_for(self._rng.random())
        if not self.quotes():
            return None
        self._silence(is_silent=True)
        now = 0.0
        seen = gone = float("inf")
        while now < STALL_S:
            self.desk.run_for(_LOOK_S)
            now += _LOOK_S
            if seen == float("inf") and not self.is_up():
                seen = now
            if gone == float("inf") and not self.quotes():
                gone = now
        self._silence(is_silent=False)
        return {"seen_s": seen, "gone_s": max(gone - seen, 0.0), "left": float(self.quotes())}

    def _silence(self, *, is_silent: bool) -> None:
        self.desk.venue.mangle = (lambda frame: frame if frame == _PONG else _NOISE) if is_silent else bytes


def run(stalls: int, seed: int, folder: Path) -> dict[str, Any]:
    """All figures of a campaign."""
    desk = Stalls(folder, seed)
    met: list[dict[str, float]] = []
    for number in range(stalls):
        found = desk.stall()
        if found is not None:
            met.append(found)
        if number % 5 == 4:
            print(f"{number + 1} of {stalls} stalls", file=sys.stderr, flush=True)
    desk.desk.close()
    seen, gone = (sorted(one[name] for one in met) for name in ("seen_s", "gone_s"))
    return {
        "stalls": stalls,
        "met_a_quote": len(met),
        "seen_p50_s": round(seen[len(seen) // 2], 2) if seen else None,
        "seen_max_s": round(seen[-1], 2) if seen else None,
        "gone_after_p50_s": round(gone[len(gone) // 2], 2) if gone else None,
        "gone_after_max_s": round(gone[-1], 2) if gone else None,
        "quotes_left": sum(one["left"] for one in met),
    }


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that were not kept."""
    is_met = found["met_a_quote"] >= 0.9 * found["stalls"]
    promises = {
        "nine of ten stalls met a quote": is_met,
        f"seen within {SEEN_S:g} s": is_met and found["seen_max_s"] <= SEEN_S,
        f"quotes gone within {GONE_S:g} s more": is_met and found["gone_after_max_s"] <= GONE_S,
        "no quote left": found["quotes_left"] == 0,
    }
    return [promise for promise, is_kept in promises.items() if not is_kept]


def main() -> None:
    """Print the figures; exit 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stalls", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(chosen.stalls, chosen.seed, Path(folder))
    missed = broken(found)
    print(json.dumps(found | {"broken": missed}, indent=1))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
