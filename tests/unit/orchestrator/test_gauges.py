"""What is said shows in the metrics, in base units, with bounded labels."""

from __future__ import annotations

import math

import pytest

from orchestrator.gauges import REASONS_MAX, Gauges
from shared.ids import Cloid, Role, StrategyId
from shared.mailbox import Letter, Mailbox
from shared.messages import AnyMessage
from shared.messages.control import (
    Armed,
    AuditRecord,
    Disarmed,
    HatState,
    HatStateChanged,
    HopSample,
    HopTimings,
    Measured,
    WakeAt,
)
from shared.messages.market import BadData, BadKind, BookUpdate, CaptureState, CaptureStatus, FeedState, FeedStatus
from shared.messages.order import OrderChanged
from shared.messages.risk import DenyReason, OrderDenied, RiskReport, TradingState, TradingStateChanged
from shared.metrics import Metrics
from shared.order import OrderState, Side
from shared.scorecard import Dimension, Measure, Scorecard, Statistic
from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd

RISK = Role.RISK_OVERSIGHT_OFFICER


@pytest.fixture
def metrics() -> Metrics:
    """Fresh metrics."""
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """What a scraper would see."""
    return metrics.registry.get_sample_value(f"hats_{name}", labels)


def changed(state: OrderState, reason: str) -> OrderChanged:
    """An order that reached a state."""
    return OrderChanged(
        Cloid("0x" + "0" * 32), StrategyId("mm"), "BTC", Side.BUY, Px(1), Sz(1), Sz(0), False, state, reason
    )


def risk_report(worst: int, limit: int) -> RiskReport:
    """A report with this worst case and limit, in USDC."""
    zero = Usd(0)
    worst_usd, limit_usd = Usd(worst * USD), Usd(limit * USD)
    return RiskReport(zero, zero, zero, zero, worst_usd, limit_usd, 0.0, 0.1, 0, TradingState.REDUCING)


def test_the_execution_managers_measures_of_orders(metrics: Metrics) -> None:
    """Answers in seconds and shortfalls in basis points, each sample once; the Exchange Architect's are others."""
    gauges = Gauges(metrics)
    gauges.said(Measured(Role.EXECUTION_MANAGER, "ack_ms", (120.0, 480.0)))
    gauges.said(Measured(Role.EXECUTION_MANAGER, "shortfall_bps", (3.0,)))
    gauges.said(Measured(Role.EXCHANGE_ARCHITECT, "ack_ms", (9.0,)))
    assert value(metrics, "order_ack_seconds_count") == 2
    assert value(metrics, "order_ack_seconds_sum") == pytest.approx(0.6)
    assert value(metrics, "slippage_bps_bucket", le="5.0") == 1
    assert value(metrics, "slippage_bps_bucket", le="2.0") == 0


def measured(measure: str, *samples: float) -> Measured:
    """What the Exchange Architect reports."""
    return Measured(Role.EXCHANGE_ARCHITECT, measure, samples)


@pytest.mark.parametrize(
    ("message", "name", "labels", "expected"),
    [
        (changed(OrderState.FILLED, ""), "order_total", {"state": "filled", "reason": "none"}, 1.0),
        (changed(OrderState.REJECTED, "bad_px"), "order_total", {"state": "rejected", "reason": "bad_px"}, 1.0),
        (risk_report(50, 200), "exposure_ratio", {}, 0.25),
        (risk_report(50, 200), "kill_state", {}, 1.0),
        (risk_report(50, 0), "exposure_ratio", {}, math.nan),
        (TradingStateChanged(TradingState.HALTED, "drawdown"), "kill_state", {}, 2.0),
        (Armed(""), "armed", {}, 1.0),
        (Disarmed(""), "armed", {}, 0.0),
        (HatStateChanged(RISK, HatState.READY, ""), "hat_up", {"hat": RISK.value}, 1.0),
        (HatStateChanged(RISK, HatState.QUARANTINED, ""), "hat_up", {"hat": RISK.value}, 0.0),
        (FeedStatus(FeedState.UP, 2, "", Ns(1), (), 2), "ws_reconnects_total", {}, 2.0),
        (FeedStatus(FeedState.UP, 1, "", Ns(1), ("ETH", "SOL")), "feed_stale_coins", {}, 2.0),
        (BadData("l2Book", "ETH", "", "", Ns(1), BadKind.CROSSED), "bad_data_total", {"kind": "crossed"}, 1.0),
        (measured("trades_heard_share", 1.0, 0.5), "feed_share", {"what": "trades_heard"}, 0.75),
        (measured("recovery_ms", 9_000.0, 4_000.0), "feed_recovery_seconds", {}, 4.0),
        (measured("clock_offset_ms", -20.0), "venue_clock_offset_seconds", {}, -0.02),
        (measured("decode_us", 30.0, 50.0), "frame_decode_seconds_count", {}, 2.0),
        (FeedStatus(FeedState.STALE, 1, "", Ns(1)), "feed_up", {}, 0.0),
        (CaptureStatus(CaptureState.LOW, "", 9, 2, 5, Ns(1)), "capture_state", {"state": "low"}, 1.0),
        (CaptureStatus(CaptureState.LOW, "", 9, 2, 5, Ns(1)), "capture_state", {"state": "on"}, 0.0),
        (CaptureStatus(CaptureState.ON, "", 9, 2, 5, Ns(1)), "capture_lost_frames_total", {}, 2.0),
        (CaptureStatus(CaptureState.OFF, "", 0, 0, -1, Ns(1)), "capture_free_bytes", {}, math.nan),
        (AuditRecord(41, "{}", "", ""), "audit_seq", {}, 41.0),
        (
            OrderDenied(Cloid(""), StrategyId("mm"), "BTC", DenyReason.LEVERAGE, 1, 2, ""),
            "decision_total",
            {"hat": RISK.value, "outcome": "leverage"},
            1.0,
        ),
    ],
    ids=lambda case: type(case).__name__ if not isinstance(case, str | dict | float) else None,
)
def test_a_message_shows(
    metrics: Metrics, message: AnyMessage, name: str, labels: dict[str, str], expected: float
) -> None:
    """Each message moves its metric."""
    Gauges(metrics).said(message)
    assert value(metrics, name, **labels) == pytest.approx(expected, nan_ok=True)


