"""Two runs of one account: the second counts its drawdown on from the first, as money lost or as money taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import compose
from orchestrator.accounts.marks import MarksFile
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.telling.reproduction import replay_hat
from shared.codec import decode
from shared.ids import Role
from shared.messages import AnyMessage
from shared.messages.order import SignedAction
from shared.messages.risk import MarksKept, OrderApproved, OrderDenied, RiskAlert, TradingStateChanged

pytestmark = pytest.mark.slow


def begun(home: Path, run: str, fund_usd: int) -> Rehearsal:
    """A run of the account, which now has so much; it begins with what is kept of the run before, and keeps its own."""
    settings = Settings.model_validate({"local_venue": {"fund_all_usd": fund_usd}})
    desk = rehearse(settings, home / f"{run}.sqlite", seed=7)
    marks = MarksFile(home, desk.master, settings.venue.network)
    word = marks.begin()
    if word is not None:
        desk.heart.publish(Role.ORCHESTRATOR, word, desk.stage.clock.now())

    def said(message: AnyMessage) -> None:
        marks.hear(message, desk.stage.clock.now())

    desk.heart.sequencer.on_said = said
    return desk


def said(desk: Rehearsal, kind: type[Any]) -> list[Any]:
    """Every message of a kind in the journal."""
    return [decode(entry.body) for entry in desk.journal.reader.messages(kind=kind.__name__)]


@pytest.mark.parametrize("is_drained", [False, True])
def test_the_second_run_counts_on(tmp_path: Path, *, is_drained: bool) -> None:
    """A fifth less than before: lost if the first run just ended, and nothing is signed; taken if it was drained."""
    first = begun(tmp_path, "first", 100_000)
    try:
        first.run_for(10)
        if is_drained:
            first.drain()
        assert said(first, SignedAction)
        assert not said(first, MarksKept), "nothing was kept before it"
    finally:
        first.close()
    second = begun(tmp_path, "second", 80_000)
    try:
        second.run_for(15)
        (marks,) = said(second, MarksKept)
        assert (marks.flat_equity_usd is not None) is is_drained
        tightened = [change.reason for change in said(second, TradingStateChanged)]
        assert bool(said(second, OrderApproved)) is is_drained
        assert bool(said(second, SignedAction)) is is_drained
        assert any(reason.startswith("drawdown: ") for reason in tightened) is not is_drained
        assert ("drawdown" in {alert.name for alert in said(second, RiskAlert)}) is not is_drained
        assert is_drained or said(second, OrderDenied)
        officer = compose.make_hat(second.settings, Role.RISK_OVERSIGHT_OFFICER, second.approval_key)
        assert replay_hat(second.journal.reader, officer).difference is None
    finally:
        second.close()
