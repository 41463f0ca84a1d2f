"""The ambiguity storm as a command: `python -m tests.bench.storm_orders --seeds 10 --intents 1000`.

Exit code 0 if every seed is weathered: no intent doubled, no order UNKNOWN for more than 5 s after its expiry, and our
books the exchange's. 1 if not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from shared.ids import HATS, Role
from tests.chaos.storm import AT_THE_LIMITS, WITHIN_LIMITS, Storm, storm


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storm_orders", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many storms, each from its own seed")
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed")
    parser.add_argument("--intents", type=int, default=1_000, help="orders that each storm sends")
    parser.add_argument("--kills", type=int, default=0, help="how often the victim dies in each storm")
    parser.add_argument(
        "--victim", type=Role, default=Role.EXECUTION_MANAGER, choices=list(HATS), help="whose process dies"
    )
    parser.add_argument(
        "--at-the-limits", action="store_true", help="four times as fast: entries use up all the weight that is theirs"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a storm instead of lines to read")
    return parser.parse_args()


def line(result: Storm) -> str:
    """One storm, to read."""
    strikes = ", ".join(f"{kind} {count}" for kind, count in result.strikes.items())
    return (
        f"seed {result.seed}: {result.intents} orders ({result.batches} batches), {result.stops} stops "
        f"({result.stops_fired} fired), {result.twaps} TWAPs, {result.doubted} in doubt, {result.resent} sent again, "
        f"{result.fenced} fences ({strikes}): {result.doubled} doubled, {len(result.differences)} differences, "
        f"UNKNOWN at most {result.unknown_after_expiry_s:.1f} s after expiry: "
        f"{'weathered' if result.is_weathered else 'NOT WEATHERED'}"
    )


def main() -> int:
    """Run the storms; the exit code."""
    asked, console = arguments(), Console(stderr=True)
    pace = AT_THE_LIMITS if asked.at_the_limits else WITHIN_LIMITS
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    all_weathered = True
    with tempfile.TemporaryDirectory() as folder:
        for seed in track(seeds, "storms", console=console, disable=not console.is_terminal):
            result = storm(Path(folder), seed, asked.intents, kills=asked.kills, victim=asked.victim, pace=pace)
            all_weathered &= result.is_weathered
            print(msgspec.json.encode(result).decode() if asked.json else line(result), flush=True)
            for difference in () if asked.json else result.differences[:20]:
                print(f"  {difference}", flush=True)
    return 0 if all_weathered else 1


if __name__ == "__main__":
    sys.exit(main())
