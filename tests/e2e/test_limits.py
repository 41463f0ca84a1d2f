"""A desk at the venue's full limits: weights by the minute, requests by address, and what is kept for closing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from orchestrator.rehearsal import door_settings_of, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.config_sources import load
from shared.ids import Role
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import AllowanceTold, PostAction
from shared.units import Usd
from tests.bench.limits_hour import hour
from tests.chaos.real_desk import makers

pytestmark = pytest.mark.slow

CROWDED: Final[dict[str, Any]] = {
    "hats.quant_strategist.strategies": makers(("BTC", "ETH"), each=15),
    "hats.risk_oversight_officer.open_orders_limit": 900,
    "hats.risk_oversight_officer.coin_orders_limit": 900,
    "hats.risk_oversight_officer.order_rate_limit": 1_000,
}


def test_no_cancel_is_refused_under_full_limits(tmp_path: Path) -> None:
    """Three minutes (the command runs sixty) with more to send than there is room for: entries are kept, cancels go."""
    result = hour(tmp_path, seed=1, minutes=3)
    assert result.cancels > 100
    assert result.cancels_refused == 0
    assert result.too_many == 0
    assert result.kept > 0


def test_with_fifty_requests_left_entries_stop_and_the_flatten_completes(tmp_path: Path) -> None:
    """The venue's count says so: nothing is entered any more, everything is closed and cancelled, and it is flat.

    There are more quotes than requests, so it must close first, whoever else would cancel meanwhile.
    """
    settings = load(Settings, None, CROWDED, environ={}).settings
    door = msgspec.structs.replace(door_settings_of(settings), address_budget=10_000)
    desk = rehearse(settings, tmp_path / "journal.sqlite", seed=7, door_settings=door)
    try:
        desk.run_for(40)
        budgets = desk.venue.door._api.desk.budgets
        cap = budgets.cap(Usd(desk.exchange.account(desk.master).volume_usd))
        budgets.owe(desk.master, cap - 50 - budgets.used(desk.master))
        told = AllowanceTold(cap - 50, cap, desk.stage.clock.now())
        desk.stage.publish(Role.EXCHANGE_ARCHITECT, told)
        desk.run_for(1)
        before = desk.heart.sequencer.record.last_seq
        desk.run_for(20)
        posted = [decode(entry.body) for entry in desk.journal.reader.messages(kind=PostAction.__name__)
                  if entry.seq > before]  # fmt: skip
        assert not [p for p in posted if isinstance(p, PostAction) and p.kind.places and b'"r":false' in p.body]
        assert len(desk.exchange.open_orders(desk.master)) > 50
        assert desk.positions()
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.FLATTEN, "test"))
        desk.run_for(20)
        assert not desk.exchange.open_orders(desk.master)
        assert not desk.positions()
    finally:
        desk.close()
