"""The flow of a liquidation, worked by hand: book, vault, deleveraging (fact sheet 5.3; marks equal the oracle here).

User "p" is poor. A one-sided book keeps the mark at the oracle. Fees: taker 0.045 %.
"""

from __future__ import annotations

from shared.units import SECOND, USD, Usd, usd_to_str
from shared.venue.core.commands import Tif
from shared.venue.core.events import FillHappened, Liquidated
from shared.venue.core.ledger_entries import LedgerChanged, Liquidation
from shared.venue.core.policy import LIQUIDATOR, VenuePolicy
from shared.venue.core.rulings import Liquidate
from tests.unit.shared.venue.core.floor import ETH, Floor


def long_floor(policy: VenuePolicy | None = None, usd: str = "1000", sz: str = "100", cross: bool = True) -> Floor:
    """User "p" is long `sz` ETH at 100 against "a", at 20x."""
    floor = Floor(policy=policy or VenuePolicy())
    floor.fund("p", usd)
    if not cross:
        assert floor.leverage("p", 20, is_cross=False) is None
    floor.sell("a", "100", sz)
    floor.buy("p", "100", sz, Tif.IOC)
    assert floor.net("p") == sz
    return floor


def liquidations(floor: Floor) -> list[Liquidated]:
    """Those of the last command."""
    return [event for event in floor.events if isinstance(event, Liquidated)]


def fills_of(floor: Floor, user: str) -> list[FillHappened]:
    """The user's fills of the last command."""
    return [fill for fill in floor.fills() if fill.user == user]


def test_a_margin_that_holds_is_left_alone() -> None:
    """995.5 - 100 x 8 = 195.5 is above the maintenance of 184 (2 % of 9200), so nothing happens."""
    floor = long_floor()
    floor.buy("b", "91", "200")
    floor.oracle("92")
    assert not liquidations(floor)
    assert floor.net("p") == "100"


def test_the_book_takes_the_position_and_the_rest_stays_with_the_user() -> None:
    """At 91.5 the value is 145.5, under 183 and over 122: sold at 91, the fee of 4.095 paid, 91.405 left."""
    floor = long_floor()
    resting = floor.buy("p", "80", "1")
    floor.buy("b", "91", "200")
    floor.oracle("91.5")
    (event,) = liquidations(floor)
    assert (event.method, event.is_cross, event.positions) == ("market", True, ((4, 10_000),))
    assert (usd_to_str(event.notional_usd), usd_to_str(event.value_usd)) == ("9150", "145.5")
    view = floor.exchange.account("p")
    assert (usd_to_str(view.value_usd), view.positions) == ("91.405", ())
    assert (resting.oid, "liquidatedCanceled") in floor.changes()  # type: ignore[union-attr]
    mine, theirs = fills_of(floor, "p"), fills_of(floor, "b")
    assert [fill.liquidation for fill in mine + theirs] == [mine[0].liquidation] * 2
    mark = mine[0].liquidation
    assert mark is not None
    assert (mark.user, ETH.px_text(mark.mark_px), mark.method) == ("p", "91.5", "market")
    order = floor.exchange.order_by_oid("p", mine[0].oid)
    assert order is not None
    assert (order.order.tif, order.status) == (Tif.LIQUIDATION_MARKET, "filled")


def test_no_lot_is_sold_below_the_price_that_leaves_nothing() -> None:
    """At 91.5 with 145.5 left that price is (91.5 - 1.455) / (1 - 0.045 %) = 90.0855...; a bid of 90.08 is too low."""
    floor = long_floor()
    floor.buy("b", "90.08", "200")
    floor.oracle("91.5")
    assert not floor.fills()
    assert floor.net("p") == "100"
    floor.buy("c", "90.09", "40")
    floor.oracle("91.5", span_ns=3 * SECOND)
    assert floor.net("p") == "60"
    order = floor.exchange.order_by_oid("p", fills_of(floor, "p")[0].oid)
    assert order is not None
    assert (ETH.px_text(order.order.px), order.status) == ("90.086", "canceled")


def test_a_large_position_goes_by_a_fifth_then_whole() -> None:
    """Above the threshold 20 % is sent first; for the 30 s after a partial liquidation orders are for everything."""
    floor = long_floor(VenuePolicy(liquidation_partial_above_usd=5_000 * USD))
    floor.buy("b", "91.4", "20")
    floor.buy("b", "91.3", "200")
    floor.oracle("91.5")
    assert floor.net("p") == "80"
    assert [ETH.sz_text(fill.sz) for fill in fills_of(floor, "p")] == ["20"]
    floor.oracle("91.4", span_ns=3 * SECOND)
    assert floor.net("p") == "0"


