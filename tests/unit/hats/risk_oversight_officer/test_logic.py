"""The Risk Oversight Officer's life: approvals and what becomes of them, the kill switch, reports and restarts."""

from __future__ import annotations

import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.risk_oversight_officer.measures import (
    APPROVALS_USED,
    EQUITY_AGE,
    EVIDENCE_AGE,
    LIMIT_BREACHES,
    MEASURES,
    RESERVATION_DRIFT,
)
from orchestrator.routes import ROUTES
from shared.hat import restore, snapshot
from shared.ids import FLATTEN, FOREIGN, Role
from shared.messages.account import NetPosition, Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    HatState,
    HatStateChanged,
    KillLevel,
    KillOrdered,
    Measured,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.risk import (
    DenyReason,
    OrderApproved,
    OrderDenied,
    RiskAlert,
    RiskReport,
    TradingState,
    TradingStateChanged,
)
from shared.messages.signal import OrderIntent
from shared.order import OrderState, Side
from shared.units import MS, SECOND, USD, Ns
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    RUN,
    booked,
    changed,
    features,
    held,
    intent,
    judged,
    ledger,
    officer,
    ready,
    say,
    settings,
)

RO = Role.RISK_OVERSIGHT_OFFICER


def exit_intent(number: int, side: Side, sz: int) -> OrderIntent:
    """What the Execution Manager says to close a position."""
    return intent(number, side, sz, reduce_only=True, strategy=FLATTEN, strategy_number=0xFFFF)


def report(hat: RiskOversightOfficer, now: Ns = NOW) -> RiskReport:
    """The officer's report at `now`."""
    said = say(hat, Woke(RO, "report", now), now)
    (found,) = [message for message in said if isinstance(message, RiskReport)]
    return found


def samples(hat: RiskOversightOfficer, measure: str) -> tuple[float, ...]:
    """What was sampled of one measure since the last report."""
    said = say(hat, Woke(RO, "measures", NOW))
    return next((m.samples for m in said if isinstance(m, Measured) and m.measure == measure), ())


def test_it_hears_what_the_route_table_sends() -> None:
    """What it says that it hears is the table's column."""
    assert set(RiskOversightOfficer.hears) == {kind for kind, route in ROUTES.items() if RO in route.heard_by}


def test_approvals_are_counted_and_expire() -> None:
    """Approval ids follow each other without a gap, denials use none, and each names the time when it is void."""
    hat = officer(approval_ttl_ms=300)
    first, denied, second = judged(hat, intent(1)), judged(hat, intent(1)), judged(hat, intent(2))
    assert isinstance(first, OrderApproved)
    assert isinstance(denied, OrderDenied)
    assert isinstance(second, OrderApproved)
    assert [first.approval_id, second.approval_id] == [1, 2]
    assert first.expires_ns == NOW + 300 * MS


def test_fills_and_changes_move_what_is_open_to_what_is_held() -> None:
    """A fill counts on both sides until its order says so, and never on neither."""
    hat, wish = officer(), intent(1, sz=30)
    judged(hat, wish)
    say(hat, changed(wish, OrderState.PENDING_SUBMIT))
    exposure = hat.state.exposure("AAA")
    say(hat, booked(wish, 10))
    assert (exposure.net_sz, exposure.worst().long) == (10, 40)
    say(hat, changed(wish, OrderState.PARTIALLY_FILLED, 10))
    assert (exposure.net_sz, exposure.worst().long) == (10, 30)
    say(hat, changed(wish, OrderState.CANCELLED, 10))
    assert (exposure.net_sz, exposure.worst().long) == (10, 10)
    say(hat, booked(wish, 1, 2))
    assert exposure.net_sz == 11, "a late fill is money all the same"


def test_orders_that_it_never_approved_count_too() -> None:
    """An adopted order is exposure from the moment it is heard of."""
    hat = officer(position_limit_usd=100)
    found = intent(1, sz=90)
    say(hat, changed(found, OrderState.RESTING, 5))
    assert hat.state.exposure("AAA").worst().long == 85
    assert isinstance(judged(hat, intent(2, sz=20)), OrderDenied)
    say(hat, changed(found, OrderState.CANCELLED, 5))
    assert isinstance(judged(hat, intent(3, sz=20)), OrderApproved)


def test_an_approval_that_nobody_mentions_is_released_late_and_counted() -> None:
    """A void approval stays reserved for the grace time, then goes, and the measure shows that it was not used."""
    hat = officer(approval_ttl_ms=1_000, release_grace_ms=2_000)
    judged(hat, intent(1))
    assert report(hat, Ns(NOW + 3 * SECOND - 1)).open_orders == 1
    assert report(hat, Ns(NOW + 3 * SECOND)).open_orders == 0
    assert samples(hat, APPROVALS_USED.name) == (0.0,)


