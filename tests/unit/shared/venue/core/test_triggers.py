"""Trigger orders: when they fire, what becomes of them, and what is refused. ETH's mark is the oracle (no asks)."""

from __future__ import annotations

import pytest

from shared.venue.core.commands import OrderSpec
from shared.venue.core.outcomes import Cancelled, Resting
from shared.venue.core.policy import VenuePolicy
from tests.unit.shared.venue.core.floor import Floor, refusal, spec, trigger


def with_long(sz: str = "10", policy: VenuePolicy | None = None) -> Floor:
    """User "b" is long `sz` ETH from 100; "a" bids for 50 at 85; nobody offers. Order ids 1 to 3 are used up."""
    floor = Floor(policy=policy or VenuePolicy())
    floor.sell("a", "100", sz)
    floor.buy("b", "100", sz)
    floor.buy("a", "85", "50")
    return floor


def with_short(sz: str = "10") -> Floor:
    """User "b" is short `sz` ETH from 100; "a" offers 50 at 115; nobody bids. Order ids 1 to 3 are used up."""
    floor = Floor()
    floor.buy("a", "100", sz)
    floor.sell("b", "100", sz)
    floor.sell("a", "115", "50")
    return floor


@pytest.mark.parametrize(
    ("is_long", "kind", "trigger_px", "px", "before", "at"),
    [
        (True, "sl market", "90", "80", "90.01", "90"),
        (True, "sl limit", "90", "80", "90.01", "90"),
        (True, "tp market", "110", "80", "109.99", "110"),
        (True, "tp limit", "110", "80", "109.99", "110"),
        (False, "sl market", "110", "120", "109.99", "110"),
        (False, "sl limit", "110", "120", "109.99", "110"),
        (False, "tp market", "90", "120", "90.01", "90"),
        (False, "tp limit", "90", "120", "90.01", "90"),
    ],
)
def test_each_direction_fires_at_its_price_and_not_before(
    is_long: bool, kind: str, trigger_px: str, px: str, before: str, at: str
) -> None:
    """Sell-TP and buy-SL fire when mark >= trigger, sell-SL and buy-TP when mark <= trigger (fact sheet 4.6)."""
    floor = with_long() if is_long else with_short()
    assert floor.place("b", trigger(not is_long, kind, trigger_px, px, "10")) == (Resting(4, None),)
    assert floor.changes() == [(4, "open")]
    floor.oracle(before)
    assert floor.changes() == []
    floor.oracle(at)
    changes = floor.changes()
    assert changes[0] == (4, "triggered")
    assert (4, "filled") in changes
    assert [fill.oid for fill in floor.fills() if fill.crossed] == [4]
    assert floor.net("b") == "0"
    assert floor.left("b") == {}


def test_a_market_trigger_takes_what_its_limit_allows() -> None:
    """IOC at its limit: 50 bid at 85, the stop for 10 sells at 85 and not at its own 80 (fact sheet 4.6)."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.oracle("88")
    assert {fill.px for fill in floor.fills()} == {8_500_00}
    record = floor.exchange.order_by_oid("b", 4)
    assert record is not None
    assert record.status == "filled"


def test_a_market_trigger_that_fills_in_part_drops_the_rest() -> None:
    """IOC: 4 of 10 find a bid, the rest is cancelled under the same id."""
    floor = with_long()
    floor.cancel("a", 3)
    floor.buy("a", "85", "4")
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.oracle("90")
    assert floor.changes()[-1] == (5, "canceled")
    assert floor.net("b") == "6"


def test_a_market_trigger_without_anyone_to_take() -> None:
    """Nothing to match at its limit: triggered, then marketOrderNoLiquidityRejected (fact sheet 4.6)."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "86", "10"))
    floor.oracle("90")
    assert floor.changes() == [(4, "triggered"), (4, "marketOrderNoLiquidityRejected")]
    assert floor.net("b") == "10"


