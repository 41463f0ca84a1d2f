"""Orders placed together: parents and children, orders tied to a position, one cancelling the other."""

from __future__ import annotations

import pytest

from shared.venue.core.commands import Grouping, OrderSpec, PlaceOrders, Tif
from shared.venue.core.outcomes import Awaiting, Cancelled, Filled, Refused, Resting
from shared.venue.core.policy import VenuePolicy
from tests.unit.shared.venue.core.floor import Floor, refusal, spec, trigger

NORMAL, POSITION = Grouping.NORMAL_TPSL, Grouping.POSITION_TPSL
TAKE = trigger(False, "tp market", "110", "80", "10")
STOP = trigger(False, "sl market", "90", "80", "10")


def with_long(policy: VenuePolicy | None = None) -> Floor:
    """User "b" is long 10 ETH from 100; "a" bids for 50 at 85; nobody offers. Order ids 1 to 3 are used up."""
    floor = Floor(policy=policy or VenuePolicy())
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "10")
    floor.buy("a", "85", "50")
    return floor


def bracket(floor: Floor, px: str = "99", tif: Tif = Tif.GTC, *children: OrderSpec) -> None:
    """User "b" buys 10 at `px` with a take-profit at 110 and a stop at 90."""
    floor.group("b", NORMAL, spec(True, px, "10", tif), *(children or (TAKE, STOP)))


def waiting(floor: Floor, user: str = "b") -> dict[int, str]:
    """What each waiting order waits for."""
    orders = floor.exchange.open_orders(user)
    return {order.oid: order.trigger.phase for order in orders if order.trigger is not None}


def test_children_wait_for_a_resting_parent() -> None:
    """Answers resting and twice waitingForFill; the parent shows its children, which are listed as well."""
    floor = Floor()
    statuses = floor.group("b", NORMAL, spec(True, "99", "10"), TAKE, STOP)
    assert statuses == (Resting(1, None), Awaiting(2, None, "waitingForFill"), Awaiting(3, None, "waitingForFill"))
    parent, *children = floor.exchange.open_orders("b")
    assert [child.oid for child in parent.children] == [child.oid for child in children] == [2, 3]
    floor.oracle("90")
    assert floor.changes() == []


def test_children_of_a_parent_that_fills_at_once_wait_for_the_mark() -> None:
    """Answers filled and twice waitingForTrigger (fact sheet 2.6)."""
    floor = Floor()
    floor.sell("a", "100", "10")
    statuses = floor.group("b", NORMAL, spec(True, "100", "10", Tif.IOC), TAKE, STOP)
    assert isinstance(statuses[0], Filled)
    assert statuses[1:] == (Awaiting(3, None, "waitingForTrigger"), Awaiting(4, None, "waitingForTrigger"))


def test_only_a_full_fill_wakes_the_children() -> None:
    """4 of 10 bought: they still wait for the fill; the other 6: they wait for the mark (fact sheet 4.6)."""
    floor = Floor()
    bracket(floor)
    floor.sell("a", "99", "4")
    assert set(waiting(floor).values()) == {"waitingForFill"}
    floor.sell("a", "99", "6")
    assert waiting(floor) == {2: "waitingForTrigger", 3: "waitingForTrigger"}


def test_a_cancelled_parent_takes_its_children_along() -> None:
    """Even if it filled in part (fact sheet 4.6)."""
    floor = Floor()
    bracket(floor)
    floor.sell("a", "99", "4")
    assert isinstance(floor.cancel("b", 1), Cancelled)
    assert floor.changes() == [(1, "canceled"), (2, "canceled"), (3, "canceled")]
    assert floor.left("b") == {}
    assert floor.net("b") == "4"


def test_a_parent_cancelled_for_margin_after_a_part_wakes_them() -> None:
    """1,000 USDC at 20x carry 200 ETH: 150 are bought, a loss elsewhere leaves nothing for the rest (4.6)."""
    floor = Floor()
    floor.fund("poor", "1000")
    children = (trigger(False, "tp market", "110", "80", "190"), trigger(False, "sl market", "60", "50", "190"))
    floor.group("poor", NORMAL, spec(True, "99", "190"), *children)
    floor.sell("a", "99", "150")
    floor.oracle("95")
    floor.sell("a", "99", "40")
    assert floor.changes()[0] == (1, "marginCanceled")
    assert waiting(floor, "poor") == {2: "waitingForTrigger", 3: "waitingForTrigger"}


def test_children_of_a_parent_that_never_was_are_not_placed() -> None:
    """The parent finds nobody: each order has its error, and nothing waits."""
    floor = Floor()
    statuses = floor.group("b", NORMAL, spec(True, "99", "10", Tif.IOC), TAKE, STOP)
    assert all(isinstance(status, Refused) for status in statuses)
    assert floor.left("b") == {}