def test_after_the_cooldown_it_is_a_fifth_again() -> None:
    """Thirty seconds after the first part the second order is for a fifth of what is left."""
    floor = long_floor(VenuePolicy(liquidation_partial_above_usd=5_000 * USD))
    floor.buy("b", "91", "200")
    floor.oracle("91.5")
    assert floor.net("p") == "80"
    floor.oracle("91.3", span_ns=30 * SECOND)
    assert floor.net("p") == "64"


def test_the_vault_takes_over_at_the_price_that_carries_the_margin() -> None:
    """At 91 the value is 95.5, under two thirds of 182: sold to the vault at 91 - 0.955, nothing comes back."""
    floor = long_floor()
    floor.oracle("91")
    (event,) = liquidations(floor)
    assert (event.method, event.liquidator, event.surrendered_usd) == ("backstop", LIQUIDATOR, 0)
    mine, vault = fills_of(floor, "p"), fills_of(floor, LIQUIDATOR)
    assert [ETH.px_text(fill.px) for fill in mine + vault] == ["90.045", "90.045"]
    assert [fill.fee for fill in mine + vault] == [0, 0]
    assert floor.exchange.account("p").value_usd == 0
    held = floor.exchange.account(LIQUIDATOR)
    assert held.value_usd - 10_000_000 * USD == 95_500_000
    assert floor.net(LIQUIDATOR) == "100"


def test_the_vault_may_take_over_at_the_mark_and_be_given_the_margin() -> None:
    """The other policy: the fill is at 91 and the 95.5 change hands as money; the end is the same."""
    floor = long_floor(VenuePolicy(backstop_px="mark"))
    floor.oracle("91")
    (event,) = liquidations(floor)
    assert usd_to_str(event.surrendered_usd) == "95.5"
    assert [ETH.px_text(fill.px) for fill in fills_of(floor, "p")] == ["91"]
    assert floor.exchange.account("p").value_usd == 0
    assert floor.exchange.account(LIQUIDATOR).value_usd - 10_000_000 * USD == 95_500_000


def test_all_cross_positions_go_to_the_vault_together() -> None:
    """A gain on one asset counts for the loss on the other, and both are handed over with their share of the rest."""
    floor = long_floor()
    floor.sell("a", "100", "10", asset=5)
    floor.buy("p", "100", "10", Tif.IOC, asset=5)
    floor.oracle("91")
    (event,) = liquidations(floor)
    assert event.method == "backstop"
    assert dict(event.positions) == {4: 10_000, 5: 1_000}
    assert floor.exchange.account("p").positions == ()
    assert floor.exchange.account("p").value_usd >= 0
    assert {position.asset for position in floor.exchange.account(LIQUIDATOR).positions} == {4, 5}


def test_below_zero_the_winners_are_closed_at_the_previous_mark() -> None:
    """From 100 to 85 the value is -504.5, so "a" buys back at 100 and neither gains nor loses by it."""
    floor = long_floor()
    floor.oracle("85")
    (event,) = liquidations(floor)
    assert (event.method, event.surrendered_usd) == ("adl", 0)
    assert [ETH.px_text(fill.px) for fill in floor.fills()] == ["100", "100"]
    assert [fill.closed_pnl for fill in floor.fills()] == [0, 0]
    assert usd_to_str(floor.exchange.account("p").value_usd) == "995.5"
    assert floor.net("a") == "0"


def test_what_the_previous_mark_does_not_cover_is_the_vaults_loss() -> None:
    """At the mark itself (the other policy) 504.5 are missing: the vault pays them, and "a" has won 1500 less a fee."""
    floor = long_floor(VenuePolicy(adl_px="mark"))
    floor.oracle("85")
    (event,) = liquidations(floor)
    assert usd_to_str(event.surrendered_usd) == "-504.5"
    assert floor.exchange.account("p").value_usd == 0
    assert floor.exchange.account(LIQUIDATOR).value_usd == 10_000_000 * USD - 504_500_000
    assert floor.exchange.account("a").value_usd == 101_498_500_000


