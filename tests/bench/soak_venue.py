"""A long life of the whole venue in little time: every market flow, trading accounts, faults, and laws at each minute.

`python -m tests.bench.soak_venue --hours 24 --seed 1 --faults` prints one JSON object; progress goes to stderr.
Exit 1 when memory grows (see `tests.bench.memory`); a broken law raises. `--census` tells what grew in each hour.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

from shared.units import HOUR, MINUTE, MS, SECOND, Ns, Usd
from shared.venue.core.commands import Command, IssueToken
from shared.venue.core.events import FillHappened, FundingPaid, Liquidated, OrderChanged, TradeHappened, TwapChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.core.policy import VenuePolicy
from shared.venue.door.door import Door
from shared.venue.door.host import Driver
from shared.venue.door.mischief import Mischief
from shared.venue.door.settings import DoorSettings
from shared.venue.faults.catalogue import (
    AnyFault,
    AutoDeleverage,
    BadGateway,
    ChangeMeta,
    CutSockets,
    DelayFrames,
    DelistCoin,
    DropFrames,
    DropRequest,
    Duplicate,
    DuplicateFrames,
    ForceLiquidation,
    FreezeFeed,
    FundingSpike,
    Garbage,
    HaltTrading,
    LoseAnswer,
    MarketFault,
    ReorderFrames,
    TooManyRequests,
    WrongBook,
)
from shared.venue.faults.engine import Armed, Faults
from shared.venue.flow.coins import COINS, Coin, listings
from shared.venue.flow.dex_coins import XYZ, dex_listings
from shared.venue.flow.dex_market import DexMarket
from shared.venue.flow.mix import LIGHT_MIX
from shared.venue.flow.recorded import RecordedMarket, RecordedSettings
from shared.venue.flow.spot_coins import spot_listings
from shared.venue.flow.spot_market import SpotMarket
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings
from tests.bench.census import Held, census, grown
from tests.bench.memory import Memory
from tests.bench.processes import resident_mb
from tests.bench.soak_accounts import Accounts
from tests.bench.soak_recording import NAME, recorded_listing, recording
from tests.bench.soak_wire import WireClient
from tests.property.whole.laws import check_state, count_book_orders

START: Final = Ns(1_700_000_000 * SECOND)
EVENTS_PER_SECOND: Final = 6.0
"""Commands that the synthetic traders of one coin send, on average."""
POLICY: Final = VenuePolicy(
    kept_orders=60,
    kept_fills=60,
    kept_ledger=30,
    kept_fundings=30,
    kept_candles=20,
    sub_account_volume_usd=Usd(0),
    schedule_cancel_volume_usd=None,
    unified_to_disabled="taken",
)
"""Short memories fill within the first six hours, so that what grows after them is a leak."""
SETTINGS: Final = DoorSettings(max_messages_per_minute=10**9, max_new_connections_per_minute=10**9, address_budget=None)
ON_THE_WIRE: Final[tuple[AnyFault, ...]] = (
    LoseAnswer(for_ms=120_000, share=0.5),
    DropRequest(for_ms=120_000, share=0.5, ending="cut"),
    BadGateway(for_ms=120_000, share=0.5),
    Garbage(for_ms=120_000, share=0.5),
    Duplicate(for_ms=120_000, share=0.5),
    TooManyRequests(for_ms=120_000, share=0.5),
    FreezeFeed(for_ms=2_000, channel="trades"),
    DropFrames(for_ms=60_000, share=0.05),
    DelayFrames(for_ms=60_000, share=0.05, delay_ms=200, jitter_ms=2_000),
    DuplicateFrames(for_ms=60_000, share=0.05),
    ReorderFrames(for_ms=60_000, share=0.05),
    WrongBook(for_ms=60_000, share=0.2, how="crossed"),
    CutSockets(for_ms=60_000, share=0.1),
    CutSockets(for_ms=60_000, share=0.1, code=1000),
)
"""Once an hour each, beside what is done to coins and users."""
_FEEDS: Final = ("l2Book", "trades", "bbo", "activeAssetCtx")


class CountingDoor(Door):
    """The door, with counts of what happens and of what came to spot balances from outside."""

    def __init__(self, exchange: Exchange, settings: DoorSettings, now: Ns) -> None:
        self.counts: Counter[str] = Counter()
        self.issued_wei: dict[int, int] = {}
        super().__init__(exchange, settings, now)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the door says, counted."""
        outcome = super().apply(command, now)
        counts = self.counts
        counts["commands"] += 1
        counts["events"] += len(outcome.events)
        if isinstance(command, IssueToken):
            self.issued_wei[command.token] = self.issued_wei.get(command.token, 0) + command.wei
        for event in outcome.events:
            match event:
                case OrderChanged(status=status):
                    counts["order_events"] += 1
                    counts["triggered"] += status == "triggered"
                case FillHappened():
                    counts["fills"] += 1
                case TradeHappened():
                    counts["trades"] += 1
                case Liquidated(method=method):
                    counts[f"liquidated_{method}"] += 1
                case FundingPaid():
                    counts["fundings"] += 1
                case TwapChanged(status=status):
                    counts["twaps"] += status == "activated"
        return outcome


