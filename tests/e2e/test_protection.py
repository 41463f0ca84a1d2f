"""A desk whose positions keep stops and take-profits at the exchange: as it trades, when they fire, when it closes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.ids import FLATTEN, PROTECT, Role
from shared.messages.account import Reconciled
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.order import OrderChanged
from shared.messages.risk import OrderDenied
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Trigger, TriggerKind
from shared.units import SECOND

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


def bare(desk: Rehearsal) -> set[str]:
    """Coins that are held at the exchange without a stop of all of the position."""
    stops = [o for o in desk.exchange.open_orders(desk.master) if o.trigger is not None and not o.trigger.is_tp]
    found = set()
    for asset, coin in enumerate(("BTC", "ETH")):
        net_sz = desk.positions().get(coin, 0)
        covering = [o for o in stops if o.asset == asset and o.is_buy == (net_sz < 0) and o.sz >= abs(net_sz)]
        found |= {coin} if net_sz and not covering else set()
    return found


def test_what_a_paused_desk_holds_has_its_stop(tmp_path: Path) -> None:
    """The kill came just after a fill, before the stop was asked for: the disarmed desk protects all the same."""
    desk = desk_of(tmp_path, 500, 0)
    try:
        for _ in range(600):
            desk.run_for(0.1)
            if bare(desk):
                break
        assert bare(desk), "nothing was ever held without a stop"
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.PAUSE, "test"))
        desk.run_for(10)
        assert desk.positions()
        assert not desk.heart.supervisor.is_armed
        assert not bare(desk)
    finally:
        desk.close()


def test_a_flatten_goes_on_after_the_death_of_who_closes(tmp_path: Path) -> None:
    """The Execution Manager dies between its first closing order and the answer, and comes back to what it began."""
    desk = desk_of(tmp_path, 500, 0)
    try:
        while not desk.positions():
            desk.run_for(1)
        desk.stage.publish(Role.OPERATOR, KillOrdered(KillLevel.FLATTEN, "test"))
        wished = [decode(entry.body) for entry in desk.journal.reader.messages(kind=OrderIntent.__name__)]
        while not any(isinstance(one, OrderIntent) and one.strategy == FLATTEN for one in wished):
            desk.run_for(0.005)
            wished = [decode(entry.body) for entry in desk.journal.reader.messages(kind=OrderIntent.__name__)]
        desk.stage.kill_hat(Role.EXECUTION_MANAGER, "killed by a test", back_after_ns=3 * SECOND)
        desk.run_for(30)
        assert not desk.positions()
        assert not desk.exchange.open_orders(desk.master)
        assert not desk.heart.supervisor.is_armed
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
