"""The analyst reports in time, compares itself with the venue, and survives a crash unchanged."""

from __future__ import annotations

import math

import pytest

from hats.performance_quant_analyst import PerformanceQuantAnalyst
from hats.performance_quant_analyst.measures import MEASURES
from hats.performance_quant_analyst.settings import Settings
from shared.hat import restore, snapshot
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import (
    AccountSnapshot,
    BalanceChanged,
    FundingPayment,
    LedgerReport,
    Reconciled,
    VenuePosition,
)
from shared.messages.control import Measured, Started, WakeAt, Woke
from shared.messages.market import AssetContext, FundingClock, UniverseUpdate
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.order import OrderState, Side
from shared.units import HOUR, MS, SECOND, USD, Ns, Px, Sz, Usd

ROLE = Role.PERFORMANCE_QUANT_ANALYST
RUN = 7
CLOID = cloid_for(RUN, 1, 1)
START = 1_000 * USD


class Desk:
    """The analyst with a clock: what it said last is what `say` returns."""

    def __init__(self) -> None:
        self.hat = PerformanceQuantAnalyst(Settings())
        self.now = 1_700_000_000 * SECOND
        self.say(Started(ROLE, RUN, Ns(self.now)))
        self.say(UniverseUpdate((), 4500, 1500, Ns(self.now)))

    def say(self, message: AnyMessage) -> list[AnyMessage]:
        """What the analyst answers."""
        return list(self.hat.handle(message, Ns(self.now)))

    def pass_ms(self, span_ms: int) -> None:
        """Let time go by."""
        self.now += span_ms * MS

    def wake(self, timer: str, late_ms: int = 0) -> list[AnyMessage]:
        """What it answers to its timer."""
        return self.say(Woke(ROLE, timer, Ns(self.now - late_ms * MS)))

    def open(self) -> list[AnyMessage]:
        """Give it a flat account."""
        return self.account(START, {})

    def account(self, cash: int, nets: dict[str, int], equity: int | None = None) -> list[AnyMessage]:
        """Give it the venue's account."""
        held = tuple(VenuePosition(coin, net, Usd(0), 1) for coin, net in nets.items())
        word = AccountSnapshot(Usd(equity or cash), Usd(cash), Usd(cash), held, (), (), Ns(self.now), Ns(self.now))
        return self.say(word)

    def fill(self, side: Side, px: int, sz: int, fee: int, cloid: Cloid | None = CLOID) -> list[AnyMessage]:
        """Book a taker's fill on BTC."""
        at = Ns(self.now)
        said = Fill("BTC", side, Px(px), Sz(sz), 1, cloid, 1, True, Usd(fee), Usd(0), 0, at, at)
        return self.say(FillBooked(said, StrategyId("mm" if cloid else "foreign")))

    def measured(self) -> dict[str, tuple[float, ...]]:
        """Samples since the last time."""
        return {m.measure: m.samples for m in self.wake("measures") if isinstance(m, Measured)}


def reports(said: list[AnyMessage]) -> list[LedgerReport]:
    """The ledger reports among what was said."""
    return [message for message in said if isinstance(message, LedgerReport)]


def test_nothing_is_reported_before_the_account_is_known() -> None:
    """Unknown equity is not shown as zero: no report until the first snapshot."""
    desk = Desk()
    assert not reports(desk.wake("report"))
    (report,) = reports(desk.open())
    assert (report.start_equity_usd, report.equity_usd) == (START, START)
    assert math.isnan(report.sharpe)
    assert math.isnan(report.win_rate)


