"""Placing: which fault refuses what, and with which words."""

from __future__ import annotations

import pytest

from shared.rules.margin import MarginTier
from shared.units import USD
from shared.venue.core.commands import OrderSpec, PlaceOrders, Tif
from shared.venue.core.outcomes import Filled, Refused, Resting
from shared.venue.core.policy import VenuePolicy
from tests.unit.shared.venue.core.floor import Floor, refusal, spec


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (spec(True, "100", "0"), "Order has zero size."),
        (spec(True, "0", "1"), "Order has invalid price."),
        (spec(True, "100.001", "1"), "Price must be divisible by tick size. asset=4"),
        (spec(True, "5", "1"), "Order price cannot be more than 95% away from the reference price"),
        (spec(False, "2000.1", "1"), "Order price cannot be more than 95% away from the reference price"),
    ],
)
def test_a_payload_fault_refuses_the_batch_with_one_status(bad: OrderSpec, text: str) -> None:
    """Three orders, one fault, one status; nothing was placed and nothing recorded (fact sheet 2.6, 2.7)."""
    floor = Floor()
    good = spec(True, "99", "1")
    assert floor.place("a", good, bad, good) == (Refused(text),)
    assert floor.events == ()
    assert floor.exchange.order_by_oid("a", 1) is None


def test_an_empty_batch() -> None:
    """Orders are empty (fact sheet 2.7)."""
    assert Floor().place("a") == (Refused("Orders are empty."),)


def test_whole_action_errors() -> None:
    """Too heavy, unknown asset, unknown user: no statuses at all (fact sheet 2.7)."""
    floor = Floor()
    good = spec(True, "99", "1")
    assert floor.do(PlaceOrders("a", (good,) * 201)).error == "Signed action over weight limit of 200."
    assert floor.do(PlaceOrders("a", (good, spec(True, "99", "1", asset=9)))).error == "Unknown asset asset=9"
    stranger = floor.do(PlaceOrders("0xdead", (good,)))
    assert stranger.error == "Must deposit before performing actions. User: 0xdead"
    assert stranger.statuses == ()


def test_later_orders_see_earlier_ones_and_stay_when_others_fail() -> None:
    """A batch runs in order; a refusal in the middle undoes nothing (fact sheet 2.6)."""
    floor = Floor()
    statuses = floor.place("a", spec(True, "99", "1"), spec(True, "99", "0.01"), spec(True, "98", "1", cloid="0x1"))
    assert statuses == (
        Resting(1, None),
        Refused("Order must have minimum value of $10. asset=4"),
        Resting(3, "0x1"),
    )


def test_post_only_is_refused_with_the_bbo() -> None:
    """It would match, so it does not rest; the text names bid and ask (fact sheet 2.7)."""
    floor = Floor()
    floor.buy("a", "99.5", "1")
    floor.sell("a", "100.5", "1")
    text = refusal(floor.buy("b", "100.5", "1", Tif.ALO))
    assert text == "Post only order would have immediately matched, bbo was 99.5@100.5. asset=4"
    record = floor.exchange.order_by_oid("b", 3)
    assert record is not None
    assert record.status == "badAloPxRejected"
    assert isinstance(floor.buy("b", "100.4", "1", Tif.ALO), Resting)


def test_takers_without_anyone_to_take() -> None:
    """IOC and market orders have different words for an empty side (fact sheet 2.7)."""
    floor = Floor()
    ioc = "Order could not immediately match against any resting orders. asset=4"
    assert refusal(floor.buy("a", "101", "1", Tif.IOC)) == ioc
    assert (
        refusal(floor.buy("a", "101", "1", Tif.FRONTEND_MARKET)) == "No liquidity available for market order. asset=4"
    )
    floor.sell("b", "102", "1")
    assert refusal(floor.buy("a", "101", "1", Tif.FRONTEND_MARKET)) == ioc
    assert isinstance(floor.buy("a", "102", "1", Tif.FRONTEND_MARKET), Filled)


def test_minimum_value_excepts_what_closes_the_position() -> None:
    """$5 may close a $5 position, and a clipped reduce-only order may too; half of it may not (fact sheet 4.3)."""
    floor = Floor()
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "1", Tif.IOC)
    floor.buy("a", "99", "10")
    floor.sell("b", "99", "0.95", Tif.IOC)
    assert floor.net("b") == "0.05"
    small = "Order must have minimum value of $10. asset=4"
    assert refusal(floor.sell("b", "99", "0.02", Tif.IOC, reduce_only=True)) == small
    assert refusal(floor.sell("b", "99", "0.06", Tif.IOC)) == small
    assert isinstance(floor.sell("b", "99", "0.09", Tif.IOC, reduce_only=True), Filled)
    assert floor.net("b") == "0"


