"""Tick-to-wire through all nine Hats as Ray actors, beside the same route over plain Ray calls, in one run.

Book received -> signed bytes on the socket, taken from the journals. Both ways run on the same Ray, alternately, each
on a fresh local exchange with the same seed, a throw-away account and a signer of its own. Exit code 1 if the desk's
p50 is not at least five times lower at every rate.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

from orchestrator.ground import ground
from orchestrator.machine import raylink
from orchestrator.machine.build import build_id
from orchestrator.machine.children import Child
from orchestrator.machine.runfiles import RunFiles
from orchestrator.settings import Settings
from shared.config_sources import load
from shared.journal import JournalReader
from shared.messages.order import ActionSent
from shared.units import SECOND
from tests.bench.tick_to_wire import (
    SAMPLES_MIN,
    Comparison,
    Window,
    armed_ns,
    as_lines,
    as_object,
    figures_of,
    verdict,
    window_of,
)

CONFIG: Final = Path(__file__).parents[2] / "configs" / "demo.toml"
COINS: Final = ("BTC", "ETH")
L2_INTERVAL_MS: Final = 1
BOOKS_PER_COMMAND: Final = 0.83
"""Measured: so many commands of the synthetic traders change what is seen of a book."""
UNTHROTTLED_US: Final = 60_000_000.0
"""A tick-to-wire budget that nothing breaks: otherwise the slower way would be throttled, and hardly trade."""
LONGEST_FACTOR: Final = 4
"""A way that has too few samples may go on for so many times as long."""
WARM_UP_S: Final = 3.0
"""After arming: the first orders, the first books of every Hat."""

Step = Callable[[str], None]


def commands_per_s(rate: int) -> float:
    """Commands for each coin that give `rate` changed books per second in all, at one push per millisecond at most."""
    share = min(rate / len(COINS) * L2_INTERVAL_MS / 1000, 0.95)
    return -math.log(1 - share) * 1000 / L2_INTERVAL_MS / BOOKS_PER_COMMAND


@contextlib.contextmanager
def exchange(folder: Path, rate: int) -> Iterator[str]:
    """The address of a local exchange whose books change about `rate` times a second, while inside."""
    port = raylink.free_port()
    args = [
        "orchestrator.cli", "venue", "--port", str(port), "--coins", ",".join(COINS), "--fund-all", "100000",
        "--l2-interval-ms", str(L2_INTERVAL_MS), "--events-per-second", f"{commands_per_s(rate):.1f}",
        "--address-budget", "none",
    ]  # fmt: skip
    log = folder / "venue.log"
    child = Child("local exchange", args, log, lambda: b"local exchange at" in log.read_bytes())
    try:
        child.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def one_run(way: str, rate: int, number: int, address: str, home: Path, seconds: float, step: Step) -> Window:
    """What one way gave at one rate in `seconds` of trading, warmed up."""
    files = RunFiles(home / "runs" / f"{way}-{rate}-{number}")
    files.create()
    with exchange(files.logs, rate) as url:
        wanted = {
            "run.home_dir": str(home), "venue.base_url": url, "venue.coins": list(COINS), "ray.address": address,
            "ray.namespace": f"bench-{way}-{rate}-{number}", "metrics.port": raylink.free_port(),
            "hats.low_latency_engineer.tick_to_wire_budget_us": UNTHROTTLED_US,
            "hats.execution_manager.protect_stop_bps": 500, "hats.execution_manager.protect_take_bps": 1_000,
        }  # fmt: skip
        settings = load(Settings, CONFIG, wanted, {}).settings
        with ground(settings, files, step, own_ray=False, replay=None) as under:
            trade = _trade_desk if way == "desk" else _trade_plainly
            ended_ns = trade(under.settings, files, seconds, step)
    reader = JournalReader.open(files.journal)
    try:
        begun = armed_ns(reader)
        assert begun is not None, "it traded, so it was armed"
        return window_of(reader, begun + int(WARM_UP_S * SECOND), ended_ns)
    finally:
        reader.close()


def _trade_desk(settings: Settings, files: RunFiles, seconds: float, step: Step) -> int:
    from orchestrator.cluster import LaunchOrder  # noqa: PLC0415 - imports ray; its environment is set now
    from orchestrator.desk import Desk  # noqa: PLC0415

    order = LaunchOrder(settings.model_dump_json().encode(), time.time_ns() // SECOND, str(files.dir), build_id())
    desk = Desk.launch(order, settings.ray.namespace, files)
    try:
        desk.wait_ready(lambda _: None)
        step("trading")
        return _traded(files, seconds)
    finally:
        desk.stop()


def _trade_plainly(settings: Settings, files: RunFiles, seconds: float, step: Step) -> int:
    from orchestrator.cluster import LaunchOrder  # noqa: PLC0415 - imports ray; its environment is set now
    from tests.bench.plain_ray import PlainDesk  # noqa: PLC0415

    order = LaunchOrder(settings.model_dump_json().encode(), time.time_ns() // SECOND, str(files.dir), build_id())
    with PlainDesk(order):
        step("trading")
        return _traded(files, seconds)


def _traded(files: RunFiles, seconds: float) -> int:
    """When trading was over (UTC ns): after the warm-up and `seconds`, or as much more as it took to have samples."""
    latest = time.monotonic() + WARM_UP_S + LONGEST_FACTOR * seconds
    time.sleep(WARM_UP_S + seconds)
    reader = JournalReader.open(files.journal)
    try:
        while time.monotonic() < latest and reader.counts().get(ActionSent.__name__, 0) < 2 * SAMPLES_MIN:
            time.sleep(1.0)
    finally:
        reader.close()
    return time.time_ns()


def compare(
    rates: Sequence[int], seconds: float, rounds: int, home: Path, step: Step
) -> tuple[list[Comparison], list[float]]:
    """Every rate both ways, alternately, on one Ray; and the machine's load before each run."""
    load_average: list[float] = []
    comparisons = []
    raylink.prepare()
    head = raylink.OwnRay(home / "ray", port=raylink.free_port(), dashboard_port=None, num_cpus=None)
    try:
        step("starting Ray")
        head.start()
        for rate in rates:
            windows: dict[str, list[Window]] = {"desk": [], "plain": []}
            for number in range(rounds):
                for way, taken in windows.items():
                    load_average.append(os.getloadavg()[0])
                    step(f"{rate} events/s, {way}, round {number + 1} of {rounds}")
                    taken.append(one_run(way, rate, number, head.address, home, seconds, step))
            comparisons.append(Comparison(rate, figures_of(windows["desk"]), figures_of(windows["plain"])))
    finally:
        head.stop()
    return comparisons, load_average


def _end(number: int, _: object) -> NoReturn:
    """Ends the run; all that was started is stopped on the way out, and a second signal does not cut that short."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, after printing the figures in words or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--seconds", type=float, default=15.0, help="trading time of each run")
    parser.add_argument("--rates", default="200,1000", help="books per second, all coins together")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each way at each rate, by turns")
    parser.add_argument("--keep", action="store_true", help="keep the runs' folders and say where they are")
    options = parser.parse_args(arguments)
    rates = [int(rate) for rate in options.rates.split(",")]
    home = Path(tempfile.mkdtemp(prefix="hats-bench-"))

    def step(what: str) -> None:
        print(f"[{what}]", file=sys.stderr, flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        comparisons, load_average = compare(rates, options.seconds, options.rounds, home, step)
    finally:
        if options.keep:
            step(f"kept in {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    if options.json:
        print(json.dumps(as_object(comparisons, load_average)))
    else:
        print("\n".join(as_lines(comparisons, load_average)))
    return verdict(comparisons)


if __name__ == "__main__":
    sys.exit(main())
