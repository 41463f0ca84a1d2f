"""A run begins with what the venue has of the time before: asked once a coin, taken once, and never made up."""

from __future__ import annotations

import numpy as np
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.risk_oversight_officer.history import Returns
from hats.risk_oversight_officer.tail import Corner, box_of
from shared.hat import restore, snapshot
from shared.ids import Role
from shared.messages import AnyMessage
from shared.messages.control import Woke
from shared.messages.market import CandlesTold, Close, FeedState, FeedStatus, QueryCandles
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.order import Side
from shared.rules.intervals import SETTLED_MS
from shared.units import MINUTE, MS, SECOND, USD, Ns, Px
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    features,
    intent,
    judged,
    minute,
    officer,
    say,
    settings,
)


def asked(said: list[AnyMessage]) -> list[QueryCandles]:
    """The questions among what was said."""
    return [message for message in said if isinstance(message, QueryCandles)]


def told(hat: RiskOversightOfficer, coin: str, pxs: list[int], gaps: tuple[int, ...] = ()) -> None:
    """The venue's answer: closes of the last minutes, without those `gaps` (0 is the oldest)."""
    query = hat.state.returns.asked[coin]
    first = query.until_ns - len(pxs) * MINUTE
    closes = (Close(Ns(first + n * MINUTE), Px(px)) for n, px in enumerate(pxs) if n not in gaps)
    say(hat, CandlesTold(query, tuple(closes), NOW))


def test_each_coin_is_asked_for_once_when_it_is_seen() -> None:
    """Whole minutes that have ended, one more than returns are kept."""
    hat = officer(var_samples=50, var_samples_min=40, var_horizon_samples=40)
    assert set(hat.state.returns.asked) == {"AAA", "BBB"}
    now = Ns(100 * MINUTE + SETTLED_MS * MS - 1)
    (question,) = asked(say(hat, features("CCC"), now))
    assert question == QueryCandles("CCC", "1m", Ns(48 * MINUTE), Ns(99 * MINUTE)), "the hundredth may still change"
    assert not asked(say(hat, features("CCC")))


def test_what_no_answer_came_to_is_asked_again() -> None:
    """At each sample, the same question, until it is answered or enough was sampled."""
    hat = officer(var_samples_min=40)
    told(hat, "BBB", [])
    assert asked(minute(hat, 1, AAA=PX)) == [hat.state.returns.asked["AAA"]]
    for number in range(2, 42):
        said = minute(hat, number, AAA=PX)
    assert not asked(said)


def test_no_candle_is_as_long_as_the_sample() -> None:
    """Then nothing is asked, and the tail stays unknown until it was sampled."""
    assert not officer(var_every_ms=7_000).state.returns.asked


def test_the_tail_vetoes_from_the_first_minute() -> None:
    """Twenty-nine quiet minutes and one that fell by 20 %: an order that could lose that is denied at once."""
    changes = {"var_samples_min": 40, "var_horizon_samples": 1, "var_limit_bps": 500, "var_models": ("historical",)}
    unknown, known = officer(10_000, **changes), officer(10_000, **changes)
    wish = intent(1, Side.BUY, 4_000)
    assert isinstance(judged(unknown, wish), OrderApproved), "without history only the scenarios hold"
    told(known, "AAA", [1_000_000] * 60 + [800_000])
    denied = judged(known, wish)
    assert isinstance(denied, OrderDenied)
    assert (denied.reason, denied.found) == (DenyReason.VALUE_AT_RISK, 800)
    assert isinstance(judged(known, intent(2, Side.BUY, 2_000)), OrderApproved)


def test_too_few_candles_stay_unknown() -> None:
    """The local exchange has only what it lived through."""
    hat = officer(10_000, var_samples_min=40, var_required=True)
    told(hat, "AAA", [1_000_000] * 40)
    denied = judged(hat, intent(1))
    assert isinstance(denied, OrderDenied)
    assert "unknown" in denied.detail
    told(hat, "AAA", [1_000_000] * 60)
    assert "AAA" not in hat.state.returns.rows, "what was answered is not answered again"


