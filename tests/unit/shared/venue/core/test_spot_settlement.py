"""Spot fills: tokens move, the fee is withheld from what comes in, the cost follows."""

from __future__ import annotations

from shared.rules.fees import FeeRates
from shared.rules.market_fees import MarketFees
from shared.units import MINUTE, Ns, Px, Sz
from shared.venue.core.commands import IssueToken, OrderSpec, PassTime, PlaceOrders, Tif
from shared.venue.core.events import FillHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_spot
from shared.venue.core.outcomes import Filled
from shared.venue.core.tokens import USDC, Token
from tests.unit.shared.venue.core.spot_floor import HYPE, HYPE_ASSET, PURR, PURR_ASSET, START_NS, SpotFloor


def test_a_taker_buys_and_pays_in_the_base_token() -> None:
    """1 coin at 249.99: fee 0.0007 of it, 0.9993 kept, entry notional 249.99, as recorded of USOL."""
    floor = SpotFloor(mark="250")
    floor.sell("b", "249.99", "1")
    status = floor.buy("a", "249.99", "1", Tif.IOC)
    assert isinstance(status, Filled)
    assert status.avg_px_text == "249.99"
    taker, maker = floor.fills()
    assert taker.spot is not None
    assert (taker.spot.fee_token, HYPE.text(taker.spot.fee_wei)) == ("HYPE", "0.0007")
    assert HYPE.text(taker.spot.start_wei) == "1000"
    assert floor.has("a", HYPE) == ("1000.9993", "0", "249.99")
    assert floor.has("a", USDC) == ("750.01", "0", "0")
    assert maker.spot is not None
    assert (maker.spot.fee_token, USDC.text(maker.spot.fee_wei)) == ("USDC", "0.099996")
    assert floor.has("b", USDC) == ("1249.890004", "0", "0")


def test_the_recorded_account_is_reached_step_by_step() -> None:
    """Buy 0.5 HYPE at 100 and sell 0.25: 0.24965 left with entryNtl 24.982487, as recorded for 0.24965 HYPE."""
    floor = SpotFloor()
    floor.give("c", USDC, "100")
    floor.sell("b", "100", "0.5")
    floor.buy("c", "100", "0.5", Tif.IOC)
    assert floor.has("c", HYPE) == ("0.49965", "0", "50")
    floor.buy("b", "100", "0.25")
    floor.sell("c", "100", "0.25", Tif.IOC)
    total, _, entry = floor.has("c", HYPE)
    assert (total, entry[:9]) == ("0.24965", "24.982487")
    sold = floor.fills()[0]
    assert sold.spot is not None
    assert USDC.text(sold.spot.fee_wei) == "0.0175"
    assert USDC.text(sold.spot.closed_pnl_e8) == "-0.01751226"


def test_a_fee_in_a_coarse_token_is_truncated_to_its_wei() -> None:
    """100 PURR at 0.30001: quote fee 0.0210007, over the price 0.07 PURR less dust, truncated to 5 decimals."""
    floor = SpotFloor()
    floor.sell("b", "0.30001", "100", asset=PURR_ASSET)
    floor.buy("a", "0.30001", "100", Tif.IOC, asset=PURR_ASSET)
    taker = floor.fills()[0]
    assert taker.spot is not None
    assert taker.spot.fee_decimals == 5
    assert PURR.text(taker.spot.fee_wei) == "0.07"
    assert floor.has("a", PURR)[0] == "1099.93"


def test_a_maker_s_rates_are_the_maker_s() -> None:
    """A resting buyer pays 0.040 % of what it receives."""
    floor = SpotFloor()
    floor.buy("a", "100", "1")
    floor.sell("b", "100", "1", Tif.IOC)
    taker, maker = floor.fills()
    assert taker.spot is not None
    assert maker.spot is not None
    assert (USDC.text(taker.spot.fee_wei), HYPE.text(maker.spot.fee_wei)) == ("0.07", "0.0004")


