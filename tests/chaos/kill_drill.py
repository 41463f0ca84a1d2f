"""The kill switch of a trading desk, again and again: `python -m tests.chaos.kill_drill --rounds 50`.

Each round waits until the desk has 100 orders open on ten coins and holds positions in five, for somebody else trades
against its quotes, while the exchange loses every tenth answer; then it says kill and flatten. Looked at from the
exchange's side: the last action that adds risk, when nothing rests any more, when nothing is held. Then the
orchestrator is killed with SIGKILL, and the desk must come back halted; `resume` lets the next round begin.

`--without-ray`: everything but the watchdog and the exchange is killed first and `hats kill --flatten` must work
without it, its own start included. `--silent`: the same, but nobody says kill, and the watchdog acts on the silence.
After both the account's next run must begin halted.
`--budget 50`: the address has so many requests left when the kill comes. Each of these raises a desk anew each round.
(`python -m tests.chaos.watchdog_drill` is the watchdog alone.)

Exit code 0 if every round kept its limits: last risk-adding action within 100 ms, cancelled within 2 s, flat within
10 s, halted after the restart; on silence cancelled within 5 s and flat within 15 s. 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from orchestrator.cli.runs import processes_of
from orchestrator.control import Control
from orchestrator.machine.processes import command_of, is_running
from shared.errors import Unanswered
from shared.ids import Role
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.units import MS
from shared.venue.faults.catalogue import LoseAnswer
from tests.chaos.own_account import own_account
from tests.chaos.real_desk import (
    TEN_COINS,
    WATCHDOG,
    Account,
    RealDesk,
    descendants,
    hit,
    makers,
    real_desk,
)
from tests.chaos.taker import Taker

ORDERS: Final = 100
POSITIONS: Final = 5
RISK_MS: Final = 100
CANCELLED_S: Final = 2.0
FLAT_S: Final = 10.0
SILENCE_MS: Final = 3_000
"""As configurations have it unless they say otherwise."""
SILENT_CANCELLED_S: Final = 5.0
SILENT_FLAT_S: Final = 15.0
WAIT_S: Final = 60.0
ALLOWANCE_S: Final = 1
LEARNT_S: Final = 4.0
"""The desk asks for its allowance every second, for here somebody else uses it up, as never happens to a real one."""
READY_S: Final = 180.0
POLL_S: Final = 0.02


class Round(msgspec.Struct, frozen=True):
    """One kill: how much was open, and what the exchange saw after it. None: not within a minute, or not asked."""

    orders: int
    positions: int
    requests_left: int | None
    last_risk_ms: int | None
    cancelled_s: float | None
    flat_s: float | None
    is_latched: bool
    is_silent: bool = False
    budget: int | None = None

    @property
    def is_good(self) -> bool:
        """Within all limits; no action that adds risk after the kill at all is best."""
        is_calm = self.last_risk_ms is None or self.last_risk_ms <= RISK_MS
        is_empty = self.cancelled_s is not None and self.cancelled_s <= (
            SILENT_CANCELLED_S if self.is_silent else CANCELLED_S
        )
        is_flat = self.flat_s is not None and self.flat_s <= (SILENT_FLAT_S if self.is_silent else FLAT_S)
        is_short = self.budget is None or (self.requests_left is not None and self.requests_left <= self.budget)
        return is_calm and is_empty and is_flat and is_short and self.is_latched


@contextlib.contextmanager
def loaded_desk(
    home: Path,
    seed: int,
    lost: float,
    *,
    budget: int | None = None,
    silence_ms: int = 60_000,
    account: Account | None = None,
) -> Iterator[RealDesk]:
    """A desk whose quotes are 120 orders on ten coins while inside. `budget`: requests that entries leave.

    `silence_ms`: the orchestrator is killed to see the latch, and unless the watchdog is what is looked at it waits.
    """
    settings: dict[str, Any] = {
        "supervisor.restart_intensity": 100_000,
        "watchdog.silence_ms": silence_ms,
        "hats.quant_strategist.strategies": makers(TEN_COINS, each=6),
        "hats.quant_strategist.requote_min_ms": 2_000,
        "hats.quant_strategist.requote_ticks": 50,
    }
    venue = ["--seed", str(seed)]
    if budget is not None:
        settings |= {
            "hats.exchange_architect.flatten_reserve": budget,
            "hats.exchange_architect.allowance_s": ALLOWANCE_S,
        }
        venue += ["--address-budget", "10000"]
    with real_desk(home, settings=settings, venue=venue, account=account) as desk:
        desk.wait_armed()
        if lost:
            desk.arm([LoseAnswer(share=lost / 2, ending="cut"), LoseAnswer(share=lost / (2 - lost), ending="hang")])
        yield desk


def one_round(desk: RealDesk, budget: int | None) -> Round:
    """Wait for 100 orders, kill by the operator's line, look, kill the orchestrator, and look again."""
    orders, positions, left = _wait_loaded(desk, budget)
    with Control(desk.files) as line:
        at_ms = time.time_ns() // MS
        killed = time.monotonic()
        line.say(KillOrdered(KillLevel.FLATTEN, "drill"))
    cancelled_s, flat_s = _watch(desk, killed)
    last_risk_ms = _last_risk_ms(desk, at_ms)
    return Round(orders, positions, left, last_risk_ms, cancelled_s, flat_s, _is_latched(desk), budget=budget)


