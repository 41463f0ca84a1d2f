"""Money moves while a desk trades: its books follow to the micro-USDC, and nobody takes it for a loss."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.messages import Message
from shared.messages.account import BalanceChanged, LedgerReport
from shared.messages.control import Measured
from shared.messages.risk import RiskReport, TradingState, TradingStateChanged
from shared.units import USD, Usd
from shared.venue.core.commands import Deposit
from shared.venue.core.dealings import Withdraw

M = TypeVar("M", bound=Message)


def _said(desk: Rehearsal, kind: type[M]) -> list[M]:
    """Everything of one kind in the journal."""
    found = [decode(entry.body) for entry in desk.journal.reader.messages(kind=kind.__name__)]
    return [message for message in found if isinstance(message, kind)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_withdrawal_and_a_deposit_are_booked_and_trip_nothing(tmp_path: Path) -> None:
    """Half of the money leaves and twice of it comes: no difference to the venue, no drawdown, no tightening."""
    desk = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    try:
        desk.run_for(15)
        free = desk.exchange.account(desk.master).withdrawable_usd
        out_usd = free // 2
        before = _said(desk, LedgerReport)[-1]
        door = desk.venue.door
        outcome = door.apply(Withdraw(desk.master, f"{out_usd // USD}", 1), desk.stage.clock.now())
        assert outcome.error is None
        desk.run_for(2)
        door.apply(Deposit(desk.master, Usd(2 * out_usd)), desk.stage.clock.now())
        desk.run_for(15)
        moved = [(change.cause, change.usd) for change in _said(desk, BalanceChanged)]
        assert moved[1:] == [("withdraw", -(out_usd // USD) * USD), ("deposit", 2 * out_usd)]  # the first opened it
        after = _said(desk, LedgerReport)[-1]
        assert after.transfers_usd == sum(usd for _, usd in moved[1:])
        assert after.equity_usd - after.transfers_usd == pytest.approx(before.equity_usd, rel=0.05)
        assert after.max_drawdown_ratio < 0.05
        risk = _said(desk, RiskReport)[-1]
        assert risk.equity_usd <= risk.peak_equity_usd < 1.05 * risk.equity_usd
        assert {change.state for change in _said(desk, TradingStateChanged)} == {TradingState.ACTIVE}
        samples = [s for m in _said(desk, Measured) if m.measure == "ledger_difference_usd" for s in m.samples]
        assert samples
        assert max(samples) == 0.0
    finally:
        desk.close()
