"""Every limit: what is equal to it passes, the next lot, tick or millisecond is denied with its evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.ids import FLATTEN, cloid_for
from shared.instrument import Instrument
from shared.messages.market import CaptureState, CaptureStatus, FeedState, FeedStatus, UniverseUpdate, VenueClockTold
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.messages.signal import OrderIntent, Regime, RegimeUpdate
from shared.order import OrderState, Side
from shared.units import DAY, MS, USD, Ns, Px
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    RUN,
    booked,
    changed,
    context,
    features,
    held,
    intent,
    judged,
    ledger,
    memory,
    officer,
    say,
)


@pytest.mark.parametrize(
    ("limit", "reason", "at", "beyond", "found"),
    [
        ({"order_limit_usd": 100}, DenyReason.ORDER_NOTIONAL, 100, 101, 101 * USD),
        ({"position_limit_usd": 100}, DenyReason.POSITION_LIMIT, 100, 101, 101 * USD),
        ({"position_limits_usd": {"AAA": 50}}, DenyReason.POSITION_LIMIT, 50, 51, 51 * USD),
        ({"gross_limit_usd": 100}, DenyReason.GROSS_EXPOSURE, 100, 101, 101 * USD),
        ({"equity_usd": 50, "leverage_limit_percent": 200}, DenyReason.LEVERAGE, 100, 101, 202),
        ({}, DenyReason.BELOW_MIN_NOTIONAL, 10, 9, 9 * USD),
        ({}, DenyReason.BAD_SIZE, 10, 0, 0),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_size_limits(limit: dict[str, Any], reason: DenyReason, at: int, beyond: int, found: int, side: Side) -> None:
    """A size at the limit passes on either side; a lot more is denied, reserves nothing and says what was found."""
    hat = officer(**limit)
    before = memory(hat)
    denial = judged(hat, intent(1, side, beyond))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.found) == (reason, found)
    assert memory(hat) == before
    assert isinstance(judged(hat, intent(2, side, at)), OrderApproved)


@pytest.mark.parametrize("side", list(Side))
def test_worst_cases_count_everything_open(side: Side) -> None:
    """Position, open, unknown and replaced orders of one side add up; what is proven gone does not count."""
    hat = officer(position_limit_usd=100)
    held(hat, side, 30, 1)
    first, second = intent(2, side, 30), intent(3, side, 40, replaces=cloid_for(RUN, 1, 2))
    assert isinstance(judged(hat, first), OrderApproved)
    say(hat, changed(first, OrderState.UNKNOWN))
    assert isinstance(judged(hat, second), OrderApproved)
    denial = judged(hat, intent(4, side, 10))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.POSITION_LIMIT, 100 * USD, 110 * USD)
    say(hat, changed(first, OrderState.CANCELLED))
    assert isinstance(judged(hat, intent(5, side, 30)), OrderApproved)
    assert isinstance(judged(hat, intent(6, side, 10)), OrderDenied)


def test_gross_counts_the_worse_side_of_every_coin() -> None:
    """Opposite open orders of one coin do not add up; those of two coins do."""
    hat = officer(gross_limit_usd=100)
    assert isinstance(judged(hat, intent(1, Side.BUY, 60, PX - 1_000)), OrderApproved)
    assert isinstance(judged(hat, intent(2, Side.SELL, 60, PX + 1_000)), OrderApproved)
    denial = judged(hat, intent(3, Side.SELL, 41, coin="BBB"))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.found) == (DenyReason.GROSS_EXPOSURE, 101 * USD)
    assert isinstance(judged(hat, intent(4, Side.SELL, 40, coin="BBB")), OrderApproved)


def test_what_cannot_be_valued_denies() -> None:
    """A coin that is held but has no price makes the gross exposure unknown, and unknown is no."""
    hat = officer()
    hat.state.exposure("CCC").move(5)
    denial = judged(hat, intent(1))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.GROSS_EXPOSURE
    assert "CCC" in denial.detail


def test_turbulence_tightens_the_position_limit() -> None:
    """In a turbulent regime only the configured share of the limit holds, and positions over it may be brought down."""
    hat = officer(position_limit_usd=100, turbulent_scale_percent=50)
    held(hat, Side.BUY, 80, 1)
    say(hat, RegimeUpdate("AAA", NOW, 1, Regime.TURBULENT, (0.0, 0.0, 1.0), 1.0))
    assert isinstance(judged(hat, intent(2, Side.BUY, 10)), OrderDenied)
    assert isinstance(judged(hat, intent(3, Side.SELL, 130)), OrderApproved)
    assert isinstance(judged(hat, intent(4, Side.SELL, 10)), OrderDenied)
    say(hat, RegimeUpdate("AAA", NOW, 1, Regime.CALM, (1.0, 0.0, 0.0), 1.0))
    assert isinstance(judged(hat, intent(5, Side.BUY, 20)), OrderDenied), "crosses our own resting sell"
    assert isinstance(judged(hat, intent(6, Side.BUY, 20, PX - 100)), OrderApproved)


@pytest.mark.parametrize("sign", [1, -1])
def test_price_collars(sign: int) -> None:
    """A price at the collar around mid or oracle passes; a tick further is denied."""
    hat = officer(price_collar_bps=100, oracle_collar_bps=50)
    edge = PX + sign * PX // 100
    say(hat, context(edge))
    assert isinstance(judged(hat, intent(1, px=edge)), OrderApproved)
    denial = judged(hat, intent(2, px=edge + sign * 100))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.PRICE_COLLAR, 100, 101)
    near, far = (995_025, 995_024) if sign > 0 else (1_005_025, 1_005_026)
    say(hat, context(near))
    assert isinstance(judged(hat, intent(3)), OrderApproved)
    say(hat, context(far))
    denial = judged(hat, intent(4))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.PRICE_COLLAR, 50, 51)


def test_an_oracle_that_stopped_holds_up_nothing_that_reduces() -> None:
    """A fresh oracle far off is a collar for both; an old one is none: what adds is denied and what reduces passes."""
    hat = officer(context_age_limit_ms=1_000, equity_age_limit_ms=10**6)
    held(hat, Side.BUY, 40, 1)
    say(hat, context(PX * 2))
    wish = intent(2, Side.SELL, 40, reduce_only=True)
    denial = judged(hat, wish)
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.PRICE_COLLAR
    later = Ns(NOW + 1_000 * MS + 1)
    say(hat, features(recv_ns=later), later)
    assert isinstance(judged(hat, intent(2, recv_ns=later), later), OrderDenied)
    assert isinstance(judged(hat, msgspec.structs.replace(wish, book_recv_ns=later), later), OrderApproved)


@pytest.mark.parametrize("whose", ["intent", "own"])
def test_age_of_data(whose: str) -> None:
    """A book at the age limit may be decided on; a nanosecond older may not, nor one from the future."""
    hat = officer(data_age_limit_ms=500)
    for number, age_ns, passes in ((1, 500 * MS, True), (2, 500 * MS + 1, False), (3, -500 * MS - 1, False)):
        say(hat, features(recv_ns=NOW - (age_ns if whose == "own" else 0)))
        answer = judged(hat, intent(number, recv_ns=NOW - (age_ns if whose == "intent" else 0)))
        assert isinstance(answer, OrderApproved) is passes
        assert passes or (isinstance(answer, OrderDenied) and answer.reason is DenyReason.STALE_DATA)


def test_a_feed_that_is_not_up_is_stale() -> None:
    """While the feed is down, stale, or doubts the coin nothing is decided on it, whatever the last book's age."""
    hat = officer()
    for number, state in enumerate(FeedState):
        say(hat, FeedStatus(state, 1, "test", NOW))
        answer = judged(hat, intent(number))
        assert isinstance(answer, OrderApproved) is (state is FeedState.UP)
    for number, (stale_coin, passes) in enumerate((("BBB", True), ("AAA", False)), 10):
        say(hat, FeedStatus(FeedState.UP, 1, "test", NOW, (stale_coin,)))
        answer = judged(hat, intent(number))
        assert isinstance(answer, OrderApproved) is passes


