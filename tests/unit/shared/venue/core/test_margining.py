"""Isolated margin: what moves at open and close, by hand, with every refusal's exact text (fact sheet 2.7, 5.1)."""

from __future__ import annotations

from shared.instrument import Instrument
from shared.rules.margin import single_tier
from shared.units import HOUR, SECOND, USD, Ns, Px, Sz, Usd, usd_to_str
from shared.venue.core.commands import (
    Deposit,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
    TopUpIsolatedMargin,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode, list_perp
from shared.venue.core.rulings import OverridePremium
from shared.venue.core.views import AccountView, PositionView
from shared.venue.door import account_shapes
from tests.unit.shared.venue.core.floor import ETH, SOL, START_NS, Floor

CROSS_DECREASE = (
    "Cross position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, deposit more collateral."
)
ISOLATED_DECREASE = (
    "Isolated position does not have sufficient margin available to decrease leverage. "
    "To decrease leverage, add margin to the position."
)
NO_REMOVAL = "Cannot remove isolated margin for this asset. To remove margin, reduce the position."


def isolated_floor(sz: str = "100", leverage: int = 20) -> Floor:
    """User "p" has 1000 USDC and is long `sz` ETH at 100 on isolated margin, against "a"."""
    floor = Floor()
    floor.fund("p", "1000")
    assert floor.leverage("p", leverage, is_cross=False) is None
    floor.sell("a", "100", sz)
    floor.buy("p", "100", sz, Tif.IOC)
    return floor


def only(view: AccountView) -> PositionView:
    """The one position."""
    (position,) = view.positions
    return position


def margin(floor: Floor, usd: int, user: str = "p") -> str | None:
    """Error of moving `usd` whole dollars into the position."""
    return floor.do(UpdateIsolatedMargin(user, 4, usd * USD)).error


def top_up(floor: Floor, leverage_e6: int) -> str | None:
    """Error of topping up to a leverage."""
    return floor.do(TopUpIsolatedMargin("p", 4, leverage_e6)).error


def test_opening_moves_margin_out_of_cross() -> None:
    """100 ETH at 100 and 20x: 500 leave cross, the fee of 4.5 is the position's; rawUsd = 495.5 - 10000."""
    view = isolated_floor().exchange.account("p")
    assert (view.cross_value_usd, view.cross_notional_usd, view.maintenance_usd) == (500 * USD, 0, 0)
    assert (view.value_usd, view.notional_usd, view.margin_used_usd) == (995_500_000, 10_000 * USD, 495_500_000)
    position = only(view)
    assert not position.is_cross
    assert (usd_to_str(position.margin_used_usd), usd_to_str(position.raw_usd)) == ("495.5", "-9504.5")
    assert view.raw_usd == view.cross_raw_usd + position.raw_usd


def test_closing_a_part_returns_that_part_of_the_margin() -> None:
    """Forty of a hundred sold at 101: 40 % of 495.5, a gain of 40, less a fee of 1.818, go to cross."""
    floor = isolated_floor()
    floor.buy("b", "101", "40")
    floor.sell("p", "101", "40", Tif.IOC)
    view = floor.exchange.account("p")
    assert usd_to_str(view.cross_value_usd) == usd_to_str(500 * USD + 198_200_000 + 40 * USD - 1_818_000)
    assert usd_to_str(only(view).raw_usd) == usd_to_str(297_300_000 - 6_000 * USD)


def test_closing_all_returns_all() -> None:
    """Nothing stays behind in the pocket."""
    floor = isolated_floor()
    floor.buy("b", "99", "100")
    floor.sell("p", "99", "100", Tif.IOC)
    view = floor.exchange.account("p")
    assert (view.positions, usd_to_str(view.cross_value_usd)) == ((), usd_to_str(995_500_000 - 100 * USD - 4_455_000))


def test_a_flip_closes_and_opens() -> None:
    """150 sold at 100: the long's margin comes back, 50 x 100 / 20 go into the short."""
    floor = isolated_floor()
    floor.buy("b", "100", "150")
    floor.sell("p", "100", "150", Tif.IOC)
    view = floor.exchange.account("p")
    assert only(view).net_sz == -5_000
    assert usd_to_str(only(view).margin_used_usd) == "250"
    assert usd_to_str(view.cross_value_usd) == usd_to_str(995_500_000 - 250 * USD - 6_750_000)


def test_isolated_gains_are_not_for_others() -> None:
    """A cross gain may carry new orders; an isolated one may not until it is closed."""
    for cross, allowed in ((True, True), (False, False)):
        floor = Floor()
        floor.fund("p", "501")
        floor.leverage("p", 20, is_cross=cross)
        floor.sell("a", "100", "90")
        floor.buy("p", "100", "90", Tif.IOC)
        floor.oracle("120")
        free = floor.exchange.trade_view("p", 5).available_usd[0]
        assert (free > 500 * USD) == allowed


def test_funding_is_paid_from_where_the_margin_lies() -> None:
    """One hour of the least rate on 10,000: 0.125 out of the position's margin, nothing out of cross."""
    floor = isolated_floor()
    floor.do(OverridePremium(4, 0))
    before = floor.exchange.account("p")
    floor.oracle("100", span_ns=HOUR)
    after = floor.exchange.account("p")
    (paid,) = floor.exchange.fundings("p")
    assert paid.usd < 0
    assert after.cross_raw_usd == before.cross_raw_usd
    assert only(after).raw_usd == only(before).raw_usd + paid.usd


def test_the_kind_changes_only_when_flat() -> None:
    """Both ways refused with a position, allowed without."""
    floor = isolated_floor()
    assert floor.leverage("p", 20) == "Cannot switch leverage type with open position."
    assert floor.leverage("a", 20, is_cross=False) == "Cannot switch leverage type with open position."
    assert floor.leverage("b", 20, is_cross=False) is None
    assert floor.leverage("b", 10) is None


def test_lower_leverage_must_be_covered_by_the_position_itself() -> None:
    """495.5 carry 10,000 at 20.18x: 20 is refused as well as 19; with 100 more, 19 and 17 are covered, 16 is not."""
    floor = isolated_floor()
    assert floor.leverage("p", 25, is_cross=False) is None
    assert floor.leverage("p", 20, is_cross=False) == ISOLATED_DECREASE
    assert floor.leverage("p", 19, is_cross=False) == ISOLATED_DECREASE
    assert margin(floor, 100) is None
    assert floor.leverage("p", 19, is_cross=False) is None
    assert floor.leverage("p", 17, is_cross=False) is None
    assert floor.leverage("p", 16, is_cross=False) == ISOLATED_DECREASE


def test_lower_cross_leverage_counts_resting_orders() -> None:
    """1000 carry 10,000 of position and orders at 10x and no less."""
    floor = Floor()
    floor.fund("p", "1000")
    floor.buy("p", "99", "100")
    assert floor.leverage("p", 10) is None
    assert floor.leverage("p", 9) == CROSS_DECREASE


def test_resting_orders_on_isolated_margin_reserve_cross() -> None:
    """An order for 100 ETH at 20x speaks for 500; the same again needs more than what is left beside it."""
    floor = Floor()
    floor.fund("p", "999")
    floor.leverage("p", 20, is_cross=False)
    floor.buy("p", "99", "100")
    assert floor.exchange.account("p").available_usd == 499 * USD
    refused = floor.buy("p", "98", "100")
    assert getattr(refused, "error", "") == "Insufficient margin to place order. asset=4"


def test_margin_may_be_added_and_removed() -> None:
    """100 in and 95 out again; what stays must be the initial margin and a tenth of the position."""
    floor = isolated_floor(leverage=5)
    assert usd_to_str(floor.exchange.account("p").cross_value_usd) == "1000"
    floor = isolated_floor("20", 5)
    assert margin(floor, 100) is None
    assert only(floor.exchange.account("p")).margin_used_usd == 499_100_000
    assert margin(floor, -99) is None
    assert margin(floor, -1) == "Position does not have sufficient margin for reduction."


def test_a_tenth_of_the_position_must_stay() -> None:
    """At 25x initial margin is 4 %, but margin leaves only down to 10 % of the 10,000."""
    floor = Floor()
    floor.fund("p", "3000")
    floor.leverage("p", 25, is_cross=False)
    floor.sell("a", "100", "100")
    floor.buy("p", "100", "100", Tif.IOC)
    assert margin(floor, 700) is None
    assert margin(floor, -96) == "Position does not have sufficient margin for reduction."
    assert margin(floor, -95) is None


def test_margin_texts() -> None:
    """Each refusal of `updateIsolatedMargin` in the venue's words."""
    floor = isolated_floor()
    assert margin(floor, 0) == "Update to isolated margin cannot be zero."
    assert margin(floor, 501) == "Account does not have sufficient margin available for increase."
    assert margin(floor, 1, "a") == "Position does not use isolated margin."
    floor.leverage("b", 20, is_cross=False)
    assert margin(floor, 1, "b") == "Cannot update margin for empty position."
    assert margin(floor, 1, "stranger") == "Must deposit before performing actions. User: stranger"
    assert floor.do(UpdateIsolatedMargin("p", 77, 1)).error == "Unknown asset asset=77"


def test_topping_up_reaches_the_target_leverage() -> None:
    """10,000 at 12.5x asks for 800: 304.5 are added; the same again adds nothing, which is refused."""
    floor = isolated_floor()
    assert top_up(floor, 12_500_000) is None
    assert only(floor.exchange.account("p")).margin_used_usd == 800 * USD
    assert top_up(floor, 12_500_000) == "Update to isolated margin cannot be zero."
    assert top_up(floor, 0) == "Invalid leverage value"
    assert top_up(floor, 5_000_000) == "Account does not have sufficient margin available for increase."


def strict(mode: MarginMode) -> Floor:
    """A floor whose ETH allows no cross margin, "p" long 10 of it with margin to spare."""
    floor = Floor()
    listings = [list_perp(ETH, margin_mode=mode), list_perp(SOL)]
    floor.exchange = Exchange(listings, start_ns=START_NS)
    for user in ("a", "p"):
        floor.fund(user, "10000")
    for asset in (4, 5):
        floor.oracle("100", asset)
    floor.sell("a", "100", "10")
    floor.buy("p", "100", "10", Tif.IOC)
    assert margin(floor, 500) is None
    return floor


def test_assets_without_cross_margin() -> None:
    """Isolated from the start; never cross; margin leaves a strict one only as the position is reduced."""
    for mode, removal in ((MarginMode.NO_CROSS, None), (MarginMode.STRICT_ISOLATED, NO_REMOVAL)):
        floor = strict(mode)
        assert not only(floor.exchange.account("p")).is_cross
        assert floor.leverage("p", 5) == "Cross margin is not allowed for this asset."
        assert margin(floor, -100) == removal


def test_what_may_still_be_traded() -> None:
    """Flat: free x leverage both ways. With a long, selling also frees what the long uses, twice over when it flips."""
    floor = Floor()
    floor.fund("p", "1000")
    view = floor.exchange.trade_view("p", 4)
    assert (view.available_usd, view.max_szs) == ((1_000 * USD, 1_000 * USD), (20_000, 20_000))
    floor.sell("a", "100", "100")
    floor.buy("p", "100", "100", Tif.IOC)
    view = floor.exchange.trade_view("p", 4)
    assert view.available_usd == (495_500_000, 1_495_500_000)
    assert view.max_szs == (9_910, 29_910)
    stranger = floor.exchange.trade_view("stranger", 4)
    assert (stranger.leverage, stranger.available_usd) == (20, (0, 0))


def test_the_documented_sample() -> None:
    """`clearinghouseState` of the documentation's isolated ETH position, to the last digit (fact sheet 1.5, 5.4)."""
    coin = Instrument("ETH", 0, 4, 50)
    exchange = Exchange([list_perp(coin, single_tier(50))], start_ns=START_NS)
    # 5.002052 go in at open and 0.045018 of it pay the fee; 0.024192 are added to stand where the sample stands.
    exchange.apply(Deposit("u", Usd(13_109_540_746)), Ns(START_NS))
    exchange.apply(Deposit("maker", Usd(1_000 * USD)), Ns(START_NS))
    exchange.apply(SetPrices(0, coin.px("2986.3")), Ns(START_NS))
    exchange.apply(UpdateLeverage("u", 0, 20, False), Ns(START_NS))
    for user, is_buy, tif in (("maker", False, Tif.GTC), ("u", True, Tif.IOC)):
        order = OrderSpec(0, is_buy, Px(coin.px("2986.3")), Sz(335), False, tif)
        exchange.apply(PlaceOrders(user, (order,)), Ns(START_NS))
    assert exchange.apply(UpdateIsolatedMargin("u", 0, 24_192), Ns(START_NS)).error is None
    now = Ns(START_NS + SECOND)
    exchange.apply(SetPrices(0, coin.px("2985.9")), now)
    state = account_shapes.clearinghouse_state(exchange, "u", now)
    assert state["marginSummary"] == {
        "accountValue": "13109.482328",
        "totalNtlPos": "100.02765",
        "totalRawUsd": "13009.454678",
        "totalMarginUsed": "4.967826",
    }
    assert state["crossMarginSummary"] == {
        "accountValue": "13104.514502",
        "totalNtlPos": "0.0",
        "totalRawUsd": "13104.514502",
        "totalMarginUsed": "0.0",
    }
    assert (state["crossMaintenanceMarginUsed"], state["withdrawable"]) == ("0.0", "13104.514502")
    position = state["assetPositions"][0]["position"]
    assert position["leverage"] == {"type": "isolated", "value": 20, "rawUsd": "-95.059824"}
    shown = {key: position[key] for key in ("coin", "szi", "entryPx", "positionValue", "unrealizedPnl")}
    assert shown == {
        "coin": "ETH", "szi": "0.0335", "entryPx": "2986.3", "positionValue": "100.02765", "unrealizedPnl": "-0.0134",
    }  # fmt: skip
    assert position["liquidationPx"] == "2866.26936529"
    assert (position["marginUsed"], position["maxLeverage"]) == ("4.967826", 50)
    assert position["returnOnEquity"] == "-0.0026789"