def test_reduce_only_needs_something_to_reduce() -> None:
    """Flat or in the same direction is refused (fact sheet 4.4)."""
    floor = Floor()
    text = "Reduce only order would increase position. asset=4"
    assert refusal(floor.buy("b", "100", "1", reduce_only=True)) == text
    floor.sell("a", "100", "1")
    floor.buy("b", "100", "1", Tif.IOC)
    assert refusal(floor.buy("b", "100", "1", reduce_only=True)) == text
    assert isinstance(floor.sell("b", "101", "1", reduce_only=True), Resting)


def test_margin_counts_resting_orders() -> None:
    """1,000 USDC at 20x carry 200 ETH at 100 on either side, resting or not (fact sheet 5.1)."""
    floor = Floor()
    floor.fund("poor", "1000")
    assert isinstance(floor.buy("poor", "99", "150"), Resting)
    assert refusal(floor.buy("poor", "98", "51")) == "Insufficient margin to place order. asset=4"
    assert isinstance(floor.buy("poor", "98", "50"), Resting)
    assert isinstance(floor.sell("poor", "101", "200"), Resting)
    assert isinstance(floor.cancel("poor", 1), type(floor.cancel("poor", 3)))
    assert isinstance(floor.buy("poor", "98", "150"), Resting)


def test_a_position_may_not_outgrow_its_tier() -> None:
    """Above the bound only half the leverage is allowed (fact sheet 2.7, PerpMaxPosition)."""
    floor = Floor((MarginTier(0, 20), MarginTier(50_000 * USD, 10)))
    assert isinstance(floor.buy("a", "99", "500"), Resting)
    text = "Order would cause position to exceed margin tier limit at current leverage asset=4"
    assert refusal(floor.buy("a", "99", "1")) == text
    assert floor.leverage("a", 10) is None
    assert isinstance(floor.buy("a", "99", "1"), Resting)


def test_a_thousand_open_orders() -> None:
    """The thousand-and-first is refused; the status name is the venue's (fact sheet 4.7)."""
    floor = Floor()
    for _ in range(5):
        floor.place("a", *(spec(True, "90", "0.2"),) * 200)
    assert refusal(floor.buy("a", "90", "0.2")) == "Too many open orders. asset=4"
    record = floor.exchange.order_by_oid("a", 1_001)
    assert record is not None
    assert record.status == "tooManyOpenOrdersRejected"


def test_the_price_band_is_a_switch() -> None:
    """80 % as perps said before 2026: 20 is out and 20.1 is in, and the text names the number (fact sheet 4.7)."""
    floor = Floor(policy=VenuePolicy(band_percent=80))
    assert refusal(floor.buy("a", "20", "1")) == "Order price cannot be more than 80% away from the reference price"
    assert isinstance(floor.buy("a", "20.1", "1"), Resting)


def test_the_distance_from_the_oracle_is_a_switch() -> None:
    """Off by default; at 10 % an order at 89.9 is refused at its turn, one at 90 is not (fact sheet 2.7, 4.7)."""
    assert isinstance(Floor().buy("a", "50", "1"), Resting)
    floor = Floor(policy=VenuePolicy(oracle_distance_percent=10))
    assert refusal(floor.buy("a", "89.9", "1")) == "Order price too far from oracle asset=4"
    record = floor.exchange.order_by_oid("a", 1)
    assert record is not None
    assert record.status == "oracleRejected"
    assert isinstance(floor.buy("a", "90", "1"), Resting)


def test_a_part_filled_gtc_order_is_acknowledged_as_the_policy_says() -> None:
    """Resting by default, or filled with what was (fact sheet 14.1); it rests either way."""
    for policy, kind in ((VenuePolicy(), Resting), (VenuePolicy(gtc_partial_ack="filled"), Filled)):
        floor = Floor(policy=policy)
        floor.sell("b", "100", "1")
        status = floor.buy("a", "100", "3")
        assert isinstance(status, kind)
        assert not isinstance(status, Filled) or status.total_sz == 100
        assert floor.left("a") == {2: "2"}


@pytest.mark.parametrize(
    ("tif", "sz", "policy", "text"),
    [
        (Tif.GTC, "3000000", VenuePolicy(), None),
        (Tif.GTC, "3000000.01", VenuePolicy(), "Order value too large. Max is $300000000."),
        (Tif.FRONTEND_MARKET, "300000", VenuePolicy(), None),
        (Tif.FRONTEND_MARKET, "300000.01", VenuePolicy(), "Order value too large. Max is $30000000."),
        (Tif.IOC, "300000.01", VenuePolicy(), None),
        (Tif.IOC, "300000.01", VenuePolicy(ioc_counts_as_market=True), "Order value too large. Max is $30000000."),
    ],
)
def test_no_order_is_worth_more_than_the_cap(tif: Tif, sz: str, policy: VenuePolicy, text: str | None) -> None:
    """$30M for a market order at 25x, ten times that for a limit order (fact sheet 4.3); the text is a client's log."""
    floor = Floor(policy=policy)
    said = refusal(floor.buy("a", "100", sz, tif))
    assert said == text if text is not None else "too large" not in said
