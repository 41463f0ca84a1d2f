"""Where the exchange lists a coin's spot pair, a basis trader keeps it near the perp."""

from __future__ import annotations

from statistics import fmean

from shared.units import SECOND, Ns, Rounding
from shared.venue.core.commands import IssueToken, OrderSpec, PlaceOrders, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.flow.basis_trader import BasisSettings
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.mix import address_of
from shared.venue.flow.observing import Watch
from shared.venue.flow.spot_coins import SPOT_COINS, spot_listings
from shared.venue.flow.spot_market import SpotMarket
from shared.venue.flow.synthetic import Applies, SyntheticMarket, SyntheticSettings

START = Ns(1_700_000_000 * SECOND)
HYPE = COINS[3]
PAIR = SPOT_COINS[1]


WHALE = address_of("whale")
DUMPS, DUMP = 6, 300
"""How often, and how many HYPE at once, somebody sells on the spot side when the run is half a minute old."""


class Both:
    """Perp and spot, driven as one, and a whale that empties the spot side's bids."""

    def __init__(self, exchange: Exchange, settings: BasisSettings | None, *, is_listed: bool) -> None:
        self._exchange = exchange
        self._perps = SyntheticMarket(exchange, 3, SyntheticSettings(basis=settings), [HYPE])
        self._spot = SpotMarket(exchange, 3, [PAIR] if is_listed else [])
        self._dumps = 0

    def step(self, door: Applies, now: Ns) -> Ns:
        """When either is due again."""
        if self._dumps < DUMPS and now >= START + 30 * SECOND + self._dumps * SECOND and self._spot.users:
            self._dumps += 1
            self._dump(door, now)
        return min(self._perps.step(door, now), self._spot.step(door, now))

    def _dump(self, door: Applies, now: Ns) -> None:
        instrument = self._exchange.listings[10_107].instrument
        door.apply(IssueToken(WHALE, PAIR.pair.base.index, PAIR.pair.base.wei(str(DUMP))), now)
        px = instrument.px_on_tick(PAIR.start * 0.9, Rounding.DOWN)
        order = OrderSpec(10_107, False, px, instrument.sz(str(DUMP)), False, Tif.IOC)
        door.apply(PlaceOrders(WHALE, (order,)), now)


def run(settings: BasisSettings | None, seconds: int = 120, *, is_listed: bool = True) -> tuple[Exchange, Watch]:
    """HYPE's perp and, if listed, its spot pair."""
    spot = spot_listings([PAIR]) if is_listed else ()
    exchange = Exchange([*listings([HYPE]), *spot], start_ns=START)
    watch = Watch(exchange, (0, 10_107) if is_listed else (0,))
    watch.run(Both(exchange, settings, is_listed=is_listed), START, seconds)
    return exchange, watch


def gap_bps(watch: Watch) -> float:
    """Mean distance of the two mids at the end."""
    perps, spots = watch.observed[0].books[-60:], watch.observed[10_107].books[-60:]
    return fmean(abs(perp.mid / spot.mid - 1) * 1e4 for perp, spot in zip(perps, spots, strict=False))


def test_both_legs_are_traded() -> None:
    """The basis trader's legs are opposite and of one size."""
    exchange, watch = run(BasisSettings())
    assert len(watch.observed[10_107].books) > 100
    assert exchange.trades(10_107)
    basis = address_of("HYPE/basis")
    perp_lots = exchange.net_sz(basis, 0)
    fills = [fill for fill in exchange.fills(basis) if fill.asset == 10_107]
    spot_lots = sum(fill.sz if fill.is_buy else -fill.sz for fill in fills)
    assert fills
    assert abs(perp_lots + spot_lots) <= 0.5 * max(abs(perp_lots), abs(spot_lots))


def test_the_basis_trader_keeps_the_mids_together() -> None:
    """After the whale has sold, the spot side stays cheap until somebody buys it against the perp."""
    assert 1.5 * gap_bps(run(BasisSettings())[1]) < gap_bps(run(BasisSettings(margin_bps=1e6))[1])


def test_without_a_pair_or_with_the_switch_off_there_is_no_basis_trader() -> None:
    """Nobody acts for a market that is not there or not wanted."""
    assert not run(BasisSettings(), 5, is_listed=False)[0].has_account(address_of("HYPE/basis"))
    assert not run(None, 5)[0].has_account(address_of("HYPE/basis"))