class Soak:
    """One life of the venue; `run` ends with its report."""

    def __init__(
        self,
        hours: float,
        seed: int,
        accounts: int,
        *,
        has_faults: bool,
        takes_census: bool = False,
        coins: Sequence[Coin] = COINS,
    ) -> None:
        self._end = Ns(START + int(hours * HOUR))
        self._hours = hours
        listed = (
            *listings(coins),
            *dex_listings(len(coins)),
            recorded_listing(len(coins) + 1),
            *spot_listings(),
        )
        self._exchange = Exchange(listed, start_ns=START, policy=POLICY, dexs=[XYZ])
        self._door = CountingDoor(self._exchange, SETTINGS, START)
        settings = SyntheticSettings(events_per_second=EVENTS_PER_SECOND, mix=LIGHT_MIX)
        self._accounts = Accounts(self._exchange, accounts, seed)
        market = SyntheticMarket(self._exchange, seed, settings, coins)
        self._mischief = Mischief(Faults(seed))
        self._wire = WireClient(self._door, self._mischief, subscriptions(coins, self._accounts.users[0]), seed)
        self._drivers: list[Driver] = [
            market,
            SpotMarket(self._exchange, seed),
            DexMarket(self._exchange, seed),
            RecordedMarket(self._exchange, lambda: recording(seed), RecordedSettings(loop=True), [NAME]),
            self._accounts,
            self._wire,
        ]
        self._memory = Memory()
        self._checks = 0
        self._strikes: Counter[str] = Counter()
        self._takes_census = takes_census
        self._held: dict[str, Held] = {}
        self._planned = planned(hours, seed, self._accounts.users, [coin.name for coin in coins]) if has_faults else []

    def run(self) -> dict[str, Any]:
        """The report, after the last law has held."""
        began = told = time.perf_counter()
        wakes, now, minute = [Ns(START)] * len(self._drivers), START, 0
        while now < self._end:
            wakes = [
                driver.step(self._door, now) if wake <= now else wake
                for driver, wake in zip(self._drivers, wakes, strict=True)
            ]
            while self._planned and self._planned[0].at_ms * MS <= now - START:
                self._arm(self._planned.pop(0), now)
            self._mischief.act(self._door, now)
            due = self._door.due(now)
            self._wire.hear(now)
            if (now - START) // MINUTE > minute:
                minute = (now - START) // MINUTE
                self._check(minute / 60)
                if time.perf_counter() - told > 10:
                    told = time.perf_counter()
                    self._tell(minute, told - began)
            now = Ns(min(self._end, due, self._mischief.due(now), *wakes))
        self._check(self._hours)
        return self._report(time.perf_counter() - began)

    def _arm(self, fault: AnyFault, now: Ns) -> None:
        """Let the fault strike now, and forget those that have: whoever waits costs every step a look."""
        faults = self._mischief.faults
        for armed in [one for one in faults.armed.values() if is_over(one, now)]:
            faults.clear(armed.number)
        faults.arm(msgspec.structs.replace(fault, at_ms=0), now)

    def _check(self, hour: float) -> None:
        check_state(self._exchange, self._door.issued_wei)
        count_book_orders(self._exchange)
        self._checks += 1
        self._memory.note(hour, resident_mb(os.getpid()))
        strikes = self._mischief.faults.strikes
        self._strikes.update(strike.kind for strike in strikes)
        strikes.clear()
        if self._takes_census and self._checks % 60 == 0:
            self._tell_census(hour)

    def _tell(self, minute: int, wall_s: float) -> None:
        counts = self._door.counts
        print(
            f"{minute / 60:6.2f} h simulated in {wall_s:6.0f} s, {counts['commands']} commands, "
            f"{counts['trades']} trades, {self._memory.last_mb:.0f} MB",
            file=sys.stderr,
            flush=True,
        )

    def _tell_census(self, hour: float) -> None:
        """What grew most since the last census. It takes memory itself, so compare such runs among each other only."""
        held = census(self._exchange, self._door, self._mischief, *self._drivers)
        total_mb = sum(one.total_bytes for one in held.values()) / 2**20
        print(f"{hour:6.2f} h: {total_mb:.1f} MB held", file=sys.stderr)
        for name, more in grown(self._held, held)[:10]:
            print(f"  {more / 1024:+8.0f} kB  {name} ({held[name].objects} objects)", file=sys.stderr, flush=True)
        self._held = held

    def _report(self, wall_s: float) -> dict[str, Any]:
        counts = self._door.counts
        return {
            "hours": self._hours,
            "wall_s": round(wall_s, 1),
            "times_real": round(self._hours * 3600 / wall_s, 1),
            "commands_per_s": round(counts["commands"] / wall_s),
            **{name: counts[name] for name in sorted(counts)},
            **{f"wire_{name}": self._wire.counts[name] for name in sorted(self._wire.counts)},
            "checks": self._checks,
            "faults": dict(sorted(self._strikes.items())),
            **self._memory.figures(self._hours),
            "digest": self._exchange.digest(),
        }


