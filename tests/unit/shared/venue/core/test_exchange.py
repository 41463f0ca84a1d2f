"""The exchange as a whole: cancel, modify, leverage, records, funding and determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import UnitError
from shared.units import HOUR, MS, SECOND, USD, Ns, Px, Usd
from shared.venue.core.commands import Command, Deposit, ModifyOrders, ModifySpec, PassTime, PlaceOrders, SetPrices, Tif
from shared.venue.core.events import BookChanged, FundingPaid, OrderChanged
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.outcomes import Cancelled, Refused, Resting
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.timed_commands import ScheduleCancel
from tests.unit.shared.venue.core.floor import ETH, SOL, START_NS, Floor, refusal, spec

MISSING = "Order was never placed, already canceled, or filled. asset=4"


def test_cancel_by_either_id() -> None:
    """By oid or by cloid; a second time, another's, or under another asset it was never there (fact sheet 2.7)."""
    floor = Floor()
    floor.buy("a", "99", "1", cloid="0x1")
    floor.buy("a", "98", "1")
    assert refusal(floor.cancel("b", 1)) == MISSING
    assert refusal(floor.cancel("a", 1, asset=5)) == MISSING.replace("4", "5")
    assert floor.cancel("a", "0x1") == Cancelled()
    assert refusal(floor.cancel("a", "0x1")) == MISSING
    assert floor.cancel("a", 2) == Cancelled()
    assert floor.changes() == [(2, "canceled")]
    assert floor.exchange.book_levels(4) == ((), ())


def test_modify_gives_a_new_oid_and_loses_priority() -> None:
    """The replacement is announced before the cancel; a GTC becomes post-only (fact sheet 3.6, 4.4)."""
    floor = Floor()
    floor.buy("a", "99", "1", cloid="0x1")
    floor.buy("b", "99", "1")
    assert floor.modify("a", "0x1", spec(True, "99", "2", cloid="0x2")) == Resting(3, "0x2")
    assert floor.changes() == [(3, "open"), (1, "canceled")]
    (order,) = floor.exchange.open_orders("a")
    assert order.tif is Tif.ALO
    floor.sell("c", "99", "1", Tif.IOC)
    assert floor.left("b") == {}


def test_modify_of_what_is_gone() -> None:
    """Refused and not placed; with `always_place` it is placed regardless (fact sheet 4.4)."""
    floor = Floor()
    assert refusal(floor.modify("a", 77, spec(True, "99", "1"))) == "Cannot modify canceled or filled order"
    assert floor.left("a") == {}
    assert floor.modify("a", 77, spec(True, "99", "1"), always=True) == Resting(1, None)
    assert floor.exchange.open_orders("a")[0].tif is Tif.GTC


def test_modify_that_would_cross_has_cancelled_already() -> None:
    """The second half fails in its own words, the first is done (fact sheet 2.7)."""
    floor = Floor()
    floor.sell("b", "101", "1")
    floor.buy("a", "99", "1")
    text = refusal(floor.modify("a", 2, spec(True, "101", "1")))
    assert text == (
        "Error placing new order during modify: Post only order would have immediately matched, bbo was 0@101. asset=4"
    )
    assert floor.changes() == [(3, "badAloPxRejected"), (2, "canceled")]


def test_modify_to_a_taker_needs_always_place() -> None:
    """Without the flag an IOC replacement is refused before the cancel (fact sheet 2.2)."""
    floor = Floor()
    floor.sell("b", "101", "1")
    floor.buy("a", "99", "1")
    new = spec(True, "101", "1", Tif.IOC)
    assert isinstance(floor.modify("a", 2, new), Refused)
    assert floor.left("a") == {2: "1"}
    floor.modify("a", 2, new, always=True)
    assert floor.net("a") == "1"


def test_modify_batches_are_judged_before_they_run() -> None:
    """One payload fault refuses all modifies with one status, the cancels too."""
    floor = Floor()
    floor.buy("a", "99", "1")
    floor.buy("a", "98", "1")
    batch = (ModifySpec(1, spec(True, "97", "1")), ModifySpec(2, spec(True, "97", "0")))
    outcome = floor.do(ModifyOrders("a", batch))
    assert outcome.statuses == (Refused("Order has zero size."),)
    assert floor.left("a") == {1: "1", 2: "1"}


