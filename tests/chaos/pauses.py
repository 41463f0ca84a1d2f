"""Each process of a trading desk stands still for a while: `python -m tests.chaos.pauses --seconds 30`.

SIGSTOP takes each Hat, the orchestrator, the signer, the watchdog and the launcher in turn, SIGCONT gives it back
(unless the desk has replaced it meanwhile). Afterwards nothing that was decided before the pause may be signed or leave
for the exchange, no order may be doubled, and the desk must trade again by itself or say why it does not; then it is
resumed. `--starved`: nobody stands still, but each may for so long have no more address space (RLIMIT_AS) than four
fifths of the memory that it held at most, and no more than it has, so that what it asks of the system is refused;
signer and watchdog must outlive the others'.

Exit code 0 if that held for everybody, 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.machine.processes import is_running
from shared.codec import decode
from shared.errors import Unanswered
from shared.ids import FLATTEN, HATS, PROTECT, Role
from shared.journal import JournalReader
from shared.messages.order import ActionSent, ResendOrder, SignedAction, SignRequest
from shared.messages.signal import OrderIntent
from shared.units import SECOND
from tests.chaos.real_desk import SIGNER, WATCHDOG, RealDesk, hit, real_desk
from tests.chaos.real_evidence import Record, differences_of, problems

LAUNCHER: Final = "launcher"
VICTIMS: Final = (*(str(role) for role in HATS), str(Role.ORCHESTRATOR), "signer", "watchdog", LAUNCHER)
BACK_WITHIN_S: Final = 60.0
NOOP: Final = '{"type":"noop"}'
STALE_NS: Final = 3 * SECOND
"""No approval of ours is good for longer, so what leaves later after its intent was decided on before."""
EXIT_DATA_NS: Final = 10 * SECOND


class Pause(msgspec.Struct, frozen=True):
    """One pause. `outlived`: the stopped process was not replaced; `back_s`: from its end until the desk traded again.

    `said`: why it is halted, in its own words. `fault`: how it stands if it is neither trading nor halted a minute
    later. `lost`: who of signer and watchdog died of another's pause.
    """

    victim: str
    began_ns: int
    ended_ns: int
    outlived: bool
    back_s: float | None
    said: str
    lost: tuple[str, ...] = ()
    fault: str = ""

    @property
    def is_good(self) -> bool:
        """It trades, or says why not, and its guards lived on."""
        return (self.back_s is not None or bool(self.said)) and not self.lost and not self.fault


class Result(msgspec.Struct, frozen=True):
    """The whole: `stale` are orders that left long after they were decided, `doubled` intents with two orders."""

    pauses: tuple[Pause, ...]
    stale: tuple[str, ...]
    doubled: int
    differences: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing stale, nothing doubled, nothing different, and the desk always came back."""
        return not (self.stale or self.doubled or self.differences) and all(each.is_good for each in self.pauses)


Trouble = Callable[[int], Callable[[], None]]
"""Begins it for a process; what it gives ends it."""


def stopped(pid: int) -> Callable[[], None]:
    """It stands still."""
    hit(pid, signal.SIGSTOP)

    def end() -> None:
        hit(pid, signal.SIGCONT)

    return end