def is_over(armed: Armed, now: Ns) -> bool:
    """Has the fault done all that it will do? One of a coin that has an end undoes itself."""
    if armed.fault.for_ms is None:
        return armed.strikes > 0
    return armed.until_ns <= now and not isinstance(armed.fault, MarketFault)


def subscriptions(coins: Sequence[Coin], user: str) -> list[dict[str, str]]:
    """What a client asks for that listens to every market and follows an account, so that the feeds have work."""
    asked: list[dict[str, str]] = [{"type": kind, "coin": coin.name} for coin in coins for kind in _FEEDS]
    return [*asked, {"type": "allMids"}, *({"type": kind, "user": user} for kind in ("userEvents", "orderUpdates"))]


def planned(hours: float, seed: int, users: Sequence[str], coins: Sequence[str]) -> list[AnyFault]:
    """Faults through the whole time, one of each kind an hour (at least one of each), and a delisting near the end."""
    chance, span_ms = Random(f"{seed}/faults"), int(hours * HOUR / MS)
    faults: list[AnyFault] = []
    for hour in range(max(round(hours), 1)):
        low, high = (span_ms * part // max(round(hours), 1) for part in (hour, hour + 1))

        def at(low: int = low, high: int = high) -> int:
            return chance.randint(low + (high - low) // 20, high)

        faults += [
            HaltTrading(coin=chance.choice(coins), at_ms=at(), for_ms=60_000),
            ChangeMeta(coin=coins[-1], at_ms=at(), max_leverage=chance.choice((3, 5, 10, 20))),
            FundingSpike(coin=chance.choice(coins), at_ms=at(), for_ms=600_000, premium=chance.choice((0.02, -0.02))),
            *(ForceLiquidation(user=chance.choice(users), at_ms=at(), method="market") for _ in range(3)),
            *(ForceLiquidation(user=chance.choice(users), at_ms=at(), method="backstop") for _ in range(3)),
            *(AutoDeleverage(user=chance.choice(users), at_ms=at()) for _ in range(3)),
            *(msgspec.structs.replace(fault, at_ms=at()) for fault in ON_THE_WIRE),
        ]
    faults.append(DelistCoin(coin=coins[-1], at_ms=span_ms * 95 // 100))
    return sorted(faults, key=lambda fault: fault.at_ms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one soak and print its report; 1 when memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=50, help="trading accounts beside the market's own traders")
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--census", action="store_true", help="tell every hour what holds more than an hour before")
    options = parser.parse_args(arguments)
    soak = Soak(options.hours, options.seed, options.accounts, has_faults=options.faults, takes_census=options.census)
    report = soak.run()
    print(json.dumps(report))
    return int(report["memory"] == "growing")


if __name__ == "__main__":
    sys.exit(main())