def test_a_fill_is_reported_at_once_but_not_more_often_than_allowed() -> None:
    """The second fill within the interval only sets a timer, at which both are reported."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    (report,) = reports(desk.fill(Side.BUY, 1000, 10, 4))
    assert report.equity_usd == START - 4
    desk.pass_ms(10)
    (alarm,) = desk.fill(Side.BUY, 1000, 10, 4)
    assert alarm == WakeAt(Ns(desk.now + 40 * MS), "fill_report")
    desk.pass_ms(40)
    (report,) = reports(desk.wake("fill_report"))
    assert report.fills == 2
    assert report.positions[0].net_sz == 20


def test_agreement_with_the_venue_measures_zero() -> None:
    """Cash and positions as the venue has them give a difference of exactly 0, later fills unwound."""
    desk = Desk()
    desk.open()
    desk.say(AssetContext("BTC", Px(1010), Px(1010), 0, 0, Ns(desk.now)))
    desk.pass_ms(100)
    desk.fill(Side.BUY, 1000, 10, 4)
    desk.pass_ms(100)
    cash = START - 10_000 - 4
    desk.account(cash, {"BTC": 10}, cash + 10_100)
    desk.pass_ms(100)
    desk.fill(Side.SELL, 1000, 3, 4)
    desk.pass_ms(2000)
    desk.wake("report")
    measured = desk.measured()
    assert measured["ledger_difference_usd"] == (0.0,)
    assert set(measured["attribution_residual_usd"]) == {0.0}


def test_cash_that_nothing_explains_is_told_once_it_was_seen_twice() -> None:
    """Unknown until two comparisons; one alone may lack a late fill, and what is explained again is gone at once."""
    desk = Desk()
    desk.open()
    gaps = []
    for missing in (0, 3, 5, 0):
        desk.pass_ms(100)
        desk.account(START - missing * USD, {}, START - missing * USD)
        desk.say(Reconciled(True, 0, 0, ()))
        (report,) = reports(desk.wake("report"))
        gaps.append(report.cash_gap_usd)
    assert gaps == [None, 0, 3 * USD, 0]


def test_a_lost_fill_is_found() -> None:
    """If a fill never reaches the ledger, the next comparison shows what is missing, in USD."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    desk.say(AssetContext("BTC", Px(1000), Px(1000), 0, 0, Ns(desk.now)))
    desk.account(START - 10_000, {"BTC": 10}, START)
    desk.say(Reconciled(True, 0, 0, ()))
    assert desk.measured()["ledger_difference_usd"] == (20_000 / USD,)


def test_an_order_that_filled_more_than_was_booked_is_found() -> None:
    """The order's own record is compared with the fills booked for it, after they had time to arrive."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    desk.fill(Side.BUY, 1000, 10, 4)
    for filled, verdict in ((10, 1.0), (11, 0.0)):
        desk.say(
            OrderChanged(
                CLOID, StrategyId("mm"), "BTC", Side.BUY, Px(1000), Sz(20), Sz(filled), False, OrderState.CANCELLED, ""
            )
        )
        assert "order_completeness" not in desk.measured()
        desk.pass_ms(2000)
        assert desk.measured()["order_completeness"] == (verdict,)


def test_foreign_fills_and_wrong_fees_lower_their_measures() -> None:
    """A fill of nobody's order is not covered; a fee of twice the schedule is an error of 4.5 bps."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    desk.fill(Side.BUY, 1_000_000, 10_000, 4_500_000)
    desk.fill(Side.BUY, 1_000_000, 10_000, 9_000_001, cloid=None)
    measured = desk.measured()
    assert measured["attribution_coverage"] == (1.0, 0.0)
    assert measured["fee_error_bps"] == (0.0, 4.5)


def test_funding_that_never_came_is_found() -> None:
    """A position over the hour needs its payment within the grace time."""
    for is_paid in (True, False):
        desk = Desk()
        desk.open()
        desk.pass_ms(100)
        desk.fill(Side.BUY, 1000, 10, 4)
        instant = desk.now + SECOND
        desk.say(FundingClock(Ns(instant), {"BTC": 125}))
        desk.say(AssetContext("BTC", Px(1000), Px(1000), 0, 125, Ns(desk.now)))
        desk.pass_ms(2000)
        desk.say(FundingClock(Ns(instant + HOUR), {"BTC": 125}))
        if is_paid:
            desk.say(FundingPayment("BTC", Usd(-3), 10, 125, Ns(instant + 5 * MS), Ns(desk.now)))
        desk.pass_ms(60_000)
        assert desk.measured()["funding_booked"] == (float(is_paid),)


