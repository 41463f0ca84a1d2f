"""Drawdown and the day's loss are counted on from what the account's last run left, whatever came between."""

from __future__ import annotations

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from shared.ids import Role
from shared.messages.control import ResumeOrdered, Started, Woke
from shared.messages.risk import (
    DenyReason,
    MarksKept,
    OrderApproved,
    OrderDenied,
    RiskReport,
    TradingState,
    TradingStateChanged,
)
from shared.units import DAY, USD, Ns, Usd
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    RUN,
    STRATEGY,
    intent,
    judged,
    ledger,
    officer,
    ready,
    say,
    settings,
)

RO = Role.RISK_OVERSIGHT_OFFICER
TODAY = NOW // DAY


def marks(peak: int, day_open: int, flat: int | None = None, day: int = TODAY) -> MarksKept:
    """Marks in whole USDC."""
    return MarksKept(Usd(peak * USD), day, Usd(day_open * USD), None if flat is None else Usd(flat * USD))


def begun(kept: MarksKept, equity: int, transfers: int = 0, **limits: int) -> tuple[RiskOversightOfficer, bool]:
    """An officer of a new run that was told the marks and then its first equity, and whether that tightened."""
    hat = RiskOversightOfficer(settings(drawdown_limit_bps=limits.pop("drawdown_limit_bps", 10_000), **limits))
    say(hat, kept)
    say(hat, Started(RO, RUN, NOW))
    said = say(hat, msgspec.structs.replace(ledger(equity), transfers_usd=Usd(transfers * USD)))
    return hat, any(isinstance(message, TradingStateChanged) for message in said)


@pytest.mark.parametrize("limit", ["drawdown_limit_bps", "daily_loss_limit_bps"])
def test_a_restart_forgets_no_loss(limit: str) -> None:
    """At 10 % below, within a limit of 10 %, nothing happens; one USDC more is beyond it, denied and not resumed."""
    kept = marks(100_000, 100_000)
    assert not begun(kept, 90_000, **{limit: 1_000})[1]
    hat, is_tight = begun(kept, 89_999, **{limit: 1_000})
    assert is_tight
    assert isinstance(judged(hat, intent(1)), OrderDenied)
    (answer,) = say(hat, ResumeOrdered("let it go on"))
    assert isinstance(answer, TradingStateChanged)
    assert answer.state is not TradingState.ACTIVE
    assert answer.reason.startswith("not resumed: ")


def test_the_days_first_is_the_days() -> None:
    """Of an earlier day it is forgotten, the peak is not."""
    hat, _ = begun(marks(100_000, 95_000, day=TODAY - 1), 90_000)
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (100_000 * USD, 90_000 * USD)
    hat, _ = begun(marks(100_000, 95_000), 90_000)
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (100_000 * USD, 95_000 * USD)


def test_a_gain_meanwhile_is_the_new_peak() -> None:
    """What was held may have earned: the day's first stays, and so does the gain."""
    hat, _ = begun(marks(100_000, 95_000), 120_000)
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (120_000 * USD, 95_000 * USD)


@pytest.mark.parametrize("equity", [9_000, 900_000])
def test_what_changed_while_flat_was_brought_or_taken(equity: int) -> None:
    """Ended flat at 10 % below its peak, it is 10 % below after nine tenths were taken or ten times was brought."""
    hat, is_tight = begun(marks(100_000, 100_000, flat=90_000), equity, drawdown_limit_bps=1_000)
    assert not is_tight
    assert hat.state.drawdown_usd() * 10 == hat.state.peak_usd
    assert hat.state.day_loss_usd() * 10 == hat.state.day.open_usd
    assert begun(marks(100_000, 100_000, flat=89_999), equity, drawdown_limit_bps=1_000)[1]


def test_what_the_run_itself_was_brought_is_scaled_too() -> None:
    """A deposit that the ledger had booked by its first report hides no loss."""
    hat, _ = begun(marks(100_000, 100_000), 180_000, transfers=90_000)
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (200_000 * USD, 200_000 * USD)


@pytest.mark.parametrize("equity", [0, -5])
def test_a_total_loss_is_none_of_that(equity: int) -> None:
    """Nothing left of what was held is a loss of everything."""
    hat, is_tight = begun(marks(100_000, 100_000), equity, drawdown_limit_bps=1_000)
    assert is_tight
    assert hat.state.peak_usd == 100_000 * USD


def test_marks_that_come_late_change_nothing() -> None:
    """They are for the first equity alone."""
    hat = officer(equity_usd=50_000)
    say(hat, marks(100_000, 100_000))
    say(hat, ledger(50_000))
    assert (hat.state.peak_usd, hat.state.day.open_usd) == (50_000 * USD, 50_000 * USD)


def test_the_days_volume_is_counted_on() -> None:
    """What was approved earlier in the day leaves so much less; of an earlier day it is forgotten."""
    for day, sz, kind in ((TODAY, 40, OrderApproved), (TODAY, 41, OrderDenied), (TODAY - 1, 100, OrderApproved)):
        kept = msgspec.structs.replace(marks(10**6, 10**6, day=day), day_approved_usd=Usd(60 * USD))
        hat = RiskOversightOfficer(settings(daily_volume_limit_usd=100))
        say(hat, kept)
        ready(hat)
        assert isinstance(judged(hat, intent(1, sz=sz)), kind)
        assert _report(hat).day_approved_usd == (60 * USD if day == TODAY else 0) + sz * USD * (kind is OrderApproved)


def test_who_was_disabled_is_so_until_the_operator_says() -> None:
    """In the new run, too; `hats resume` lets it go on, and the report says so to the run after."""
    hat = RiskOversightOfficer(settings())
    say(hat, msgspec.structs.replace(marks(10**6, 10**6), disabled=(STRATEGY,)))
    ready(hat)
    denial = judged(hat, intent(1))
    assert isinstance(denial, OrderDenied)
    assert denial.reason is DenyReason.STRATEGY_DISABLED
    assert _report(hat).disabled == (STRATEGY,)
    say(hat, ResumeOrdered("looked at it"))
    assert isinstance(judged(hat, intent(1)), OrderApproved)
    assert _report(hat).disabled == ()


def test_the_report_has_what_the_next_run_needs() -> None:
    """Peak, day and the day's first; the last is unknown before the first equity, whatever was kept."""
    hat = RiskOversightOfficer(settings())
    say(hat, marks(100_000, 100_000))
    say(hat, Started(RO, RUN, NOW))
    assert _report(hat).day_open_usd is None
    say(hat, ledger(97_000))
    report = _report(hat)
    assert (report.peak_equity_usd, report.day, report.day_open_usd) == (100_000 * USD, TODAY, 100_000 * USD)


def _report(hat: RiskOversightOfficer) -> RiskReport:
    (found,) = (message for message in say(hat, Woke(RO, "report", Ns(NOW))) if isinstance(message, RiskReport))
    return found
