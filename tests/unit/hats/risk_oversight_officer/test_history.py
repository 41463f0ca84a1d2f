"""Returns are what was heard: a price that stands still in our memory is no calm, and rows end with one sample."""

from __future__ import annotations

import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.risk_oversight_officer.history import Returns
from hats.risk_oversight_officer.market import Market
from shared.hat import restore, snapshot
from shared.messages.account import NetPosition, Reconciled
from shared.messages.control import WakeAt
from shared.messages.market import CandlesTold, FeedState, FeedStatus, QueryCandles
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.order import Side
from shared.units import MINUTE, SECOND, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    context,
    features,
    intent,
    judged,
    ledger,
    minute,
    officer,
    say,
)

LIMITS = {"var_samples": 60, "var_samples_min": 40, "var_horizon_samples": 1, "var_limit_bps": 100}
UP, DOWN = FeedStatus(FeedState.UP, 2, "back", NOW), FeedStatus(FeedState.DOWN, 2, "gone", NOW)
FELL = PX * 9 // 10


def stale(*coins: str) -> FeedStatus:
    """The feed is up and stands by all coins but these."""
    return FeedStatus(FeedState.UP, 2, "test", NOW, stale_coins=coins)


def watched(**changed: object) -> RiskOversightOfficer:
    """An officer who saw AAA and BBB swing by a tenth for 45 minutes, so that their tail is known and feared."""
    hat = officer(10_000, **LIMITS | {"var_models": ("historical",), **changed})
    for number in range(1, 47):
        mid = FELL if number % 2 else PX
        minute(hat, number, AAA=mid, BBB=mid)
    return hat


def verdict(hat: RiskOversightOfficer, number: int, after: int) -> OrderApproved | OrderDenied:
    """What is said of an order in AAA so many minutes after NOW, when all else has been told anew."""
    now = Ns(NOW + after * MINUTE)
    for coin in ("AAA", "BBB"):
        say(hat, features(coin, now), now)
        fresh = context(PX, coin)
        say(hat, type(fresh)(coin, fresh.mark_px, fresh.oracle_px, 0, 0, now), now)
    say(hat, ledger(10_000), now)
    return judged(hat, intent(number, Side.BUY, 2_000, recv_ns=now), now)


def test_returns_are_sampled_in_step() -> None:
    """A coin's first sample gives no return, later ones do, and no more than wanted are kept."""
    market, sampled = Market(is_feed_up=True), Returns()
    for number, mid in enumerate((1_000_000, 1_010_000, 999_900, 1_000_000)):
        now = Ns((number + 1) * MINUTE)
        market.hear(features("AAA", now - 1, mid))
        if number:
            market.hear(features("BBB", now - 1, 2 * mid))
        sampled.sample(market, MINUTE, 2, now)
    assert sampled.rows == {"AAA": [-10_000, 100], "BBB": [-10_000, 100]}
    assert sampled.ends_ns == [3 * MINUTE, 4 * MINUTE]
    assert sampled.samples == 4


def test_samples_are_taken_as_the_interval_turns() -> None:
    """As candles end, however late the last one was; a second one within the same interval is none."""
    hat = officer()
    turn = Ns(17 * MINUTE)
    minute(hat, 1, AAA=PX)
    assert WakeAt(Ns(turn + MINUTE), "returns") in minute(hat, 1, AAA=FELL)
    assert hat.state.returns.last["AAA"] == 2 * PX
    market, sampled = Market(is_feed_up=True), Returns()
    for now, mid in ((turn, PX), (turn + MINUTE + 9 * SECOND, FELL)):
        market.hear(features("AAA", now - 1, mid))
        sampled.sample(market, MINUTE, 60, Ns(now))
    assert sampled.ends_ns == [turn, turn + MINUTE]


@pytest.mark.parametrize("var_required", [False, True])
def test_what_was_denied_before_a_silence_is_denied_after_it(var_required: bool) -> None:
    """Neither minutes without a feed nor without any book are minutes without a move."""
    for silence in (DOWN, stale("AAA", "BBB"), UP):
        hat = watched(var_required=var_required)
        before = verdict(hat, 1, 46)
        assert isinstance(before, OrderDenied)
        assert before.reason is DenyReason.VALUE_AT_RISK
        say(hat, silence)
        for number in range(47, 547):
            minute(hat, number, **({} if silence is UP else {"AAA": PX, "BBB": PX}))
        say(hat, UP)
        after = verdict(hat, 2, 546)
        assert isinstance(after, OrderDenied)
        assert (after.reason, after.found) == (DenyReason.VALUE_AT_RISK, before.found)


