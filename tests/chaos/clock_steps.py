"""The machine's clock is set wrong under a trading desk: `python -m tests.chaos.clock_steps`.

A small library (`clock_step.c`, built here with the C compiler) is preloaded into every process of the desk, not into
the exchange, and moves its system clock by what a file says. First a desk trades and the clock is set an hour on, and
an hour back; each time the Execution Manager, the Security Architect, the signer and the orchestrator are killed and
begin anew under the wrong clock. Then desks are begun whose clock is wrong from the start.

Exit code 0 if no nonce was wrong (none twice, all within a minute of the true time, or of the clock that a desk was
begun with), nothing was refused by the exchange as expired or for its nonce, no order that adds was sent while the
clock was more than five seconds off (from 3.5 s after it was set, for it has to be read), an alert said so, and trading
went on once the clock was right. 1 if not.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.machine.processes import is_running
from shared.codec import decode
from shared.errors import HatsError, Unanswered
from shared.ids import Role
from shared.journal import JournalReader
from shared.messages.order import ActionAnswered, ActionSent, AnswerKind, SignedAction, SubmitOrder
from shared.units import MS, SECOND
from tests.chaos.real_desk import SIGNER, RealDesk, hit, real_desk
from tests.chaos.real_evidence import Record, differences_of, problems, signed_nonces

SOURCE: Final = Path(__file__).with_name("clock_step.c")
KILLED: Final[Sequence[Role | str]] = (
    Role.EXECUTION_MANAGER, Role.SECURITY_ARCHITECT, SIGNER, Role.ORCHESTRATOR,
)  # fmt: skip
GRACE_S: Final = 3.5
"""A step is seen at the hub's next beat, a second later at most; an order approved before is good for two more."""
WATCH_S: Final = 5.0
BACK_S: Final = 60.0
NONCE_OFF_NS: Final = 60 * SECOND


class Result(msgspec.Struct, frozen=True):
    """One desk: `sent_wrong` are orders that left while the clock was wrong, `alerts` how many steps raised one."""

    what: str
    orders: int
    sent_wrong: int
    steps: int
    alerts: int
    resumed: int
    nonces: int
    nonces_wrong: int
    refused: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Nothing left while time was wrong, everybody knew, nothing was refused for its time."""
        is_calm = self.sent_wrong == self.nonces_wrong == 0 and not self.refused and not self.differences
        return is_calm and self.alerts == self.resumed == self.steps


class Bent:
    """The clock of processes that are started with `environ`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise HatsError("there is no C compiler (cc) to build the library with that sets the clock")
        self._file, library = folder / "step", folder / "clock_step.so"
        self.set_ns(0)
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
        self.environ: Mapping[str, str] = {"LD_PRELOAD": str(library), "LD_CLOCK_STEP_FILE": str(self._file)}

    def set_ns(self, ns: int) -> None:
        """From now on it is so far ahead of the true time."""
        part = self._file.with_suffix(".part")
        part.write_text(str(ns))
        part.replace(self._file)


def steps(home: Path, bent: Bent, offsets_s: Sequence[float], killed: Sequence[Role | str], seed: int) -> Result:
    """A desk under whose feet the clock is set so often, and right again."""
    with _desk(home, bent, seed) as desk:
        desk.wait_armed()
        wrong: list[tuple[int, int]] = []
        alerts = resumed = 0
        for offset_s in offsets_s:
            _wait_orders(desk, time.time_ns())
            bent.set_ns(int(offset_s * SECOND))
            began_ns = time.time_ns() + int(GRACE_S * SECOND)
            alerts += _has_alert(desk)
            for victim in killed:
                _kill(desk, victim)
            time.sleep(WATCH_S)
            wrong.append((began_ns, time.time_ns()))
            bent.set_ns(0)
            resumed += _wait_orders(desk, time.time_ns())
        return _result(
            desk, f"set by {', '.join(f'{o:+g} s' for o in offsets_s)}", wrong, len(offsets_s), alerts, resumed
        )


def begun_wrong(home: Path, bent: Bent, offset_s: float, seed: int) -> Result:
    """A desk that begins with a wrong clock. Anchored for good, it is not to trade until it is begun anew."""
    bent.set_ns(int(offset_s * SECOND))
    began_ns = time.time_ns()
    with _desk(home, bent, seed) as desk:
        desk.wait(lambda status: status.feed is not None and all(h.state in ("ready", "armed") for h in status.hats),
                  "ready", BACK_S)  # fmt: skip
        alerts = _has_alert(desk)
        time.sleep(WATCH_S)
        # its own clock is off, so its journal's times are too: whatever it sent it sent while the clock was wrong
        ends_ns = time.time_ns() + abs(int(offset_s * SECOND)) + SECOND
        wrong = [(min(began_ns, began_ns + int(offset_s * SECOND)), ends_ns)]
        return _result(desk, f"begun {offset_s:+g} s off", wrong, 1, alerts, 1, int(offset_s * SECOND))


