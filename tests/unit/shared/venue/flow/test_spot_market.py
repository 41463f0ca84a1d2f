"""The spot leg: pairs have two-sided books around the perp's oracle, trades, and every token is accounted for."""

from __future__ import annotations

from collections import Counter

from shared.units import MINUTE, SECOND, Ns
from shared.venue.core.commands import Command
from shared.venue.core.events import TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome, Refused
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.spot_coins import SPOT_COINS, SPOT_PAIRS, spot_listings
from shared.venue.flow.spot_market import SpotMarket

START = 1_700_000_000 * SECOND


class Run:
    """A few minutes of the spot leg; the perps have oracle prices and nobody else."""

    def __init__(self, seed: int = 7) -> None:
        self.exchange = Exchange((*listings(COINS), *spot_listings()), start_ns=START)
        self.market = SpotMarket(self.exchange, seed)
        self.refusals: Counter[str] = Counter()
        self.prints: Counter[int] = Counter()
        now = Ns(START)
        while now < START + 3 * MINUTE:
            now = self.market.step(self, now)

    def apply(self, command: Command, now: Ns) -> Outcome:
        """The door's part."""
        outcome = self.exchange.apply(command, now)
        assert outcome.error is None
        self.refusals.update(status.error for status in outcome.statuses if isinstance(status, Refused))
        self.prints.update(event.asset for event in outcome.events if isinstance(event, TradeHappened))
        return outcome


def test_every_pair_is_quoted_and_trades_near_its_price() -> None:
    """Spreads are what the maker asks for, prices stay within a few percent of the start in minutes."""
    run = Run()
    assert not run.refusals
    for coin in SPOT_COINS:
        asset = 10_000 + coin.pair.index
        instrument = run.exchange.listings[asset].instrument
        bids, asks = run.exchange.book_levels(asset)
        assert len(bids) >= 4
        assert len(asks) >= 4
        mid = instrument.px_float(bids[0].px + asks[0].px) / 2
        assert abs(mid / coin.start - 1) < 0.03
        assert (asks[0].px - bids[0].px) * 10_000 / (bids[0].px + asks[0].px) * 2 < 4 * coin.spread_bps
        assert run.prints[asset] > 10


def test_the_same_seed_repeats_it_and_another_does_not() -> None:
    """Determinism, to the digest."""
    assert Run().exchange.digest() == Run().exchange.digest() != Run(8).exchange.digest()


def test_all_tokens_are_accounted_for() -> None:
    """Issued = held + fees, with fees in every token that was bought."""
    run = Run()
    treasury = run.exchange.treasury()
    held: Counter[int] = Counter()
    for user in run.market.users:
        held.update({view.token.index: view.total_wei for view in run.exchange.spot_balances(user)})
    for token, (issued, fees) in treasury.items():
        assert held[token] + fees == issued
    assert all(treasury[pair.base.index][1] > 0 for pair in SPOT_PAIRS)