def test_approvals_used() -> None:
    """An approval that became an order counts as used, one that expired unsent does not."""
    hat = officer()
    for number, state in ((1, OrderState.PENDING_SUBMIT), (2, OrderState.EXPIRED)):
        wish = intent(number)
        judged(hat, wish)
        say(hat, changed(wish, state))
        say(hat, changed(wish, OrderState.REJECTED))
    assert samples(hat, APPROVALS_USED.name) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("level", "trading", "reducing_passes", "reason"),
    [
        (KillLevel.PAUSE, TradingState.HALTED, False, DenyReason.HALTED),
        (KillLevel.REDUCE, TradingState.REDUCING, True, DenyReason.REDUCING_ONLY),
        (KillLevel.FLATTEN, TradingState.HALTED, False, DenyReason.HALTED),
    ],
)
def test_kill_levels(level: KillLevel, trading: TradingState, reducing_passes: bool, reason: DenyReason) -> None:
    """After a kill nothing adds risk; reducing passes if the level leaves room; closing everything always may."""
    hat = officer()
    held(hat, Side.BUY, 40, 1)
    (said,) = say(hat, KillOrdered(level, "test"))
    assert isinstance(said, TradingStateChanged)
    assert said.state is trading
    denial = judged(hat, intent(2))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is reason
    assert isinstance(judged(hat, intent(3, Side.SELL, 20, reduce_only=True)), OrderApproved) is reducing_passes
    assert isinstance(judged(hat, exit_intent(1, Side.BUY, 40)), OrderDenied)
    assert isinstance(judged(hat, exit_intent(2, Side.SELL, 40)), OrderApproved)


def test_only_the_operator_loosens() -> None:
    """A later, milder kill changes nothing; the operator's resume does, once."""
    hat = officer()
    assert say(hat, KillOrdered(KillLevel.FLATTEN, "test"))
    assert not say(hat, KillOrdered(KillLevel.REDUCE, "test"))
    assert not say(hat, Armed("again"))
    assert isinstance(judged(hat, intent(1)), OrderDenied)
    assert len(say(hat, ResumeOrdered("go"))) == 1
    assert not say(hat, ResumeOrdered("go"))
    assert isinstance(judged(hat, intent(2)), OrderApproved)


def test_drawdown_halts_and_stays() -> None:
    """Equity at the drawdown limit trades on; below it trading halts, and no resume helps before equity is back."""
    hat = officer(equity_usd=1_000, drawdown_limit_bps=1_000)
    assert not say(hat, ledger(900))
    assert isinstance(judged(hat, intent(1)), OrderApproved)
    alert, said = say(hat, ledger(899))
    assert isinstance(alert, RiskAlert)
    assert (alert.name, alert.limit, alert.found) == ("drawdown", 1_000, 1_010)
    assert isinstance(said, TradingStateChanged)
    assert said.state is TradingState.HALTED
    denial = judged(hat, intent(2))
    assert isinstance(denial, OrderDenied)
    assert (denial.reason, denial.limit, denial.found) == (DenyReason.DRAWDOWN, 1_000, 1_010)
    (refusal,) = say(hat, ResumeOrdered("go"))
    assert isinstance(refusal, TradingStateChanged)
    assert refusal.state is TradingState.HALTED
    say(hat, ledger(950))
    denial = judged(hat, intent(3))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.HALTED, "halted is latched"
    (said,) = say(hat, ResumeOrdered("go"))
    assert isinstance(said, TradingStateChanged)
    assert said.state is TradingState.ACTIVE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Disarmed("test"), Armed("test")),
        (DrainOrdered(flatten=True), Armed("test")),
        (
            HatStateChanged(Role.EXECUTION_MANAGER, HatState.RESTORING, "died"),
            HatStateChanged(Role.EXECUTION_MANAGER, HatState.READY, "back"),
        ),
        (Reconciled(False, 0, 0, ("AAA",)), Reconciled(True, 0, 0, ())),
    ],
)
def test_obstacles(before: object, after: object) -> None:
    """Disarmed, draining, a lost Hat on the way to the venue, differing books: only closing everything passes."""
    hat = officer()
    held(hat, Side.BUY, 40, 1)
    say(hat, before)  # type: ignore[arg-type]
    denial = judged(hat, intent(2))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.DISARMED
    assert isinstance(judged(hat, exit_intent(1, Side.SELL, 20)), OrderApproved)
    say(hat, after)  # type: ignore[arg-type]
    assert isinstance(judged(hat, intent(3, Side.BUY, px=10**6 - 100)), OrderApproved)


