"""The dead man's switch and requests bought ahead."""

from __future__ import annotations

from shared.units import DAY, MS, SECOND, USD, Ns
from shared.venue.core.commands import PassTime
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.timed_commands import ReserveRequests, ScheduleCancel
from tests.unit.shared.venue.core.floor import ETH, SOL, START_NS, Floor


def free_floor() -> Floor:
    """A floor on which scheduled cancels ask for no volume."""
    floor = Floor()
    policy = VenuePolicy(schedule_cancel_volume_usd=None)
    floor.exchange = Exchange([list_perp(ETH), list_perp(SOL)], start_ns=START_NS, policy=policy)
    for user in ("a", "b"):
        floor.fund(user, "100000")
    for asset in (4, 5):
        floor.oracle("100", asset)
    return floor


def schedule(floor: Floor, after_ns: int | None) -> str | None:
    """The refusal of a scheduled cancel of "a" so long from now."""
    time_ms = None if after_ns is None else (floor.now + after_ns) // MS
    return floor.do(ScheduleCancel("a", time_ms)).error


def test_all_orders_of_the_user_go_at_the_time() -> None:
    """Of every asset, with their own status and at that time exactly; nobody else's."""
    floor = free_floor()
    floor.buy("a", "99", "1")
    floor.sell("a", "101", "1", asset=5)
    floor.buy("b", "98", "1")
    assert schedule(floor, 5 * SECOND) is None
    floor.do(PassTime(), 5 * SECOND - 1)
    assert floor.left("a") == {1: "1", 2: "1"}
    floor.do(PassTime(), 60 * SECOND)
    assert floor.changes() == [(1, "scheduledCancel"), (2, "scheduledCancel")]
    assert (floor.left("a"), floor.left("b")) == ({}, {3: "1"})
    assert floor.exchange.order_history("a")[0].time_ms == (START_NS + 5 * SECOND) // MS


def test_it_can_be_moved_and_taken_back() -> None:
    """The last word counts."""
    floor = free_floor()
    floor.buy("a", "99", "1")
    schedule(floor, 5 * SECOND)
    schedule(floor, 20 * SECOND)
    floor.do(PassTime(), 10 * SECOND)
    assert floor.left("a") == {1: "1"}
    schedule(floor, None)
    floor.do(PassTime(), 60 * SECOND)
    assert floor.left("a") == {1: "1"}


def test_it_needs_a_lead_of_five_seconds() -> None:
    """Fact sheet 2.8."""
    floor = free_floor()
    assert schedule(floor, 5 * SECOND - MS) == "Scheduled cancel time too early, must be at least 5 seconds from now."
    assert schedule(floor, 5 * SECOND) is None


def test_it_needs_a_million_traded() -> None:
    """Fact sheet 2.7; to take nothing back needs none."""
    floor = Floor()
    floor.sell("b", "101.7", "1")
    floor.buy("a", "101.7", "0.43")
    expected = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $43.73."
    assert schedule(floor, 10 * SECOND) == expected
    assert schedule(floor, None) is None


def test_ten_times_a_day() -> None:
    """The eleventh of a UTC day is refused, the first of the next is not (fact sheet 2.8)."""
    floor = free_floor()
    for _ in range(10):
        assert schedule(floor, 5 * SECOND) is None
        floor.do(PassTime(), 5 * SECOND)
    assert schedule(floor, 5 * SECOND) == "Scheduled cancel was triggered 10 times today."
    floor.now = (floor.now // DAY + 1) * DAY
    assert schedule(floor, 5 * SECOND) is None


def test_requests_are_paid_to_the_house() -> None:
    """0.0005 USDC each (fact sheet 2.2); nothing is lost between user and house; who can't pay gets none."""
    floor = free_floor()
    before = floor.exchange.account("a").collateral_usd
    assert floor.do(ReserveRequests("a", 2_000)).error is None
    assert before - floor.exchange.account("a").collateral_usd == USD
    assert floor.exchange.house().fees_usd == USD
    assert floor.do(ReserveRequests("a", 200_000_000)).error == "Insufficient balance to reserve request weight."
    assert floor.do(ReserveRequests("nobody", 1)).error is not None


def test_a_restart_keeps_the_schedule() -> None:
    """The snapshot holds it."""
    floor = free_floor()
    floor.buy("a", "99", "1")
    schedule(floor, 5 * SECOND)
    other = Exchange.restore(floor.exchange.snapshot())
    other.apply(PassTime(), Ns(floor.now + 6 * SECOND))
    assert other.open_orders("a") == ()
