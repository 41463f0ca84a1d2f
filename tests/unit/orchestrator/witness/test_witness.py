"""The witness samples what two words together prove, and nothing where it can't know."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator.scoring import Scores
from orchestrator.witness.measures import WITNESSED
from orchestrator.witness.witness import Witness
from shared.book import Level
from shared.ids import HATS, Cloid, StrategyId, cloid_for
from shared.messages import AnyMessage
from shared.messages.account import Reconciled
from shared.messages.control import HopTimings, KillLevel, KillOrdered, LatencyReport
from shared.messages.market import BookUpdate, Trade
from shared.messages.order import (
    ActionAnswered,
    ActionKind,
    AnswerKind,
    CancelOrder,
    Fill,
    FillBooked,
    OrderChanged,
    SignatureRefused,
    SignedAction,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved, RiskReport, TradingState
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent, Regime, RegimeUpdate
from shared.order import OrderState, Side, Tif
from shared.scorecard import Samples
from shared.units import MS, SECOND, US, Ns, Px, Sz, Usd

MM = StrategyId("mm")
CLOID = cloid_for(1, 0, 1)


class Bench:
    """A witness and its clock."""

    def __init__(self) -> None:
        self.samples = {role: Samples() for role in HATS}
        self.witness = Witness(self.samples)
        self.now = 1_000 * SECOND

    def see(self, *messages: AnyMessage, after_ms: int = 0) -> None:
        """These are said, the first of them so much later."""
        self.now += after_ms * MS
        for message in messages:
            self.witness.see(message, Ns(self.now))

    def look(self, after_ms: int = 0) -> None:
        """A beat, so much later."""
        self.now += after_ms * MS
        self.witness.look(Ns(self.now))

    def found(self, measure: str) -> list[float]:
        """All samples of a measure so far."""
        return [value for samples in self.samples.values() for value in samples.values.get(measure, [])]


def approved(number: int = 1, cloid: Cloid = CLOID, expires_ns: int = 1_002 * SECOND) -> OrderApproved:
    """An approval of one buy."""
    intent = OrderIntent(cloid, MM, "BTC", Side.BUY, Px(10), Sz(5), Tif.ALO, False, None, Ns(0), "test")
    return OrderApproved(intent, number, Ns(expires_ns))


def submitted(number: int = 1, cloid: Cloid = CLOID, **other: Any) -> SubmitOrder:
    """The order of that approval, or one that differs."""
    order = SubmitOrder(cloid, number, "BTC", 0, 5, Side.BUY, Px(10), Sz(5), Tif.ALO, False, None, Ns(1_002 * SECOND))
    return msgspec.structs.replace(order, **other)


SIGNED = SignedAction(ActionKind.ORDER, CLOID, 1, 0, b"", 0)
REFUSED = SignatureRefused(ActionKind.ORDER, CLOID, "test")


def changed(state: OrderState, cloid: Cloid = CLOID) -> OrderChanged:
    """The Execution Manager's word on an order."""
    return OrderChanged(cloid, MM, "BTC", Side.BUY, Px(10), Sz(5), Sz(0), False, state, "test")


def answered(answer: AnswerKind) -> ActionAnswered:
    """The venue's word on an order."""
    return ActionAnswered(ActionKind.ORDER, CLOID, 1, answer, 7, Sz(0), "", Ns(0))


def fill(tid: int = 1) -> Fill:
    """A fill of ours."""
    return Fill("BTC", Side.BUY, Px(10), Sz(1), 7, CLOID, tid, False, Usd(0), Usd(0), 0, Ns(0), Ns(0))


def book(recv_ns: int, bid_px: int = 10) -> BookUpdate:
    """A book of two levels."""
    levels = (Level(Px(bid_px), Sz(1), 1),), (Level(Px(bid_px + 1), Sz(1), 1),)
    return BookUpdate("BTC", Ns(recv_ns), Ns(recv_ns), *levels)


