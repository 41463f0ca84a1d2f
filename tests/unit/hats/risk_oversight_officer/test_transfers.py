"""Money that came or went is no gain and no loss: peak, drawdown and the day's loss keep their ratios."""

from __future__ import annotations

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from shared.ids import Role
from shared.messages import AnyMessage
from shared.messages.control import Started
from shared.messages.risk import TradingState, TradingStateChanged
from shared.units import USD, Ns, Usd
from tests.unit.hats.risk_oversight_officer.scene import NOW, RUN, ledger, officer, say


def _told(hat: RiskOversightOfficer, equity_usd: int, transfers_usd: int) -> list[AnyMessage]:
    """What the officer says to a report with so much equity and so much brought in all."""
    return say(hat, msgspec.structs.replace(ledger(equity_usd), transfers_usd=Usd(transfers_usd * USD)))


def _tightened(said: list[AnyMessage]) -> list[TradingState]:
    return [message.state for message in said if isinstance(message, TradingStateChanged)]


@pytest.mark.parametrize("limit", ["drawdown_limit_bps", "daily_loss_limit_bps"])
def test_a_withdrawal_trips_nothing_and_a_deposit_hides_nothing(limit: str) -> None:
    """At 10 % below, within 15 %: after nine tenths were taken, and after ten times was brought, it is still 10 %."""
    for moved, equity in ((-81_000, 9_000), (810_000, 900_000)):
        limits = {"drawdown_limit_bps": 10_000, "daily_loss_limit_bps": 10_000} | {limit: 1_500}
        hat = officer(equity_usd=100_000, **limits)
        assert not _tightened(_told(hat, 90_000, 0))
        assert not _tightened(_told(hat, equity, moved))
        assert hat.state.drawdown_usd() * 10 == hat.state.peak_usd
        assert hat.state.day_loss_usd() * 10 == hat.state.day.open_usd
        assert not _tightened(_told(hat, equity * 85 // 90, moved))
        assert _tightened(_told(hat, equity * 85 // 90 - 1, moved))


def test_a_gain_with_a_deposit_counts_as_gain_alone() -> None:
    """1,000 earned and 50,000 brought between two reports: the new peak is the new equity."""
    hat = officer(equity_usd=100_000)
    _told(hat, 151_000, 50_000)
    assert (hat.state.peak_usd, hat.state.drawdown_usd()) == (151_000 * USD, 0)
    assert hat.state.day.open_usd == -(-100_000 * USD * 151_000 // 101_000)


def test_everything_taken_and_brought_again_begins_anew() -> None:
    """From and to nothing there is no scale."""
    hat = officer(equity_usd=100_000)
    assert not _tightened(_told(hat, 0, -100_000))
    assert hat.state.drawdown_usd() == 0
    assert not _tightened(_told(hat, 500, -99_500))
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (500 * USD, 500 * USD)


def test_another_run_counts_transfers_from_nothing() -> None:
    """The ledger of a new run begins with none: that is no withdrawal."""
    hat = officer(equity_usd=100_000)
    _told(hat, 150_000, 50_000)
    say(hat, Started(Role.RISK_OVERSIGHT_OFFICER, RUN + 1, Ns(NOW)))
    _told(hat, 150_000, 0)
    assert hat.state.peak_usd == 150_000 * USD
