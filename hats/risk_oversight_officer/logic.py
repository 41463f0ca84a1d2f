"""The Risk Oversight Officer: judges every intent, counts everything that may still trade, holds the kill switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from hats.risk_oversight_officer import limits
from hats.risk_oversight_officer.exposure import LiveOrder
from hats.risk_oversight_officer.kill_switch import STATE_FOR
from hats.risk_oversight_officer.measures import (
    APPROVALS_USED,
    EQUITY_AGE,
    EVIDENCE_AGE,
    LIMIT_BREACHES,
    OVER_LIMIT,
    RESERVATION_DRIFT,
)
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from shared.ids import Cloid, Role, intent_number_of, strategy_number_of
from shared.messages import AnyMessage, Message
from shared.messages.account import LedgerReport, Reconciled
from shared.messages.control import (
    Armed,
    Disarmed,
    DrainOrdered,
    HatStateChanged,
    KillOrdered,
    ResumeOrdered,
    Started,
    WakeAt,
    Woke,
)
from shared.messages.market import AssetContext, FeedStatus, UniverseUpdate
from shared.messages.order import FillBooked, OrderChanged
from shared.messages.risk import OrderApproved, OrderDenied, RiskReport, TradingState, TradingStateChanged
from shared.messages.signal import FeatureUpdate, OrderIntent, RegimeUpdate
from shared.order import OrderState, is_open
from shared.units import MS, USD, Ns, Usd

REPORT_TIMER = "report"
MEASURES_TIMER = "measures"


class RiskOversightOfficer:
    """In: intents and the facts to judge them by. Out: an approval or a denial for each, with its evidence."""

    role: ClassVar[Role] = Role.RISK_OVERSIGHT_OFFICER
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        AssetContext,
        FeedStatus,
        FeatureUpdate,
        RegimeUpdate,
        OrderIntent,
        FillBooked,
        OrderChanged,
        Reconciled,
        LedgerReport,
        Woke,
        Started,
        HatStateChanged,
        Armed,
        Disarmed,
        KillOrdered,
        ResumeOrdered,
        DrainOrdered,
    )

    def __init__(self, settings: Settings) -> None:
        self.state = State()
        self._settings = settings

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        match message:
            case FeatureUpdate() | AssetContext() | UniverseUpdate() | FeedStatus() | RegimeUpdate():
                self.state.market.hear(message)
            case OrderIntent():
                return self._judge(message, now)
            case OrderChanged():
                self._follow(message)
            case FillBooked():
                self._settle(message)
            case LedgerReport():
                return self._weigh(message, now)
            case Reconciled():
                self._adopt(message)
            case Armed() | Disarmed() | DrainOrdered() | HatStateChanged():
                self.state.switch.hear(message)
            case KillOrdered():
                return self._tighten(STATE_FOR[message.level], f"kill ({message.level}): {message.reason}")
            case ResumeOrdered():
                return self._resume(message)
            case Woke():
                return self._wake(message, now)
            case Started():
                return self._start(message, now)
        return ()

    # ------------------------------------------------------------------------------------------------ judging
    def _judge(self, intent: OrderIntent, now: Ns) -> list[AnyMessage]:
        """The one decision of this house that may cost money: an approval that reserves, or a denial that does not."""
        feature = self.state.market.features.get(intent.coin)
        if feature is not None:
            self.state.samples.add(EVIDENCE_AGE.name, (now - feature.book_recv_ns) / MS)
        breach = limits.first_breach(limits.Case(intent, self.state, self._settings, now))
        if breach is not None:
            return [OrderDenied(intent.cloid, intent.strategy, intent.coin, *breach)]
        return [self._approve(intent, now)]

    def _approve(self, intent: OrderIntent, now: Ns) -> OrderApproved:
        state, settings = self.state, self._settings
        expires_ns = Ns(now + settings.approval_ttl_ms * MS)
        void_ns = Ns(expires_ns + settings.release_grace_ms * MS)
        exposure = state.exposure(intent.coin)
        before = exposure.worst()
        exposure.reserve(
            intent.cloid,
            LiveOrder(intent.strategy, intent.side, intent.px, intent.sz, intent.sz, intent.reduce_only, void_ns),
        )
        exposure.allow()
        self._measure_limit(intent.coin, before.sz, exposure.worst().sz)
        state.order_coins[intent.cloid] = intent.coin
        state.last_intents[str(strategy_number_of(intent.cloid))] = intent_number_of(intent.cloid)
        state.approved_ns = [ns for ns in state.approved_ns if ns > now - settings.order_rate_window_ms * MS] + [now]
        state.last_approval_id += 1
        return OrderApproved(intent, state.last_approval_id, expires_ns)

    def _measure_limit(self, coin: str, before_sz: int, after_sz: int) -> None:
        """Was the limit kept? Looked at after the fact, from the exposure alone."""
        limit_usd = limits.position_limit_usd(self.state, self._settings, coin)
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
        if not is_open(order.state):
            self._release(order.cloid)
        elif live is not None:
            exposure.shrink(order.cloid, order.sz - order.filled_sz)
        else:
            left_sz = order.sz - order.filled_sz
            found = LiveOrder(order.strategy, order.side, order.px, order.sz, left_sz, order.reduce_only, Ns(0))
            exposure.reserve(order.cloid, found)
            state.order_coins[order.cloid] = order.coin

    def _release(self, cloid: Cloid) -> None:
        coin = self.state.order_coins.pop(cloid, None)
        if coin is not None:
            self.state.exposures[coin].release(cloid)

    def _settle(self, booked: FillBooked) -> None:
        """Move the position. The order shrinks when its OrderChanged comes; until then the fill counts twice."""
        self.state.exposure(booked.fill.coin).move(booked.fill.side.value * booked.fill.sz)

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
        """Note equity and its peak; halt when the fall is too deep."""
        state = self.state
        state.equity_usd, state.equity_ns = report.equity_usd, now
        state.peak_usd = max(state.peak_usd, report.equity_usd)
        breach = limits.check_drawdown(state, self._settings)
        if breach is None:
            return ()
        return self._tighten(TradingState.HALTED, f"drawdown {breach.found} bps, limit {breach.limit}")

    def _tighten(self, to: TradingState, why: str) -> list[AnyMessage]:
        switch = self.state.switch
        return [TradingStateChanged(switch.trading, why)] if switch.tighten(to, why) else []

    def _resume(self, order: ResumeOrdered) -> list[AnyMessage]:
        """Loosen on the operator's word, unless equity is still too far below its peak."""
        switch = self.state.switch
        breach = limits.check_drawdown(self.state, self._settings)
        if breach is not None:
            why = f"not resumed: drawdown {breach.found} bps, limit {breach.limit}"
            return [TradingStateChanged(switch.trading, why)]
        why = f"resumed: {order.reason}"
        return [TradingStateChanged(switch.trading, why)] if switch.resume(why) else []

    # ------------------------------------------------------------------------------------------------- timers
    def _start(self, started: Started, now: Ns) -> list[AnyMessage]:
        """Set the timers, and say where the switch stands; whoever came back hears it too."""
        state, switch = self.state, self.state.switch
        if started.run != state.run:
            state.run, state.equity_ns = started.run, started.ns
        return [
            TradingStateChanged(switch.trading, switch.why),
            self._timer(REPORT_TIMER, now),
            self._timer(MEASURES_TIMER, now),
        ]

    def _wake(self, woke: Woke, now: Ns) -> Iterator[AnyMessage]:
        if woke.timer == REPORT_TIMER:
            self._void(now)
            self._measure(now)
            yield self._report()
        else:
            yield from self.state.samples.report(self.role)
        yield self._timer(woke.timer, now)

    def _timer(self, timer: str, now: Ns) -> WakeAt:
        settings = self._settings
        every_ms = settings.report_every_ms if timer == REPORT_TIMER else settings.measures_every_ms
        return WakeAt(Ns(now + every_ms * MS), timer)

    def _measure(self, now: Ns) -> None:
        state, settings = self.state, self._settings
        breaches = 0
        for coin, exposure in state.exposures.items():
            held_usd = abs(exposure.net_sz) * state.market.reference_px(coin)
            breaches += held_usd > limits.position_limit_usd(state, settings, coin) and exposure.is_beyond_allowed()
        state.samples.add(LIMIT_BREACHES.name, float(breaches))
        state.samples.add(RESERVATION_DRIFT.name, float(sum(e.drift() for e in state.exposures.values())))
        state.samples.add(EQUITY_AGE.name, (now - state.equity_ns) / MS)

    def _report(self) -> RiskReport:
        state, settings = self.state, self._settings
        values = [e.net_sz * state.market.reference_px(coin) for coin, e in state.exposures.items()]
        worst_usd, _ = state.worst_gross_usd()
        return RiskReport(
            equity_usd=Usd(state.equity_usd or 0),
            peak_equity_usd=Usd(state.peak_usd),
            gross_usd=Usd(sum(map(abs, values))),
            net_usd=Usd(sum(values)),
            worst_gross_usd=Usd(worst_usd),
            gross_limit_usd=Usd(settings.gross_limit_usd * USD),
            drawdown_ratio=state.drawdown_usd() / state.peak_usd if state.peak_usd > 0 else 0.0,
            drawdown_limit_ratio=settings.drawdown_limit_bps / limits.BPS,
            open_orders=len(state.order_coins),
            state=state.switch.trading,
        )