def test_leverage() -> None:
    """1 to the maximum; lowering needs margin; kinds change only when flat (fact sheet 2.7, 5.1)."""
    floor = Floor()
    assert floor.exchange.leverage("a", 4) == 20
    assert floor.leverage("a", 26) == "Invalid leverage value"
    assert floor.leverage("a", 0) == "Invalid leverage value"
    assert floor.leverage("a", 25) is None
    floor.fund("poor", "1000")
    floor.buy("poor", "99", "200")
    text = floor.leverage("poor", 10)
    assert text is not None
    assert text.startswith("Cross position does not have sufficient margin available to decrease leverage.")
    assert floor.exchange.leverage("poor", 4) == 20
    floor.sell("a", "99", "1")
    assert floor.leverage("poor", 20, is_cross=False) == "Cannot switch leverage type with open position."


def test_records_outlive_orders() -> None:
    """An ended order is found by oid and by cloid, for its owner only; a reused cloid finds the latest."""
    floor = Floor()
    floor.buy("a", "99", "1", cloid="0x1")
    floor.cancel("a", 1)
    record = floor.exchange.order_by_cloid("a", "0x1")
    assert record is not None
    assert (record.status, record.order.oid) == ("canceled", 1)
    assert floor.exchange.order_by_oid("b", 1) is None
    floor.buy("a", "98", "1", cloid="0x1")
    again = floor.exchange.order_by_cloid("a", "0x1")
    assert again is not None
    assert (again.status, again.order.oid) == ("open", 2)
    assert [change.status for change in floor.exchange.order_history("a")] == ["open", "canceled", "open"]


def test_two_thousand_ended_orders_are_kept() -> None:
    """The oldest ended order is forgotten, the open ones never (fact sheet 1.3)."""
    floor = Floor()
    floor.buy("a", "99", "1", cloid="0xf")
    for _ in range(11):
        floor.place("a", *(spec(True, "90", "0.01"),) * 200)
    assert floor.exchange.order_by_oid("a", 2) is None
    assert floor.exchange.order_by_oid("a", 2_201) is not None
    assert floor.exchange.order_by_cloid("a", "0xf") is not None


def test_one_book_change_per_command_and_asset() -> None:
    """However many orders a batch moves, each book is announced once, last."""
    floor = Floor()
    floor.place("a", spec(True, "99", "1"), spec(True, "98", "1"), spec(True, "98", "1", asset=5))
    assert [event.asset for event in floor.events if isinstance(event, BookChanged)] == [4, 5]
    assert isinstance(floor.events[-1], BookChanged)


def test_no_oracle_no_trading() -> None:
    """Before its first oracle price an asset is halted; so is a delisted one."""
    exchange = Exchange([list_perp(ETH)], start_ns=START_NS)
    exchange.apply(Deposit("a", Usd(10**9)), Ns(START_NS))
    order = PlaceOrders("a", (spec(True, "99", "1"),))
    assert exchange.apply(order, Ns(START_NS)).error == "Trading is halted"


def test_what_is_our_own_fault_raises() -> None:
    """Time going back, a free deposit, a price of nothing or of an unlisted asset."""
    floor = Floor()
    with pytest.raises(UnitError, match="time went back"):
        floor.exchange.apply(PassTime(), Ns(START_NS - 1))
    with pytest.raises(UnitError, match="deposit"):
        floor.do(Deposit("a", Usd(0)))
    with pytest.raises(UnitError, match="listed"):
        floor.do(SetPrices(9, Px(1)))
    with pytest.raises(UnitError, match="same asset id"):
        Exchange([list_perp(ETH), list_perp(ETH)])


def test_funding_is_paid_on_the_hour() -> None:
    """Longs pay 0.00125 % of the oracle notional when there is no premium; the books agree (fact sheet 6)."""
    floor = Floor()
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "10", Tif.IOC)
    floor.buy("c", "99", "300")
    floor.sell("c", "101", "300")
    floor.do(PassTime(), HOUR)
    paid = {event.user: event for event in floor.events if isinstance(event, FundingPaid)}
    assert paid["b"].usd == -12_500
    assert paid["a"].usd == 12_500
    assert paid["b"].rate_e10 == 125_000
    assert paid["b"].time_ms % 3_600_000 == 0
    assert floor.exchange.fundings("b") == (paid["b"],)
    assert [point.rate_e10 for point in floor.exchange.funding_history(4)] == [125_000]
    (position,) = floor.exchange.account("b").positions
    assert position.funding_since_open_usd == -12_500