@pytest.mark.parametrize(("px", "winner", "loser"), [("110", 4, 5), ("90", 5, 4)])
def test_one_cancels_the_other(px: str, winner: int, loser: int) -> None:
    """When one sibling fills, the other gets siblingFilledCanceled (fact sheet 4.6)."""
    floor = Floor()
    floor.buy("a", "85", "50")
    floor.sell("a", "100", "10")
    bracket(floor, "100")
    floor.oracle(px)
    assert floor.changes()[0] == (winner, "triggered")
    assert (loser, "siblingFilledCanceled") in floor.changes()
    assert floor.net("b") == "0"
    assert floor.left("b") == {}


def test_the_first_part_of_a_fill_ends_the_sibling() -> None:
    """A take-profit at its limit sells 1 of 10 as maker: the stop is gone, the rest of the take-profit stays."""
    floor = Floor()
    floor.sell("a", "100", "10")
    bracket(floor, "100", Tif.GTC, trigger(False, "tp limit", "105", "105", "10"), STOP)
    floor.oracle("105")
    assert set(floor.left("b")) == {3, 4}
    floor.buy("c", "105", "1")
    assert (4, "siblingFilledCanceled") in floor.changes()
    assert floor.left("b") == {3: "9"}


def test_a_sibling_that_is_cancelled_or_rejected_leaves_the_other_alone() -> None:
    """Only a fill ends the other."""
    floor = Floor()
    floor.sell("a", "100", "10")
    bracket(floor, "100")
    floor.cancel("b", 3)
    floor.oracle("90")
    assert floor.changes() == [(4, "triggered"), (4, "marketOrderNoLiquidityRejected")]
    floor = Floor()
    floor.sell("a", "100", "10")
    bracket(floor, "100")
    floor.oracle("90")
    assert waiting(floor) == {3: "waitingForTrigger"}


def test_a_childs_trigger_lies_beyond_the_price_its_parent_trades_at() -> None:
    """Bid 95 with a take-profit at 97 while the mark is 100: taken, or measured at the mark if so chosen."""
    exits = (trigger(False, "tp market", "97", "80", "10"), trigger(False, "sl market", "96", "80", "10"))
    by_parent, by_mark = (Floor(policy=VenuePolicy(child_trigger_reference=way)) for way in ("parent", "mark"))
    taken, refused = (floor.group("b", NORMAL, spec(True, "95", "10"), *exits)[1:] for floor in (by_parent, by_mark))
    assert [isinstance(status, Awaiting) for status in taken] == [True, False]
    assert [isinstance(status, Awaiting) for status in refused] == [False, True]


@pytest.mark.parametrize(
    ("grouping", "specs"),
    [
        (NORMAL, (spec(True, "99", "10"),)),
        (NORMAL, (STOP, TAKE)),
        (NORMAL, (spec(True, "99", "10"), spec(True, "98", "10"))),
        (NORMAL, (spec(True, "99", "10"), STOP, STOP)),
        (NORMAL, (spec(True, "99", "10"), STOP, TAKE, STOP)),
        (NORMAL, (spec(True, "99", "10", asset=5), STOP)),
        (POSITION, (spec(False, "110", "10", reduce_only=True),)),
        (POSITION, (STOP, STOP)),
        (POSITION, (STOP, TAKE, TAKE)),
    ],
)
def test_odd_groups_are_errors_as_a_whole(grouping: Grouping, specs: tuple[OrderSpec, ...]) -> None:
    """No parent, no child, two of a kind, two markets: `Unexpected number of trigger orders` (fact sheet 2.7, 4.6)."""
    outcome = with_long().do(PlaceOrders("b", specs, grouping))
    assert (outcome.error, outcome.statuses) == ("Unexpected number of trigger orders", ())


def test_groups_must_be_reduce_only_and_opposite() -> None:
    """Both are faults of the payload: one status, nothing placed (fact sheet 4.6)."""
    floor = with_long()
    grow = trigger(False, "sl market", "90", "80", "10", reduce_only=False)
    same = trigger(True, "sl market", "110", "120", "10")
    assert floor.group("b", POSITION, grow) == (Refused("TP/SL orders must be reduce-only."),)
    assert floor.group("b", NORMAL, spec(True, "99", "10"), grow) == (Refused("TP/SL orders must be reduce-only."),)
    text = "Reduce only order would increase position. asset=4"
    assert floor.group("b", NORMAL, spec(True, "99", "10"), same) == (Refused(text),)
    assert floor.left("b") == {}


@pytest.mark.parametrize("sz", ["0", "10", "99"])
def test_a_whole_position_order_follows_the_position(sz: str) -> None:
    """Size zero, all or more: shown with size 0; it sells 15 after 5 more were bought (fact sheet 1.3, 4.6)."""
    floor = with_long()
    statuses = floor.group("b", POSITION, trigger(False, "sl market", "90", "80", sz))
    assert statuses == (Awaiting(4, None, "waitingForTrigger"),)
    (shown,) = floor.exchange.open_orders("b")
    assert (shown.sz, shown.orig_sz, shown.trigger and shown.trigger.is_position) == (0, 0, True)
    floor.sell("a", "100", "5")
    floor.buy("b", "100", "5")
    floor.oracle("90")
    assert [fill.sz for fill in floor.fills() if fill.oid == 4] == [1_500]
    assert floor.net("b") == "0"


