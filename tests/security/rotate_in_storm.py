"""A running desk changes its key in the ambiguity storm: `python -m tests.security.rotate_in_storm`.

A desk of real processes trades ten coins at a local exchange that loses two answers in three. Meanwhile another agent,
which the master approved, takes over by `hats keys rotate`; the former one is drained and retired. Exit code 0 if the
exchange never disputed who signed, no signature was missed and none took a second, the former address is on the
never-reuse list, no order was doubled, and our books equal the exchange's. 1 if not.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from hats.security_architect import keystore
from hats.security_architect.retired import retired_in
from shared.codec import decode
from shared.errors import HatsError
from shared.journal import JournalReader
from shared.messages.order import ActionAnswered, SignatureRefused, SignedAction
from shared.units import MS, SECOND
from tests.chaos.own_account import own_account
from tests.chaos.real_desk import RealDesk, real_desk
from tests.chaos.real_evidence import Record, differences_of, problems
from tests.chaos.storm import STORM

AROUND_NS: Final = 10 * SECOND
PAUSE_MS_MAX: Final = 1_000.0
DISPUTES: Final = ("does not exist", "Unable to recover signer", "Must deposit before")
"""Parts of the venue's texts that dispute who signed."""


class Rotation(msgspec.Struct, frozen=True):
    """What came of it. `pause_ms`: the longest from what led to a signature to it, within ten seconds of it.

    `idle_ms` is the longest between two signatures then, most of it time in which nothing was asked for; `missed`
    counts requests that the signer did not answer.
    """

    signed_before: int
    signed_after: int
    strikes: int
    disputed: int
    missed: int
    pause_ms: float
    idle_ms: float
    drained_s: float
    is_listed: bool
    is_destroyed: bool
    doubled: int
    differences: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """As promised."""
        is_quick = self.pause_ms <= PAUSE_MS_MAX
        is_clean = not (self.disputed or self.missed or self.doubled or self.differences)
        return is_quick and is_clean and self.is_listed and self.is_destroyed and self.signed_after > 0


def rotate(home: Path, *, storm_s: float) -> Rotation:
    """So long in the storm, the change, and as long again; then calm, a drain, and the comparison."""
    settings = {"watchdog.silence_ms": 60_000}
    with real_desk(home, settings=settings, venue=["--seed", "1"], account=own_account) as desk:
        desk.wait_armed()
        record = Record(desk)
        desk.arm(STORM)
        time.sleep(storm_s)
        record.look()
        old = keystore.read_info(keystore.keystore_path(home / "keys", "first")).address
        done = desk.hats("keys", "rotate", "second", "--password-file", str(home / "password"))
        record.look()
        time.sleep(storm_s)
        strikes = len(desk.strikes())
        desk.clear_faults()
        verdict = desk.down()
        record.look()
        reader = JournalReader.open(desk.files.journal)
        try:
            differences = [*differences_of(desk, reader, record), *problems(verdict)]
            return _judged(desk, reader, record, old, float(done["drained_s"]), strikes, differences)
        finally:
            reader.close()


def _judged(
    desk: RealDesk, reader: JournalReader, record: Record, old: str, drained_s: float, strikes: int,
    differences: list[str],
) -> Rotation:  # fmt: skip
    events = [msgspec.json.decode(line) for line in (desk.files.logs / "signer.jsonl").read_bytes().splitlines()]
    (change,) = [event["ns"] for event in events if event["event"] == "took_over"]
    signed = [(event["ns"], event["agent"]) for event in events if event["event"] == "signed" and not event["again"]]
    near = [ns for ns, _ in signed if abs(ns - change) < AROUND_NS]
    disputed = missed = 0
    pause_ns, said_ns = 0, dict[int, int]()
    for entry in reader.messages():
        message = decode(entry.body)
        said_ns[entry.seq] = entry.ts
        if isinstance(message, ActionAnswered):
            disputed += any(part in message.error for part in DISPUTES)
        elif isinstance(message, SignatureRefused):
            missed += "unreachable" in message.reason or "retired" in message.reason
        elif isinstance(message, SignedAction) and abs(entry.ts - change) < AROUND_NS:
            # since what led to it; the edge's answer may be written down before the request of its Hat
            pause_ns = max(pause_ns, entry.ts - said_ns[entry.cause])
    return Rotation(
        signed_before=sum(agent == old for _, agent in signed),
        signed_after=sum(agent != old for _, agent in signed),
        strikes=strikes,
        disputed=disputed,
        missed=missed,
        pause_ms=pause_ns / MS,
        idle_ms=max((after - before for before, after in itertools.pairwise(near)), default=0) / MS,
        drained_s=drained_s,
        is_listed=old in retired_in(desk.home / "keys"),
        is_destroyed=not keystore.keystore_path(desk.home / "keys", "first").exists(),
        doubled=sum(len(oids) > 1 for oids in record.oids.values()),
        differences=tuple(differences),
    )


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.rotate_in_storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the storm lasts before and after")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines to read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = rotate(Path(folder) / "home", storm_s=options.seconds)
        except HatsError as error:
            print(f"not done: {error}", file=sys.stderr)
            return 1
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(f"{name}: {getattr(found, name)}" for name in Rotation.__struct_fields__))
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