def _desk(home: Path, bent: Bent, seed: int) -> AbstractContextManager[RealDesk]:
    settings = {
        "supervisor.restart_intensity": 100_000, "watchdog.silence_ms": 60_000,
        # an alert that nobody answers would reduce trading for good; here the clock is set right again before
        "hats.risk_oversight_officer.acknowledge_ms": 600_000,
    }  # fmt: skip
    return real_desk(home, settings=settings, venue=["--seed", str(seed)], environ=bent.environ)


def _has_alert(desk: RealDesk) -> bool:
    try:
        desk.wait(lambda status: any(alert.name == "clock" for alert in status.alerts), "alarmed", 20.0)
    except Unanswered:
        return False
    return True


def _kill(desk: RealDesk, victim: Role | str) -> None:
    pid = desk.pid_of(victim)
    if pid is None:
        raise Unanswered(f"there is no {victim} to kill")
    hit(pid, signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.02)
    time.sleep(0.5)
    desk.wait_armed(BACK_S)


def _wait_orders(desk: RealDesk, since_ns: int) -> bool:
    """Does it send orders (again)?"""
    until = time.monotonic() + BACK_S
    while time.monotonic() < until:
        reader = JournalReader.open(desk.files.journal)
        try:
            if any(True for _ in reader.messages(kind=SubmitOrder.__name__, since_ns=since_ns)):
                return True
        finally:
            reader.close()
        time.sleep(0.5)
    return False


def _result(
    desk: RealDesk, what: str, wrong: Sequence[tuple[int, int]], count: int, alerts: int, resumed: int, off_ns: int = 0
) -> Result:
    record = Record(desk)
    verdict = desk.down()
    record.look()
    nonces = signed_nonces(desk.files.logs / "signer.jsonl")
    now_ms = time.time_ns() // MS
    reader = JournalReader.open(desk.files.journal)
    try:
        first_ms = next(iter(reader.messages())).ts // MS
        # what a drain sends only reduces
        sent = [decode(entry.body) for entry in reader.messages(kind=SubmitOrder.__name__)]
        adding = {one.cloid for one in sent if isinstance(one, SubmitOrder) and not one.reduce_only}
        placing = {entry.seq for entry in reader.messages(kind=SignedAction.__name__) if _places(decode(entry.body))}
        left = [decode(e.body) for e in reader.messages(kind=ActionSent.__name__) if e.cause in placing]
        left_ns = [one.sent_ns for one in left if isinstance(one, ActionSent) and one.cloid in adding]
        lowest_ms, highest_ms = first_ms - NONCE_OFF_NS // MS, now_ms + (off_ns + NONCE_OFF_NS) // MS
        return Result(
            what=what,
            orders=len(adding),
            sent_wrong=sum(any(begin <= ns <= end for begin, end in wrong) for ns in left_ns),
            steps=count,
            alerts=alerts,
            resumed=resumed,
            nonces=len(nonces),
            nonces_wrong=sum(len(d) > 1 or not lowest_ms <= nonce <= highest_ms for nonce, d in nonces.items()),
            refused=tuple(_refused_for_time(reader)),
            differences=(*differences_of(desk, reader, record), *problems(verdict)),
        )
    finally:
        reader.close()


def _places(message: object) -> bool:
    """Is it an order that was signed, and no cancel or fence of one?"""
    return isinstance(message, SignedAction) and message.kind.places


def _refused_for_time(reader: JournalReader) -> Iterator[str]:
    """What the exchange refused as expired or for its nonce; fences excepted, whose nonce may well be used."""
    for entry in reader.messages(kind=ActionAnswered.__name__):
        answer = decode(entry.body)
        assert isinstance(answer, ActionAnswered)
        text = answer.error.lower()
        if (
            answer.answer is AnswerKind.REFUSED
            and not text.startswith("local")
            and ("nonce" in text or "expire" in text)
        ):
            yield f"{answer.kind} {answer.cloid}: {answer.error}"


def campaign(folder: Path, offsets_s: Sequence[float], begun_s: Sequence[float], seed: int) -> Iterator[Result]:
    """All of it, one desk after the other."""
    bent = Bent(folder)
    if offsets_s:
        yield steps(folder / "steps", bent, offsets_s, KILLED, seed)
    for number, offset_s in enumerate(begun_s):
        yield begun_wrong(folder / f"begun{number}", bent, offset_s, seed)


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.clock_steps", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--steps", type=float, nargs="*", default=[3_600.0, -3_600.0], help="seconds, one after another"
    )
    parser.add_argument(
        "--begun", type=float, nargs="*", default=[3_600.0, -3_600.0, -6.0], help="seconds, each a desk of its own"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the market")
    asked = parser.parse_args()
    is_good = True
    with tempfile.TemporaryDirectory(prefix="hats-") as folder:
        for each in campaign(Path(folder), asked.steps, asked.begun, asked.seed):
            is_good &= each.is_good
            sys.stdout.write(msgspec.json.encode(each).decode() + "\n")
            sys.stdout.flush()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
