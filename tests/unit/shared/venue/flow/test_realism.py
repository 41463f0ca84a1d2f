"""The default mix looks like a real market within broad bands, and where there is a recording, like that."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Final

import pytest

from shared.units import SECOND, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.observing import Watch, observe_recording
from shared.venue.flow.recording_files import open_recordings
from shared.venue.flow.statistics import MarketTable, table_of
from shared.venue.flow.synthetic import SyntheticMarket

pytestmark = pytest.mark.slow

DATA: Final = Path(__file__).resolve().parents[6] / "shared" / "data" / "market"
FILES: Final = ("binance_usdm_btcusdt_20240808.ws.gz", "binance_usdm_ethusdt_20240808.ws.gz")
START: Final = Ns(1_700_000_000 * SECOND)
SECONDS: Final = 900


@cache
def synthetic() -> tuple[MarketTable, ...]:
    """BTC and ETH of the default mix."""
    exchange = Exchange(listings(COINS[:2]), start_ns=START)
    watch = Watch(exchange, (0, 1))
    watch.run(SyntheticMarket(exchange, 1, coins=COINS[:2]), START, SECONDS)
    return tuple(table_of(watch.observed[asset]) for asset in (0, 1))


@cache
def recorded() -> tuple[MarketTable, ...]:
    """Binance's BTC and ETH on our ticks."""
    paths = [DATA / name for name in FILES]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"the recorded data folder {DATA} is not here")
    instruments = [each.instrument for each in listings(COINS[:2])]
    return tuple(
        table_of(observe_recording(open_recordings(path)(), instrument))
        for path, instrument in zip(paths, instruments, strict=True)
    )


@pytest.mark.parametrize("asset", [0, 1])
def test_stylised_facts(asset: int) -> None:
    """Signs remember and forget, volatility and trades cluster, tails are fat."""
    table = synthetic()[asset]
    assert 0.1 < table.sign_acf[0] < 0.5
    assert 0.03 < table.sign_acf[2] < table.sign_acf[0]
    assert abs(table.sign_acf[3]) < 0.1
    assert table.abs_return_acf[0] > 0.1
    assert fmean(table.abs_return_acf[:3]) > 0.05
    assert 5 < table.kurtosis < 100
    assert 2 < table.count_dispersion[0] < table.count_dispersion[1]


def test_impact_increases_and_flattens() -> None:
    """Over both coins the mid moves further with more net volume, and by less for each dollar of the largest fifth."""
    curves = [table.impact for table in synthetic()]
    moves = [fmean(curve[n].move_bps for curve in curves) for n in range(5)]
    rates = [fmean(curve[n].move_bps / curve[n].usd for curve in curves) for n in range(5)]
    # the two smallest fifths move the mid by less than half a tick; which of them more is chance
    assert 0 < max(moves[:2]) < moves[2] < moves[3] < moves[4]
    assert rates[4] < rates[3]


@pytest.mark.parametrize("asset", [0, 1])
def test_the_book_is_as_wide_and_half_as_deep_as_the_recorded_one(asset: int) -> None:
    """Spread within a factor of 3; depth near the mid within 5, far from it thinner still (known, and said so)."""
    ours, theirs = synthetic()[asset], recorded()[asset]
    assert 0.3 < ours.spread_bps[1] / theirs.spread_bps[1] < 3
    assert 0.2 < ours.depth_usd[0] / theirs.depth_usd[0] < 2
    assert 0.15 < ours.depth_usd[1] / theirs.depth_usd[1] < 2
    assert ours.depth_usd[0] < ours.depth_usd[1] < ours.depth_usd[2]


@pytest.mark.parametrize("asset", [0, 1])
def test_trades_and_moves_are_like_the_recorded_ones(asset: int) -> None:
    """Volatility and trade size within a factor of 4, signs within 0.15; the recording shares the facts."""
    ours, theirs = synthetic()[asset], recorded()[asset]
    assert 0.25 < ours.volatility_bps / theirs.volatility_bps < 4
    assert 0.25 < ours.trade_usd / theirs.trade_usd < 4
    assert all(abs(mine - real) < 0.15 for mine, real in zip(ours.sign_acf, theirs.sign_acf, strict=True))
    assert theirs.kurtosis > 3
    assert theirs.count_dispersion[0] > 2
    assert theirs.sign_acf[0] > theirs.sign_acf[2] > 0
    assert theirs.impact[4].move_bps > theirs.impact[2].move_bps
