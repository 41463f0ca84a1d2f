"""The Risk Oversight Officer: judges every intent, counts everything that may still trade, holds the kill switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from hats.risk_oversight_officer import budgets, fits, reporting, vigil
from hats.risk_oversight_officer.case import Case
from hats.risk_oversight_officer.controls.exposure import position_limit_usd
from hats.risk_oversight_officer.controls.table import first_breach
from hats.risk_oversight_officer.exposure import LiveOrder
from hats.risk_oversight_officer.measures import (
    APPROVALS_USED,
    EVIDENCE_AGE,
    OVER_LIMIT,
    RESERVATION_DRIFT,
)
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State, note
from hats.risk_oversight_officer.tail import Tail
from shared.approval import ApprovalKey, ticket_of
from shared.ids import PROTECT, Cloid, Role, intent_number_of, strategy_number_of
from shared.messages import AnyMessage, Message
from shared.messages.account import LedgerReport, Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    HatStateChanged,
    HopTimings,
    KillOrdered,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.market import (
    AssetContext,
    CandlesTold,
    CaptureStatus,
    FeedStatus,
    UniverseUpdate,
    VenueClockTold,
)
from shared.messages.order import FillBooked, OrderChanged
from shared.messages.risk import (
    AlertAcknowledged,
    MarksKept,
    OrderApproved,
    OrderDenied,
    RiskAlert,
    TradingState,
    TradingStateChanged,
    VarianceFitted,
)
from shared.messages.signal import FeatureUpdate, OrderIntent, RegimeUpdate
from shared.order import OrderState, Trigger, is_open
from shared.units import MINUTE, MS, Ns, notional

REPORT_TIMER = "report"
MEASURES_TIMER = "measures"
RETURNS_TIMER = "returns"
RESUME_TIMER = "resume"


class RiskOversightOfficer:
    """In: intents and the facts to judge them by. Out: an approval or a denial for each, with its evidence."""

    role: ClassVar[Role] = Role.RISK_OVERSIGHT_OFFICER
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        AssetContext,
        FeedStatus,
        CaptureStatus,
        VenueClockTold,
        HopTimings,
        CandlesTold,
        VarianceFitted,
        FeatureUpdate,
        RegimeUpdate,
        OrderIntent,
        FillBooked,
        OrderChanged,
        Reconciled,
        LedgerReport,
        MarksKept,
        Woke,
        Started,
        HatStateChanged,
        Armed,
        Disarmed,
        KillOrdered,
        ResumeOrdered,
        AlertAcknowledged,
        DrainOrdered,
    )

    def __init__(self, settings: Settings, approval_key: ApprovalKey | None = None) -> None:
        """Without a key its approvals are not sealed, and no signer takes them."""
        self.state = State()
        self._settings = settings
        self._approval_key = approval_key
        self._tail = Tail(self.state.returns, settings)

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        match message:
            case FeatureUpdate():
                self.state.market.hear(message)
                return self._ask_history(message.coin, now)
            case VarianceFitted():
                return self._take_fit(message)
            case CandlesTold():
                self._begin_with(message)
            case AssetContext() | UniverseUpdate() | FeedStatus() | CaptureStatus() | RegimeUpdate():
                self.state.market.hear(message)
            case VenueClockTold() | HopTimings():
                self.state.market.hear(message)
            case OrderIntent():
                return self._judge(message, now)
            case OrderChanged():
                self._follow(message)
            case FillBooked():
                return self._settle(message, now)
            case LedgerReport():
                return self._weigh(message, now)
            case MarksKept():
                self.state.begin_with(message)
            case Reconciled():
                self._adopt(message)
            case Armed() | Disarmed() | DrainOrdered() | HatStateChanged():
                self.state.switch.hear(message, now)
            case KillOrdered():
                to = self.state.switch.kill(message, now)
                return self._tighten(to, f"kill ({message.level}): {message.reason}")
            case ResumeOrdered():
                return self._want_resume(message, now)
            case AlertAcknowledged():
                self._acknowledge(message, now)
            case Woke():
                return self._wake(message, now)
            case Started():
                return self._start(message, now)
        return ()

    # ------------------------------------------------------------------------------------------- the time before
    def _ask_history(self, coin: str, now: Ns) -> Sequence[AnyMessage]:
        """Ask the venue once what the coin did before we saw it, so that the tail is known from the first minute."""
        settings = self._settings
        every_ns, enough = settings.var_every_ms * MS, settings.var_samples_min
        question = self.state.returns.first_question(coin, every_ns, settings.var_samples, enough, now)
        return () if question is None else (question,)

    def _take_fit(self, fit: VarianceFitted) -> list[AnyMessage]:
        verdict = fits.judged(self.state, self._settings, fit)
        self._current_tail()
        return [verdict]

    def _begin_with(self, told: CandlesTold) -> None:
        self.state.returns.begin_with(told, self._settings.var_samples_min, self._settings.var_samples)
        self._current_tail()  # now, so that no order has to wait for it

    # ------------------------------------------------------------------------------------------------ judging
    def _judge(self, intent: OrderIntent, now: Ns) -> list[AnyMessage]:
        """The one decision of this house that may cost money: an approval that reserves, or a denial that does not."""
        self.state.turn_day(now)
        feature = self.state.market.features.get(intent.coin)
        if feature is not None:
            self.state.samples.add(EVIDENCE_AGE.name, (now - feature.book_recv_ns) / MS)
        breach = first_breach(Case(intent, self.state, self._settings, self._current_tail(), now))
        if breach is not None:
            note(self.state.denied_ns, now, now - MINUTE)
            del self.state.denied_ns[: -self._settings.denials_limit - 1]  # more say nothing more
            return [OrderDenied(intent.cloid, intent.strategy, intent.coin, *breach)]
        return [self._approve(intent, now)]

    def _approve(self, intent: OrderIntent, now: Ns) -> OrderApproved:
        state, settings = self.state, self._settings
        expires_ns = Ns(now + settings.approval_ttl_ms * MS)
        void_ns = Ns(expires_ns + settings.release_grace_ms * MS)
        exposure = state.exposure(intent.coin)
        before, is_asleep = exposure.worst(), intent.how is not None
        exposure.reserve(
            intent.cloid,
            LiveOrder(
                intent.strategy, intent.side, intent.px, intent.sz, intent.sz, intent.reduce_only, void_ns,
                is_asleep=is_asleep,
            ),
        )  # fmt: skip
        exposure.allow()
        self._measure_limit(intent.coin, before.sz, exposure.worst().sz)
        state.order_coins[intent.cloid] = intent.coin
        state.last_intents[str(strategy_number_of(intent.cloid))] = intent_number_of(intent.cloid)
        window_ns = now - settings.order_rate_window_ms * MS
        record = state.record_of(intent.strategy)
        for times in (state.approved_ns, record.approved_ns):
            note(times, now, window_ns)
        if not isinstance(intent.how, Trigger):  # a stop that is kept and moved all day has traded nothing by that
            state.day.approved_usd += notional(intent.px, intent.sz)
        state.last_approval_id += 1
        return OrderApproved(intent, state.last_approval_id, expires_ns, self._seal(intent, expires_ns))

    def _seal(self, intent: OrderIntent, expires_ns: Ns) -> bytes:
        if self._approval_key is None:
            return b""
        instrument = self.state.market.instruments[intent.coin]
        ticket = ticket_of(
            approval_id=self.state.last_approval_id, expires_ns=expires_ns, cloid=intent.cloid, coin=intent.coin,
            asset=instrument.asset, sz_decimals=instrument.sz_decimals, side=intent.side, px=intent.px, sz=intent.sz,
            tif=intent.tif, reduce_only=intent.reduce_only, replaces=intent.replaces, how=intent.how,
        )  # fmt: skip
        return self._approval_key.seal(ticket)

    def _measure_limit(self, coin: str, before_sz: int, after_sz: int) -> None:
        """Was the limit kept? Looked at after the fact, from the exposure alone."""
        limit_usd = position_limit_usd(self.state, self._settings, coin)
        is_over = after_sz > before_sz and after_sz * self.state.market.reference_px(coin) > limit_usd
        self.state.samples.add(OVER_LIMIT.name, float(is_over))

    # ------------------------------------------------------------------------- what became of what was approved
    def _follow(self, order: OrderChanged) -> None:
        """Count what the order may still trade; nothing once it is proven gone."""
        state = self.state
        exposure = state.exposure(order.coin)
        live = exposure.orders.get(order.cloid)
        if live is not None and live.void_ns:
            live.void_ns = Ns(0)
            state.samples.add(APPROVALS_USED.name, float(order.state is not OrderState.EXPIRED))
        if live is not None:
            live.is_in_doubt = order.state is OrderState.UNKNOWN
            live.is_asleep = live.is_asleep and order.state is not OrderState.TRIGGERED
        if not is_open(order.state):
            self._release(order.cloid)
        elif live is not None:
            exposure.shrink(order.cloid, order.sz - order.filled_sz)
        else:
            left_sz = order.sz - order.filled_sz
            found = LiveOrder(
                order.strategy, order.side, order.px, order.sz, left_sz, order.reduce_only, Ns(0),
                is_asleep=order.strategy == PROTECT,
            )  # fmt: skip
            exposure.reserve(order.cloid, found)
            state.order_coins[order.cloid] = order.coin

    def _release(self, cloid: Cloid) -> None:
        coin = self.state.order_coins.pop(cloid, None)
        if coin is not None:
            self.state.exposures[coin].release(cloid)

    def _settle(self, booked: FillBooked, now: Ns) -> Iterable[AnyMessage]:
        """Move the position. The order shrinks when its OrderChanged comes; until then the fill counts twice."""
        fill, state = booked.fill, self.state
        signed_sz = fill.side.value * fill.sz
        state.exposure(fill.coin).move(signed_sz)
        record = state.book(booked.strategy, fill.coin, signed_sz)
        limit = self._settings.repeated_fills_limit
        if not record.note_fill(f"{fill.coin} {fill.side.name}", now, self._settings.repeated_window_ms * MS, limit):
            return ()
        state.switch.resume_ns = Ns(0)  # who asked for it did not know of this one
        why = f"fills of {booked.strategy} one way in {fill.coin}: it is disabled"
        name = f"repeated_execution {booked.strategy}"
        return [RiskAlert(name, state.switch.trading, now, limit, len(record.run_ns), why)]

    def _adopt(self, reconciled: Reconciled) -> None:
        """Take the reconciled positions over. What was held at the start counts as allowed; later ones must be ours."""
        state = self.state
        drift = 0
        for position in reconciled.positions:
            exposure = state.exposure(position.coin)
            drift += abs(position.net_sz - exposure.net_sz)
            exposure.move(position.net_sz - exposure.net_sz)
            if not state.is_opened:
                exposure.allow()
        if state.is_opened and reconciled.is_clean:
            state.samples.add(RESERVATION_DRIFT.name, float(drift))
        state.is_opened = True
        state.switch.books_agree = reconciled.is_clean

    def _void(self, now: Ns) -> None:
        """Release approvals that nobody mentioned until long after they were void."""
        gone = [
            cloid
            for cloid, coin in sorted(self.state.order_coins.items())
            if 0 < self.state.exposures[coin].orders[cloid].void_ns <= now
        ]
        for cloid in gone:
            self._release(cloid)
            self.state.samples.add(APPROVALS_USED.name, 0.0)

    # ------------------------------------------------------------------------------------------ trading state
    def _weigh(self, report: LedgerReport, now: Ns) -> Iterable[AnyMessage]:
        """Note equity, its peak and the day's first; look whether that must tighten the trading state."""
        state = self.state
        state.note_equity(report.equity_usd, report.transfers_usd, now)
        state.cash_gap_usd = report.cash_gap_usd
        self.state.turn_day(now)
        if state.day.open_usd is None:
            state.day.open_usd = report.equity_usd
        return self._look(now)

    def _look(self, now: Ns) -> list[AnyMessage]:
        """Say what was confirmed, and tighten for what can't wait."""
        said: list[AnyMessage] = []
        for finding in vigil.look(self.state.vigil, self.state, self._settings, now):
            if finding.alert is not None:
                said.append(finding.alert)
                continue
            breach = finding.breach
            why = f"{finding.cause.name}: {breach.found}, limit {breach.limit} {breach.detail}"
            said += self._tighten(finding.cause.tightens_to, why)
        return said

    def _tighten(self, to: TradingState, why: str) -> list[AnyMessage]:
        switch = self.state.switch
        return [TradingStateChanged(switch.trading, why)] if switch.tighten(to, why) else []

    def _acknowledge(self, word: AlertAcknowledged, now: Ns) -> None:
        if self.state.switch.fault_in(word, self._settings.operator_public_key, self.state.run, now) is None:
            self.state.vigil.acknowledge(word.name)

    def _want_resume(self, order: ResumeOrdered, now: Ns) -> list[AnyMessage]:
        """Loosen on the operator's word after its delay; at once refused while what would tighten again still holds."""
        switch, settings = self.state.switch, self._settings
        fault = switch.fault_in(order, settings.operator_public_key, self.state.run, now)
        obstacle = fault or self._resume_obstacle(now)
        if obstacle is not None:
            return [TradingStateChanged(switch.trading, f"not resumed: {obstacle}")]
        if not switch.is_tight() and not any(record.is_disabled for record in self.state.strategies.values()):
            return []
        switch.resume_ns, switch.resume_why = Ns(now + settings.resume_delay_ms * MS), f"resumed: {order.reason}"
        return [WakeAt(switch.resume_ns, RESUME_TIMER)] if switch.resume_ns > now else self._resume(now)

    def _resume(self, now: Ns) -> list[AnyMessage]:
        """Loosen now, unless the wish was overtaken by a kill or its time has not come."""
        switch = self.state.switch
        if not 0 < switch.resume_ns <= now:
            return []
        switch.resume_ns = Ns(0)
        obstacle = self._resume_obstacle(now)
        if obstacle is not None:
            return [TradingStateChanged(switch.trading, f"not resumed: {obstacle}")]
        for record in self.state.strategies.values():
            record.enable()
        switch.resume(switch.resume_why)
        return [TradingStateChanged(switch.trading, switch.why)]

    def _resume_obstacle(self, now: Ns) -> str | None:
        return vigil.obstacle(self.state, self._settings, now)

    # ------------------------------------------------------------------------------------------------- timers
    def _start(self, started: Started, now: Ns) -> list[AnyMessage]:
        """Set the timers, and say where the switch stands; whoever came back hears it too."""
        state, switch = self.state, self.state.switch
        if started.run != state.run:
            state.run, state.equity_ns, state.begun_ns, state.transfers_usd = started.run, started.ns, started.ns, 0
            state.cash_gap_usd = None
        pending = [WakeAt(switch.resume_ns, RESUME_TIMER)] if switch.resume_ns else []
        timers = [self._timer(timer, now) for timer in (REPORT_TIMER, MEASURES_TIMER, RETURNS_TIMER)]
        return [TradingStateChanged(switch.trading, switch.why), *timers, *pending]

    def _wake(self, woke: Woke, now: Ns) -> Iterator[AnyMessage]:
        state, settings = self.state, self._settings
        match woke.timer:
            case timer if timer == REPORT_TIMER:
                self._void(now)
                state.market.forget_regimes(settings.regime_age_limit_ms * MS, now)
                state.trail.sample(state.market, max(settings.drift_window_ms // settings.report_every_ms, 1))
                reporting.measure(state, settings, now)
                yield from self._look(now)
                yield reporting.report(state, settings, self._current_tail())
                yield from budgets.news(state, settings)
            case timer if timer == MEASURES_TIMER:
                yield from state.samples.report(self.role)
            case timer if timer == RETURNS_TIMER:
                state.returns.sample(state.market, settings.var_every_ms * MS, settings.var_samples, now)
                self._current_tail()  # now, so that no order has to wait for it
                yield from state.returns.questions_again(settings.var_samples_min)
            case timer if timer == RESUME_TIMER:
                yield from self._resume(now)
                return
        yield self._timer(woke.timer, now)

    def _timer(self, timer: str, now: Ns) -> WakeAt:
        settings = self._settings
        every_ms = {
            REPORT_TIMER: settings.report_every_ms,
            MEASURES_TIMER: settings.measures_every_ms,
            RETURNS_TIMER: settings.var_every_ms,
        }[timer]
        past_ns = now % (every_ms * MS) if timer == RETURNS_TIMER else 0  # returns end when candles do
        return WakeAt(Ns(now - past_ns + every_ms * MS), timer)

    def _current_tail(self) -> Tail:
        """The tail of the returns as they are; made anew after a sample or a restart."""
        if self._tail.samples != self.state.returns.samples:
            self._tail = Tail(self.state.returns, self._settings)
        return self._tail
