"""The vigil: causes are confirmed before they tighten, alerts wait for an answer, and loosening takes its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from orchestrator.accounts.operator_key import make, sign
from shared.hat import restore, snapshot
from shared.ids import FOREIGN, Role
from shared.messages.control import DrainOrdered, KillLevel, KillOrdered, ResumeOrdered, WakeAt, Woke
from shared.messages.risk import (
    AlertAcknowledged,
    DenyReason,
    OrderApproved,
    OrderDenied,
    RiskAlert,
    TradingState,
    TradingStateChanged,
)
from shared.operator_word import ack_words, resume_words
from shared.order import OrderState, Side
from shared.units import DAY, SECOND, USD, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    RUN,
    STRATEGY,
    booked,
    changed,
    context,
    features,
    held,
    intent,
    judged,
    ledger,
    officer,
    say,
)

RO = Role.RISK_OVERSIGHT_OFFICER


def look(hat: RiskOversightOfficer, seconds: float) -> list[Any]:
    """What the vigil says so many seconds later."""
    now = Ns(NOW + int(seconds * SECOND))
    said = say(hat, Woke(RO, "report", now), now)
    return [message for message in said if isinstance(message, RiskAlert | TradingStateChanged)]


def test_one_bad_report_moves_nothing() -> None:
    """A drawdown that is gone at the next look tightens nothing, but nothing is added while it is seen."""
    hat = officer(equity_usd=1_000, confirm_ms=2_000)
    assert not say(hat, ledger(800))
    denial = judged(hat, intent(1))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.DRAWDOWN
    say(hat, ledger(1_000), Ns(NOW + SECOND))
    say(hat, ledger(800), Ns(NOW + 2 * SECOND))
    assert not look(hat, 3.9)
    alert, changed_ = look(hat, 4)
    assert alert.name == "drawdown"
    assert changed_.state is TradingState.HALTED


def test_a_daily_loss_leaves_only_reducing() -> None:
    """Beyond the day's loss the state is reducing, however high equity once was, and a new day begins anew."""
    hat = officer(equity_usd=1_000, daily_loss_limit_bps=500)
    held(hat, Side.BUY, 20, 1)
    assert not say(hat, ledger(950))
    alert, tightened = say(hat, ledger(949))
    assert (alert.name, tightened.state) == ("daily_loss", TradingState.REDUCING)  # type: ignore[union-attr]
    assert isinstance(judged(hat, intent(2)), OrderDenied)
    assert isinstance(judged(hat, intent(3, Side.SELL, 20, reduce_only=True)), OrderApproved)
    tomorrow = Ns(NOW + DAY)
    say(hat, msgspec.structs.replace(context(PX), recv_ns=tomorrow), tomorrow)
    assert not say(hat, ledger(940), tomorrow)
    (resumed,) = say(hat, ResumeOrdered("a new day"), tomorrow)
    assert isinstance(resumed, TradingStateChanged)
    assert resumed.state is TradingState.ACTIVE


def doubtful(**limits: Any) -> RiskOversightOfficer:
    """An officer with an order in doubt, which is one too many."""
    hat = officer(in_doubt_limit=1, confirm_ms=2_000, acknowledge_ms=60_000, **limits)
    wish = intent(1)
    judged(hat, wish)
    say(hat, changed(wish, OrderState.UNKNOWN))
    return hat


def test_an_alert_that_nobody_acknowledges_de_risks_by_itself() -> None:
    """Told after two seconds, tightened sixty seconds after that, and not before."""
    hat = doubtful()
    assert not look(hat, 0)
    (alert,) = look(hat, 2)
    assert (alert.name, alert.tightens_to) == ("in_doubt", TradingState.REDUCING)
    assert alert.until_ns == NOW + 62 * SECOND
    assert not look(hat, 61.9)
    (tightened,) = look(hat, 62)
    assert tightened.state is TradingState.REDUCING
    assert not look(hat, 63), "latched, and said once"


def test_an_acknowledged_alert_stays_quiet_until_its_cause_was_gone() -> None:
    """The operator takes it on: nothing tightens. The next time it is a new alert. Both survive a restart."""
    hat = doubtful()
    look(hat, 0)
    look(hat, 2)
    say(hat, AlertAcknowledged("in_doubt", "on it"))
    again = officer(in_doubt_limit=1, confirm_ms=2_000, acknowledge_ms=60_000)
    restore(again, snapshot(hat))
    assert not look(again, 100)
    wish = intent(1)
    say(again, changed(wish, OrderState.RESTING))
    assert not look(again, 101)
    say(again, changed(wish, OrderState.UNKNOWN))
    assert not look(again, 102)
    assert [message.name for message in look(again, 104)] == ["in_doubt"]
    say(again, AlertAcknowledged("no such alert", "test"))


