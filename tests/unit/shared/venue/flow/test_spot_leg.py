"""Where the exchange lists a coin's spot pair, it has a market, and a basis trader keeps it near the perp."""

from __future__ import annotations

from statistics import fmean

from shared.units import SECOND, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_spot
from shared.venue.core.tokens import USDC, Token
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.mix import address_of
from shared.venue.flow.observing import Watch
from shared.venue.flow.spot_leg import SpotSettings
from shared.venue.flow.synthetic import SyntheticMarket, SyntheticSettings

START = Ns(1_700_000_000 * SECOND)
HYPE = COINS[3]
PAIR = SpotPair(107, Token("HYPE", 150, 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec"), USDC)


def run(settings: SpotSettings | None, seconds: int = 120, *, is_listed: bool = True) -> tuple[Exchange, Watch]:
    """HYPE's perp and, if listed, its spot pair."""
    spot = [list_spot(PAIR)] if is_listed else []
    exchange = Exchange([*listings([HYPE]), *spot], start_ns=START)
    watch = Watch(exchange, (0, 10_107) if is_listed else (0,))
    market = SyntheticMarket(exchange, 3, SyntheticSettings(spot=settings), [HYPE])
    watch.run(market, START, seconds)
    return exchange, watch


def gap_bps(watch: Watch) -> float:
    """Mean distance of the two mids."""
    perps, spots = watch.observed[0].books[5:], watch.observed[10_107].books[5:]
    return fmean(abs(perp.mid / spot.mid - 1) * 1e4 for perp, spot in zip(perps, spots, strict=False))


def test_a_listed_pair_has_a_market_and_both_legs_are_traded() -> None:
    """Both sides are quoted, spot trades, and the basis trader's legs are opposite and of one size."""
    exchange, watch = run(SpotSettings())
    assert len(watch.observed[10_107].books) > 100
    assert exchange.trades(10_107)
    basis = address_of("HYPE/basis")
    perp_lots = exchange.net_sz(basis, 0)
    fills = [fill for fill in exchange.fills(basis) if fill.asset == 10_107]
    spot_lots = sum(fill.sz if fill.is_buy else -fill.sz for fill in fills)
    assert fills
    assert abs(perp_lots + spot_lots) <= 0.5 * max(abs(perp_lots), abs(spot_lots))


def test_the_basis_trader_keeps_the_mids_together() -> None:
    """Without it they are further apart."""
    assert gap_bps(run(SpotSettings())[1]) < gap_bps(run(SpotSettings(margin_bps=1e6))[1])


def test_without_a_pair_or_with_the_switch_off_there_is_no_spot_leg() -> None:
    """Nobody acts for a market that is not there or not wanted."""
    assert not run(SpotSettings(), 5, is_listed=False)[0].has_account(address_of("HYPE/basis"))
    off = run(None, 5)[0]
    assert not off.has_account(address_of("HYPE/basis"))
    assert not off.trades(10_107)