def test_minutes_without_trades_are_returns_of_nothing() -> None:
    """So every coin's row ends with the same minute; a move over a gap is counted where it was first seen."""
    hat = officer(var_samples_min=40)
    pxs = [1_000_000] * 41 + [0, 0, 1_100_000, 1_100_000, 0]
    told(hat, "AAA", pxs, gaps=(41, 42, 45))
    assert hat.state.returns.rows["AAA"] == [0] * 42 + [100_000, 0, 0]


def test_what_was_sampled_meanwhile_comes_after() -> None:
    """And no more than `var_samples` are kept; a restart keeps all of it."""
    hat = officer(var_samples=50, var_samples_min=40, var_horizon_samples=40)
    minute(hat, 1, AAA=1_000_000)
    minute(hat, 2, AAA=1_010_000)
    told(hat, "AAA", [1_000_000] * 50 + [900_000])
    again = officer(var_samples=50, var_samples_min=40, var_horizon_samples=40)
    restore(again, snapshot(hat))
    for one in (hat, again):
        assert one.state.returns.rows["AAA"] == [0] * 47 + [-100_000, None, 10_000], "from the last close on: not known"
    assert not again.state.returns.questions_again(40)[1:]


def test_the_first_sample_goes_on_from_the_last_candle() -> None:
    """No move is lost between what was told and what is sampled."""
    hat = officer(var_samples_min=40)
    told(hat, "AAA", [1_000_000] * 41)
    minute(hat, 1, AAA=900_000)
    assert hat.state.returns.rows["AAA"] == [0] * 40 + [-100_000]


@pytest.mark.parametrize("later", [0, 1, 2, 70, 700])
def test_coins_lie_side_by_side_whenever_they_were_seen_first(later: int) -> None:
    """Two coins of one price fall together: seen two seconds apart, between which another minute counts as final, or
    the second so many samples later.
    """
    pxs = (1_000_000 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.001, 1_400)))).astype(int).tolist()
    hat = RiskOversightOfficer(settings(var_samples=500, var_models=("historical",), var_horizon_samples=1))
    start = 600
    seen = {"AAA": start, "BBB": start + later}
    say(hat, FeedStatus(FeedState.UP, 1, "test", NOW))

    def see(coin: str, now: int) -> None:
        (query,) = say(hat, features(coin, now, pxs[now // MINUTE]), Ns(now))
        assert isinstance(query, QueryCandles)
        opens = range(query.since_ns // MINUTE, query.until_ns // MINUTE)
        closes = tuple(Close(Ns(n * MINUTE), Px(pxs[n + 1])) for n in opens)
        say(hat, CandlesTold(query, closes, Ns(now)), Ns(now))

    for n in range(start, start + later + 4):
        for coin, first in seen.items():
            if n > first:
                say(hat, features(coin, n * MINUTE - 1, pxs[n]), Ns(n * MINUTE - 1))
        say(hat, Woke(Role.RISK_OVERSIGHT_OFFICER, "returns", Ns(n * MINUTE)), Ns(n * MINUTE))
        for at_s, (coin, first) in zip((9, 11), seen.items(), strict=True):
            if n == first:
                see(coin, n * MINUTE + at_s * SECOND)
    tail = hat._current_tail()
    both, twice = (
        tail.losses(box_of([Corner(coin, usd * USD, -usd * USD) for coin, usd in held]))
        for held in ((("AAA", 10_000), ("BBB", 10_000)), (("AAA", 20_000), ("BBB", 0)))
    )
    assert both is not None
    assert both == twice
    returns = hat.state.returns
    assert returns.ends_ns[-1] == (start + later + 3) * MINUTE
    assert returns.rows["AAA"][-490:] == returns.rows["BBB"][-490:]


@pytest.mark.parametrize("coin", ["AAA", "ZZZ"])
def test_an_answer_to_another_question_is_none(coin: str) -> None:
    """Nothing that was not asked for is believed."""
    returns = Returns()
    question = returns.first_question("AAA", MINUTE, 50, 40, NOW)
    assert question is not None
    closes = tuple(Close(Ns(n * MINUTE), Px(1)) for n in range(60))
    other = QueryCandles(coin, "1m", question.since_ns, Ns(question.until_ns + MINUTE))
    returns.begin_with(CandlesTold(other, closes, NOW), 40, 50)
    assert not returns.rows