def test_a_rebate_is_paid_in_the_token_received() -> None:
    """A negative maker rate adds to the seller's proceeds and takes from the house."""
    floor = SpotFloor()
    account = floor.exchange._world.accounts.by_user["b"]
    account.spot_rates = FeeRates(250_000, -10_000)
    floor.sell("b", "100", "1")
    floor.buy("a", "100", "1", Tif.IOC)
    assert floor.has("b", USDC)[0] == "1100.001"
    assert floor.exchange.treasury()[0] == (USDC.wei("2000"), USDC.wei("-0.001"))


def test_holds_follow_the_resting_orders() -> None:
    """A bid holds its notional, an ask its size; fills and cancels give back exactly their part."""
    floor = SpotFloor()
    floor.buy("a", "99.5", "2")
    floor.sell("a", "101", "3.5")
    assert floor.has("a", USDC) == ("1000", "199", "0")
    assert floor.has("a", HYPE)[1] == "3.5"
    floor.sell("b", "99.5", "0.5", Tif.IOC)
    assert floor.has("a", USDC)[1] == "149.25"
    for order in floor.exchange.open_orders("a"):
        floor.cancel("a", order.oid)
    assert (floor.has("a", USDC)[1], floor.has("a", HYPE)[1]) == ("0", "0")


def test_a_better_price_gives_the_difference_back() -> None:
    """A limit of 105 that trades at 100 spends 100; what rests holds 105 a coin."""
    floor = SpotFloor()
    floor.sell("b", "100", "1")
    floor.buy("a", "105", "2")
    assert floor.has("a", USDC) == ("900", "105", "0")


def test_trading_with_oneself_cancels_the_resting_order() -> None:
    """No print, no fee; the held tokens are free again."""
    floor = SpotFloor()
    floor.sell("a", "100", "1")
    floor.buy("a", "100", "1")
    assert floor.changes() == [(1, "selfTradeCanceled"), (2, "open")]
    assert not floor.fills()
    assert floor.has("a", HYPE)[1] == "0"


def test_spot_markets_have_marks_and_no_funding() -> None:
    """The mark follows the mid, then the last trade; an hour pays nothing."""
    floor = SpotFloor(mark=None)
    assert floor.exchange.mark(HYPE_ASSET) == 0
    floor.sell("b", "101", "1")
    floor.buy("a", "99", "1")
    floor.sell("b", "110", "1")
    floor.buy("b", "90", "1")
    floor.do(PassTime(), 61 * MINUTE)
    assert floor.exchange.mark(HYPE_ASSET) == floor.instruments[HYPE_ASSET].px("100")
    assert not floor.exchange.fundings("a")
    assert not floor.exchange.funding_history(HYPE_ASSET)


def test_a_pair_of_stable_tokens_costs_a_fifth() -> None:
    """Fact sheet 7: x 0.2 where both are quote tokens; 50 x 0.00014 falls a wei short of 0.007 in doubles."""
    stable = Token("USDH", 360, 2, 8, "0x03")
    listing = list_spot(SpotPair(230, stable, USDC), MarketFees(is_stable_pair=True))
    exchange = Exchange([listing], start_ns=START_NS)
    for user in ("a", "b"):
        for token in (USDC, stable):
            exchange.apply(IssueToken(user, token.index, token.wei("100")), Ns(START_NS))
    px, sz = Px(listing.instrument.px("1")), Sz(listing.instrument.sz("50"))
    for user, is_buy in (("a", False), ("b", True)):
        outcome = exchange.apply(PlaceOrders(user, (OrderSpec(10_230, is_buy, px, sz, False, Tif.GTC),)), Ns(START_NS))
    taker = next(event for event in outcome.events if isinstance(event, FillHappened))
    assert taker.spot is not None
    assert stable.text(taker.spot.fee_wei) == "0.00699999"


def test_volume_counts_once_for_ever_and_twice_for_the_tier() -> None:
    """10.019 USDC: all of it, and 2 x 10.01 of the day (fact sheet 7)."""
    floor = SpotFloor()
    floor.sell("b", "100.19", "0.1")
    floor.buy("a", "100.19", "0.1", Tif.IOC)
    account = floor.exchange._world.accounts.by_user["a"]
    assert (account.volume_usd, account.day_cross_usd, account.day_add_usd) == (10_019_000, 20_020_000, 0)