def test_a_hat_off_the_way_to_the_venue_does_not_stop_trading() -> None:
    """The loss of an analyst is not the officer's obstacle."""
    hat = officer()
    say(hat, HatStateChanged(Role.ML_RESEARCH_SCIENTIST, HatState.RESTORING, "died"))
    assert isinstance(judged(hat, intent(1)), OrderApproved)


def test_positions_of_the_start_count() -> None:
    """What was held before the run began is exposure, and no breach of ours even when it is over the limit."""
    hat = RiskOversightOfficer(settings(position_limit_usd=100))
    ready(hat, positions=(NetPosition("AAA", 150),))
    assert isinstance(judged(hat, intent(1)), OrderDenied)
    assert isinstance(judged(hat, intent(2, Side.SELL, 250)), OrderApproved)
    report(hat)
    assert max(samples(hat, LIMIT_BREACHES.name)) == 0.0


def test_a_position_that_nobody_approved_is_a_breach() -> None:
    """A position over its limit that no approval covers is found afterwards, and only while it lasts."""
    hat = officer(position_limit_usd=100)
    say(hat, booked(intent(1, sz=101, strategy=FOREIGN), 101))
    report(hat)
    assert samples(hat, LIMIT_BREACHES.name) == (1.0,)
    say(hat, booked(intent(1, Side.SELL, strategy=FOREIGN), 1, 2))
    report(hat)
    assert samples(hat, LIMIT_BREACHES.name) == (0.0,)


def test_price_drift_is_no_breach() -> None:
    """An approved position that the market lifts over the limit breaks no rule of ours."""
    hat = officer(position_limit_usd=100)
    held(hat, Side.BUY, 100, 1)
    say(hat, features(mid_px=1_100_000))
    report(hat)
    assert samples(hat, LIMIT_BREACHES.name) == (0.0,)


def test_drift_between_the_books_is_measured() -> None:
    """A clean reconciliation that disagrees with the officer's own positions is drift, and the truth is taken over."""
    hat = RiskOversightOfficer(settings())
    ready(hat, positions=(NetPosition("AAA", 5),))
    assert samples(hat, RESERVATION_DRIFT.name) == ()
    say(hat, Reconciled(True, 0, 0, (), (NetPosition("AAA", 5),)))
    say(hat, Reconciled(True, 0, 0, (), (NetPosition("AAA", 8),)))
    assert samples(hat, RESERVATION_DRIFT.name) == (0.0, 3.0)
    assert hat.state.exposure("AAA").net_sz == 8


def test_report_and_measures() -> None:
    """The report adds up positions and worst cases, timers are set again, and each measure has its evidence."""
    hat = officer(equity_usd=1_000)
    held(hat, Side.BUY, 40, 1)
    judged(hat, intent(2, Side.BUY, 20, px=10**6 - 100))
    judged(hat, intent(3, Side.SELL, 70, coin="BBB"))
    found = report(hat)
    assert (found.gross_usd, found.net_usd, found.worst_gross_usd) == (40 * USD, 40 * USD, 130 * USD)
    assert (found.open_orders, found.equity_usd, found.drawdown_ratio) == (2, 1_000 * USD, 0.0)
    later = Ns(NOW + 2 * SECOND)
    report(hat, later)
    said = say(hat, Woke(RO, "measures", later), later)
    assert {m.measure for m in said if isinstance(m, Measured)} == {m.name for m in MEASURES}
    assert said[-1] == WakeAt(Ns(later + SECOND), "measures")


def test_measures_fall_when_its_inputs_stop() -> None:
    """Without books and without equity the ages that it reports grow."""
    hat = officer()
    later = Ns(NOW + 20 * SECOND)
    assert isinstance(judged(hat, intent(1, recv_ns=later), later), OrderDenied)
    report(hat, later)
    said = {m.measure: m.samples for m in say(hat, Woke(RO, "measures", later), later) if isinstance(m, Measured)}
    assert said[EVIDENCE_AGE.name] == (20_000.0,)
    assert said[EQUITY_AGE.name] == (20_000.0,)


def test_a_restart_forgets_nothing() -> None:
    """Restored from its snapshot and started again, the officer still counts what is open and is still halted."""
    hat = officer(position_limit_usd=100)
    judged(hat, intent(1, sz=90))
    say(hat, KillOrdered(KillLevel.PAUSE, "test"))
    again = officer(position_limit_usd=100)
    restore(again, snapshot(hat))
    assert snapshot(again) == snapshot(hat)
    said = say(again, Started(RO, RUN, NOW))
    assert said[0] == TradingStateChanged(TradingState.HALTED, "kill (pause): test")
    assert {m.timer for m in said if isinstance(m, WakeAt)} == {"report", "measures", "returns"}
    assert again.state.exposure("AAA").worst().long == 90
