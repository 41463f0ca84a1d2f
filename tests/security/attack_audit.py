"""An attacker who may write the audit log and the head beside it, and knows how both are made.

`python -m tests.security.attack_audit --attacks 10000` tries that many changes on one log and counts those found;
exit 1 if one was not. What the attacker can't have is the signer's key: the checkpoints are as the signer made them.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from hats.security_architect import audit
from hats.security_architect.audit import Head, leaf_of
from hats.security_architect.checkpoints import Checkpoint, CheckpointKey, Expected
from hats.security_architect.merkle import Peaks
from shared.units import Ns

LOG = "attacked"
KEY = CheckpointKey(b"\x07" * 32)

Bodies = list[str]


def body(number: int, text: str = "order") -> str:
    """A record's body."""
    return audit.body_of(text, Ns(number), {"n": number, "px": 100_000 + number})


def stamped(bodies: Sequence[str]) -> tuple[list[bytes], Head]:
    """A chain that is sound in itself, and its head."""
    head, lines = Head(), []
    for text in bodies:
        record = audit.append(head, text)
        head = audit.head_of(record)
        lines.append(audit.line_of(record))
    return lines, head


def checkpoints_of(lines: Sequence[bytes], every: int) -> list[Checkpoint]:
    """What the signer made of the log while it grew, and when it ended."""
    peaks, made = Peaks(), []
    for number, line in enumerate(lines, start=1):
        peaks.add(leaf_of(line))
        if number % every == 0 or number == len(lines):
            made.append(KEY.sign(LOG, peaks, number))
    return made


def _edit(bodies: Bodies, rng: random.Random) -> Bodies:
    at = rng.randrange(len(bodies))
    return [*bodies[:at], body(at, "forged"), *bodies[at + 1 :]]


def _delete(bodies: Bodies, rng: random.Random) -> Bodies:
    at = rng.randrange(len(bodies))
    return [*bodies[:at], *bodies[at + 1 :]]


def _insert(bodies: Bodies, rng: random.Random) -> Bodies:
    at = rng.randrange(len(bodies))
    return [*bodies[:at], body(at, "forged"), *bodies[at:]]


def _swap(bodies: Bodies, rng: random.Random) -> Bodies:
    one, other = rng.sample(range(len(bodies)), 2)
    changed = list(bodies)
    changed[one], changed[other] = changed[other], changed[one]
    return changed


def _truncate(bodies: Bodies, rng: random.Random) -> Bodies:
    return bodies[: rng.randrange(len(bodies))]


def _truncate_and_append(bodies: Bodies, rng: random.Random) -> Bodies:
    at = rng.randrange(len(bodies))
    return [*bodies[:at], *(body(number, "forged") for number in range(at, len(bodies) + rng.randrange(3)))]


def _restamp_all(bodies: Bodies, rng: random.Random) -> Bodies:
    return [body(number, f"forged {rng.random()}") for number in range(len(bodies))]


CHANGES: dict[str, Callable[[Bodies, random.Random], Bodies]] = {
    "edit": _edit,
    "delete": _delete,
    "insert": _insert,
    "swap": _swap,
    "truncate": _truncate,
    "truncate and append": _truncate_and_append,
    "restamp all": _restamp_all,
}


class Target:
    """One sound log with its head and checkpoints."""

    def __init__(self, records: int, every: int) -> None:
        self.bodies = [body(number) for number in range(records)]
        self.lines, self.head = stamped(self.bodies)
        self.checkpoints = checkpoints_of(self.lines, every)

    def is_found(self, lines: Sequence[bytes], head: Head | None) -> bool:
        """Does a check find that the log is not what it was?"""
        return not audit.verify(lines, head, Expected(self.checkpoints, LOG)).is_sound

    def attack(self, kind: str, rng: random.Random) -> bool:
        """Is this change found? Half of the time all is stamped anew and the head forged; else lines are changed."""
        changed = CHANGES[kind](self.bodies, rng)
        if rng.random() < 0.5:
            return self.is_found(*stamped(changed))
        return self.is_found(_raw(kind, self.lines, rng), self.head if rng.random() < 0.5 else None)


def _raw(kind: str, lines: list[bytes], rng: random.Random) -> list[bytes]:
    """The change on the lines as they are, by somebody who stamps nothing anew."""
    at = rng.randrange(len(lines))
    if kind in {"edit", "restamp all"}:
        line = bytearray(lines[at])
        line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
        return b"".join([*lines[:at], bytes(line), *lines[at + 1 :]]).splitlines(keepends=True)
    if kind == "swap":
        one, other = rng.sample(range(len(lines)), 2)
        changed = list(lines)
        changed[one], changed[other] = changed[other], changed[one]
        return changed
    if kind == "delete":
        return [*lines[:at], *lines[at + 1 :]]
    if kind == "insert":
        return [*lines[:at], lines[rng.randrange(len(lines))], *lines[at:]]
    return lines[:at]


def campaign(attacks: int, seed: int, records: int = 200, every: int = 50) -> tuple[Counter[str], Counter[str]]:
    """Attacks tried and attacks missed, by kind."""
    rng, target = random.Random(seed), Target(records, every)
    assert not target.is_found(target.lines, target.head), "the untouched log must be sound"
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for number in range(attacks):
        kind = list(CHANGES)[number % len(CHANGES)]
        tried[kind] += 1
        missed[kind] += not target.attack(kind, rng)
    return tried, missed


def verified_per_s(records: int) -> float:
    """Records checked in a second, every one against chain, tree and a checkpoint each thousand."""
    target = Target(records, 1_000)
    began = time.perf_counter()
    assert not target.is_found(target.lines, target.head)
    return records / (time.perf_counter() - began)


def main() -> int:
    """Print what was tried and what was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attacks", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=0, help="also time the check of a log of so many records")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tried, missed = campaign(options.attacks, options.seed)
    speed = verified_per_s(options.records) if options.records else None
    found = {"tried": dict(tried), "missed": dict(missed), "records_per_s": speed}
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        for kind, count in tried.items():
            sys.stdout.write(f"{kind:22} {count:6,} tried, {missed[kind]:,} missed\n")
        if speed is not None:
            took_s = options.records / speed
            sys.stdout.write(f"{options.records:,} records verified in {took_s:.1f} s, {speed:,.0f} a second\n")
    return 1 if missed.total() else 0


if __name__ == "__main__":
    sys.exit(main())