def test_an_alert_is_set_aside_by_the_signed_word_alone(tmp_path: Path) -> None:
    """Unsigned, another's, of another alert, a resume's signature, older: it tightens as if nobody had said."""
    key, other = tmp_path / "a.key", tmp_path / "b.key"
    public, _ = make(key), make(other)

    def order(by: Path, said: bytes, ns: int = NOW) -> AlertAcknowledged:
        return AlertAcknowledged("in_doubt", "on it", Ns(ns), sign(by, said))

    def is_kept_from_tightening(*words: AlertAcknowledged) -> bool:
        hat = doubtful(operator_public_key=public)
        for at_s in (0, 2):
            look(hat, at_s)
        for word in words:
            say(hat, word, NOW)
        return not look(hat, 100)

    good = order(key, ack_words(RUN, "in_doubt", "on it", NOW))
    assert is_kept_from_tightening(good)
    for bad in (
        AlertAcknowledged("in_doubt", "on it"),
        order(other, ack_words(RUN, "in_doubt", "on it", NOW)),
        order(key, ack_words(RUN + 1, "in_doubt", "on it", NOW)),
        order(key, ack_words(RUN, "margin_use", "on it", NOW)),
        order(key, resume_words(RUN, "on it", NOW)),
    ):
        assert not is_kept_from_tightening(bad)
    before = order(key, ack_words(RUN, "in_doubt", "on it", NOW - 1), NOW - 1)
    later = AlertAcknowledged("margin_use", "on it", NOW, sign(key, ack_words(RUN, "margin_use", "on it", NOW)))
    assert not is_kept_from_tightening(later, before), "what was signed before the last word that counted"


@pytest.mark.parametrize("cause", ["beyond_approved", "margin_use", "equity_age", "cash_gap", "denials"])
def test_every_cause_is_seen(cause: str) -> None:
    """A position nobody approved, margin used up, an equity that grows old, cash astray, a storm of denials."""
    limits: dict[str, Any] = {"confirm_ms": 0, "denials_limit": 3, "margin_use_limit_percent": 100}
    hat = officer(equity_usd=1 if cause == "margin_use" else 10**6, **limits)
    seen: list[Any] = []
    match cause:
        case "beyond_approved" | "equity_age":
            say(hat, booked(intent(9, strategy=FOREIGN), 20))
        case "margin_use":
            say(hat, changed(intent(9, sz=101), OrderState.RESTING))
        case "cash_gap":
            seen = say(hat, ledger(10**6, 5 * USD))
        case "denials":
            for number in range(1, 6):
                judged(hat, intent(number, sz=0))
    seen += look(hat, 20 if cause == "equity_age" else 0)
    found = {message.name for message in seen if isinstance(message, RiskAlert)}
    assert cause in found
    assert "drawdown" not in found


@pytest.mark.parametrize("order", [KillOrdered(KillLevel.FLATTEN, "test"), DrainOrdered(flatten=True)])
def test_what_was_to_be_closed_and_is_not_raises_an_alert(order: Any) -> None:
    """Not before its time, once, and it stands in the way of no resume; flat or resumed, it is over."""
    hat = officer(flatten_alarm_ms=10_000, equity_age_limit_ms=10**6, confirm_ms=0, resume_delay_ms=0)
    held(hat, Side.BUY, 20, 1)
    say(hat, order)
    assert not look(hat, 10)
    alert, *_ = look(hat, 10.1)
    assert (alert.name, alert.limit, alert.found) == ("not_flat", 10_000, 10_100)
    assert "AAA" in alert.detail
    assert not [message for message in look(hat, 20) if isinstance(message, RiskAlert)]
    if isinstance(order, KillOrdered):
        say(hat, ResumeOrdered("I close it by hand"), Ns(NOW + 21 * SECOND))
        assert hat.state.switch.trading is TradingState.ACTIVE
        assert not look(hat, 60)
    again = officer(flatten_alarm_ms=10_000, equity_age_limit_ms=10**6, confirm_ms=0)
    held(again, Side.BUY, 20, 1)
    say(again, order)
    say(again, booked(intent(2, Side.SELL), 20, 2))
    assert not look(again, 30)


