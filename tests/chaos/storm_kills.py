"""The ambiguity storm on real processes: two answers in three are lost while `kill -9` takes who stands on the way.

`python -m tests.chaos.storm_kills --intents 1000` raises a desk on Ray and a local exchange, lets the exchange lose
30 % of its answers after acting, drop 20 % of what comes, answer 10 % with a 502 after acting and 5 % with garbage,
and kills the Execution Manager 50 times, the orchestrator and the signer 20 times each, at moments of chance: some
while the desk trades, some while it is still coming back (`--others 20`: each other Hat too). Then calm, a drain, and
the comparison with the exchange's own record.

Exit code 0 if no intent became two orders, no nonce was signed for two actions, no order stayed UNKNOWN for more than
5 s after its expiry (the time in which a killed process was away is not counted, and shown), and orders, fills,
positions and cash equal the exchange's. 1 if not.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import track

from orchestrator.machine.processes import is_running
from shared.errors import Unanswered
from shared.ids import HATS, Role
from shared.journal import JournalReader
from shared.messages.order import SubmitOrder
from shared.units import SECOND
from tests.chaos.real_desk import SIGNER, RealDesk, hit, real_desk
from tests.chaos.real_evidence import Record, away_spans, differences_of, overlap, problems, signed_nonces
from tests.chaos.storm import STORM, UNKNOWN_LATEST_S, doubts

NAMES: Final[Mapping[str, Role | str]] = {str(role): role for role in (*HATS, Role.ORCHESTRATOR)} | {"signer": SIGNER}
HURRY_SHARE: Final = 0.3
"""Of the kills that do not wait until the desk has come back from the one before."""
BACK_WITHIN_S: Final = 90.0


class Result(msgspec.Struct, frozen=True):
    """What the storm came to. `unknown_s`: longest UNKNOWN beyond expiry; `unknown_attended_s`: with nobody away, and
    `latest` that order."""

    intents: int
    kills: dict[str, int]
    strikes: dict[str, int]
    doubted: int
    doubled: int
    nonces: int
    nonces_reused: int
    unknown_s: float
    unknown_attended_s: float
    latest: str
    differences: tuple[str, ...]
    took_s: float

    @property
    def is_weathered(self) -> bool:
        """Nothing doubled, nothing long in doubt, nothing different."""
        is_sound = not (self.doubled or self.nonces_reused or self.differences)
        return is_sound and self.unknown_attended_s <= UNKNOWN_LATEST_S


def storm(home: Path, intents: int, kills: Mapping[str, int], seed: int, console: Console) -> Result:
    """The whole of it."""
    began, draw = time.monotonic(), random.Random(seed)
    settings = {
        "supervisor.restart_intensity": 100_000,
        "watchdog.silence_ms": 60_000,
    }
    with real_desk(home, settings=settings, venue=["--seed", str(seed)]) as desk:
        desk.wait_armed()
        record = Record(desk)
        desk.arm(STORM)
        victims = draw.sample([name for name, count in kills.items() for _ in range(count)], sum(kills.values()))
        for name in track(victims, "kills", console=console, disable=not console.is_terminal):
            _kill(desk, NAMES[name], draw)
            record.look()
        while _asked(desk) < intents:
            desk.wait_armed(BACK_WITHIN_S)
            time.sleep(1.0)
            record.look()
        desk.wait_armed(BACK_WITHIN_S)
        strikes = Counter(strike["kind"] for strike in desk.strikes())
        desk.clear_faults()
        verdict = desk.down()
        record.look()
        return _result(desk, record, verdict, dict(kills), strikes, time.monotonic() - began)


def _asked(desk: RealDesk) -> int:
    status = desk.status()
    return 0 if status is None else status.order_states.get("pending_submit", 0)


def _kill(desk: RealDesk, victim: Role | str, draw: random.Random) -> None:
    """SIGKILL, at a moment of chance; back when the process is another one."""
    if draw.random() >= HURRY_SHARE:
        desk.wait_armed(BACK_WITHIN_S)
        time.sleep(draw.uniform(0.0, 2.0))
    while not hit(pid := _pid(desk, victim), signal.SIGKILL):
        time.sleep(0.05)  # it was gone by itself, so it is no kill of ours
    until = time.monotonic() + BACK_WITHIN_S
    while is_running(pid):
        if time.monotonic() > until:
            raise Unanswered(f"{victim} (process {pid}) would not die")
        time.sleep(0.01)


def _pid(desk: RealDesk, victim: Role | str) -> int:
    until = time.monotonic() + BACK_WITHIN_S
    while (pid := desk.pid_of(victim)) is None:
        if time.monotonic() > until:
            raise Unanswered(f"{victim} did not come back within {BACK_WITHIN_S:.0f} s")
        time.sleep(0.05)
    return pid


# ---------------------------------------------------------------------------------------------- evidence


def _result(
    desk: RealDesk, record: Record, verdict: dict[str, Any], kills: dict[str, int], strikes: Counter[str], took_s: float
) -> Result:
    nonces = signed_nonces(desk.files.logs / "signer.jsonl")
    reader = JournalReader.open(desk.files.journal)
    try:
        doubted, away = doubts(reader), away_spans(reader, desk.files.journal)
        late = [(each.until_ns - each.expires_ns) / SECOND for each in doubted]
        attended = [
            ((each.until_ns - each.expires_ns - overlap(away, each.expires_ns, each.until_ns)) / SECOND, each.cloid)
            for each in doubted
        ]
        attended_s, latest = max(attended, default=(0.0, ""))
        differences = [
            *differences_of(desk, reader, record), *problems(verdict),
            *([f"{record.gaps} times the exchange forgot before it was asked"] if record.gaps else []),
        ]  # fmt: skip
        return Result(
            intents=reader.counts().get(SubmitOrder.__name__, 0),
            kills=kills,
            strikes=dict(sorted(strikes.items())),
            doubted=len({each.cloid for each in doubted}),
            doubled=sum(len(oids) > 1 for oids in record.oids.values()),
            nonces=len(nonces),
            nonces_reused=sum(len(digests) > 1 for digests in nonces.values()),
            unknown_s=max([0.0, *late]),
            unknown_attended_s=max(attended_s, 0.0),
            latest=latest,
            differences=tuple(differences),
            took_s=took_s,
        )
    finally:
        reader.close()


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.storm_kills", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--intents", type=int, default=1_000, help="orders that are sent at least")
    parser.add_argument("--execution-manager", type=int, default=50, help="how often it is killed")
    parser.add_argument("--orchestrator", type=int, default=20, help="how often it is killed")
    parser.add_argument("--signer", type=int, default=20, help="how often it is killed")
    parser.add_argument("--others", type=int, default=0, help="how often each of the eight other Hats is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the market and of the moments")
    parser.add_argument("--home", type=Path, help="keep the run's files here; default: thrown away if it was weathered")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    kills = {name: count for name in NAMES if (count := getattr(asked, name, asked.others))}
    home = asked.home or Path(tempfile.mkdtemp(prefix="hats-"))
    sys.stderr.write(f"the run's files: {home}\n")
    result = storm(home, asked.intents, kills, asked.seed, Console(stderr=True))
    sys.stdout.write((msgspec.json.encode(result).decode() if asked.json else _told(result)) + "\n")
    if result.is_weathered and asked.home is None:
        shutil.rmtree(home)
    return 0 if result.is_weathered else 1


def _told(result: Result) -> str:
    kills = ", ".join(f"{name} {count}" for name, count in result.kills.items())
    strikes = ", ".join(f"{kind} {count}" for kind, count in result.strikes.items())
    lines = [
        f"{result.intents} orders, {result.doubted} in doubt ({strikes}); killed: {kills}; {result.took_s:.0f} s",
        f"{result.doubled} doubled, {result.nonces_reused} of {result.nonces} nonces signed for two actions",
        f"UNKNOWN at most {result.unknown_s:.1f} s after expiry, {result.unknown_attended_s:.1f} s with nobody away",
        f"longest after all were back: {result.latest or 'none'}",
        f"{len(result.differences)} differences", *(f"  {each}" for each in result.differences[:20]),
        "weathered" if result.is_weathered else "NOT WEATHERED",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