def test_the_most_leveraged_winner_goes_first() -> None:
    """Two shorts at the same entry: the one with less equity behind it is closed before the other."""
    floor = Floor()
    floor.fund("p", "1000")
    floor.fund("lean", "1000")
    floor.sell("a", "100", "60")
    floor.sell("lean", "100", "60")
    floor.buy("p", "100", "100", Tif.IOC)
    floor.buy("b", "100", "20", Tif.IOC)
    floor.oracle("85")
    assert (floor.net("p"), floor.net("lean"), floor.net("a")) == ("0", "0", "-20")


def test_a_vault_without_means_leaves_it_to_the_winners() -> None:
    """The vault must be able to hold what it takes: with one dollar and 95.5 it can't hold 100 ETH (182)."""
    floor = long_floor(VenuePolicy(liquidator_usd=Usd(USD)))
    floor.oracle("91")
    assert [event.method for event in liquidations(floor)] == ["adl"]
    assert floor.exchange.account(LIQUIDATOR).positions == ()


def test_a_vault_in_debt_is_deleveraged_itself() -> None:
    """The vault is not liquidated while it has anything, then closed against the winners at once."""
    floor = long_floor(VenuePolicy(liquidator_usd=Usd(100 * USD)))
    floor.oracle("91")
    assert floor.net(LIQUIDATOR) == "100"
    floor.oracle("90", span_ns=3 * SECOND)
    assert floor.net(LIQUIDATOR) == "100"
    floor.oracle("88", span_ns=3 * SECOND)
    assert floor.net(LIQUIDATOR) == "0"
    assert [event.user for event in liquidations(floor)] == [LIQUIDATOR]


def test_the_vault_takes_nothing_from_itself() -> None:
    """Liquidated on command, it is closed against the other side."""
    floor = long_floor()
    floor.oracle("91")
    floor.do(Liquidate(LIQUIDATOR, "backstop"))
    assert [event.method for event in liquidations(floor)] == ["adl"]
    assert floor.net(LIQUIDATOR) == "0"


def test_an_isolated_position_goes_alone_and_cross_is_untouched() -> None:
    """Margin 500 - 4.5: at 97 there are 195.5, above 194; at 96.5 the book takes it, and cross keeps its 500."""
    floor = long_floor(cross=False)
    cash = floor.exchange.account("p").cross_value_usd
    assert usd_to_str(cash) == "500"
    floor.oracle("97")
    assert floor.net("p") == "100"
    floor.buy("b", "96.3", "200")
    floor.oracle("96.5")
    (event,) = liquidations(floor)
    assert (event.method, event.is_cross, usd_to_str(event.value_usd)) == ("market", False, "145.5")
    left = floor.exchange.account("p")
    assert usd_to_str(left.value_usd) == usd_to_str(500 * USD + 145_500_000 - 20 * USD - 4_333_500)


def test_an_isolated_position_is_handed_over_alone() -> None:
    """At 96 its 95.5 are under two thirds of 192: the vault gets position and margin, cross keeps 500 to the cent."""
    floor = long_floor(cross=False)
    floor.oracle("96")
    (event,) = liquidations(floor)
    assert (event.method, event.is_cross) == ("backstop", False)
    assert usd_to_str(floor.exchange.account("p").value_usd) == "500"


def test_a_bad_close_is_followed_by_liquidation_at_once() -> None:
    """At 92 "p" holds on; selling 60 far below the mark costs 120, and what is left no longer holds 40 ETH."""
    floor = long_floor()
    floor.oracle("92")
    floor.buy("b", "89", "60")
    floor.buy("b", "88.9", "100")
    floor.sell("p", "89", "60", Tif.IOC)
    assert liquidations(floor)
    assert floor.net("p") == "0"


def test_a_close_that_would_leave_a_debt_does_not_fill() -> None:
    """Nobody may sell so far below the mark that the vault would have to pay."""
    floor = long_floor()
    floor.oracle("92")
    floor.buy("b", "60", "100")
    floor.sell("p", "60", "100", Tif.IOC)
    assert floor.net("p") == "100"


def test_liquidations_stand_in_the_ledger() -> None:
    """What `userNonFundingLedgerUpdates` tells: notional, account value, kind, positions."""
    floor = long_floor()
    floor.oracle("91")
    told = [event for event in floor.events if isinstance(event, LedgerChanged)]
    assert [(changed.user, changed.entry) for changed in told] == [
        ("p", Liquidation(Usd(9_100 * USD), Usd(95_500_000), True, ((4, 10_000),)))
    ]