def features(recv_ns: int, bid_px: int = 10) -> FeatureUpdate:
    """Features of such a book."""
    floats = (0.0,) * 10
    return FeatureUpdate("BTC", Ns(recv_ns), Ns(recv_ns), Px(bid_px), Px(bid_px + 1), *floats)


def test_every_witnessed_measure_is_declared() -> None:
    """Scores take a report of each."""
    scores = Scores({})
    names = {(card.role, d.measure.name) for card in scores.cards(0) for d in card.dimensions}
    assert {(role, measure.name) for role, measures in WITNESSED.items() for measure in measures} <= names


@pytest.mark.parametrize(
    ("order", "answer", "as_approved", "verdict"),
    [
        (submitted(), SIGNED, [1.0], [1.0]),
        (submitted(), REFUSED, [1.0], [0.0]),
        (submitted(sz=Sz(6)), REFUSED, [0.0], [1.0]),
        (submitted(px=Px(11)), SIGNED, [0.0], [0.0]),
        (submitted(number=2), REFUSED, [0.0], [1.0]),
        (submitted(number=0), REFUSED, [], []),
    ],
)
def test_orders_and_signatures(
    order: SubmitOrder, answer: AnyMessage, as_approved: list[float], verdict: list[float]
) -> None:
    """Who forges and who judges wrongly are told apart; approvals from before our time are not judged."""
    bench = Bench()
    bench.see(approved(), order, answer)
    assert (bench.found("as_approved"), bench.found("verdicts_right")) == (as_approved, verdict)


def test_an_approval_is_good_once() -> None:
    """The second order of one approval is not as approved."""
    bench = Bench()
    bench.see(approved(), submitted(), submitted())
    assert bench.found("as_approved") == [1.0, 0.0]


def test_no_verdict_is_a_wrong_one() -> None:
    """An order that is neither signed nor refused counts after its time, once."""
    bench = Bench()
    bench.see(approved(), submitted())
    bench.look(after_ms=2_900)
    assert bench.found("verdicts_right") == []
    bench.look(after_ms=200)
    bench.look(after_ms=200)
    assert bench.found("verdicts_right") == [0.0]


def test_refusing_is_right_after_the_deadline_and_after_a_kill() -> None:
    """A late order may be refused, and so may any that adds risk once the switch was pulled."""
    late = Bench()
    late.see(approved(), submitted())
    late.see(REFUSED, after_ms=2_500)
    killed = Bench()
    killed.see(approved(), KillOrdered(KillLevel.PAUSE, "test"), submitted(), REFUSED)
    assert late.found("verdicts_right") == killed.found("verdicts_right") == []


def test_cancels_of_resting_orders_are_expected_soon() -> None:
    """A cancel sent or confirmed heeds the wish, silence does not; what was filled or never rested is not judged."""
    for heeding in (CancelOrder(CLOID, "BTC", 0, Ns(0)), changed(OrderState.CANCELLED)):
        bench = Bench()
        bench.see(changed(OrderState.RESTING), CancelIntent(CLOID, MM, "test"), heeding)
        bench.look(after_ms=3_000)
        assert bench.found("cancels_heeded") == [1.0]
    bench = Bench()
    bench.see(changed(OrderState.RESTING), CancelIntent(CLOID, MM, "test"))
    bench.look(after_ms=3_000)
    assert bench.found("cancels_heeded") == [0.0]
    bench = Bench()
    bench.see(changed(OrderState.PENDING_SUBMIT), CancelIntent(CLOID, MM, "test"))
    bench.see(changed(OrderState.RESTING), CancelIntent(CLOID, MM, "test"), changed(OrderState.FILLED))
    bench.look(after_ms=3_000)
    assert bench.found("cancels_heeded") == []


