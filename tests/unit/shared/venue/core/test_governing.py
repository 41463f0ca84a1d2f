"""Halts, delistings, changes of terms and the upgrade: what becomes of orders, positions and money."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UnitError
from shared.units import HOUR, MINUTE, SECOND, USD
from shared.venue.core.commands import ModifyOrders, ModifySpec, PlaceOrders, Tif
from shared.venue.core.events import ListingChanged
from shared.venue.core.outcomes import Cancelled, Resting
from shared.venue.core.policy import DEFAULT_POLICY, LIQUIDATOR
from shared.venue.core.rulings import ChangeListing, Delist, Halt, SetPostOnly
from tests.unit.shared.venue.core.dex_floor import GOLD, DexFloor
from tests.unit.shared.venue.core.floor import ETH, refusal, spec

POST_ONLY = "Only post-only orders allowed immediately after network upgrade"


def open_floor(**policy: Any) -> DexFloor:
    """a is long 10 ETH and 10 GOLD from b, both at 100, with a bid each on top."""
    floor = DexFloor(**policy)
    for asset in (4, GOLD):
        floor.sell("b", "100", "10", asset=asset)
        floor.buy("a", "100", "10", Tif.IOC, asset=asset)
        floor.buy("a", "90", "1", asset=asset)
    return floor


def test_a_delisting_settles_at_the_oracles_mean_of_the_last_hour() -> None:
    """Half an hour at 110 after a long time at 100: 105; a gains 50 and b loses 50, no fee."""
    floor = open_floor()
    floor.oracle("110", span_ns=3 * HOUR)
    floor.oracle("110", span_ns=30 * MINUTE)
    before = {user: floor.exchange.account(user).collateral_usd for user in "ab"}
    floor.do(Delist(4))
    assert [(fill.user, fill.px, fill.direction, fill.fee) for fill in floor.fills()] == [
        ("a", ETH.px("105"), "Settlement", 0),
        ("b", ETH.px("105"), "Settlement", 0),
    ]
    for user, pnl in (("a", 50 * USD), ("b", -50 * USD)):
        after = floor.exchange.account(user)
        assert after.collateral_usd == before[user] + pnl
        assert after.positions == ()
    assert floor.exchange.asset_view(4).open_interest_sz == 0


def test_a_delisting_cancels_the_orders_and_keeps_the_slot() -> None:
    """Its orders only; nothing can be placed there again, until it is listed again."""
    floor = open_floor()
    floor.do(Delist(4))
    assert [status for _, status in floor.changes()] == ["delistedCanceled"]
    assert ListingChanged(4, floor.now // 10**6) in floor.events
    assert floor.exchange.listings[4].instrument.is_delisted
    assert len(floor.left("a")) == 1
    assert floor.do(PlaceOrders("a", (spec(True, "90", "1"),))).error == "Trading is halted"
    with pytest.raises(UnitError):
        floor.do(Delist(4))
    floor.do(ChangeListing(4, is_delisted=False))
    assert isinstance(floor.buy("a", "90", "1"), Resting)


def test_a_delisting_may_need_the_vault_for_the_first_time() -> None:
    """A long of 1,500 at 10x settles a third lower: its 150 are lost, and a vault opened just then bears the rest."""
    floor = DexFloor()
    floor.oracle("100", span_ns=3 * HOUR)
    floor.oracle("150", span_ns=SECOND)
    assert floor.leverage("a", 10, is_cross=False) is None
    floor.sell("b", "150", "10")
    floor.buy("a", "150", "10", Tif.IOC)
    floor.do(Delist(4))
    assert floor.exchange.account("a").positions == ()
    assert floor.exchange.account("a").collateral_usd == (100_000 - 150) * USD
    vault = floor.exchange.account(LIQUIDATOR)
    assert 0 < DEFAULT_POLICY.liquidator_usd - vault.collateral_usd < 400 * USD


def test_a_halt_of_the_first_dex_refuses_orders_only() -> None:
    """What rests may be cancelled, positions stay, and trading goes on after."""
    floor = open_floor()
    floor.do(Halt(4, True))
    assert floor.exchange.is_halted(4)
    assert floor.do(PlaceOrders("a", (spec(True, "90", "1"),))).error == "Trading is halted"
    oid = next(order.oid for order in floor.exchange.open_orders("a") if order.asset == 4)
    assert floor.cancel("a", oid) == Cancelled()
    assert floor.net("a") == "10"
    floor.do(Halt(4, False))
    assert isinstance(floor.buy("a", "90", "1"), Resting)


def test_a_halt_of_a_deployed_perp_settles_it_at_the_mark() -> None:
    """Documented; policy `halt_settles` may say otherwise. A resumed asset begins anew."""
    floor = open_floor()
    floor.do(Halt(GOLD, True))
    assert [(fill.direction, fill.px) for fill in floor.fills()] == [("Settlement", floor.exchange.mark(GOLD))] * 2
    assert [status for _, status in floor.changes()] == ["canceled"]
    assert floor.exchange.account("a", 1).positions == ()
    floor.do(Halt(GOLD, False))
    assert isinstance(floor.buy("a", "90", "1", asset=GOLD), Resting)
    kept = open_floor(halt_settles="never")
    kept.do(Halt(GOLD, True))
    assert kept.fills() == []


def test_a_change_of_the_listing_reaches_every_holding() -> None:
    """Maximum leverage 5 halves nobody's position, but the maintenance of it follows, and so do new leverages."""
    floor = open_floor()
    before = floor.exchange.account("a").maintenance_usd
    floor.do(ChangeListing(4, max_leverage=5))
    assert floor.exchange.account("a").maintenance_usd == before * 5
    assert floor.leverage("c", 6) == "Invalid leverage value"
    assert floor.leverage("c", 5) is None
    floor.do(ChangeListing(4, tiers=((0, 5), (500 * USD, 2))))
    assert floor.exchange.listings[4].tiers[1].max_leverage == 2
    for command in (ChangeListing(9), ChangeListing(4, max_leverage=0), Halt(9, True), Delist(9)):
        with pytest.raises(UnitError):
            floor.do(command)


def test_after_an_upgrade_only_post_only_orders_are_taken() -> None:
    """One text for the whole batch, no record; modifies are judged by their new order."""
    floor = open_floor()
    floor.do(SetPostOnly(True))
    assert floor.exchange.post_only
    assert refusal(floor.buy("a", "90", "1")) == POST_ONLY
    assert floor.changes() == []
    resting = floor.buy("a", "90", "1", Tif.ALO)
    assert isinstance(resting, Resting)
    modify = ModifyOrders("a", (ModifySpec(resting.oid, spec(True, "91", "1")),), always_place=True)
    assert refusal(floor.do(modify).statuses[0]) == POST_ONLY
    floor.do(SetPostOnly(False))
    assert isinstance(floor.buy("a", "90", "1"), Resting)