def test_timings_are_seconds(metrics: Metrics) -> None:
    """Waiting and handling add up to the hop's latency; tick-to-wire has its own histogram."""
    hops = (HopSample(RISK, "OrderIntent", 1 * MS, 2 * MS),)
    Gauges(metrics).said(HopTimings(hops, (5 * MS, 7 * MS), 4 * MS, 0))
    assert value(metrics, "message_latency_seconds_sum", hat=RISK.value) == pytest.approx(0.003)
    assert value(metrics, "tick_to_wire_seconds_count") == 2
    assert value(metrics, "hub_loop_lag_seconds") == pytest.approx(0.004)


def test_the_age_of_books_shows_by_coin(metrics: Metrics) -> None:
    """It grows while no new book comes."""
    gauges = Gauges(metrics)
    gauges.said(BookUpdate("ETH", Ns(0), Ns(1 * SECOND), (), ()))
    gauges.age(Ns(3 * SECOND))
    assert value(metrics, "data_staleness_seconds", coin="ETH") == 2.0


def test_reasons_stay_bounded(metrics: Metrics) -> None:
    """The venue's free texts and too many reasons become "other", so that labels can't grow without end."""
    gauges = Gauges(metrics)
    gauges.said(changed(OrderState.REJECTED, "Order 0x12 has insufficient margin"))
    for number in range(2 * REASONS_MAX):
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        gauges.said(changed(OrderState.REJECTED, f"reason_{letters}"))
    families = [family for family in metrics.registry.collect() if family.name == "hats_order"]
    reasons = {sample.labels["reason"] for family in families for sample in family.samples}
    assert len(reasons) == REASONS_MAX + 1
    assert value(metrics, "order_total", state="rejected", reason="other") == REASONS_MAX + 1


def test_mailboxes_show_depth_and_age(metrics: Metrics) -> None:
    """Depth by lane, the oldest letter's age, and the journal's length."""
    mailbox = Mailbox(RISK)
    mailbox.put(Letter(1, Ns(0), Ns(0), WakeAt(Ns(1), "t")))
    Gauges(metrics).stand([mailbox], 17, Ns(2 * SECOND))
    assert value(metrics, "mailbox_depth", hat=RISK.value, lane="signal") == 1
    assert value(metrics, "mailbox_depth", hat=RISK.value, lane="kill") == 0
    assert value(metrics, "mailbox_age_seconds", hat=RISK.value) == 2.0
    assert value(metrics, "mailbox_conflated_total", hat=RISK.value) == 0
    assert value(metrics, "journal_seq") == 17


def test_heartbeats_and_restarts_show(metrics: Metrics) -> None:
    """The age since a Hat was heard, and how often it came back."""
    gauges = Gauges(metrics)
    gauges.heard(RISK, 500 * MS, 1)
    gauges.heard(RISK, 250 * MS, 3)
    assert value(metrics, "hat_heartbeat_age_seconds", hat=RISK.value) == 0.25
    assert value(metrics, "hat_restarts_total", hat=RISK.value) == 3


def test_a_card_without_evidence_is_not_a_zero(metrics: Metrics) -> None:
    """Scored dimensions show their score, the others NaN."""
    measure = Measure(
        name="hits", unit="share", meaning="x", statistic=Statistic.MEAN, floor=0, target=1, min_samples=1
    )
    scored = Dimension(measure=measure, value=0.5, score=5.0, n=3, evidence=(), trend=None)
    Gauges(metrics).scored(Scorecard(role=RISK, total=None, capped_by=None, dimensions=(scored,), ts=0))
    assert value(metrics, "score", hat=RISK.value, dimension="hits") == 5.0
    assert math.isnan(value(metrics, "score", hat=RISK.value, dimension="total") or 0.0)