def test_a_limit_trigger_rests_at_its_limit() -> None:
    """It becomes a GTC order: 50 bid at 85, the stop-limit at 87 rests (fact sheet 4.6)."""
    floor = with_long()
    floor.place("b", trigger(False, "sl limit", "90", "87", "10"))
    floor.oracle("89")
    assert floor.changes() == [(4, "triggered"), (4, "open")]
    _, asks = floor.exchange.book_levels(4)
    assert [(ask.px, ask.sz) for ask in asks] == [(870_000, 1_000)]


def test_it_waits_unseen_on_the_book_and_without_margin() -> None:
    """An untriggered order is an open order, holds no margin and is in no book (fact sheet 4.6)."""
    floor = with_long()
    before = floor.exchange.account("b").reserved_usd
    floor.place("b", trigger(True, "sl market", "110", "120", "5000", reduce_only=False))
    assert floor.exchange.account("b").reserved_usd == before
    assert floor.exchange.book_levels(4)[1] == ()
    assert floor.left("b") == {4: "5000"}


def test_margin_is_asked_for_when_it_fires() -> None:
    """A stop-entry far beyond the account's means triggers and is then rejected for margin."""
    floor = with_short()
    floor.place("b", trigger(True, "sl market", "110", "120", "90000", reduce_only=False))
    floor.oracle("110")
    assert floor.changes() == [(4, "triggered"), (4, "perpMarginRejected")]


@pytest.mark.parametrize(
    ("bad", "text", "status"),
    [
        (trigger(False, "sl market", "100", "90", "10"), "Invalid TP/SL price. asset=4", "badTriggerPxRejected"),
        (trigger(False, "sl market", "101", "90", "10"), "Invalid TP/SL price. asset=4", "badTriggerPxRejected"),
        (trigger(False, "tp market", "100", "90", "10"), "Invalid TP/SL price. asset=4", "badTriggerPxRejected"),
        (trigger(False, "sl market", "90", "91", "10"), "Invalid TP/SL price. asset=4", "badTriggerPxRejected"),
        (
            trigger(True, "sl market", "110", "120", "10"),
            "Reduce only order would increase position. asset=4",
            "reduceOnlyRejected",
        ),
        (
            trigger(False, "sl market", "90", "80", "0.1"),
            "Order must have minimum value of $10. asset=4",
            "minTradeNtlRejected",
        ),
    ],
)
def test_refusals_at_its_turn(bad: OrderSpec, text: str, status: str) -> None:
    """Already satisfied, a limit short of its own trigger, nothing to reduce, too small (fact sheet 2.7, 4.6)."""
    floor = with_long()
    assert refusal(floor.place("b", bad)[0]) == text
    record = floor.exchange.order_by_oid("b", 4)
    assert record is not None
    assert record.status == status


def test_the_trigger_price_obeys_the_tick_rule() -> None:
    """Pre-validated: one status for the batch and no record (fact sheet 4.2, 2.6)."""
    floor = with_long()
    good, bad = (trigger(False, "sl market", px, "80", "10") for px in ("90", "90.0001"))
    statuses = floor.place("b", good, bad)
    assert [refusal(status) for status in statuses] == ["Price must be divisible by tick size. asset=4"]
    assert floor.exchange.order_by_oid("b", 4) is None


def test_switches_of_what_is_refused() -> None:
    """A stop-market's limit may lie anywhere, and a reduce-only trigger may wait for a position, if so chosen."""
    policy = VenuePolicy(stop_market_limit="anywhere", flat_reduce_only_trigger="accepted")
    floor = with_long(policy=policy)
    assert floor.place("b", trigger(False, "sl market", "90", "91", "10")) == (Resting(4, None),)
    assert floor.place("c", trigger(False, "sl market", "90", "80", "10")) == (Resting(5, None),)
    floor.oracle("90")
    assert floor.changes()[-1] == (5, "reduceOnlyRejected")