def test_what_is_not_written_down_is_not_entered() -> None:
    """While the log of frames is nearly full, full or dead no entry is approved; exits are, and all is without one."""
    hat = officer()
    for number, state in enumerate(CaptureState):
        say(hat, CaptureStatus(state, "test", 10, 0, 1_000, NOW))
        answer = judged(hat, intent(number))
        passes = state in (CaptureState.ON, CaptureState.OFF)
        assert isinstance(answer, OrderApproved) is passes
        assert passes or (isinstance(answer, OrderDenied) and answer.reason is DenyReason.NOT_CAPTURED)
    say(hat, CaptureStatus(CaptureState.ON, "test", 10, 0, 1_000, NOW))
    held(hat, Side.BUY, 100, 19)
    say(hat, CaptureStatus(CaptureState.DEAD, "test", 10, 0, 1_000, NOW))
    assert isinstance(judged(hat, intent(20, Side.SELL, 100, PX + 100, reduce_only=True)), OrderApproved)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (intent(1, px=PX + 50), DenyReason.BAD_PRICE),
        (intent(1, px=0), DenyReason.BAD_PRICE),
        (intent(1, px=-PX), DenyReason.BAD_PRICE),
        (intent(1, coin="ZZZ"), DenyReason.UNKNOWN_COIN),
        (intent(1, reduce_only=True), DenyReason.NOT_REDUCING),
    ],
)
def test_what_the_venue_would_not_take(wish: OrderIntent, reason: DenyReason) -> None:
    """Prices off the tick, unknown coins and reduce-only orders without a position never leave the house."""
    hat = officer()
    denial = judged(hat, wish)
    assert isinstance(denial, OrderDenied)
    assert denial.reason is reason


