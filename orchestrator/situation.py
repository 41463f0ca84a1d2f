"""The state of the run for people: a read model folded from what the orchestrator hears."""

from __future__ import annotations

from collections import Counter

import msgspec

from shared.ids import PROTECT_NUMBER, Cloid, strategy_number_of
from shared.instrument import Instrument
from shared.messages import Envelope
from shared.messages.account import LedgerReport, Reconciled
from shared.messages.control import JobEnded, LatencyReport, ResumeOrdered
from shared.messages.market import BadData, CaptureStatus, FeedStatus, UniverseUpdate
from shared.messages.order import OrderChanged
from shared.messages.parent import ParentChanged
from shared.messages.risk import AlertAcknowledged, RiskAlert, RiskReport, TradingStateChanged
from shared.order import TERMINAL, OrderState
from shared.units import Ns

RECENT_ORDERS = 200
"""Most ended orders that are remembered for display."""
PARENTS_KEPT = 50
"""Most parent orders that are."""


class Situation(msgspec.Struct):
    """The latest word on everything, and counts since the run began. None means: nobody has said so yet.

    `alerts` are those that nobody has acknowledged, by name; `signed_ns` is when the operator signed the last word that
    loosened. `failing_jobs` are the run's own jobs that failed at every attempt and have not succeeded since, with the
    last fault.
    """

    ledger: LedgerReport | None = None
    risk: RiskReport | None = None
    latency: LatencyReport | None = None
    feed: FeedStatus | None = None
    capture: CaptureStatus | None = None
    reconciled: Reconciled | None = None
    trading_state: TradingStateChanged | None = None
    alerts: dict[str, RiskAlert] = {}
    signed_ns: Ns = Ns(0)
    failing_jobs: dict[str, str] = {}
    open_orders: dict[Cloid, OrderChanged] = {}
    ended_orders: list[OrderChanged] = []
    parents: dict[str, ParentChanged] = {}
    order_states: dict[str, int] = {}
    rejected: dict[str, int] = {}
    instruments: dict[str, Instrument] = {}
    bad_data: int = 0
    heard: dict[str, int] = {}

    @property
    def wants_scheduled_cancel(self) -> bool:
        """Would it do good if the venue cancelled everything once this machine is gone: something rests, and no stop?

        It takes stops, too. What else rests adds no more than was approved; a position without its stop has no bound.
        """
        numbers = {strategy_number_of(cloid) for cloid in self.open_orders}
        return bool(numbers) and PROTECT_NUMBER not in numbers

    def hear(self, envelope: Envelope) -> None:
        """Take one message in."""
        message = envelope.message
        kind = type(message).__name__
        self.heard[kind] = self.heard.get(kind, 0) + 1
        match message:
            case LedgerReport():
                self.ledger = message
            case RiskReport():
                self.risk = message
            case LatencyReport():
                self.latency = message
            case FeedStatus():
                self.feed = message
            case CaptureStatus():
                self.capture = message
            case Reconciled():
                self.reconciled = message
            case TradingStateChanged():
                self.trading_state = message
            case RiskAlert():
                self.alerts[message.name] = message
            case AlertAcknowledged():
                self.alerts.pop(message.name, None)
                self.signed_ns = max(self.signed_ns, message.ns)
            case ResumeOrdered():
                self.signed_ns = max(self.signed_ns, message.ns)
            case JobEnded(job=job, fault=""):
                self.failing_jobs.pop(job, None)
            case JobEnded(job=job, fault=fault, is_final=True):
                self.failing_jobs[job] = fault
            case UniverseUpdate(instruments=instruments):
                self.instruments = {instrument.coin: instrument for instrument in instruments}
            case BadData():
                self.bad_data += 1
            case ParentChanged(parent=parent):
                self.parents.pop(parent, None)
                self.parents[parent] = message
                if len(self.parents) > PARENTS_KEPT:
                    del self.parents[next(iter(self.parents))]
            case OrderChanged():
                self._order(message)

    def _order(self, order: OrderChanged) -> None:
        before = self.open_orders.pop(order.cloid, None)
        if before is None or before.state is not order.state:
            self.order_states[order.state] = self.order_states.get(order.state, 0) + 1
        if order.state not in TERMINAL:
            self.open_orders[order.cloid] = order
            return
        if order.state is OrderState.REJECTED:
            self.rejected = dict(Counter(self.rejected) + Counter([order.reason]))
        self.ended_orders.append(order)
        del self.ended_orders[:-RECENT_ORDERS]
