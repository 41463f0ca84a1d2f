"""Nine Hats propose a thousand orders each, all at once: is one limit ever exceeded, as the exchange sees it?

The exchange is told late or never, fills in parts, and its answers are late, lost or doubted; the Risk Officer hears
of all that later still. After each step the worst case is counted from the exchange's side: what is held, what rests,
and what was approved and may still arrive. Exit code 1 if a limit was ever exceeded.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from shared.ids import Cloid, StrategyId
from shared.messages import AnyMessage
from shared.messages.risk import OrderApproved
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side
from shared.units import MS, SECOND, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    COINS,
    NOW,
    PX,
    booked,
    changed,
    features,
    intent,
    judged,
    ledger,
    officer,
    say,
)

HATS: Final = 9
POSITION_LIMIT: Final = 1_000
GROSS_LIMIT: Final = 1_500
GONE_BEFORE: Final = 0.2
ANSWER_LOST: Final = 0.3


class Live(msgspec.Struct):
    """An approved order that may still trade so much."""

    wish: OrderIntent
    left_sz: int
    filled_sz: int = 0


class Found(msgspec.Struct):
    """What one storm came to: the worst position and gross exposure at any step, in lots of one USDC."""

    proposed: int = 0
    approved: int = 0
    fills: int = 0
    doubted: int = 0
    worst_position: int = 0
    worst_gross: int = 0

    @property
    def is_within(self) -> bool:
        """Was no limit exceeded?"""
        return self.worst_position <= POSITION_LIMIT and self.worst_gross <= GROSS_LIMIT

    @property
    def is_hard(self) -> bool:
        """Was the limit on all coins nearly reached, so that something was tried?"""
        return self.worst_gross > 0.9 * GROSS_LIMIT


class Storm:
    """One seed: an officer, an exchange that keeps the truth, and everything that is under way between them."""

    def __init__(self, seed: int, orders: int) -> None:
        self.draw = random.Random(seed)
        self.hat = officer(position_limit_usd=POSITION_LIMIT, gross_limit_usd=GROSS_LIMIT, in_doubt_limit=10**6)
        self.found = Found()
        self.now = NOW
        self.net = dict.fromkeys(COINS, 0)
        self.live: dict[Cloid, Live] = {}
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._heard_ns = 0
        self._numbers = dict.fromkeys(range(HATS), 0)
        for _ in range(orders):
            for hat in range(HATS):
                # all at once: within a millisecond of each other, and some come again later
                self.at(NOW + self.draw.randrange(MS) + self.draw.choice((0, 0, SECOND)), self._propose(hat))

    def at(self, ns: int, work: Callable[[], None]) -> None:
        """Do it then."""
        heapq.heappush(self._agenda, (ns, next(self._count), work))

    def run(self) -> Found:
        """Until nothing is under way; the books agree with the exchange's then."""
        fresh_ns = 0
        while self._agenda:
            ns, _, work = heapq.heappop(self._agenda)
            self.now = Ns(max(ns, self.now))
            if self.now - fresh_ns > SECOND:
                fresh_ns = self.now
                for coin in COINS:
                    say(self.hat, features(coin, self.now), self.now)
                say(self.hat, ledger(10**6), self.now)
            work()
            self._look()
        held = {coin: self.hat.state.exposure(coin).net_sz for coin in COINS}
        assert held == self.net, f"the officer holds {held}, the exchange {self.net}"
        return self.found

    def _propose(self, hat: int) -> Callable[[], None]:
        side = self.draw.choice((Side.BUY, Side.SELL))
        px = PX - side.value * 100 * self.draw.randint(1, 20)  # passive, so that our own do not cross
        coin, sz = self.draw.choice(COINS), self.draw.randint(10, 120)

        def propose() -> None:
            self.found.proposed += 1
            strategy = StrategyId(f"s{hat}")
            self._numbers[hat] += 1
            wish = intent(
                self._numbers[hat], side, sz, px, coin=coin, recv_ns=self.now, strategy=strategy, strategy_number=hat
            )
            if isinstance(judged(self.hat, wish, self.now), OrderApproved):
                self.found.approved += 1
                self.live[wish.cloid] = Live(wish, sz)
                self._send(wish)

        return propose

    def _send(self, wish: OrderIntent) -> None:
        """It arrives late, or never; then it trades in parts and ends. Meanwhile it may be in doubt."""
        draw, at = self.draw, self.now
        self._tell(at, changed(wish, OrderState.PENDING_SUBMIT))
        if draw.random() < ANSWER_LOST:
            self.found.doubted += 1
            self._tell(at + draw.randrange(SECOND), changed(wish, OrderState.UNKNOWN))
        if draw.random() < GONE_BEFORE:
            self.at(at + 2 * SECOND, lambda: self._end(wish, OrderState.EXPIRED))
            return
        arrives = at + draw.randrange(SECOND // 2)
        for _ in range(draw.randint(0, 4)):
            arrives += draw.randrange(SECOND // 2)
            self.at(arrives, lambda: self._fill(wish))
        self.at(arrives + draw.randrange(2 * SECOND), lambda: self._end(wish, OrderState.CANCELLED))

    def _fill(self, wish: OrderIntent) -> None:
        order = self.live.get(wish.cloid)
        if order is None:
            return
        sz = min(self.draw.randint(1, 60), order.left_sz)
        order.left_sz -= sz
        order.filled_sz += sz
        self.net[wish.coin] += wish.side.value * sz
        self.found.fills += 1
        state = OrderState.PARTIALLY_FILLED if order.left_sz else OrderState.FILLED
        if not order.left_sz:
            del self.live[wish.cloid]
        filled_sz = order.filled_sz
        self._tell(self.now, booked(wish, sz), changed(wish, state, filled_sz))

    def _end(self, wish: OrderIntent, state: OrderState) -> None:
        order = self.live.pop(wish.cloid, None)
        if order is not None:
            self._tell(self.now, changed(wish, state, order.filled_sz))

    def _tell(self, ns: int, *messages: AnyMessage) -> None:
        """The officer hears of it later, in the order in which it happened."""
        self._heard_ns = max(self._heard_ns, ns + self.draw.randrange(SECOND // 4))

        def hear() -> None:
            for message in messages:
                say(self.hat, message, self.now)

        self.at(self._heard_ns, hear)

    def _look(self) -> None:
        """The worst case from the exchange's side now."""
        gross = 0
        for coin in COINS:
            buys = sum(o.left_sz for o in self.live.values() if o.wish.coin == coin and o.wish.side is Side.BUY)
            sells = sum(o.left_sz for o in self.live.values() if o.wish.coin == coin and o.wish.side is Side.SELL)
            worst = max(self.net[coin] + buys, sells - self.net[coin])
            self.found.worst_position = max(self.found.worst_position, worst)
            gross += worst
        self.found.worst_gross = max(self.found.worst_gross, gross)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--orders", type=int, default=1_000, help="proposals of each of the nine Hats")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    storms = []
    for seed in range(options.seeds):
        storms.append(Storm(seed, options.orders).run())
        print(f"seed {seed + 1} of {options.seeds}", end="\r", file=sys.stderr, flush=True)
    total = {
        "seeds": options.seeds,
        "proposed": sum(storm.proposed for storm in storms),
        "approved": sum(storm.approved for storm in storms),
        "fills": sum(storm.fills for storm in storms),
        "doubted": sum(storm.doubted for storm in storms),
        "worst_position": max(storm.worst_position for storm in storms),
        "position_limit": POSITION_LIMIT,
        "worst_gross": max(storm.worst_gross for storm in storms),
        "gross_limit": GROSS_LIMIT,
        "seeds_beyond": sum(not storm.is_within for storm in storms),
        "seeds_far_below": sum(not storm.is_hard for storm in storms),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(total) if options.json else "\n".join(f"{key}: {value}" for key, value in total.items()))
    return 1 if total["seeds_beyond"] or total["seeds_far_below"] else 0


if __name__ == "__main__":
    sys.exit(main())