def test_delisted_coins_and_unseen_books() -> None:
    """A delisted coin is not traded, nor a listed one whose book nobody has seen."""
    hat = officer()
    listed = (Instrument("AAA", 0, 0, 50, is_delisted=True), Instrument("CCC", 2, 0, 50))
    say(hat, UniverseUpdate(listed, 4500, 1500, NOW))
    for coin, reason in (("AAA", DenyReason.UNKNOWN_COIN), ("CCC", DenyReason.STALE_DATA)):
        denial = judged(hat, intent(1, coin=coin))
        assert isinstance(denial, OrderDenied)
        assert denial.reason is reason


@pytest.mark.parametrize(("age_ms", "equity", "passes"), [(1_000, 100, True), (1_001, 100, False), (0, 0, False)])
def test_equity_must_be_known_fresh_and_positive(age_ms: int, equity: int, passes: bool) -> None:
    """Risk is added only on equity that is there and not older than its limit."""
    hat = officer(equity_usd=equity, equity_age_limit_ms=1_000)
    later = Ns(NOW + age_ms * MS)
    say(hat, features(recv_ns=later))
    answer = judged(hat, intent(1, recv_ns=later), later)
    assert isinstance(answer, OrderApproved) is passes
    assert passes or (isinstance(answer, OrderDenied) and answer.reason is DenyReason.NO_EQUITY)


def test_without_any_equity_only_reducing_passes() -> None:
    """An order that can only reduce needs no equity."""
    hat = officer()
    held(hat, Side.BUY, 40, 1)
    hat.state.equity_usd = None
    assert isinstance(judged(hat, intent(2)), OrderDenied)
    assert isinstance(judged(hat, intent(3, Side.SELL, 40, reduce_only=True)), OrderApproved)