def test_late_timers_and_old_marks_are_measured() -> None:
    """A report made late and a mark that grew old show up as they are."""
    desk = Desk()
    desk.open()
    desk.say(AssetContext("BTC", Px(1000), Px(1000), 0, 0, Ns(desk.now)))
    desk.pass_ms(9000)
    desk.wake("report", late_ms=700)
    measured = desk.measured()
    assert measured["report_lateness_ms"] == (700.0,)
    assert measured["mark_age_ms"] == (9000.0,)


def test_fills_before_the_account_is_known_are_kept() -> None:
    """A fill that overtakes the first snapshot is booked once the books open, if it is later than it."""
    desk = Desk()
    opened_ns = desk.now
    desk.pass_ms(5)
    desk.fill(Side.BUY, 1000, 10, 4)
    word = AccountSnapshot(Usd(START), Usd(START), Usd(START), (), (), (), Ns(opened_ns), Ns(desk.now))
    (report,) = reports(desk.say(word))
    assert report.fills == 1
    assert report.equity_usd == START - 4


def test_a_restored_analyst_goes_on_as_if_nothing_happened() -> None:
    """Snapshot and restore in the middle, and the same Started again, change no later word."""
    desk, other = Desk(), Desk()
    for each in (desk, other):
        each.open()
        each.pass_ms(100)
        each.fill(Side.BUY, 1000, 10, 4)
        each.account(START - 10_004, {"BTC": 10}, START)
    reborn = PerformanceQuantAnalyst(Settings())
    restore(reborn, snapshot(desk.hat))
    desk.hat = reborn
    desk.say(Started(ROLE, RUN, Ns(desk.now)))
    for each in (desk, other):
        each.pass_ms(2000)
    assert str(desk.fill(Side.SELL, 1100, 10, 4)) == str(other.fill(Side.SELL, 1100, 10, 4))
    assert str(desk.wake("report")) == str(other.wake("report"))
    assert snapshot(desk.hat) == snapshot(other.hat)


def test_every_sample_belongs_to_a_measure() -> None:
    """No sample is taken that no measure explains."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    desk.fill(Side.BUY, 1000, 10, 4)
    assert set(desk.measured()) <= {measure.name for measure in MEASURES}


def test_a_transfer_is_nobodys_gain() -> None:
    """Cash and equity move, at once; what was earned, the drawdown and the books' sums do not."""
    desk = Desk()
    desk.open()
    desk.pass_ms(100)
    desk.fill(Side.BUY, 1000, 10, START // 10)
    desk.pass_ms(100)
    (before,) = reports(desk.wake("report"))
    (after,) = reports(desk.say(BalanceChanged("withdraw", Usd(-START // 2), "0x1", Ns(desk.now), Ns(desk.now))))
    assert after.equity_usd == before.equity_usd - START // 2
    assert (after.transfers_usd, after.start_equity_usd, after.fees_usd) == (-START // 2, START, START // 10)
    assert after.drawdown_ratio == pytest.approx(before.drawdown_ratio) == pytest.approx(0.1)
    cash = START - START // 10 - START // 2 - 10_000
    desk.account(cash, {"BTC": 10}, cash + 10_000)
    desk.say(Reconciled(True, 0, 0, ()))
    measured = desk.measured()
    assert measured["ledger_difference_usd"] == (0.0,)
    assert set(measured["attribution_residual_usd"]) == {0.0}


def test_a_transfer_before_the_opening_is_in_it() -> None:
    """One that came early is booked only if the opening account is older than it."""
    desk = Desk()
    for late_ms in (-1, 1):
        at = Ns(desk.now + late_ms * MS)
        assert not desk.say(BalanceChanged("deposit", Usd(7), f"0x{late_ms}", at, at))
    (report,) = reports(desk.open())
    assert (report.transfers_usd, report.equity_usd) == (7, START + 7)
