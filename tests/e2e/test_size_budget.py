"""The strategist keeps within what the Risk Officer says of size, where it met it as a denial before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import Role
from shared.messages import AnyMessage, Message
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied, SizeBudget

pytestmark = pytest.mark.slow


def without_budgets(said: Sequence[Message]) -> Sequence[AnyMessage]:
    """A Risk Officer who keeps the budgets to itself."""
    return [message for message in said if not isinstance(message, SizeBudget)]  # type: ignore[misc]


def denied_and_approved(journal: Path, *, is_told: bool) -> tuple[int, int]:
    """How many orders were beyond the size budget, and how many were approved, of a budget of 1,000 USDC a coin."""
    settings = Settings.model_validate({"hats": {"risk_oversight_officer": {"sizing_fraction_percent": 1.0}}})
    desk = rehearse(settings, journal, seed=7)
    if not is_told:
        desk.stage.tampers[Role.RISK_OVERSIGHT_OFFICER] = without_budgets

    def said(kind: type[Any]) -> list[Any]:
        return [decode(entry.body) for entry in desk.journal.reader.messages(kind=kind.__name__)]

    try:
        desk.run_for(30)
        assert bool(said(SizeBudget)) is is_told
        denied = [one for one in said(OrderDenied) if one.reason is DenyReason.SIZE_BUDGET]
        return len(denied), len(said(OrderApproved))
    finally:
        desk.close()


def test_a_strategist_who_hears_its_budget_asks_for_what_it_may_have(tmp_path: Path) -> None:
    """Told, hardly an order is beyond it and many pass; untold, the veto has to say it again and again."""
    denied, approved = denied_and_approved(tmp_path / "told", is_told=True)
    denied_untold, approved_untold = denied_and_approved(tmp_path / "untold", is_told=False)
    assert approved > 2 * max(approved_untold, 10)
    assert denied_untold > 2 * denied
