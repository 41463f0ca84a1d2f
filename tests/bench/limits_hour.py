"""An hour at the venue's limits, in virtual time: `python -m tests.bench.limits_hour --minutes 60`.

A desk that asks for four orders a second and cancels as many has more to send than the weight of a minute allows (less
than half of the venue's 1,200 here, so that an hour takes minutes; the oracle's feeder has its part of it). The local
exchange enforces that, and its 10,000 requests plus one per USDC traded. Exit code 0 if entries were kept back, no
cancel was refused by it or kept in the house, and at most one request in ten minutes met a limit there. 1 if not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from orchestrator.rehearsal import door_settings_of, rehearse
from shared.codec import decode
from shared.ids import Role
from shared.messages.market import BadData
from shared.messages.order import ActionAnswered, ActionKind, AnswerKind
from tests.chaos.storm import Stormy, settings_for_storm

WEIGHT: int = 520
REQUESTS: int = 10_000


class Hour(msgspec.Struct, frozen=True):
    """What was sent, and what met a limit: `kept` by our own budget, `too_many` at the venue."""

    minutes: int
    orders: int
    cancels: int
    cancels_refused: int
    kept: int
    too_many: int

    @property
    def is_good(self) -> bool:
        """The limits were met, yet no cancel was refused, and hardly anything at the venue."""
        is_hard = self.cancels > 0 and self.kept > 0
        return is_hard and not self.cancels_refused and self.too_many <= max(self.minutes // 10, 1)


def hour(folder: Path, seed: int, minutes: int) -> Hour:
    """A desk for so many virtual minutes under enforced limits."""
    settings = settings_for_storm({"exchange_architect": {"weight_per_minute": WEIGHT}})
    limits = msgspec.structs.replace(door_settings_of(settings), ip_weight_per_minute=WEIGHT, address_budget=REQUESTS)
    hats = {Role.QUANT_STRATEGIST: lambda *_: Stormy(seed, sys.maxsize)}
    desk = rehearse(settings, folder / "journal.sqlite", seed=seed, door_settings=limits, hats=hats)
    try:
        for _ in range(minutes):
            desk.run_for(60)
        answers = [decode(entry.body) for entry in desk.journal.reader.messages(kind=ActionAnswered.__name__)]
        told = [answer for answer in answers if isinstance(answer, ActionAnswered)]
        bad = [decode(entry.body) for entry in desk.journal.reader.messages(kind=BadData.__name__)]
    finally:
        desk.close()
    cancels = [answer for answer in told if answer.kind is ActionKind.CANCEL]
    return Hour(
        minutes=minutes,
        orders=sum(answer.kind.places for answer in told),
        cancels=len(cancels),
        cancels_refused=sum(_met_a_limit(answer) or answer.error.startswith("local: ") for answer in cancels),
        kept=sum(map(_was_kept, told)),
        too_many=sum(map(_met_a_limit, told)) + sum(isinstance(one, BadData) and "429" in one.reason for one in bad),
    )


def _was_kept(answer: ActionAnswered) -> bool:
    return answer.answer is AnswerKind.REFUSED and answer.error.startswith("local: ") and "budget" in answer.error


def _met_a_limit(answer: ActionAnswered) -> bool:
    return "HTTP 429" in answer.error or "Too many cumulative requests" in answer.error


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.limits_hour", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60, help="virtual minutes")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another market")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = hour(Path(folder), asked.seed, asked.minutes)
    print(msgspec.json.encode(result).decode())
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
