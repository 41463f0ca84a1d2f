"""A crash liquidates the leveraged crowd by the exchange's own rule, and new gamblers take their seats."""

from __future__ import annotations

from shared.units import SECOND, Ns
from shared.venue.core.commands import Command
from shared.venue.core.events import FillHappened, Liquidated
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.mix import FlowMix, address_of
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings

START = Ns(1_700_000_000 * SECOND)
GAMBLERS = 12


class Events:
    """A door that keeps what happened."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.events: list[object] = []

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the core answers."""
        outcome = self._exchange.apply(command, now)
        self.events += outcome.events
        return outcome


def test_a_crash_liquidates_the_crowd() -> None:
    """After news of -6 % most gamblers on the long side are gone, forced sales were printed, and seats are retaken."""
    exchange = Exchange(listings(COINS[:1]), start_ns=START)
    door = Events(exchange)
    market = SyntheticMarket(exchange, 5, SyntheticSettings(mix=FlowMix(gamblers=GAMBLERS)), COINS[:1])
    gamblers = [address_of(f"BTC/gambler-{n}") for n in range(GAMBLERS)]
    due = START
    while due <= START + 60 * SECOND:
        due = market.step(door, due)
    longs = [user for user in gamblers if exchange.net_sz(user, 0) > 0]
    before = {user: exchange.account(user).collateral_usd for user in longs}
    assert len(longs) >= 3
    market.shift("BTC", -0.06)
    door.events.clear()
    survivors = set(longs)
    while due <= START + 240 * SECOND:
        due = market.step(door, due)
        survivors = {user for user in survivors if exchange.net_sz(user, 0) > 0}
    stages = [event for event in door.events if isinstance(event, Liquidated) and event.user in before]
    assert len({event.user for event in stages}) >= 3
    assert len(survivors) <= len(longs) // 3
    forced = [event for event in door.events if isinstance(event, FillHappened) and event.liquidation is not None]
    assert any(not fill.is_buy and fill.user in before for fill in forced)
    seated = {user for user in longs if exchange.account(user).collateral_usd > before[user] // 2}
    assert seated