def starved(pid: int) -> Callable[[], None]:
    """Whatever more it asks for is refused."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kib = {words[0]: int(words[1]) for words in lines if words and words[0] in ("VmHWM:", "VmSize:")}
    most = min(kib["VmHWM:"] * 4 // 5, kib["VmSize:"]) * 1024
    before = resource.prlimit(pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, before)

    return end


def pauses(home: Path, victims: Sequence[str], seconds: float, seed: int, trouble: Trouble = stopped) -> Result:
    """A desk in which each of them stands still, or is starved, once."""
    settings = {"supervisor.restart_intensity": 100_000}
    with real_desk(home, settings=settings, venue=["--seed", str(seed)]) as desk:
        record, done = Record(desk), []
        for victim in victims:
            desk.wait_armed()
            time.sleep(2.0)
            done.append(_watched(desk, victim, seconds, trouble))
            record.look()
            if sys.stderr.isatty():
                sys.stderr.write(f"{told(done[-1])}\n")
            _go_on(desk)
        verdict = desk.down()
        record.look()
        reader = JournalReader.open(desk.files.journal)
        try:
            return Result(
                tuple(done),
                tuple(stale_orders(reader, desk.files.logs / "signer.jsonl")),
                sum(len(oids) > 1 for oids in record.oids.values()),
                (*differences_of(desk, reader, record), *problems(verdict)),
            )
        finally:
            reader.close()


def _watched(desk: RealDesk, victim: str, seconds: float, trouble: Trouble) -> Pause:
    """The pause, and whether signer and watchdog are afterwards who they were."""
    guards = {name: _pid(desk, name) for name in ("signer", "watchdog") if name != victim}
    done = _pause(desk, victim, seconds, trouble)
    return msgspec.structs.replace(done, lost=tuple(name for name, pid in guards.items() if not is_running(pid)))


def _pause(desk: RealDesk, victim: str, seconds: float, trouble: Trouble) -> Pause:
    pid = _pid(desk, victim)
    began_ns = time.time_ns()
    end = trouble(pid)
    until = time.monotonic() + seconds
    while time.monotonic() < until and is_running(pid):
        time.sleep(0.1)
    outlived = is_running(pid)
    end()
    ended = time.monotonic()
    ended_ns = time.time_ns()
    before = desk.status()
    try:
        desk.wait(
            lambda s: (s.is_armed or s.trading_state == "halted") and (before is None or s.seq > before.seq),
            "trading or halted", BACK_WITHIN_S,
        )  # fmt: skip
        time.sleep(1.0)  # a watchdog that has acted is heard at the next heartbeat
        status = desk.wait(lambda s: s.is_armed or s.trading_state == "halted", "trading or halted", BACK_WITHIN_S)
    except Unanswered as error:
        return Pause(victim, began_ns, ended_ns, outlived, None, "", fault=str(error))
    back_s = time.monotonic() - ended - 1.0
    if status.is_armed and status.trading_state == "active":
        return Pause(victim, began_ns, ended_ns, outlived, back_s, "")
    return Pause(victim, began_ns, ended_ns, outlived, None, _why(desk))


def _why(desk: RealDesk) -> str:
    """The reason of the last change of the trading state, as the journal has it."""
    reader = JournalReader.open(desk.files.journal)
    try:
        reasons = [decode(entry.body) for entry in reader.messages(kind="TradingStateChanged")]
    finally:
        reader.close()
    return str(getattr(reasons[-1], "reason", "")) if reasons else ""


def _go_on(desk: RealDesk) -> None:
    """Resume a desk that was stopped for a reason; the watchdog watches again too."""
    status = desk.wait(lambda status: True, "answering", BACK_WITHIN_S)
    view = desk.hats("watchdog", "status", code=None)
    if status.trading_state != "active" or view.get("reason"):
        desk.hats("resume", "--reason", "the next pause", "--wait", "60")


def _pid(desk: RealDesk, victim: str) -> int:
    modules = {"signer": SIGNER, "watchdog": WATCHDOG}
    pid = desk.note.launcher_pid if victim == LAUNCHER else desk.pid_of(modules.get(victim) or Role(victim))
    if pid is None:
        raise Unanswered(f"there is no {victim}")
    return pid


def stale_orders(reader: JournalReader, signer_log: Path) -> Iterator[str]:
    """Orders that were signed (the signer says when) or left longer after their intent than any approval holds.

    An intent is as old as what it was decided on, if that is older than itself; what the house closes or protects with
    may be ten seconds older (`exit_data_age_limit_ms`), for waiting costs more than a rough price.

    The same answer again is no new signature: whoever stood still with an answer on its way asks once more, and what
    comes of it has expired and does not leave.
    """
    decided: dict[str, int] = {}
    placing: dict[int, str] = {}
    posted: set[int] = set()
    for entry in reader.messages():
        match decode(entry.body):
            case OrderIntent(cloid=cloid, strategy=strategy, book_recv_ns=seen_ns):
                spared_ns = EXIT_DATA_NS if strategy in (PROTECT, FLATTEN) else 0
                decided.setdefault(cloid, min(entry.ts, seen_ns or entry.ts) + spared_ns)
            case SignRequest(cloid=cloid, nonce=nonce, kind=kind) if kind.places:
                placing[nonce] = cloid
            case SignedAction(kind=kind) if kind.places:
                posted.add(entry.seq)
            case ResendOrder():
                posted.add(entry.seq)
            case ActionSent(cloid=cloid, sent_ns=sent_ns) if entry.cause in posted:
                if sent_ns - decided[cloid] > STALE_NS:
                    yield f"{cloid} left {(sent_ns - decided[cloid]) / SECOND:.1f} s after it was decided"
    for line in signer_log.read_bytes().splitlines():
        signed = msgspec.json.decode(line)
        is_new = signed["event"] == "signed" and not signed["again"]
        known = placing.get(signed["nonce"]) if is_new else None
        if known is not None and signed["ns"] - decided[known] > STALE_NS and NOOP not in signed["action"]:
            yield f"{known} was signed {(signed['ns'] - decided[known]) / SECOND:.1f} s after it was decided"


def told(pause: Pause) -> str:
    """One line."""
    stood_s = (pause.ended_ns - pause.began_ns) / SECOND
    end = "" if pause.outlived else ", then replaced"
    back = f"trading {pause.back_s:.1f} s later" if pause.back_s is not None else f"stopped: {pause.said}"
    back = f"NOT BACK: {pause.fault}" if pause.fault else back
    lost = f"; LOST {', '.join(pause.lost)}" if pause.lost else ""
    return f"{pause.victim:26} for {stood_s:4.1f} s{end}; {back}{lost}"


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.pauses", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each pause")
    parser.add_argument("--times", type=int, default=1, help="how often each, by turns")
    parser.add_argument("--starved", action="store_true", help="of memory, instead of standing still")
    parser.add_argument("--only", nargs="+", choices=VICTIMS, default=VICTIMS, metavar="WHO", help="not everybody")
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    parser.add_argument("--home", type=Path, help="keep the run's files here; default: thrown away")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    trouble = starved if asked.starved else stopped
    with tempfile.TemporaryDirectory(prefix="hats-") as folder:
        result = pauses(asked.home or Path(folder), [*asked.only] * asked.times, asked.seconds, asked.seed, trouble)
    if asked.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    else:
        lines = [told(each) for each in result.pauses]
        lines += [f"{result.doubled} doubled, {len(result.stale)} stale, {len(result.differences)} differences"]
        lines += [f"  {each}" for each in (*result.stale[:20], *result.differences[:20])]
        sys.stdout.write("\n".join(lines) + "\n")
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