def test_cancel_by_either_id() -> None:
    """A waiting order is cancelled like any other and does not fire afterwards."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.place("b", trigger(False, "tp market", "110", "80", "10", cloid="0x1"))
    assert isinstance(floor.cancel("b", 4), Cancelled)
    assert isinstance(floor.cancel("b", "0x1"), Cancelled)
    assert floor.changes() == [(5, "canceled")]
    floor.oracle("90")
    floor.oracle("110")
    assert floor.net("b") == "10"


def test_several_fire_in_the_order_in_which_the_mark_passed_them() -> None:
    """The mark falls through 95 and 90: the stop at 95 is first though it is younger; equal prices go by age."""
    floor = with_long()
    for px in ("90", "95", "90"):
        floor.place("b", trigger(False, "sl market", px, "80", "2"))
    floor.oracle("80")
    assert [oid for oid, status in floor.changes() if status == "triggered"] == [5, 4, 6]


def test_a_reduce_only_trigger_is_clipped_when_it_fires() -> None:
    """Placed for 10 while long 10; the position is 4 when it fires: it sells 4 and never flips."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.sell("b", "85", "6")
    floor.oracle("90")
    assert floor.net("b") == "0"
    assert sum(fill.sz for fill in floor.fills() if fill.oid == 4) == 400


def test_an_orphan_fires_into_nothing() -> None:
    """Not tied to the position, it stays when that closes, and is rejected when it fires; or it goes, if so chosen."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.sell("b", "85", "10")
    assert floor.left("b") == {4: "10"}
    floor.oracle("90")
    assert floor.changes() == [(4, "triggered"), (4, "reduceOnlyRejected")]

    floor = with_long(policy=VenuePolicy(closed_position_triggers="all_reduce_only"))
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    floor.sell("b", "85", "10")
    assert (4, "reduceOnlyCanceled") in floor.changes()
    assert floor.left("b") == {}


def test_a_thousand_open_orders_refuse_triggers() -> None:
    """Beside 1,000 other open orders no trigger is taken, though volume may allow more orders (fact sheet 4.6, 4.7)."""
    floor = with_long()
    for _ in range(5):
        floor.place("c", *(spec(True, "80", "0.2"),) * 200)
    status = floor.place("c", trigger(True, "sl market", "110", "120", "1", reduce_only=False))[0]
    assert refusal(status) == "Too many open orders. asset=4"


def test_modify_of_a_waiting_order_needs_force() -> None:
    """Without `a` the new order must be no trigger; with it, it waits under a new id (fact sheet 4.4)."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    new = trigger(False, "sl market", "92", "80", "5")
    assert "post only" in refusal(floor.modify("b", 4, new))
    assert floor.left("b") == {4: "10"}
    assert floor.modify("b", 4, new, always=True) == Resting(5, None)
    assert floor.changes() == [(5, "open"), (4, "canceled")]
    floor.oracle("92")
    assert floor.net("b") == "5"


def test_a_waiting_order_can_become_a_plain_one() -> None:
    """A modify without `a` turns a stop into a resting post-only order."""
    floor = with_long()
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    assert floor.modify("b", 4, spec(False, "120", "10", reduce_only=True)) == Resting(5, None)
    assert floor.left("b") == {5: "10"}


def test_classic_modify_places_whatever_is_asked() -> None:
    """The older semantics: no force is needed, nothing is turned into post-only."""
    floor = with_long(policy=VenuePolicy(modify_without_a="classic"))
    floor.place("b", trigger(False, "sl market", "90", "80", "10"))
    assert floor.modify("b", 4, trigger(False, "sl market", "92", "80", "10")) == Resting(5, None)
    floor.buy("c", "80", "1")
    floor.modify("c", 6, spec(True, "80", "2"))
    record = floor.exchange.order_by_oid("c", 7)
    assert record is not None
    assert record.order.tif == "Gtc"