def one_dead_round(desk: RealDesk, *, is_silent: bool) -> Round:
    """Wait for 100 orders, kill all but the watchdog and the exchange, use the command unless it is silent, and begin
    the account's next run."""
    orders, _, _ = _wait_loaded(desk, None)
    wreck(desk)
    positions, at_ms, began = len(_held(desk)), time.time_ns() // MS, time.monotonic()
    if not is_silent:
        desk.hats("kill", "--flatten", "--reason", "drill: all others are dead", "--wait", "0")
    cancelled_s, flat_s = _watch(desk, began)
    last_risk_ms = _last_risk_ms(desk, at_ms)
    desk.clear_faults()
    after = desk.begin_again()
    is_latched = after.trading_state == "halted" and not after.is_armed
    return Round(orders, positions, None, last_risk_ms, cancelled_s, flat_s, is_latched, is_silent)


def wreck(desk: RealDesk) -> None:
    """SIGKILL for everything of the desk but its watchdog."""
    roots = {desk.note.launcher_pid, *processes_of(desk.files)}
    spared = {pid for pid in roots if WATCHDOG in command_of(pid)}
    victims = {pid for root in roots - spared for pid in (root, *descendants(root))} - spared - {os.getpid()}
    for pid in victims:
        hit(pid, signal.SIGKILL)
    until = time.monotonic() + 10.0
    while any(is_running(pid) for pid in victims):
        if time.monotonic() > until:
            raise Unanswered("they would not die")
        time.sleep(0.02)


def _wait_loaded(desk: RealDesk, budget: int | None) -> tuple[int, int, int | None]:
    """Orders open at the exchange, coins held, and the requests left if there is a budget."""
    until, taker = time.monotonic() + READY_S, Taker(desk)
    while True:
        if budget is not None and _is_loaded(desk):
            _spend_down(desk, budget)
        resting, held = desk.ask("openOrders"), _held(desk)
        if _is_loaded(desk):
            return len(resting), len(held), None if budget is None else _trimmed(desk, budget)
        if time.monotonic() > until:
            raise Unanswered(f"{len(resting)} orders and {len(held)} positions after {READY_S:.0f} s")
        if len(resting) >= ORDERS:
            for coin in sorted({order["coin"] for order in resting} - held):
                taker.take(coin)
        time.sleep(0.2)


def _is_loaded(desk: RealDesk) -> bool:
    resting = desk.ask("openOrders")
    quoted = {order["coin"] for order in resting}
    return len(resting) >= ORDERS and len(quoted) == len(TEN_COINS) and len(_held(desk)) >= POSITIONS


def _spend_down(desk: RealDesk, budget: int) -> None:
    """Leave so many requests, although trades buy new ones all the time, until the desk has heard of it."""
    until = time.monotonic() + LEARNT_S
    while time.monotonic() < until:
        _trimmed(desk, budget)
        time.sleep(0.1)


def _trimmed(desk: RealDesk, budget: int) -> int:
    """Requests left once those beyond the budget are used up."""
    if (over := _left(desk) - budget) > 0:
        desk.spend_requests(over)
    return _left(desk)


def _left(desk: RealDesk) -> int:
    limit = desk.ask("userRateLimit")
    return int(limit["nRequestsCap"]) - int(limit["nRequestsUsed"])


def _held(desk: RealDesk) -> set[str]:
    positions = [each["position"] for each in desk.ask("clearinghouseState")["assetPositions"]]
    return {position["coin"] for position in positions if float(position["szi"])}


