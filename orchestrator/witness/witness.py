"""The witness: sees every message as it is sequenced and holds the Hats' words against each other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.witness.measures import WITNESSED
from orchestrator.witness.orders import Answers, Cancels, Fills, Reserved, Signing
from orchestrator.witness.signals import Features, Latencies, Regimes
from shared.ids import Role
from shared.messages import AnyMessage
from shared.messages.account import Reconciled
from shared.messages.control import HopTimings, KillOrdered, LatencyReport
from shared.messages.market import BookUpdate, Trade
from shared.messages.message import Lane
from shared.messages.order import (
    ActionAnswered,
    CancelOrder,
    Fill,
    FillBooked,
    OrderChanged,
    SignatureRefused,
    SignedAction,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved, RiskReport, TradingStateChanged
from shared.messages.signal import CancelIntent, FeatureUpdate, RegimeUpdate
from shared.scorecard import Measure, Samples
from shared.units import Ns


class Witness:
    """Knows only what was said since it began; what it can't judge for that, it does not judge."""

    def __init__(self, samples: Mapping[Role, Samples]) -> None:
        self._samples = {measure.name: samples[role] for role, measures in WITNESSED.items() for measure in measures}
        self._features = Features()
        self._regimes = Regimes()
        self._latencies = Latencies()
        self._signing = Signing()
        self._cancels = Cancels()
        self._answers = Answers()
        self._fills = Fills()
        self._reserved = Reserved()

    def see(self, message: AnyMessage, now: Ns) -> None:
        """Take one message in and sample what it proves."""
        match message:
            case BookUpdate():
                self._features.told(message, now)
            case FeatureUpdate():
                self._take(self._features.said(message))
            case Trade():
                self._regimes.told(message, now)
            case RegimeUpdate():
                self._regimes.said(message, now)
            case HopTimings():
                self._latencies.told(message)
            case LatencyReport():
                self._take(self._latencies.said(message, now))
            case RiskReport():
                self._take(self._reserved.reported(message))
            case OrderApproved() | SubmitOrder() | SignedAction() | SignatureRefused():
                self._see_signing(message, now)
            case KillOrdered() | TradingStateChanged():
                self._signing.switched(message)
            case _ if message.lane is Lane.ORDER:
                self._see_order(message, now)

    def _see_signing(self, message: OrderApproved | SubmitOrder | SignedAction | SignatureRefused, now: Ns) -> None:
        match message:
            case OrderApproved():
                self._signing.approved(message)
                self._reserved.approved(message, now)
            case SubmitOrder():
                self._take(self._signing.submitted(message, now))
            case SignedAction() | SignatureRefused():
                self._take(self._signing.answered(message, now))

    def _see_order(self, message: AnyMessage, now: Ns) -> None:
        match message:
            case OrderChanged():
                self._reserved.changed(message)
                self._take(self._cancels.changed(message))
                self._take(self._answers.changed(message))
            case ActionAnswered():
                self._answers.told(message, now)
            case CancelIntent():
                self._cancels.wanted(message, now)
            case CancelOrder(cloid=cloid):
                self._take(self._cancels.cancelled(cloid))
            case Fill():
                self._fills.told(message, now)
            case FillBooked():
                self._take(self._fills.booked(message))
            case Reconciled():
                self._fills.reconciled(message)

    def look(self, now: Ns) -> None:
        """Sample what time alone proves: once a beat."""
        self._reserved.forget(now)
        for judge in (self._signing, self._cancels, self._answers, self._fills):
            self._take(judge.overdue(now))
        for watch in (self._features, self._regimes, self._latencies):
            self._take(watch.look(now))

    def _take(self, verdicts: Iterable[tuple[Measure, float]]) -> None:
        for measure, value in verdicts:
            self._samples[measure.name].add(measure.name, value)
