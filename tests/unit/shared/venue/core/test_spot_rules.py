"""What is refused of spot orders, with the venue's texts and in its order."""

from __future__ import annotations

import msgspec
import pytest

from shared.units import Px
from shared.venue.core.commands import ModifyOrders, ModifySpec, PlaceOrders, Tif, TriggerSpec, UpdateLeverage
from shared.venue.core.outcomes import Filled, Resting
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC
from tests.unit.shared.venue.core.spot_floor import HYPE, HYPE_ASSET, PURR_ASSET, SpotFloor, refusal


def status_of(floor: SpotFloor) -> str:
    """The last order's recorded status."""
    return floor.changes()[-1][1]


def test_a_bid_needs_its_notional_and_an_ask_its_size() -> None:
    """What other orders hold does not count twice (fact sheet 2.7)."""
    floor = SpotFloor()
    assert isinstance(floor.buy("a", "100", "10"), Resting)
    assert refusal(floor.buy("a", "90", "1")) == f"Insufficient spot balance asset={HYPE_ASSET}"
    assert status_of(floor) == "insufficientSpotBalanceRejected"
    assert refusal(floor.sell("a", "400", "1000.01")) == f"Insufficient spot balance asset={HYPE_ASSET}"
    assert refusal(floor.buy("a", "0.3", "100", asset=PURR_ASSET)) == "Insufficient spot balance asset=10000"


def test_the_smallest_order_is_ten_of_the_quote() -> None:
    """The text names the quote token, also for a sale of everything (fact sheet 4.3)."""
    floor = SpotFloor()
    floor.give("c", HYPE, "0.09")
    assert refusal(floor.sell("c", "100", "0.09")) == f"Order must have minimum value of 10 USDC. asset={HYPE_ASSET}"
    assert status_of(floor) == "minTradeNtlRejected"
    assert isinstance(floor.buy("a", "100", "0.1"), Resting)


def test_an_ioc_is_measured_by_the_first_price_it_meets() -> None:
    """After "no liquidity" and "no balance" (fact sheet 4.3): 0.1 at a limit of 120 is worth 10 only if it pays 100."""
    floor = SpotFloor()
    assert refusal(floor.buy("a", "120", "0.09", Tif.IOC)) == (
        f"Order could not immediately match against any resting orders. asset={HYPE_ASSET}"
    )
    floor.sell("b", "99", "5")
    floor.give("c", HYPE, "1")
    assert refusal(floor.buy("c", "120", "0.1", Tif.IOC)) == f"Insufficient spot balance asset={HYPE_ASSET}"
    assert refusal(floor.buy("a", "120", "0.1", Tif.IOC)) == (
        f"Order must have minimum value of 10 USDC. asset={HYPE_ASSET}"
    )
    assert isinstance(floor.buy("a", "120", "0.11", Tif.IOC), Filled)


@pytest.mark.parametrize(("choice", "is_taken"), [("execution", True), ("limit", False)])
def test_what_an_ioc_must_be_able_to_pay_is_a_switch(choice: str, is_taken: bool) -> None:
    """Its execution on the book as it stands, or its limit."""
    floor = SpotFloor(msgspec.convert({"spot_ioc_balance": choice}, VenuePolicy))
    floor.sell("b", "100", "10")
    status = floor.buy("a", "105", "10", Tif.IOC)
    if is_taken:
        assert isinstance(status, Filled)
        assert floor.has("a", USDC)[0] == "0"
    else:
        assert refusal(status) == f"Insufficient spot balance asset={HYPE_ASSET}"


def test_an_ioc_that_can_t_pay_its_whole_execution_is_refused() -> None:
    """The user's own orders on the way don't count: they would be cancelled."""
    floor = SpotFloor()
    floor.sell("a", "100", "5")
    floor.sell("b", "101", "10")
    assert refusal(floor.buy("a", "105", "10", Tif.IOC)) == f"Insufficient spot balance asset={HYPE_ASSET}"
    assert isinstance(floor.buy("a", "105", "9.9", Tif.IOC), Filled)


@pytest.mark.parametrize("px", ["20", "500.01"])
def test_a_price_far_from_the_mark_is_refused_before_anything_happens(px: str) -> None:
    """0.2 x mark < limit <= 5 x mark, without suffix and without record (fact sheet 4.7)."""
    floor = SpotFloor()
    text = "Order price cannot be more than 80% away from the reference price"
    assert refusal(floor.buy("a", px, "1")) == text
    assert not floor.changes()
    assert isinstance(floor.sell("a", "500", "1"), Resting)


def test_reduce_only_is_refused_without_a_record() -> None:
    """There is nothing to reduce on spot; one status for the whole batch."""
    floor = SpotFloor()
    spec = msgspec.structs.replace(floor.spec(True, "100", "1"), reduce_only=True)
    statuses = floor.place("a", floor.spec(True, "100", "1"), spec)
    assert [refusal(status) for status in statuses] == ["Reduce-only is invalid for spot trading."]


def test_an_unknown_pair_is_an_error_of_the_whole_action() -> None:
    """`Invalid spot`, not a status (fact sheet 2.7)."""
    floor = SpotFloor()
    spec = msgspec.structs.replace(floor.spec(True, "100", "1"), asset=10_500)
    assert floor.do(PlaceOrders("a", (spec,))).error == "Invalid spot"


def test_post_only_and_ticks_hold_as_everywhere() -> None:
    """ALO that would match names the best prices; five significant figures, 8 - szDecimals decimals."""
    floor = SpotFloor()
    floor.sell("b", "100.01", "1")
    assert refusal(floor.buy("a", "100.02", "1", Tif.ALO)) == (
        f"Post only order would have immediately matched, bbo was 0@100.01. asset={HYPE_ASSET}"
    )
    assert refusal(floor.buy("a", "100.015", "1")) == f"Price must be divisible by tick size. asset={HYPE_ASSET}"
    assert isinstance(floor.buy("a", "0.12345", "100", Tif.ALO, asset=PURR_ASSET), Resting)


def test_a_modify_frees_what_the_old_order_held() -> None:
    """The replacement may use all of it."""
    floor = SpotFloor()
    floor.buy("a", "100", "10")
    outcome = floor.do(ModifyOrders("a", (ModifySpec(1, floor.spec(True, "99", "10")),)))
    assert isinstance(outcome.statuses[0], Resting)
    assert floor.has("a", USDC)[1] == "990"


def test_orders_that_wait_for_the_mark_are_refused() -> None:
    """The venue has none on spot."""
    floor = SpotFloor()
    trigger = TriggerSpec(Px(1), is_market=False, is_tp=False)
    spec = msgspec.structs.replace(floor.spec(True, "100", "1"), trigger=trigger)
    text = "Placing trigger orders is not enabled on spot trading yet."
    assert [refusal(status) for status in floor.place("a", spec)] == [text]


def test_there_is_no_leverage_on_spot() -> None:
    """An asset without positions is no asset for it."""
    floor = SpotFloor()
    assert floor.do(UpdateLeverage("a", HYPE_ASSET, 1, True)).error == f"Unknown asset asset={HYPE_ASSET}"