def test_a_part_of_the_position_keeps_its_size() -> None:
    """4 of 10: it sells 4."""
    floor = with_long()
    floor.group("b", POSITION, trigger(False, "sl market", "90", "80", "4"))
    assert floor.left("b") == {4: "4"}
    floor.oracle("90")
    assert floor.net("b") == "6"


@pytest.mark.parametrize("sz", ["10", "12"])
def test_orders_of_a_position_end_with_it(sz: str) -> None:
    """Closed or turned around, it takes its take-profit and its stop along (fact sheet 4.6)."""
    floor = with_long()
    floor.group("b", POSITION, STOP, TAKE)
    floor.sell("b", "85", sz)
    ended = [(oid, status) for oid, status in floor.changes() if oid in (4, 5)]
    assert sorted(ended) == [(4, "reduceOnlyCanceled"), (5, "reduceOnlyCanceled")]
    assert floor.left("b") == {}


def test_a_position_order_needs_its_position() -> None:
    """Nothing to close, or the wrong side of it."""
    floor = with_long()
    text = "Reduce only order would increase position. asset=4"
    assert refusal(floor.group("c", POSITION, STOP)[0]) == text
    assert refusal(floor.group("b", POSITION, trigger(True, "sl market", "110", "120", "10"))[0]) == text


def test_orders_of_one_position_cancel_each_other() -> None:
    """The take-profit fills, the stop goes as its sibling."""
    floor = with_long()
    floor.group("b", POSITION, STOP, TAKE)
    floor.oracle("110")
    assert floor.changes()[0] == (5, "triggered")
    assert (4, "siblingFilledCanceled") in floor.changes()


def test_a_modified_child_stays_in_its_family() -> None:
    """A stop moved from 90 to 92 still ends when the take-profit fills, and still waits for its parent."""
    floor = with_long()
    floor.group("b", POSITION, STOP, TAKE)
    moved = trigger(False, "sl market", "92", "80", "10")
    assert floor.modify("b", 4, moved, always=True) == Resting(6, None)
    assert [order.sz for order in floor.exchange.open_orders("b")] == [0, 0]
    floor.oracle("110")
    assert (6, "siblingFilledCanceled") in floor.changes()

    floor = Floor()
    bracket(floor)
    floor.modify("b", 3, moved, always=True)
    assert waiting(floor) == {2: "waitingForFill", 4: "waitingForFill"}
    floor.cancel("b", 1)
    assert floor.left("b") == {}


def test_children_of_a_modified_parent_end_or_wait_for_the_new_one() -> None:
    """They end as with a cancel; or, if so chosen, they wait on, wake with its fill and end with its refusal."""
    floor = Floor()
    bracket(floor)
    assert floor.modify("b", 1, spec(True, "98", "10")) == Resting(4, None)
    assert floor.left("b") == {4: "10"}

    keeps = VenuePolicy(modified_parent="keeps")
    floor = Floor(policy=keeps)
    bracket(floor)
    floor.modify("b", 1, spec(True, "98", "10"))
    parent = next(order for order in floor.exchange.open_orders("b") if order.oid == 4)
    assert [child.oid for child in parent.children] == [2, 3]
    floor.sell("a", "98", "10")
    assert waiting(floor) == {2: "waitingForTrigger", 3: "waitingForTrigger"}

    floor = Floor(policy=keeps)
    bracket(floor)
    floor.sell("a", "101", "10")
    floor.modify("b", 1, spec(True, "101", "10"), always=True)
    assert waiting(floor) == {2: "waitingForTrigger", 3: "waitingForTrigger"}

    floor = Floor(policy=keeps)
    bracket(floor)
    floor.sell("a", "101", "10")
    assert isinstance(floor.modify("b", 1, spec(True, "101", "10")), Refused)
    assert floor.left("b") == {}


def test_which_size_stands_for_the_whole_position() -> None:
    """The size that the position has, or zero alone, as chosen."""
    floor = with_long(VenuePolicy(whole_position_size="zero"))
    floor.group("b", POSITION, STOP)
    assert floor.left("b") == {4: "10"}
    floor.group("b", POSITION, trigger(False, "tp market", "110", "80", "0"))
    assert floor.left("b") == {4: "10", 5: "0"}


def test_priority_is_refused_or_without_effect() -> None:
    """Nobody has staked; where it is accepted, all must be IOC or all post only and not reduce-only (2.2)."""
    floor = Floor()
    refused = floor.do(PlaceOrders("b", (spec(True, "99", "1", Tif.ALO),), Grouping.PRIORITY, 80_000))
    assert refused.error == "Insufficient delegatable balance for priority order"
    floor = Floor(policy=VenuePolicy(priority_grouping="accepted"))
    makers = (spec(True, "99", "1", Tif.ALO), spec(True, "98", "1", Tif.ALO))
    assert floor.group("b", Grouping.PRIORITY, *makers) == (Resting(1, None), Resting(2, None))
    mixed = (spec(True, "99", "1", Tif.ALO), spec(True, "98", "1", Tif.IOC))
    assert floor.do(PlaceOrders("b", mixed, Grouping.PRIORITY, 1)).error is not None
