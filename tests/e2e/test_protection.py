"""A desk whose positions keep stops at the exchange: while it trades, when they fire, and when it closes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import PROTECT, Role
from shared.messages.account import Reconciled
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import OrderChanged
from shared.messages.risk import OrderDenied
from shared.order import OrderState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def desk_of(folder: Path, stop_bps: int) -> Rehearsal:
    """The desk as shipped, with stops at that distance."""
    hats = {"execution_manager": {"protect_stop_bps": stop_bps, "protect_reach_bps": 500}}
    return rehearse(Settings.model_validate({"hats": hats}), folder / "journal.sqlite", seed=7)


def states(desk: Rehearsal) -> set[OrderState]:
    """What ever became of stops."""
    said = [decode(entry.body) for entry in desk.journal.reader.messages(kind=OrderChanged.__name__)]
    return {change.state for change in said if isinstance(change, OrderChanged) and change.strategy == PROTECT}


def test_positions_have_stops_at_the_exchange_and_a_flatten_leaves_none(tmp_path: Path) -> None:
    """Looked at from the exchange's side, as the desk trades; none was ever denied, and the books agreed."""
    desk = desk_of(tmp_path, 500)
    try:
        covered = looks = 0
        for _ in range(30):
            desk.run_for(3)
            triggers = [o for o in desk.exchange.open_orders(desk.master) if o.trigger is not None]
            assert all(order.reduce_only for order in triggers)
            for asset, coin in enumerate(("BTC", "ETH")):
                net_sz = desk.positions().get(coin, 0)
                sizes = [o.sz for o in triggers if o.asset == asset and o.is_buy == (net_sz < 0)]
                looks += bool(net_sz)
                covered += bool(net_sz) and max(sizes, default=0) >= abs(net_sz)
        assert looks > 20
        assert covered > looks // 2, "most of the time all of it is covered; the rest is the settling time"
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.FLATTEN, "test"))
        desk.run_for(20)
        assert not desk.positions()
        assert not desk.exchange.open_orders(desk.master)
        denied = [decode(entry.body) for entry in desk.journal.reader.messages(kind=OrderDenied.__name__)]
        assert not [one for one in denied if isinstance(one, OrderDenied) and one.strategy == PROTECT]
    finally:
        desk.close()


def test_stops_that_fire_close_and_the_books_agree(tmp_path: Path) -> None:
    """So near to the market that some fire: the exchange's fills are ours, and every comparison is clean."""
    desk = desk_of(tmp_path, 5)
    try:
        desk.run_for(120)
        assert OrderState.FILLED in states(desk)
        desk.drain()
        assert not desk.positions()
        assert not desk.exchange.open_orders(desk.master)
        compared = [decode(entry.body) for entry in desk.journal.reader.messages(kind=Reconciled.__name__)]
        assert all(one.is_clean for one in compared if isinstance(one, Reconciled))
        ledger = desk.heart.situation.ledger
        assert ledger is not None
        assert ledger.equity_usd == desk.exchange.account(desk.master).value_usd
    finally:
        desk.close()