def test_order_rate() -> None:
    """As many orders as the limit pass within the window; one more waits until the window has moved on."""
    hat = officer(order_rate_limit=3, order_rate_window_ms=1_000)
    answers = [judged(hat, intent(number)) for number in range(1, 5)]
    assert [isinstance(a, OrderApproved) for a in answers] == [True, True, True, False]
    later = Ns(NOW + 1_000 * MS)
    assert isinstance(judged(hat, intent(9), later), OrderApproved)


def test_open_orders() -> None:
    """As many orders as the limit may be open; ended ones make room."""
    hat = officer(open_orders_limit=2)
    first = intent(1)
    assert isinstance(judged(hat, first), OrderApproved)
    assert isinstance(judged(hat, intent(2)), OrderApproved)
    denial = judged(hat, intent(3))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.OPEN_ORDERS, 2, 3)
    say(hat, changed(first, OrderState.REJECTED))
    assert isinstance(judged(hat, intent(4)), OrderApproved)


def test_an_id_passes_once() -> None:
    """A repeated id, an older one of the same strategy and one of another run are denied; another strategy's is not."""
    hat = officer()
    assert isinstance(judged(hat, intent(5)), OrderApproved)
    for number in (5, 4):
        denial = judged(hat, intent(number))
        assert isinstance(denial, OrderDenied)
        assert denial.reason is DenyReason.DUPLICATE
    assert isinstance(judged(hat, intent(4, strategy_number=2)), OrderApproved)
    hat.state.run = RUN + 1
    denial = judged(hat, intent(6))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.DUPLICATE


@pytest.mark.parametrize("side", list(Side))
def test_self_match(side: Side) -> None:
    """An order that would trade with our own is denied; a tick away it passes, and so does its replacement."""
    hat, sign = officer(), side.value
    resting = intent(1, side.opposite)
    assert isinstance(judged(hat, resting), OrderApproved)
    denial = judged(hat, intent(2, side))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.SELF_MATCH
    assert isinstance(judged(hat, intent(3, side, px=PX - sign * 100)), OrderApproved)
    assert isinstance(judged(hat, intent(4, side, replaces=resting.cloid)), OrderApproved)


def test_reduce_only_closes_dust_and_no_more_than_there_is() -> None:
    """The whole position may be closed below the minimum notional; part of it may not, nor more than it."""
    hat = officer()
    held(hat, Side.SELL, 12, 1)
    assert isinstance(judged(hat, intent(3, Side.BUY, 13, reduce_only=True)), OrderDenied)
    assert isinstance(judged(hat, intent(4, Side.SELL, 12, reduce_only=True)), OrderDenied)
    hat.state.exposure("AAA").move(4)
    assert isinstance(judged(hat, intent(5, Side.BUY, 7, reduce_only=True)), OrderDenied)
    assert isinstance(judged(hat, intent(6, Side.BUY, 8, reduce_only=True)), OrderApproved)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [({"net_limit_usd": 100}, DenyReason.NET_EXPOSURE), ({"strategy_limit_usd": 150}, DenyReason.STRATEGY_CAPITAL),
     ({"funding_limit_bps": 1}, DenyReason.FUNDING_COST), ({"daily_volume_limit_usd": 151}, DenyReason.DAILY_VOLUME)],
)  # fmt: skip
@pytest.mark.parametrize("side", list(Side))
def test_what_is_open_on_one_side_hides_nothing_on_the_other(
    side: Side, limit: dict[str, int], reason: DenyReason
) -> None:
    """An order that opens a position is asked every limit, also where as much is open the other way already."""
    hat = officer(**limit)
    held(hat, side, 60, 1, coin="BBB")
    away = side.value * 1_000
    assert isinstance(judged(hat, intent(2, Side(-side.value), 60, PX + away)), OrderApproved)
    say(hat, msgspec.structs.replace(context(PX), funding_rate_e10=side.value * 2_000_000))
    denial = judged(hat, intent(3, side, 60, PX - away))
    assert isinstance(denial, OrderDenied), "as much is open the other way"
    assert denial.reason is reason
    say(hat, msgspec.structs.replace(context(PX), funding_rate_e10=0))
    assert isinstance(judged(hat, intent(4, side, 30, PX - away)), OrderApproved)


