"""The example dex and the hyperp: listed beside the coins, priced by their deployer, and traded a little."""

from __future__ import annotations

from shared.units import MINUTE, Ns
from shared.venue.core.commands import Command
from shared.venue.core.events import TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome, Refused
from shared.venue.flow.coins import listings
from shared.venue.flow.dex_coins import XYZ, dex_listings
from shared.venue.flow.dex_market import WEALTH_USD, DexMarket

START = 1_700_000_000 * 10**9
ASSETS = (4, 110_000, 110_001)


class Run:
    """The market on an exchange of its own, for a while; every outcome is kept."""

    def __init__(self, seed: int, minutes: int = 3) -> None:
        self.exchange = Exchange([*listings(), *dex_listings(4)], start_ns=START, dexs=[XYZ])
        self.outcomes: list[Outcome] = []
        market = DexMarket(self.exchange, seed)
        self.users = market.users
        due = market.step(self, Ns(START))
        while due < START + minutes * MINUTE:
            due = market.step(self, due)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """As a door would."""
        outcome = self.exchange.apply(command, now)
        self.outcomes.append(outcome)
        return outcome


def test_every_perp_has_prices_a_book_and_trades() -> None:
    """Nothing is refused; oracles move, spreads are open, all three trade, and no other coin is touched."""
    run = Run(7)
    assert [outcome.error for outcome in run.outcomes if outcome.error is not None] == []
    refused = [status for outcome in run.outcomes for status in outcome.statuses if isinstance(status, Refused)]
    assert refused == []
    traded = {event.asset for outcome in run.outcomes for event in outcome.events if isinstance(event, TradeHappened)}
    assert traded == set(ASSETS)
    for asset in ASSETS:
        bids, asks = run.exchange.book_levels(asset, 5)
        assert (len(bids), len(asks)) == (5, 5)
        assert bids[0].px < run.exchange.mark(asset) * 1.01
        assert asks[0].px > run.exchange.mark(asset) * 0.99
    assert run.exchange.account(run.users[0], 1).value_usd > 0.99 * WEALTH_USD * 10**6


def test_the_deployer_s_words_are_the_oracles() -> None:
    """They wander with the price, one word every three seconds; the hyperp's oracle is its own average."""
    run, first = Run(7), Run(7, minutes=0)
    assert run.exchange.oracle(110_000) != first.exchange.oracle(110_000)
    assert run.exchange.oracle(4) > 0


def test_the_same_seed_repeats_it() -> None:
    """To the byte; another seed does not."""
    assert Run(3, 1).exchange.digest() == Run(3, 1).exchange.digest() != Run(4, 1).exchange.digest()