def test_account_view_follows_the_venues_formulae() -> None:
    """Raw cash, value, margin, maintenance, withdrawable of a long at a moved mark (fact sheet 1.5)."""
    floor = Floor()
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "10", Tif.IOC)
    floor.oracle("110")
    view = floor.exchange.account("b")
    fee = 450_000
    assert view.raw_usd == (100_000 - 1_000) * USD - fee
    assert view.value_usd == 100_100 * USD - fee
    assert view.margin_used_usd == 55 * USD
    assert view.maintenance_usd == 22 * USD
    assert view.withdrawable_usd == view.value_usd - 110 * USD
    (position,) = view.positions
    assert (position.entry_px_text, position.unrealised_usd) == ("100", 100 * USD)
    assert position.return_on_equity_text == "2"
    assert position.liquidation_px_text is None
    assert floor.exchange.account("0xdead").value_usd == 0


def test_a_short_shows_where_it_is_liquidated() -> None:
    """At that price the value equals the maintenance (fact sheet 5.4)."""
    floor = Floor()
    floor.fund("poor", "100")
    floor.buy("a", "100", "10")
    floor.sell("poor", "100", "10", Tif.IOC)
    (position,) = floor.exchange.account("poor").positions
    # 100 - 0.45 fee + 10 (100 - px) = 10 px / 50
    assert position.liquidation_px_text == "107.79901960"[:-1]


def test_asset_view() -> None:
    """Mid falls back to the last trade; open interest counts one side (fact sheet 1.1)."""
    floor = Floor()
    assert floor.exchange.mid_text(4) is None
    floor.sell("a", "100", "10")
    floor.buy("b", "100", "4")
    assert floor.exchange.mid_text(4) == "100"
    floor.buy("b", "99.99", "1000")
    assert floor.exchange.mid_text(4) == "99.995"
    view = floor.exchange.asset_view(4)
    assert view.open_interest_sz == ETH.sz("4")
    assert view.impact_pxs is None
    assert [trade.sz for trade in floor.exchange.trades(4)] == [ETH.sz("4")]
    assert floor.exchange.trades(5) == ()
    assert set(floor.exchange.listings) == {ETH.asset, SOL.asset}


def story(exchange: Exchange) -> str:
    """Digest after a short life of trades, funding and refusals."""
    now = START_NS
    orders = [spec(index % 2 == 0, str(99 + index % 3), "1", cloid=f"0x{index}") for index in range(40)]
    script: list[Command] = [Deposit(user, Usd(10**10)) for user in ("a", "b", "c")]
    script += [
        SetPrices(4, ETH.px("100")),
        *(PlaceOrders("abc"[i % 3], (o,)) for i, o in enumerate(orders)),
        PassTime(),
    ]
    for command in script:
        now += 200 * SECOND
        exchange.apply(command, Ns(now))
    return exchange.digest()


def test_the_digest_does_not_depend_on_the_process() -> None:
    """Another hash seed and time zone give the same state; one more order gives another."""
    here = story(Exchange([list_perp(ETH)], start_ns=START_NS))
    code = (
        "from tests.unit.shared.venue.core.test_exchange import *;"
        "print(story(Exchange([list_perp(ETH)], start_ns=START_NS)))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    root = Path(__file__).parents[5]
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here
    exchange = Exchange([list_perp(ETH)], start_ns=START_NS)
    story(exchange)
    before = exchange.digest()
    exchange.apply(PlaceOrders("a", (spec(True, "90", "1"),)), exchange.now_ns)
    assert exchange.digest() != before == here


def test_what_fell_due_before_a_command_that_raises_is_told_with_the_next() -> None:
    """Funding was paid and a scheduled cancel fired; a restored exchange tells it as well."""
    floor = Floor(policy=VenuePolicy(schedule_cancel_volume_usd=None))
    floor.buy("a", "100", "1")
    floor.sell("b", "100", "1")
    resting = floor.buy("a", "90", "1")
    assert isinstance(resting, Resting)
    floor.do(ScheduleCancel("a", (START_NS + HOUR) // MS))
    with pytest.raises(UnitError, match="deposit"):
        floor.do(Deposit("c", Usd(0)), 2 * HOUR)
    twin = Exchange.restore(floor.exchange.snapshot())
    events = floor.exchange.apply(PassTime(), Ns(floor.now)).events
    assert [event.user for event in events if isinstance(event, FundingPaid)] == ["a", "b"] * 2
    assert (resting.oid, "scheduledCancel") in [(e.order.oid, e.status) for e in events if isinstance(e, OrderChanged)]
    assert twin.apply(PassTime(), Ns(floor.now)).events == events
    assert not floor.do(PassTime()).events