@pytest.mark.parametrize("silence", [stale("AAA"), UP])
def test_one_coin_s_silence_is_a_gap_in_its_row(silence: FeedStatus) -> None:
    """Its next return spans it, the other coin's go on, and both rows end with the same sample; a restart keeps it."""
    hat = watched()
    say(hat, silence)
    for number in (47, 48):
        minute(hat, number, **({"AAA": 1, "BBB": PX} if silence is not UP else {"BBB": PX}))
    say(hat, UP)
    minute(hat, 49, AAA=PX // 2, BBB=PX // 2)
    again = officer(10_000, **LIMITS)
    restore(again, snapshot(hat))
    for one in (hat, again):
        rows = one.state.returns.rows
        assert rows["AAA"][-4:] == [111_111, None, None, -500_000]
        assert rows["BBB"][-4:] == [111_111, 0, 0, -500_000]
        assert one.state.returns.ends_ns[-1] == NOW - NOW % MINUTE + 49 * MINUTE


def test_a_coin_that_was_silent_for_too_long_is_unknown_and_asked_for_anew() -> None:
    """What is required is denied as soon as too few of its returns are left; with none left it is as one never seen."""
    hat = watched(var_required=True)
    first = hat.state.returns.asked["AAA"]
    say(hat, CandlesTold(first, (), NOW))
    say(hat, stale("AAA"))
    for number in range(47, 77):
        minute(hat, number, BBB=PX)
    say(hat, UP)
    denied = verdict(hat, 1, 76)
    assert isinstance(denied, OrderDenied)
    assert "unknown" in denied.detail
    say(hat, stale("AAA"))
    for number in range(77, 107):
        minute(hat, number, BBB=PX)
    assert "AAA" not in hat.state.returns.rows
    now = Ns(NOW + 107 * MINUTE)
    (query,) = say(hat, features("AAA", now), now)
    assert isinstance(query, QueryCandles)
    assert query.until_ns - first.until_ns == 107 * MINUTE
    assert not say(hat, features("AAA", now), now), "once"


def test_one_coin_s_silence_lifts_no_limit() -> None:
    """Held and not heard of, it counts as one that did not move; the other's swings are feared as before."""
    hat = watched()
    say(hat, Reconciled(True, 0, 0, (), (NetPosition("BBB", 10),)))
    for number in range(47, 77):
        minute(hat, number, AAA=FELL if number % 2 else PX)
    denied = verdict(hat, 1, 76)
    assert isinstance(denied, OrderDenied)
    assert denied.reason is DenyReason.VALUE_AT_RISK


def test_what_a_silence_left_thin_is_asked_of_the_venue_again() -> None:
    """Once for each silence, and only if fewer returns are left than the tail needs."""
    hat = watched()
    say(hat, CandlesTold(hat.state.returns.asked["AAA"], (), NOW))
    for number in range(47, 77):
        minute(hat, number, BBB=PX)
    now = Ns(NOW + 77 * MINUTE)
    (query,) = say(hat, features("AAA", now), now)
    assert isinstance(query, QueryCandles)
    assert query.until_ns == now - now % MINUTE
    assert not say(hat, features("AAA", now), now), "while it is not answered"
    say(hat, CandlesTold(query, (), now), now)
    assert not say(hat, features("AAA", now), now), "nor after an answer of nothing"


def test_a_coin_that_no_candle_was_asked_of_is_forgotten_alike() -> None:
    """Its first sample after a silence as long as what is kept has no return."""
    market, sampled = Market(is_feed_up=True), Returns()
    for number in range(1, 9):
        now = Ns(number * MINUTE)
        market.hear(features("AAA", now - 1))
        if number not in range(3, 7):
            market.hear(features("BBB", now - 1, PX * number))
        sampled.sample(market, MINUTE, 4, now)
    assert sampled.rows == {"AAA": [0, 0, 0, 0], "BBB": [142_857]}
