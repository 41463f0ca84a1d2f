"""TWAP orders on the exchange: suborders on time, catch-up, ends, fills without a hash."""

from __future__ import annotations

import pytest

from shared.units import MINUTE, SECOND, Ns
from shared.venue.core.commands import CancelOrders, Command, PassTime
from shared.venue.core.events import TradeHappened, TwapChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Cancelled, Outcome, Refused, TwapRunning
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.timed_commands import CancelTwap, PlaceTwap, TwapSpec, TwapTrigger
from tests.unit.shared.venue.core.floor import ETH, SOL, START_NS, Floor

HALF: int = 30 * SECOND


def deep(**policy: object) -> Floor:
    """A floor on which b and c make a deep market around 100."""
    floor = Floor()
    if policy:
        floor.exchange = Exchange(
            [list_perp(ETH), list_perp(SOL)],
            start_ns=START_NS,
            policy=VenuePolicy(**policy),  # type: ignore[arg-type]
        )
        for user in ("a", "b", "c"):
            floor.fund(user, "100000")
        floor.oracle("100")
    floor.sell("b", "100.1", "500")
    floor.buy("b", "99.9", "500")
    return floor


def twap(sz: str, minutes: int = 5, is_buy: bool = True, **more: object) -> PlaceTwap:
    """A TWAP order of "a" on ETH."""
    return PlaceTwap("a", TwapSpec(4, is_buy, ETH.sz(sz), bool(more.pop("reduce_only", False)), minutes, **more))  # type: ignore[arg-type]


def started(floor: Floor, command: PlaceTwap) -> int:
    """The id of the TWAP order that the command started."""
    (status,) = floor.do(command).statuses
    assert isinstance(status, TwapRunning)
    return status.twap_id


def order(sz: str, **more: object) -> PlaceTwap:
    """As `twap`, not randomised unless said."""
    return twap(sz, **({"randomize": False} | more))  # type: ignore[arg-type]


def pass_time(floor: Floor, span_ns: int) -> Outcome:
    """Time goes by."""
    return floor.do(PassTime(), span_ns)


def statuses(floor: Floor) -> list[str]:
    """What became of a's TWAP orders, oldest first."""
    return [changed.status for changed in reversed(floor.exchange.twap_history("a"))]


def test_ten_suborders_in_five_minutes() -> None:
    """10 ETH over 5 minutes: one every 30 s, each exactly at its time even when time goes by in one step."""
    floor = deep()
    started(floor, order("10"))
    assert floor.exchange.fills("a") == ()
    pass_time(floor, 6 * MINUTE)
    fills = floor.exchange.twap_fills("a")
    assert [ETH.sz_text(fill.sz) for fill in fills] == ["1"] * 10
    assert [fill.time_ms * 10**6 - START_NS for fill in fills] == [HALF * number for number in range(1, 11)]
    assert {(fill.hash, fill.twap_id, fill.crossed) for fill in fills} == {("0x" + "0" * 64, 1, True)}
    assert {event.hash for event in floor.events if isinstance(event, TradeHappened)} == {"0x" + "0" * 64}
    assert statuses(floor) == ["activated", "finished"]
    last = floor.exchange.twap_history("a")[0].twap
    assert (last.executed_sz, last.executed_usd) == (last.sz, 10 * 100_100_000)


def test_small_steps_of_time_make_no_difference() -> None:
    """The state is the same whether time went by at once or second by second, block numbers aside."""
    coarse, fine = deep(), deep()
    for floor in (coarse, fine):
        started(floor, order("10", randomize=True))
    pass_time(coarse, 4 * MINUTE)
    for _ in range(240):
        pass_time(fine, SECOND)
    assert coarse.exchange.fills("a") == fine.exchange.fills("a")


def test_it_catches_up_at_three_times_the_size() -> None:
    """Two suborders meet an empty book; the next is three times as large (documentation, "Order types")."""
    floor = deep()
    floor.cancel("b", 1)
    started(floor, order("10"))
    pass_time(floor, 2 * HALF)
    assert floor.exchange.fills("a") == ()
    floor.sell("b", "100.1", "500")
    pass_time(floor, HALF)
    pass_time(floor, HALF)
    assert [ETH.sz_text(fill.sz) for fill in floor.exchange.fills("a")] == ["3", "1"]


def test_a_suborder_reaches_three_percent() -> None:
    """The mid is 100 (99.9 and 100.1), so 103 is the last price that a buy takes."""
    floor = deep()
    floor.cancel("b", 1)
    for px in ("100.1", "103", "103.01"):
        floor.sell("b", px, "0.2")
    started(floor, order("10"))
    pass_time(floor, HALF)
    assert [ETH.px_text(fill.px) for fill in floor.exchange.fills("a")] == ["100.1", "103"]


