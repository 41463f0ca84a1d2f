"""What a desk stands on dies for good: `kill -9` for Ray's raylet, its head's gcs_server, or the orchestrator.

`python -m tests.chaos.cluster_kills --kills 10` raises a local exchange and on one account run after run, each started
as a service manager would. While it trades one of the three is killed; the orchestrator may begin once a minute here,
so it stays down as it does elsewhere after five starts in a minute. Then the exchange is asked: when the last order
that may add to a position was taken, when nothing rested and nothing was held any more. The launcher has to say so and
end by itself, with its exit code and with no process left; the next run on the account has to be ready within 60 s of
the kill, halted, its books equal to the exchange's, until the operator resumes.

Exit code 0 if every round kept its limits, 1 if not.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from orchestrator.cli.exits import Exit
from orchestrator.cli.runs import processes_of
from orchestrator.control import Control
from orchestrator.machine.processes import command_of, is_running
from orchestrator.machine.runfiles import RunFiles, current_run
from shared.errors import NotRunning, Unanswered
from shared.ids import Role
from shared.messages.control import ResumeOrdered
from shared.units import MS
from tests.chaos.own_account import own_account
from tests.chaos.real_desk import VENUE_ARGS, RealDesk, descendants, hit, keys_of, options_of
from tests.contract.serving import venue_process
from tests.e2e.desk_commands import Hats

VICTIMS: Final = ("gcs_server", "raylet", Role.ORCHESTRATOR)
WHY: Final[Mapping[str, str]] = {Role.ORCHESTRATOR: "the orchestrator stopped"}
RAY_IS_GONE: Final = "Ray is gone"
SAFE_S: Final = 5.0
FLAT_S: Final = 15.0
READY_S: Final = 60.0
WAIT_S: Final = 180.0
POLL_S: Final = 0.02
TRADES_S: Final = (2.0, 6.0)
"""A run trades so long before the kill: between these, by chance."""


class Round(msgspec.Struct, frozen=True):
    """One kill, as the exchange and the system saw it; seconds from the kill. None: not within three minutes."""

    victim: str
    orders: int
    positions: int
    last_risk_s: float | None
    cancelled_s: float | None
    flat_s: float | None
    ended_s: float | None
    exit_code: int | None
    is_said: bool
    left: tuple[str, ...]
    ready_s: float
    next_state: str | None
    differences: tuple[str, ...]

    @property
    def late(self) -> list[str]:
        """Which limits of time were not kept."""
        limits = {
            "last_risk_s": (self.last_risk_s or 0.0, SAFE_S), "cancelled_s": (self.cancelled_s, SAFE_S),
            "flat_s": (self.flat_s, FLAT_S), "ready_s": (self.ready_s, READY_S),
        }  # fmt: skip
        return [f"{name} is {took}, at most {most}" for name, (took, most) in limits.items() if (took or 0.0) > most]

    @property
    def wrong(self) -> list[str]:
        """What is not as it has to be, however long it took."""
        found = {
            "orders or positions stayed": self.cancelled_s is None or self.flat_s is None,
            f"the launcher ended with {self.exit_code}": self.exit_code != Exit.FAILED,
            "the launcher did not say why": not self.is_said,
            f"left: {', '.join(self.left)}": bool(self.left),
            f"the next run began {self.next_state}": self.next_state != "halted",
            f"books: {self.differences}": bool(self.differences),
        }
        return [fault for fault, is_so in found.items() if is_so]


class Runs:
    """One account's runs, one after the other."""

    def __init__(self, home: Path, facts: Mapping[str, Any]) -> None:
        self._home, self._facts = home, facts
        self._hats = Hats(home)
        self._hats.at_venue(facts["url"])
        keys = keys_of({**own_account(home, facts["url"]), "supervisor.restart_intensity": 1})
        self._options = options_of(keys)
        self._launcher: subprocess.Popen[bytes] | None = None
        self._output = home / "launcher.log"

    def begin(self) -> RealDesk:
        """The next run, READY; Unanswered if it is not in three minutes."""
        self._launcher = self._hats.start(*self._options, output=self._output)
        until = time.monotonic() + WAIT_S
        while True:
            desk = self._ready()
            if desk is not None:
                return desk
            if self._launcher.poll() is not None or time.monotonic() > until:
                raise Unanswered(f"the run did not become ready: {self.said()[-2_000:]}")
            time.sleep(0.1)

    def _ready(self) -> RealDesk | None:
        """The current run's desk if all nine are ready."""
        try:
            note = current_run(self._home)
            files = RunFiles(Path(note.run_dir))
            with Control(files) as line:
                is_ready = all(hat.state in ("ready", "armed") for hat in line.status().hats)
        except (NotRunning, Unanswered):
            return None
        return RealDesk(self._home, self._hats, self._facts, files, note) if is_ready else None

    def ended(self, within_s: float) -> int | None:
        """The launcher's exit code; None if it does not end in time."""
        assert self._launcher is not None
        try:
            return self._launcher.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def said(self) -> str:
        """What the launcher wrote."""
        return self._output.read_text(errors="replace")

    def end(self, desk: RealDesk) -> None:
        """In order."""
        desk.hats("down", "--wait", "300")
        self.ended(WAIT_S)


def rounds(home: Path, victims: Sequence[str], seed: int) -> Iterator[Round]:
    """A kill each, on one account and one exchange."""
    draw = random.Random(seed)
    with venue_process(*VENUE_ARGS, "--seed", str(seed)) as facts:
        runs = Runs(home, facts)
        desk = runs.begin()
        for victim in victims:
            desk.wait_armed()
            _wait_loaded(desk)
            time.sleep(draw.uniform(*TRADES_S))
            found, desk = _round(runs, desk, victim)
            yield found
            with Control(desk.files) as line:
                line.say(ResumeOrdered("looked at it: the next round"))
        runs.end(desk)