def test_what_the_house_closed_uses_up_no_strategys_capital() -> None:
    """Flattened by a kill or a stop, the strategy may hold as much as before; while something is left, it counts."""
    hat = officer(strategy_limit_usd=100)
    held(hat, Side.BUY, 100, 1)
    exit_ = intent(1, Side.SELL, 100, reduce_only=True, strategy=FLATTEN, strategy_number=0xFFFF)
    assert isinstance(judged(hat, exit_), OrderApproved)
    say(hat, booked(exit_, 90, 2))
    say(hat, changed(exit_, OrderState.PARTIALLY_FILLED, 90))
    assert isinstance(judged(hat, intent(2, px=PX - 1_000)), OrderDenied)
    say(hat, booked(exit_, 10, 3))
    say(hat, changed(exit_, OrderState.FILLED, 100))
    assert isinstance(judged(hat, intent(3, sz=100)), OrderApproved)


def test_nothing_is_added_on_an_equity_that_counts_by_an_old_mark() -> None:
    """The ledger speaks each half second, but of a coin whose mark stands still it knows nothing new."""
    hat = officer(context_age_limit_ms=60_000)
    held(hat, Side.BUY, 20, 1)

    def asked(seconds: int, number: int) -> OrderApproved | OrderDenied:
        now = Ns(NOW + seconds * 1_000 * MS)
        for message in (
            features("AAA", now), features("BBB", now), ledger(10**6),
            msgspec.structs.replace(context(PX, "BBB"), recv_ns=now), VenueClockTold(0, 0, now),
        ):  # fmt: skip
            say(hat, message, now)
        return judged(hat, intent(number, coin="BBB", recv_ns=now), now)

    assert isinstance(asked(60, 2), OrderApproved)
    denial = asked(61, 3)
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.NO_EQUITY, 60_000, 61_000)


def test_the_days_volume_begins_anew_at_midnight() -> None:
    """With the first order, whether or not the ledger has spoken since."""
    hat = officer(daily_volume_limit_usd=100)
    midnight = Ns((NOW // DAY + 1) * DAY)
    before = Ns(midnight - 100 * MS)
    for now, number, kind in ((before, 1, OrderApproved), (before, 2, OrderDenied), (midnight, 3, OrderApproved)):
        for message in (
            features(recv_ns=now), ledger(10**6), msgspec.structs.replace(context(PX), recv_ns=now),
            VenueClockTold(0, 0, now),
        )[: None if now == before else 1]:  # fmt: skip
            say(hat, message, now)
        assert isinstance(judged(hat, intent(number, sz=90, recv_ns=now), now), kind)


def test_what_is_held_is_valued_by_the_dearer_of_two_prices() -> None:
    """A book that stopped while the venue's mark doubled does not make a position half as large."""
    hat = officer(gross_limit_usd=100, net_limit_usd=200)
    held(hat, Side.BUY, 40, 1, coin="BBB")
    say(hat, msgspec.structs.replace(context(PX, "BBB"), mark_px=Px(2 * PX)))
    denial = judged(hat, intent(2, sz=21))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.found) == (DenyReason.GROSS_EXPOSURE, 101 * USD)
    assert isinstance(judged(hat, intent(3, sz=20)), OrderApproved)
    say(hat, msgspec.structs.replace(context(PX, "BBB"), mark_px=Px(PX // 2)))
    assert isinstance(judged(hat, intent(4, sz=40)), OrderApproved), "and never by the cheaper one"
    assert isinstance(judged(hat, intent(5, sz=10)), OrderDenied)
