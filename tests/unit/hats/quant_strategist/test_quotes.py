"""From wishes to quotes to changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.quant_strategist.quotes import (
    Hysteresis,
    Place,
    Quote,
    Withdraw,
    crossed_by,
    diff,
    quotes_from,
    short_of_crossing,
    withdrawals,
)
from hats.quant_strategist.strategies.decision import Wish
from hats.quant_strategist.working import WorkingOrder
from shared.ids import StrategyId, cloid_for
from shared.instrument import Instrument
from shared.messages.signal import FeatureUpdate
from shared.order import OrderState, Side, Tif
from shared.units import Ns, Px, Rounding, Sz, round_to_multiple, tick_at

BTC = Instrument("BTC", 0, 3, 50)
KEEP = Hysteresis(ticks=1, size_share=0.25, cancel_retry_ns=1_000)
MM = StrategyId("mm")


def features(bid: int = 49_999_000, ask: int = 50_001_000) -> FeatureUpdate:
    """A BTC book."""
    mid = (bid + ask) / 2_000
    ns = Ns(1)
    return FeatureUpdate("BTC", ns, ns, Px(bid), Px(ask), mid, mid, 0.4, 1e6, 1e6, 0.0, 0.0, 1e4, 1.0, 1.0)


def quote(side: Side = Side.BUY, px: int = 49_990_000, sz: int = 100, tif: Tif = Tif.ALO) -> Quote:
    """A wish on ticks."""
    return Quote(side, Px(px), Sz(sz), tif, reduce_only=False)


def order(
    n: int = 1,
    side: Side = Side.BUY,
    px: int = 49_990_000,
    sz: int = 100,
    state: OrderState = OrderState.RESTING,
    tif: Tif = Tif.ALO,
) -> WorkingOrder:
    """A working order."""
    return WorkingOrder(cloid_for(1, 0, n), MM, "BTC", side, Px(px), Sz(sz), tif, reduce_only=False, state=state)


def changes(wanted: list[Quote], working: list[WorkingOrder]) -> list[Place | Withdraw]:
    """What `diff` says at 10."""
    return diff(wanted, working, KEEP, Ns(10), 3)


def test_wishes_are_rounded_away_from_the_market_and_never_take() -> None:
    """Bids down, asks up, lots down; a wish through the book stops one tick short."""
    bid, ask = quotes_from(Wish(49_990.7, 0.0129, 50_010.2, 0.02), features(), BTC, Tif.ALO, None)
    assert bid == quote(Side.BUY, 49_990_000, 12)
    assert ask == quote(Side.SELL, 50_011_000, 20)
    bid, ask = quotes_from(Wish(50_005.0, 0.1, 50_006.0, 0.1), features(), BTC, Tif.ALO, None)
    assert (bid.px, ask.px) == (50_000_000, 50_006_000)
    bid, ask = quotes_from(Wish(49_980.0, 0.1, 49_990.0, 0.1), features(), BTC, Tif.ALO, None)
    assert (bid.px, ask.px) == (49_980_000, 50_000_000)


def test_too_small_is_left_out() -> None:
    """Below ten USDC there is no quote, whatever the side."""
    assert quotes_from(Wish(49_990.0, 0.0001, 50_010.0, 0.0), features(), BTC, Tif.ALO, None) == []


def test_reducing_leaves_only_what_reduces() -> None:
    """Long 15 lots: no bid, and an ask of at most 15, reduce-only; a last crumb may be closed whole."""
    wish = Wish(49_990.0, 0.1, 50_010.0, 0.1)
    assert quotes_from(wish, features(), BTC, Tif.ALO, 15) == [
        Quote(Side.SELL, Px(50_010_000), Sz(15), Tif.ALO, reduce_only=True)
    ]
    assert quotes_from(wish, features(), BTC, Tif.ALO, 0) == []
    cheap = Instrument("X", 1, 3, 5)
    (crumb,) = quotes_from(Wish(5.0, 1.0, 5.1, 1.0), features(5_000, 5_001), cheap, Tif.IOC, -1_000)
    assert (crumb.side, crumb.sz) == (Side.BUY, 1_000)


@given(st.integers(10_001, 10_000_000), st.integers(1, 100), st.sampled_from(list(Side)), st.integers(1, 20_000_000))
def test_add_only_prices_are_valid_and_rest(bid_ticks: int, spread: int, side: Side, wish_px: int) -> None:
    """For any book on ticks and any valid wish the price is on a tick and does not touch the other side."""
    bid, ask = _book_on_ticks(bid_ticks, spread)
    wished = BTC.px_on_tick(wish_px / 1_000 + 1.0, _away(side))
    px = short_of_crossing(side, wished, features(bid, ask), 3)
    assert BTC.is_on_tick(px)
    assert px < ask if side is Side.BUY else px > bid


def _book_on_ticks(bid_px: int, spread_ticks: int) -> tuple[int, int]:
    bid = round_to_multiple(bid_px, tick_at(bid_px, 3), Rounding.DOWN)
    ask = bid
    for _ in range(spread_ticks):
        ask += tick_at(ask, 3)
    return bid, ask


def _away(side: Side) -> Rounding:
    return Rounding.DOWN if side is Side.BUY else Rounding.UP


def test_an_empty_side_is_filled_and_a_good_one_left_alone() -> None:
    """Nothing there: place. Within a tick and a quarter of the size: nothing to do."""
    assert changes([quote()], []) == [Place(quote(), None)]
    assert changes([quote(px=49_991_000, sz=80)], [order()]) == []


def test_a_resting_quote_that_is_off_is_replaced() -> None:
    """Two ticks away, or half the size: one replace, no cancel."""
    for wish in (quote(px=49_992_000), quote(sz=50), quote(sz=200)):
        assert changes([wish], [order()]) == [Place(wish, order().cloid)]


def test_nothing_is_done_while_something_is_under_way() -> None:
    """Every state but resting and partially filled makes its side wait; the other side is free.

    A quote whose replacement is under way is such a side: both orders are there.
    """
    away = quote(px=49_000_000)
    for state in (OrderState.NEW, OrderState.PENDING_SUBMIT, OrderState.PENDING_MODIFY, OrderState.UNKNOWN):
        assert changes([away], [order(state=state)]) == []
        ask = quote(Side.SELL, 50_010_000)
        assert changes([away, ask], [order(state=state)]) == [Place(ask, None)]
    assert changes([away], [order(), order(2, state=OrderState.NEW)]) == []


def test_what_cannot_be_modified_is_cancelled_first() -> None:
    """A resting GTC order is withdrawn, not replaced; a cancel that changed nothing is repeated."""
    resting = order(tif=Tif.GTC)
    assert changes([quote(px=49_000_000)], [resting]) == [Withdraw(resting.cloid)]
    resting.cancel_ns = Ns(1)
    assert changes([quote(px=49_000_000)], [resting]) == []
    assert diff([quote()], [resting], KEEP, Ns(2_000), 3) == [Withdraw(resting.cloid)]


def test_two_orders_on_a_side_become_one() -> None:
    """The first stays for now, the rest goes."""
    assert changes([quote()], [order(1), order(2), order(3)]) == [Withdraw(order(2).cloid), Withdraw(order(3).cloid)]


def test_an_unwanted_side_is_withdrawn() -> None:
    """No wish, no order."""
    assert changes([], [order()]) == [Withdraw(order().cloid)]
    assert withdrawals([order(state=OrderState.NEW)], KEEP, Ns(1)) == []


def test_own_orders_in_the_way_are_found() -> None:
    """A buy at or above our own ask would trade with it; below it would not, nor with an IOC that never rests."""
    ask = order(2, Side.SELL, 50_010_000)
    assert crossed_by(Place(quote(px=50_010_000), None), [ask]) == [ask]
    assert crossed_by(Place(quote(px=50_009_000), None), [ask, order()]) == []
    assert crossed_by(Place(quote(px=50_010_000), None), [order(2, Side.SELL, 50_010_000, tif=Tif.IOC)]) == []
