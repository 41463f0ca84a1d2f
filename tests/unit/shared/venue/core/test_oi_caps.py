"""Open-interest caps: who may still trade, with which words the others are refused, and what is cancelled."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from shared.units import SECOND, USD, Usd
from shared.venue.core.commands import Tif
from shared.venue.core.outcomes import Filled, Resting
from shared.venue.core.rulings import ChangeListing
from tests.unit.shared.venue.core.dex_floor import GOLD, TSLA, XYZ, DexFloor
from tests.unit.shared.venue.core.floor import refusal

CAPPED = "Order would increase open interest while open interest is capped asset=4"
AGGRESSIVE = "Order rejected due to price more aggressive than oracle while at open interest cap asset=4"
TOO_QUICK = "Order would increase open interest too quickly asset=4"


def full_floor(**policy: Any) -> DexFloor:
    """ETH capped at 1,000 USDC, and 10 lots of it long by a and short by b at 100: the cap is reached."""
    floor = DexFloor(cap=1_000, **policy)
    floor.sell("b", "100", "10")
    floor.buy("a", "100", "10", Tif.IOC)
    assert floor.exchange.at_oi_cap() == (4,)
    return floor


def status(floor: DexFloor) -> str:
    """Status of the last order."""
    return floor.changes()[-1][1]


def test_at_the_cap_nobody_opens_against_the_book() -> None:
    """More of the position, and a flip of it, each with its own status."""
    floor = full_floor()
    floor.sell("c", "100", "5")
    assert refusal(floor.buy("a", "100", "1", Tif.IOC)) == CAPPED
    assert status(floor) == "positionIncreaseAtOpenInterestCapRejected"
    assert refusal(floor.buy("b", "101", "15")) == CAPPED
    assert status(floor) == "positionFlipAtOpenInterestCapRejected"


def test_at_the_cap_who_closes_may_trade() -> None:
    """Against an opener who rests no more aggressively than the oracle."""
    floor = full_floor()
    assert isinstance(floor.buy("c", "100", "4"), Resting)
    assert isinstance(floor.sell("a", "100", "4", Tif.IOC), Filled)
    assert (floor.net("a"), floor.net("c")) == ("6", "4")


def test_at_the_cap_openers_rest_behind_the_oracle_only() -> None:
    """A bid above and an ask below it are too aggressive."""
    floor = full_floor()
    assert refusal(floor.buy("c", "100.1", "1")) == AGGRESSIVE
    assert status(floor) == "tooAggressiveAtOpenInterestCapRejected"
    assert refusal(floor.sell("c", "99.9", "1", Tif.ALO)) == AGGRESSIVE
    assert isinstance(floor.sell("c", "100", "1"), Resting)


def test_no_order_leaps_over_the_cap() -> None:
    """Room for 10 lots: 11 at once are too quick, 11 that rest are not, and 10 fill it."""
    floor = DexFloor(cap=1_000)
    floor.sell("b", "100", "20")
    assert refusal(floor.buy("a", "100", "11", Tif.IOC)) == TOO_QUICK
    assert status(floor) == "openInterestIncreaseRejected"
    assert isinstance(floor.buy("a", "99", "11"), Resting)
    assert isinstance(floor.buy("a", "100", "10", Tif.IOC), Filled)


def test_resting_orders_beyond_the_oracle_go_when_the_cap_is_reached() -> None:
    """The bid above the oracle is cancelled, the one below stays, and so does a closing one."""
    floor = DexFloor(cap=1_000)
    floor.sell("b", "101", "10")
    aggressive, modest = floor.buy("c", "100.5", "1"), floor.buy("c", "99", "1")
    assert isinstance(aggressive, Resting)
    assert isinstance(modest, Resting)
    floor.buy("a", "101", "10", Tif.IOC)
    assert (aggressive.oid, "openInterestCapCanceled") in floor.changes()
    assert list(floor.left("c")) == [modest.oid]
    closing = floor.buy("b", "100.5", "3")
    assert isinstance(closing, Resting)
    floor.oracle("100", span_ns=3 * SECOND)
    assert closing.oid in floor.left("b")


def test_what_goes_at_the_cap_is_a_matter_of_policy() -> None:
    """All opening orders, or none."""
    for policy, left in (("increasing", 0), ("none", 2)):
        floor = DexFloor(cap=1_000, oi_cap_cancels=policy)
        floor.sell("b", "101", "10")
        floor.buy("c", "100.5", "1")
        floor.buy("c", "99", "1")
        floor.buy("a", "101", "10", Tif.IOC)
        assert len(floor.left("c")) == left


def test_a_cap_can_be_lifted() -> None:
    """By a change of the listing."""
    floor = full_floor()
    floor.sell("c", "100", "5")
    floor.do(ChangeListing(4, oi_cap_usd=-1))
    assert isinstance(floor.buy("a", "100", "5", Tif.IOC), Filled)
    assert floor.exchange.at_oi_cap() == ()


def test_a_dex_has_a_cap_over_all_its_perps() -> None:
    """1,000 USDC of GOLD leave no room for TSLA; and no perp may hold more coins than its dex allows."""
    floor = DexFloor(dex=replace(XYZ, total_oi_cap_usd=Usd(1_000 * USD)))
    floor.sell("b", "100", "10", asset=GOLD)
    floor.buy("a", "100", "10", Tif.IOC, asset=GOLD)
    assert floor.exchange.at_oi_cap(1) == (GOLD, TSLA)
    assert floor.exchange.at_oi_cap() == ()
    floor.sell("b", "100", "1", asset=TSLA)
    assert "open interest is capped" in refusal(floor.buy("a", "100", "1", Tif.IOC, asset=TSLA))
    small = DexFloor(dex=replace(XYZ, oi_cap_per_perp=3))
    small.sell("b", "100", "10", asset=GOLD)
    assert isinstance(small.buy("a", "100", "3", Tif.IOC, asset=GOLD), Filled)
    assert small.exchange.at_oi_cap(1) == (GOLD,)
