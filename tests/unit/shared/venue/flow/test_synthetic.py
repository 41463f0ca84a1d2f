"""The synthetic market repeats itself to the byte, behaves like a market, and stays bounded."""

from __future__ import annotations

import itertools
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence

import pytest

from shared.units import SECOND, USD, Ns, Px, Sz, Usd, tick_at
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, Tif
from shared.venue.core.events import TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome, Refused
from shared.venue.flow.coins import COINS, Coin, listings
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings

START = Ns(1_700_000_000 * SECOND)


class Tape:
    """A door that writes down what happened."""

    def __init__(self, coins: Sequence[Coin]) -> None:
        self.exchange = Exchange(listings(coins), start_ns=START)
        self.commands = 0
        self.refused: list[str] = []
        self.signs: list[int] = []

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the core answers."""
        outcome = self.exchange.apply(command, now)
        self.commands += 1
        self.refused += [status.error for status in outcome.statuses if isinstance(status, Refused)]
        trades = [event for event in outcome.events if isinstance(event, TradeHappened)]
        if trades and trades[0].asset == 0:
            self.signs.append(1 if trades[0].is_buy else -1)
        return outcome


def run(seed: int, seconds: int, rate: float = 20.0, coins: Sequence[Coin] = COINS[:2]) -> Tape:
    """A market that ran for so long."""
    tape = Tape(coins)
    market = SyntheticMarket(tape.exchange, seed, SyntheticSettings(events_per_second=rate), coins)
    due = START
    while due <= START + seconds * SECOND:
        due = market.step(tape, due)
    return tape


def autocorrelation(values: Sequence[float], lag: int) -> float:
    """Of the values with themselves `lag` later."""
    mean = statistics.fmean(values)
    spread = sum((value - mean) ** 2 for value in values)
    return sum((a - mean) * (b - mean) for a, b in zip(values, values[lag:], strict=False)) / spread


def test_the_same_seed_gives_the_same_exchange() -> None:
    """Equal digests of the whole state for equal seeds, other ones for others."""
    assert run(7, 20).exchange.digest() == run(7, 20).exchange.digest()
    assert run(7, 20).exchange.digest() != run(8, 20).exchange.digest()


def test_the_digest_does_not_depend_on_the_process() -> None:
    """Another hash seed and time zone change nothing."""
    script = (
        "import importlib.util as u, sys;"
        f"s = u.spec_from_file_location('synthetic', {__file__!r}); m = u.module_from_spec(s);"
        "sys.modules['synthetic'] = m; s.loader.exec_module(m); print(m.run(7, 10).exchange.digest())"
    )
    for hash_seed, zone in (("1", "Asia/Tokyo"), ("2", "America/Lima")):
        found = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == run(7, 10).exchange.digest()


def test_steps_may_come_late_or_often() -> None:
    """Stepping only every 700 ms does the same things in the same order; only the times of clients' orders differ."""
    due, late = Tape(COINS[:1]), Tape(COINS[:1])
    exact, coarse = (SyntheticMarket(tape.exchange, 3, coins=COINS[:1]) for tape in (due, late))
    end = START + 10 * SECOND
    at = START
    while at <= end:
        at = exact.step(due, at)
    for n in range(16):
        coarse.step(late, Ns(min(START + n * 700_000_000, end)))
    assert due.exchange.digest() == late.exchange.digest()


def test_a_client_who_acts_between_events_does_not_turn_time_back() -> None:
    """An order that reached the core after an event fell due does not break that event."""
    tape = Tape(COINS[:1])
    market = SyntheticMarket(tape.exchange, 3, coins=COINS[:1])
    market.step(tape, START)
    later = Ns(START + 2 * SECOND)
    tape.apply(Deposit("0xclient", Usd(100_000 * USD)), later)
    bid = tape.exchange.book_levels(0)[0][0].px
    placed = tape.apply(PlaceOrders("0xclient", (OrderSpec(0, True, Px(bid), Sz(100), False, Tif.GTC),)), later)
    assert placed.error is None
    assert market.step(tape, Ns(START + SECOND)) > START + SECOND


def test_ten_minutes_look_like_a_market() -> None:
    """Spread, depth, activity, signs and volatility lie within the bounds that markets of this kind show."""
    tape = Tape(COINS[:1])
    market = SyntheticMarket(tape.exchange, 1, coins=COINS[:1])
    due, sampled = START, START
    mids, spreads, depths = [], [], []
    while due <= START + 600 * SECOND:
        while sampled < due:
            bids, asks = tape.exchange.book_levels(0, 20)
            mids.append((bids[0].px + asks[0].px) / 2)
            spreads.append((asks[0].px - bids[0].px) / tick_at(bids[0].px, COINS[0].sz_decimals))
            depths.append(min(len(bids), len(asks)))
            sampled = Ns(sampled + SECOND)
        due = market.step(tape, due)
    sizes = [abs(math.log(after / before)) for before, after in itertools.pairwise(mids)]
    assert 1 <= statistics.median(spreads) <= 8
    assert statistics.median(depths) == 20
    assert 15 <= tape.commands / 600 <= 26
    assert 1.5 <= len(tape.signs) / 600 <= 8
    assert autocorrelation(tape.signs, 1) > 0.15
    assert autocorrelation(tape.signs, 5) > 0.05
    assert statistics.fmean(autocorrelation(sizes, lag) for lag in range(1, 11)) > 0.05
    assert len(tape.refused) < 0.05 * tape.commands


def test_activity_is_as_asked() -> None:
    """Ten times the rate is ten times the commands, as far as a minute of weather and clusters allows."""
    slow, fast = (run(2, 60, rate, COINS[:1]).commands / 60 for rate in (20.0, 200.0))
    assert slow == pytest.approx(20.0, rel=0.35)
    assert fast == pytest.approx(200.0, rel=0.35)


def test_open_orders_and_positions_stay_bounded() -> None:
    """After a minute at a high rate nobody rests more orders than their habit allows, or holds more than it."""
    tape = run(4, 60, 100.0, COINS[:1])
    for user in tape.exchange.users():
        assert len(tape.exchange.open_orders(user)) <= 41
        assert tape.exchange.account(user).notional_usd < 5_000_000 * USD


def test_the_listing_is_the_real_one() -> None:
    """szDecimals and leverages are mainnet's."""
    found = {each.instrument.coin: (each.instrument.sz_decimals, each.instrument.max_leverage) for each in listings()}
    assert found == {"BTC": (5, 40), "ETH": (4, 25), "SOL": (2, 20), "HYPE": (2, 10)}