def _watch(desk: RealDesk, began: float) -> tuple[float | None, float | None]:
    """Seconds until nothing rests, and until nothing rests and nothing is held."""
    cancelled_s = None
    while time.monotonic() - began < WAIT_S:
        is_empty = not desk.ask("openOrders")
        if is_empty and cancelled_s is None:
            cancelled_s = time.monotonic() - began
        if is_empty and not _held(desk):
            return cancelled_s, time.monotonic() - began
        time.sleep(POLL_S)
    return cancelled_s, None


def _last_risk_ms(desk: RealDesk, at_ms: int) -> int | None:
    """How long after the kill the exchange took the last order that may add to a position; None: none at all."""
    taken = [
        int(each["order"]["timestamp"]) - at_ms
        for each in desk.ask("historicalOrders")
        if not each["order"]["reduceOnly"] and not each["status"].endswith("Rejected")
    ]
    return max((ms for ms in taken if ms >= 0), default=None)


def _is_latched(desk: RealDesk) -> bool:
    """Is trading still halted after the orchestrator was killed and everybody is back?"""
    pid = desk.pid_of(Role.ORCHESTRATOR)
    before = desk.wait(lambda status: True, "answering", WAIT_S).seq
    if pid is None or not hit(pid, signal.SIGKILL):
        raise Unanswered("there is no orchestrator to kill")
    while is_running(pid):
        time.sleep(0.02)
    back = desk.wait(
        lambda status: status.seq > before and all(hat.state in ("ready", "armed") for hat in status.hats),
        "back after the orchestrator's death",
        WAIT_S,
    )
    return back.trading_state == "halted" and not back.is_armed


def drill(
    home: Path,
    rounds: int,
    lost: float,
    seed: int,
    *,
    without_ray: bool = False,
    silent: bool = False,
    budget: int | None = None,
) -> Iterator[Round]:
    """The rounds, one after the other."""
    is_wrecked = without_ray or silent
    if not is_wrecked and budget is None:
        with loaded_desk(home, seed, lost) as desk:
            for _ in range(rounds):
                yield one_round(desk, None)
                with Control(desk.files) as line:
                    line.say(ResumeOrdered("drill: the next round"))
        return
    for number in range(rounds):
        own = home / str(number)
        own.mkdir(parents=True, mode=0o700)
        silence_ms = SILENCE_MS if silent else 60_000
        account = own_account if is_wrecked else None
        with loaded_desk(own, seed + number, lost, budget=budget, silence_ms=silence_ms, account=account) as desk:
            yield one_dead_round(desk, is_silent=silent) if is_wrecked else one_round(desk, budget)


def told(rounds: Iterable[Round]) -> Iterator[str]:
    """The figures, to read."""
    done = list(rounds)
    for name in ("last_risk_ms", "cancelled_s", "flat_s"):
        took = [value for each in done if (value := getattr(each, name)) is not None]
        text = f"median {statistics.median(took):g}, most {max(took):g}" if took else "never"
        yield f"{name:12} {len(took)} of {len(done)}: {text}"
    yield f"{'latched':12} {sum(each.is_latched for each in done)} of {len(done)}"
    yield f"{sum(each.is_good for each in done)} of {len(done)} rounds within their limits"


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.kill_drill", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--lost", type=float, default=0.1, help="share of answers to actions that are lost")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--without-ray", action="store_true", help="kill all but the watchdog first")
    parser.add_argument("--silent", action="store_true", help="kill all but the watchdog and say nothing")
    parser.add_argument("--budget", type=int, help="requests that the address has left at the kill")
    parser.add_argument("--json", action="store_true", help="one JSON object a round")
    asked = parser.parse_args()
    done = []
    with tempfile.TemporaryDirectory(prefix="hats-") as folder:
        rounds = drill(
            Path(folder), asked.rounds, asked.lost, asked.seed,
            without_ray=asked.without_ray, silent=asked.silent, budget=asked.budget,
        )  # fmt: skip
        for each in rounds:
            done.append(each)
            line = msgspec.json.encode(each).decode()
            (sys.stdout if asked.json else sys.stderr).write(f"{line}\n")
            sys.stdout.flush()
    if not asked.json:
        sys.stdout.write("\n".join(told(done)) + "\n")
    return 0 if len(done) == asked.rounds and all(each.is_good for each in done) else 1


if __name__ == "__main__":
    sys.exit(main())
