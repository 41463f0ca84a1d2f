"""Keeps the metrics in step with what is said and with how the Hats' mailboxes stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hats.exchange_architect.measures import (
    BAD_DATA,
    CLOCK_OFFSET,
    COMPLETENESS,
    DECODE,
    DUPLICATES,
    READS_SUSPENDED,
    RECOVERY,
    REORDERED,
)
from hats.execution_manager.measures import ACK, SHORTFALL
from orchestrator.heart import Heart
from shared.ids import Role
from shared.mailbox import Mailbox
from shared.messages import AnyMessage
from shared.messages.account import LedgerReport
from shared.messages.control import Armed, AuditRecord, Disarmed, HatState, HatStateChanged, HopTimings, Measured
from shared.messages.market import BadData, BookUpdate, CaptureState, CaptureStatus, FeedState, FeedStatus
from shared.messages.message import Lane
from shared.messages.order import OrderChanged
from shared.messages.risk import OrderApproved, OrderDenied, RiskReport, TradingState, TradingStateChanged
from shared.metrics import UNKNOWN, Metrics
from shared.scorecard import Scorecard
from shared.units import MS, SECOND, US, USD, Ns

REASONS_MAX: Final = 64
BEATS_PER_SCORE: Final = 10
_SHARES: Final = frozenset({BAD_DATA, COMPLETENESS, DUPLICATES, REORDERED, READS_SUSPENDED})
_REASON: Final = re.compile(r"[a-z][a-z_]{0,39}")
_KILL: Final = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}
_UP: Final = frozenset({HatState.SYNCING, HatState.READY, HatState.ARMED, HatState.DRAINING})


class Gauges:
    """Sets the handles of `Metrics`. It only reads; trading never waits for it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reasons: set[str] = set()
        self._books_ns: dict[str, int] = {}
        self._beats = 0

    def said(self, message: AnyMessage) -> None:
        """Count or show one sequenced message, if a metric follows from it."""
        match message:
            case OrderChanged(state=state, reason=reason):
                self._metrics.orders.labels(state.value, self._bounded(reason)).inc()
            case OrderApproved():
                self._metrics.decisions.labels(Role.RISK_OVERSIGHT_OFFICER.value, "approved").inc()
            case OrderDenied(reason=denied):
                self._metrics.decisions.labels(Role.RISK_OVERSIGHT_OFFICER.value, denied.value).inc()
            case LedgerReport():
                self._metrics.equity.set(message.equity_usd / USD)
                self._metrics.drawdown.set(message.drawdown_ratio)
            case RiskReport():
                limit = message.gross_limit_usd
                self._metrics.exposure.set(message.worst_gross_usd / limit if limit else UNKNOWN)
                self._metrics.kill_state.set(_KILL[message.state])
            case TradingStateChanged(state=trading):
                self._metrics.kill_state.set(_KILL[trading])
            case Armed():
                self._metrics.armed.set(1)
            case Disarmed():
                self._metrics.armed.set(0)
            case HatStateChanged(role=role, state=hat_state):
                self._state(role, hat_state)
            case CaptureStatus():
                self._capture(message)
            case FeedStatus():
                self._feed(message)
            case BookUpdate(coin=coin, recv_ns=recv_ns):
                self._books_ns[coin] = recv_ns
            case BadData(kind=kind):
                self._metrics.bad_data.labels(kind.value).inc()
            case Measured(role=Role.EXCHANGE_ARCHITECT, measure=measure, samples=samples):
                self._measured(measure, samples)
            case Measured(role=Role.EXECUTION_MANAGER, measure=measure, samples=samples):
                self._executed(measure, samples)
            case HopTimings():
                self._timings(message)
            case AuditRecord(index=index):
                self._metrics.audit_seq.set(index)

    def beat(self, heart: Heart, now: Ns, heard_ns: Mapping[Role, int]) -> None:
        """Once a second: mailboxes, journal, jobs and heartbeats; every tenth time the scores, which cost more."""
        self.stand(heart.mailboxes.values(), heart.sequencer.record.last_seq, now)
        self.age(now)
        self._metrics.jobs_failing.set(len(heart.situation.failing_jobs))
        for role, ns in heard_ns.items():
            self.heard(role, now - ns, heart.supervisor.restarts[role])
        self._beats += 1
        if self._beats % BEATS_PER_SCORE == 0:
            for card in heart.scores.cards(now):
                self.scored(card)

    def stand(self, mailboxes: Iterable[Mailbox], last_seq: int, now: Ns) -> None:
        """Show how full and how old the mailboxes are, and how long the journal is."""
        for mailbox in mailboxes:
            hat = mailbox.role.value
            for lane in Lane:
                self._metrics.mailbox_depth.labels(hat, lane.name.lower()).set(mailbox.depth_of(lane))
            self._metrics.mailbox_age.labels(hat).set(mailbox.age_ns(now) / SECOND)
            self._metrics.mailbox_conflated.raise_to(mailbox.conflated, hat)
        self._metrics.journal_seq.set(last_seq)

    def age(self, now: Ns) -> None:
        """Show how old the newest sound book of each coin is."""
        for coin, recv_ns in self._books_ns.items():
            self._metrics.staleness.labels(coin).set((now - recv_ns) / SECOND)

    def heard(self, role: Role, age_ns: int, restarts: int) -> None:
        """Show when a Hat was last heard, and how often it came back."""
        self._metrics.heartbeat_age.labels(role.value).set(age_ns / SECOND)
        self._metrics.restarts.raise_to(restarts, role.value)

    def scored(self, card: Scorecard) -> None:
        """Show a scorecard; NaN where the evidence is insufficient."""
        hat = card.role.value
        self._metrics.score.labels(hat, "total").set(UNKNOWN if card.total is None else card.total)
        for dimension in card.dimensions:
            score = UNKNOWN if dimension.score is None else dimension.score
            self._metrics.score.labels(hat, dimension.measure.name).set(score)

    def _state(self, role: Role, state: HatState) -> None:
        self._metrics.hat_up.labels(role.value).set(state in _UP)
        for each in HatState:
            self._metrics.hat_state.labels(role.value, each.value).set(each is state)

    def _feed(self, status: FeedStatus) -> None:
        self._metrics.reconnects.raise_to(status.reconnections)
        self._metrics.feed_up.set(status.state is FeedState.UP)
        self._metrics.stale_coins.set(len(status.stale_coins))

    def _measured(self, measure: str, samples: tuple[float, ...]) -> None:
        """What the Exchange Architect measured: the newest sample, or for a share the mean of the report."""
        if measure in _SHARES:
            self._metrics.feed_share.labels(measure.removesuffix("_share")).set(sum(samples) / len(samples))
        elif measure == RECOVERY:
            self._metrics.feed_recovery.set(samples[-1] * MS / SECOND)
        elif measure == CLOCK_OFFSET:
            self._metrics.venue_clock_offset.set(samples[-1] * MS / SECOND)
        elif measure == DECODE:
            for sample in samples:
                self._metrics.decode.observe(sample * US / SECOND)

    def _executed(self, measure: str, samples: tuple[float, ...]) -> None:
        """What the Execution Manager measured of orders."""
        if measure == ACK.name:
            for sample in samples:
                self._metrics.order_ack.observe(sample * MS / SECOND)
        elif measure == SHORTFALL.name:
            for sample in samples:
                self._metrics.slippage.observe(sample)

    def _capture(self, status: CaptureStatus) -> None:
        for each in CaptureState:
            self._metrics.capture_state.labels(each.value).set(each is status.state)
        self._metrics.capture_frames.raise_to(status.frames)
        self._metrics.capture_lost.raise_to(status.lost)
        self._metrics.capture_free.set(UNKNOWN if status.free_bytes < 0 else status.free_bytes)

    def _timings(self, timings: HopTimings) -> None:
        for hop in timings.hops:
            self._metrics.latency.labels(hop.role.value).observe((hop.waited_ns + hop.handled_ns) / SECOND)
        for took_ns in timings.tick_to_wire_ns:
            self._metrics.tick_to_wire.observe(took_ns / SECOND)
        self._metrics.loop_lag.set(timings.loop_lag_ns / SECOND)

    def _bounded(self, reason: str) -> str:
        """The reason as a label: one of at most REASONS_MAX words; free text is "other"."""
        if not reason:
            return "none"
        if not _REASON.fullmatch(reason) or (reason not in self._reasons and len(self._reasons) >= REASONS_MAX):
            return "other"
        self._reasons.add(reason)
        return reason