def _wait_loaded(desk: RealDesk) -> None:
    until = time.monotonic() + WAIT_S
    while not (desk.ask("openOrders") and _held(desk)):
        if time.monotonic() > until:
            raise Unanswered("the desk holds nothing, so there is nothing to see")
        time.sleep(0.1)


def _round(runs: Runs, desk: RealDesk, victim: str) -> tuple[Round, RealDesk]:
    assert desk.note.ray_pid is not None
    ours = {desk.note.ray_pid, *descendants(desk.note.ray_pid), *processes_of(desk.files)}
    pid = _pid(desk, victim, ours)
    orders, positions = len(desk.ask("openOrders")), len(_held(desk))
    at_ms, began = time.time_ns() // MS, time.monotonic()
    hit(pid, signal.SIGKILL)
    cancelled_s, flat_s = _watch(runs, desk, began)
    exit_code = runs.ended(WAIT_S)
    ended_s = None if exit_code is None else time.monotonic() - began
    left = tuple(
        " ".join(command_of(each))[:80] for each in sorted(ours | set(processes_of(desk.files))) if is_running(each)
    )
    last_risk_s = _last_risk_s(desk, at_ms)
    is_said = WHY.get(victim, RAY_IS_GONE) in runs.said()
    after = runs.begin()
    ready_s = time.monotonic() - began
    status = after.wait(lambda status: status.books_agree is not None, "compared with the exchange", WAIT_S)
    differences = [*status.differences, *_positions_apart(after, {p.coin: p.sz for p in status.positions})]
    found = Round(
        victim, orders, positions, last_risk_s, cancelled_s, flat_s, ended_s, exit_code, is_said, left, ready_s,
        "armed" if status.is_armed else status.trading_state, tuple(differences),
    )  # fmt: skip
    return found, after


def _pid(desk: RealDesk, victim: str, ours: Iterable[int]) -> int:
    if victim == Role.ORCHESTRATOR:
        pid = desk.pid_of(Role.ORCHESTRATOR)
        assert pid is not None, "it trades, so it lives"
        return pid
    (pid,) = (each for each in ours if "".join(command_of(each)[:1]).endswith(f"/{victim}"))
    return pid


def _held(desk: RealDesk) -> dict[str, float]:
    positions = (each["position"] for each in desk.ask("clearinghouseState")["assetPositions"])
    return {each["coin"]: float(each["szi"]) for each in positions if float(each["szi"])}


def _positions_apart(desk: RealDesk, ours: Mapping[str, float | None]) -> list[str]:
    theirs = _held(desk)
    coins = sorted(coin for coin in ours.keys() | theirs if ours.get(coin, 0.0) != theirs.get(coin, 0.0))
    return [f"{coin}: {ours.get(coin, 0.0)} here, {theirs.get(coin, 0.0)} there" for coin in coins]


def _watch(runs: Runs, desk: RealDesk, began: float) -> tuple[float | None, float | None]:
    """Seconds from which on nothing rested, and nothing rested or was held, as long as the launcher lived."""
    cancelled_s: float | None = None
    flat_s: float | None = None
    has_ended = False
    while not has_ended and time.monotonic() - began < WAIT_S:
        has_ended = runs.ended(POLL_S) is not None
        now_s = time.monotonic() - began
        is_empty = not desk.ask("openOrders")
        cancelled_s = (cancelled_s or now_s) if is_empty else None
        flat_s = (flat_s or now_s) if is_empty and not _held(desk) else None
    return cancelled_s, flat_s


def _last_risk_s(desk: RealDesk, at_ms: int) -> float | None:
    taken = (
        (int(each["order"]["timestamp"]) - at_ms) / 1_000
        for each in desk.ask("historicalOrders")
        if not each["order"]["reduceOnly"] and not each["status"].endswith("Rejected")
    )
    return max((after_s for after_s in taken if after_s >= 0), default=None)


def told(done: Sequence[Round]) -> Iterator[str]:
    """The figures, to read."""
    for victim in VICTIMS:
        those = [each for each in done if each.victim == victim]
        for name in ("last_risk_s", "cancelled_s", "flat_s", "ended_s", "ready_s"):
            took = [value for each in those if (value := getattr(each, name)) is not None]
            text = f"median {statistics.median(took):.1f}, most {max(took):.1f}" if took else "never"
            yield f"{victim:12} {name:12} {len(took)} of {len(those)}: {text}"
    yield from (f"{each.victim}: {fault}" for each in done for fault in each.late + each.wrong)
    yield f"{sum(not each.late + each.wrong for each in done)} of {len(done)} rounds within their limits"


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.cluster_kills", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10, help="of each of the three")
    parser.add_argument("--seed", type=int, default=1, help="of the market and of the moments")
    parser.add_argument("--json", action="store_true", help="one JSON object a round")
    asked = parser.parse_args()
    victims, done = [*VICTIMS] * asked.kills, []
    with tempfile.TemporaryDirectory(prefix="hats-") as folder:
        for each in rounds(Path(folder), victims, asked.seed):
            done.append(each)
            line = json.dumps(msgspec.to_builtins(each) | {"late": each.late, "wrong": each.wrong})
            (sys.stdout if asked.json else sys.stderr).write(f"{line}\n")
            sys.stdout.flush()
    if not asked.json:
        sys.stdout.write("\n".join(told(done)) + "\n")
    return 0 if len(done) == len(victims) and not any(each.late + each.wrong for each in done) else 1


if __name__ == "__main__":
    sys.exit(main())