def test_answers_change_the_order() -> None:
    """After a definite answer the order is no longer on its way; no answer proves nothing."""
    heeded, deaf, unanswered = Bench(), Bench(), Bench()
    heeded.see(changed(OrderState.PENDING_SUBMIT), answered(AnswerKind.RESTING), changed(OrderState.RESTING))
    deaf.see(changed(OrderState.PENDING_SUBMIT), answered(AnswerKind.REFUSED))
    unanswered.see(changed(OrderState.PENDING_SUBMIT), answered(AnswerKind.NO_ANSWER))
    for bench, found in ((heeded, [1.0]), (deaf, [0.0]), (unanswered, [])):
        bench.look(after_ms=2_500)
        assert bench.found("answers_heeded") == found


def test_fills_are_booked_once_and_soon() -> None:
    """Told and booked is right; told and not booked, and booked twice, are wrong; before the opening nothing is."""
    bench = Bench()
    bench.see(fill(1))
    bench.see(Reconciled(True, 0, 0, ()), fill(2), FillBooked(fill(2), MM), fill(2), FillBooked(fill(2), MM), fill(3))
    bench.look(after_ms=6_000)
    assert bench.found("fills_booked") == [1.0, 0.0, 0.0]


def test_the_officer_counts_what_may_trade() -> None:
    """Approved and open orders count until their end; an approval nobody used is void in time."""

    def report(count: int) -> RiskReport:
        usd = (Usd(0),) * 6
        return RiskReport(*usd, 0.0, 0.0, count, TradingState.ACTIVE)

    bench = Bench()
    bench.see(approved(1), approved(2, cloid_for(1, 0, 2)), report(2), changed(OrderState.RESTING), report(2))
    bench.see(changed(OrderState.CANCELLED), report(2))
    bench.look(after_ms=16_000)
    bench.see(report(0))
    assert bench.found("reserved_difference") == [0.0, 0.0, 1.0, 0.0]


def test_books_are_answered_with_their_own_prices() -> None:
    """A book that waits counts at every look; features of another price count at once."""
    bench = Bench()
    bench.see(book(5), features(5))
    bench.look(after_ms=1_500)
    bench.see(book(6), book(7))
    bench.look(after_ms=900)
    bench.look(after_ms=200)
    bench.see(features(7, bid_px=9))
    bench.look(after_ms=2_000)
    assert bench.found("books_answered") == [1.0, 1.0, 0.0, 0.0, 1.0]


def test_prints_are_answered_with_a_young_regime() -> None:
    """A coin that prints has one once it had one, or after a minute; prints that come too late say nothing."""
    bench = Bench()

    def print_now() -> Trade:
        return Trade("BTC", Side.BUY, Px(1), Sz(1), 1, Ns(bench.now), Ns(bench.now))

    bench.see(print_now())
    bench.look()
    assert bench.found("prints_answered") == []
    bench.see(RegimeUpdate("BTC", Ns(0), SECOND, Regime.CALM, (1.0, 0.0, 0.0), 1.0))
    bench.look()
    bench.now += 8 * SECOND
    bench.look()
    bench.see(print_now())
    bench.look()
    bench.now += 8 * SECOND
    late = msgspec.structs.replace(print_now(), exch_ns=Ns(bench.now - 2 * SECOND))
    bench.see(late)
    bench.look()
    assert bench.found("prints_answered") == [1.0, 0.0]


def test_a_reported_median_is_held_against_the_timings() -> None:
    """The median of the newest n, before or after the last report came in; silence is as wrong as can be."""

    def timings(us: int) -> HopTimings:
        return HopTimings((), (us * US,) * 20, 0, 0)

    bench = Bench()
    bench.see(timings(100), timings(100), LatencyReport((), 100.0, 0.0, 20, ()), LatencyReport((), 30.0, 0.0, 20, ()))
    bench.see(timings(400), LatencyReport((), 100.0, 0.0, 20, ()), LatencyReport((), 400.0, 0.0, 20, ()))
    bench.look(after_ms=4_000)
    bench.look(after_ms=2_000)
    assert bench.found("latency_error") == pytest.approx([0.0, 0.7, 0.0, 0.0, 1.0])
