"""Mode live, on a local exchange that plays Mainnet: the whole way of real money without any."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from orchestrator.accounts.marks import MarksFile
from orchestrator.accounts.onboarding import address_of
from shared.messages.risk import MarksKept
from tests.chaos.own_account import MASTER, own_account
from tests.chaos.real_desk import real_desk
from tests.e2e.desk_commands import Hats

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

SAID: Final[dict[str, Any]] = {
    "real_money.account": address_of(MASTER),
    "hats.execution_manager.protect_stop_bps": 500,
    "hats.risk_oversight_officer.resume_delay_ms": 1_000,
}


def test_a_desk_that_may_lose_real_money(tmp_path: Path) -> None:
    """It signs for Mainnet, trades, is killed, and trades again only by the operator's signature; it keeps marks."""
    home, secret = tmp_path / "home", tmp_path / "operator.key"
    public = Hats(home)("keys", "operator", str(secret))["public_key"]
    settings = SAID | {
        "real_money.equity_max_usd": 1_000_000,
        "hats.risk_oversight_officer.operator_public_key": public,
    }
    account = partial(own_account, network="mainnet")
    with real_desk(home, settings=settings, venue=["--network", "mainnet"], account=account) as desk:
        desk.wait_armed()
        desk.wait(lambda status: status.order_states.get("resting", 0) > 0, "with an order at the exchange", 60.0)
        killed = desk.hats("kill", "--flatten", "--reason", "a test")
        assert (killed["trading_state"], killed["open_orders"], killed["positions"]) == ("halted", 0, [])
        desk.hats("resume", "--reason", "without a key", "--wait", "3", code=7)
        resumed = desk.hats("resume", "--reason", "with the key", "--operator-key", str(secret), "--wait", "30")
        assert resumed["trading_state"] == "active"
        verdict = desk.down()
    assert verdict["position_differences"] == []
    marks = MarksFile(home, address_of(MASTER), "mainnet").begin()
    assert isinstance(marks, MarksKept)
    assert marks.flat_equity_usd is not None, "it was drained"
    assert 0 < marks.flat_equity_usd <= marks.peak_usd