def test_too_many_fills_one_way_disable_a_strategy_until_a_human_enables_it() -> None:
    """The strategy alone is stopped, once, across a restart; the other side's fill would have begun a new count."""
    limits: dict[str, Any] = {"repeated_fills_limit": 3, "repeated_window_ms": 10_000}
    hat = officer(**limits)
    for tid, side in enumerate((Side.BUY, Side.BUY, Side.BUY, Side.SELL, Side.BUY, Side.BUY, Side.BUY)):
        assert not say(hat, booked(intent(1, side), 1, tid))
    (alert,) = say(hat, booked(intent(1), 1, 99))
    assert isinstance(alert, RiskAlert)
    assert (alert.limit, alert.found) == (3, 4)
    assert not say(hat, booked(intent(1), 1, 100))
    again = officer(**limits)
    restore(again, snapshot(hat))
    denial = judged(again, intent(2))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.STRATEGY_DISABLED
    assert isinstance(judged(again, intent(3, strategy=FOREIGN, strategy_number=3)), OrderApproved)
    assert say(again, ResumeOrdered("looked at it"))
    assert isinstance(judged(again, intent(4)), OrderApproved)


def test_a_resume_enables_nobody_who_was_disabled_after_it_was_asked_for() -> None:
    """The operator looked at one strategy; while the resume waits another runs away, and both stay disabled."""
    hat = officer(repeated_fills_limit=3, repeated_window_ms=10_000, resume_delay_ms=5_000)
    for tid in range(4):
        say(hat, booked(intent(1), 1, tid))
    (wake,) = say(hat, ResumeOrdered("looked at it"))
    assert isinstance(wake, WakeAt)
    for tid in range(4, 8):
        say(hat, booked(intent(2, strategy=FOREIGN, strategy_number=3), 1, tid))
    assert not say(hat, Woke(RO, "resume", wake.ns), wake.ns)
    assert {name for name, record in hat.state.strategies.items() if record.is_disabled} == {STRATEGY, FOREIGN}


def test_a_held_coin_whose_mark_stands_still_is_told() -> None:
    """Equity counts by marks: one that is older than allowed is an alert, however often the ledger speaks."""
    hat = officer(context_age_limit_ms=60_000, confirm_ms=0, acknowledge_ms=60_000)
    held(hat, Side.BUY, 20, 1)

    def report(seconds: int) -> list[Any]:
        return say(hat, ledger(10**6), Ns(NOW + seconds * SECOND))

    assert not report(60)
    (alert,) = report(61)
    assert (alert.name, alert.limit, alert.found) == ("equity_age", 60_000, 61_000)
    assert "AAA" in alert.detail
    (tightened,) = report(121)
    assert tightened.state is TradingState.REDUCING


def test_a_mark_that_is_not_told_yet_is_given_its_time() -> None:
    """A run begins with a position before the venue has told its mark: nothing is added, and nobody is alarmed yet."""
    hat = officer(context_age_limit_ms=60_000, confirm_ms=0)
    held(hat, Side.BUY, 20, 1)
    del hat.state.market.contexts["AAA"]
    assert not say(hat, ledger(10**6), Ns(NOW + 60 * SECOND))
    (alert,) = say(hat, ledger(10**6), Ns(NOW + 61 * SECOND))
    assert isinstance(alert, RiskAlert)
    assert alert.name == "equity_age"


def test_slow_repetition_is_no_fault() -> None:
    """As many fills over a longer time than the window disable nothing."""
    hat = officer(repeated_fills_limit=3, repeated_window_ms=1_000)
    for tid in range(20):
        assert not say(hat, booked(intent(1), 1, tid), Ns(NOW + tid * SECOND))


def test_loosening_takes_its_time_and_a_kill_takes_it_back() -> None:
    """A resume acts after its delay, also across a restart; a kill meanwhile cancels it, even a milder one."""
    hat = officer(resume_delay_ms=5_000)
    say(hat, KillOrdered(KillLevel.PAUSE, "test"))
    (wake,) = say(hat, ResumeOrdered("go"))
    assert wake == WakeAt(Ns(NOW + 5 * SECOND), "resume")
    assert isinstance(judged(hat, intent(1)), OrderDenied)
    assert not say(hat, Woke(RO, "resume", wake.ns), Ns(wake.ns - 1)), "not before its time"
    say(hat, KillOrdered(KillLevel.REDUCE, "wait"))
    assert not say(hat, Woke(RO, "resume", wake.ns), wake.ns)
    assert isinstance(judged(hat, intent(2)), OrderDenied)
    say(hat, ResumeOrdered("really"))
    again = officer(resume_delay_ms=5_000)
    restore(again, snapshot(hat))
    say(again, features(recv_ns=wake.ns), wake.ns)
    (loosened,) = say(again, Woke(RO, "resume", wake.ns), wake.ns)
    assert isinstance(loosened, TradingStateChanged)
    assert loosened.state is TradingState.ACTIVE
    assert isinstance(judged(again, intent(3, recv_ns=wake.ns), wake.ns), OrderApproved)
