"""A strategy ready to be asked."""

from __future__ import annotations

from hats.quant_strategist.desk import CoinState
from hats.quant_strategist.mandate import mandates_from, volatility_of
from hats.quant_strategist.settings import Settings
from shared.messages.signal import Regime, RegimeUpdate
from shared.order import Tif
from shared.units import SECOND, Ns

SETTINGS = Settings()


def test_volatility_is_brought_to_a_root_second() -> None:
    """20 bps a bar of 4 s are 10 bps per root second."""
    regime = RegimeUpdate("BTC", Ns(0), 4 * SECOND, Regime.NORMAL, (0.2, 0.7, 0.1), 20.0)
    coin = CoinState(regime=regime, regime_ns=Ns(100))
    assert volatility_of(coin, SETTINGS, Ns(200)) == (10.0, 0.1)


def test_an_unknown_or_old_regime_is_taken_for_the_worst() -> None:
    """The fall-back sigma and sure turbulence."""
    regime = RegimeUpdate("BTC", Ns(0), SECOND, Regime.CALM, (1.0, 0.0, 0.0), 0.1)
    old = CoinState(regime=regime, regime_ns=Ns(0))
    for coin in (CoinState(), old):
        assert volatility_of(coin, SETTINGS, Ns(61 * SECOND)) == (SETTINGS.sigma_fallback_bps, 1.0)


def test_mandates_are_numbered_from_zero() -> None:
    """The maker quotes add-only, the trend follower takes; numbers are places in the settings."""
    maker, trend = mandates_from(SETTINGS).values()
    assert (maker.number, maker.tif, trend.number, trend.tif) == (0, Tif.ALO, 1, Tif.IOC)