def test_the_user_ends_it() -> None:
    """Cancelled once; not another's, not under another asset, not twice (fact sheet 2.7)."""
    floor = deep()
    number = started(floor, order("10"))
    missing = (Refused("TWAP was never placed, already canceled, or filled."),)
    assert floor.do(CancelTwap("b", 4, number)).statuses == missing
    assert floor.do(CancelTwap("a", 5, number)).statuses == missing
    assert floor.do(CancelTwap("a", 4, number)).statuses == (Cancelled(),)
    assert floor.do(CancelTwap("a", 4, number)).statuses == missing
    pass_time(floor, 10 * MINUTE)
    assert (statuses(floor), floor.exchange.fills("a")) == (["activated", "terminated"], ())


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (order("10", minutes=1), "Invalid TWAP duration: 1 min(s)"),
        (order("10", minutes=10_081), "Invalid TWAP duration: 10081 min(s)"),
        (order("0.99"), "TWAP order must have minimum value of $100."),
        (order("0"), "Order has zero size."),
        (order("10", reduce_only=True), "Reduce-only TWAP order would increase position."),
    ],
)
def test_what_is_refused(command: PlaceTwap, text: str) -> None:
    """The venue's words (fact sheet 2.7), and nothing begins."""
    floor = deep()
    floor.exchange.restore(floor.exchange.snapshot())
    assert floor.do(command).statuses == (Refused(text),)
    assert floor.exchange.twaps("a") == ()


def test_reduce_only_ends_with_the_position() -> None:
    """Suborders are clipped to the position; when it is gone the order ends in error, unless the policy goes on."""
    for after, expected in (("end", "error"), ("go_on", "finished")):
        floor = deep(twap_after_refusal=after)
        floor.buy("a", "100.1", "1.5")
        started(floor, order("10", is_buy=False, reduce_only=True))
        pass_time(floor, 6 * MINUTE)
        assert floor.net("a") == "0"
        assert statuses(floor) == ["activated", expected]
    assert floor.exchange.twap_history("a")[0].description is None


def test_margin_that_is_gone_ends_it_in_error() -> None:
    """The description is the suborder's refusal."""
    floor = deep()
    floor.fund("d", "50")
    command = PlaceTwap("d", TwapSpec(4, True, ETH.sz("400"), False, 5, False))
    floor.do(command)
    pass_time(floor, HALF)
    changed = floor.exchange.twap_history("d")[0]
    assert (changed.status, changed.description) == ("error", "Insufficient margin to place order. asset=4")


def test_a_trigger_waits_for_the_mark() -> None:
    """Waiting until the mark reaches 105, then 30 s to the first suborder (fact sheet 2.2 `details.t`)."""
    floor = deep()
    started(floor, order("10", trigger=TwapTrigger(ETH.px("105"), True)))
    pass_time(floor, 10 * MINUTE)
    assert statuses(floor) == ["waitingForTrigger"]
    for user_oid in (1, 2):
        floor.do(CancelOrders("b", ()))
        floor.cancel("b", user_oid)
    floor.oracle("106")
    floor.sell("b", "106", "100")
    floor.buy("b", "105.9", "100")
    pass_time(floor, 5 * SECOND)
    assert statuses(floor) == ["waitingForTrigger", "activated"]
    pass_time(floor, HALF)
    assert len(floor.exchange.fills("a")) == 1


def test_the_first_at_once_makes_one_more() -> None:
    """With the switch, eleven suborders in five minutes, the first in the block of the order itself."""
    floor = deep(twap_first_slice="at_once")
    started(floor, order("11"))
    assert [ETH.sz_text(fill.sz) for fill in floor.exchange.fills("a")] == ["1"]
    assert any(isinstance(event, TwapChanged) for event in floor.events)
    pass_time(floor, 5 * MINUTE)
    assert (len(floor.exchange.fills("a")), statuses(floor)) == (11, ["activated", "finished"])


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """The snapshot holds the order, its progress and its next time."""
    floor = deep()
    started(floor, order("10", randomize=True))
    pass_time(floor, 2 * MINUTE)
    other = Exchange.restore(floor.exchange.snapshot())
    command: Command = PassTime()
    outcome = pass_time(floor, 4 * MINUTE)
    assert other.apply(command, Ns(floor.now)) == outcome
    assert other.digest() == floor.exchange.digest()
