"""A desk whose positions keep stops and take-profits at the exchange: as it trades, when they fire, when it closes."""

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
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Trigger, TriggerKind

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def desk_of(folder: Path, stop_bps: int, take_bps: int) -> Rehearsal:
    """The desk as shipped, with stops and take-profits at those distances."""
    own = {"protect_stop_bps": stop_bps, "protect_take_bps": take_bps, "protect_reach_bps": 500}
    settings = Settings.model_validate({"hats": {"execution_manager": own}})
    return rehearse(settings, folder / "journal.sqlite", seed=7)


def fired(desk: Rehearsal) -> set[TriggerKind]:
    """Which kinds ever closed something."""
    read = desk.journal.reader.messages
    wished = [decode(entry.body) for entry in read(kind=OrderIntent.__name__)]
    kinds = {one.cloid: one.how.kind for one in wished if isinstance(one, OrderIntent) and isinstance(one.how, Trigger)}
    said = [decode(entry.body) for entry in read(kind=OrderChanged.__name__)]
    filled = [one for one in said if isinstance(one, OrderChanged) and one.state is OrderState.FILLED]
    return {kinds[one.cloid] for one in filled if one.strategy == PROTECT}


def test_positions_are_protected_at_the_exchange_and_a_flatten_leaves_none(tmp_path: Path) -> None:
    """Looked at from the exchange's side, as the desk trades; none was ever denied, and the books agreed."""
    desk = desk_of(tmp_path, 500, 1_000)
    try:
        covered = looks = 0
        for _ in range(30):
            desk.run_for(3)
            triggers = [o for o in desk.exchange.open_orders(desk.master) if o.trigger is not None]
            assert all(order.reduce_only for order in triggers)
            for asset, coin in enumerate(("BTC", "ETH")):
                net_sz = desk.positions().get(coin, 0)
                closing = [o for o in triggers if o.asset == asset and o.is_buy == (net_sz < 0) and o.sz >= abs(net_sz)]
                looks += bool(net_sz)
                kinds = {o.trigger.is_tp for o in closing if o.trigger is not None}
                covered += bool(net_sz) and len(kinds) == 2
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


def test_what_fires_closes_and_the_books_agree(tmp_path: Path) -> None:
    """So near to the market that some fire: the exchange's fills are ours, and every comparison is clean."""
    desk = desk_of(tmp_path, 5, 1)
    try:
        desk.run_for(120)
        assert fired(desk) == set(TriggerKind)
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
