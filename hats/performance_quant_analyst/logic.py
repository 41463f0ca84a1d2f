"""The Performance Quant Analyst: every fill, fee and funding payment booked once, and reports that sum exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

import msgspec

from hats.performance_quant_analyst import funding, metrics, reconcile
from hats.performance_quant_analyst.ledger import Ledger
from hats.performance_quant_analyst.settings import Settings
from shared.ids import FOREIGN, Cloid, Role, run_of
from shared.messages import AnyMessage, Message
from shared.messages.account import (
    AccountLiquidated,
    AccountSnapshot,
    BalanceChanged,
    FundingPayment,
    LedgerReport,
    Reconciled,
)
from shared.messages.control import Started, WakeAt, Woke
from shared.messages.market import AssetContext, FundingClock, UniverseUpdate
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.order import is_open
from shared.scorecard import Samples
from shared.units import MS, SECOND, USD, Ns, Usd, notional, truncate_ratio

EARLY_KEPT: Final = 10_000
"""Most fills and payments held back until the account is known; nothing of ours trades before that."""


class State(msgspec.Struct):
    """All that the analyst remembers of one run."""

    run: int = 0
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    curve: metrics.Curve = msgspec.field(default_factory=metrics.Curve)
    orders: reconcile.OrderBooks = msgspec.field(default_factory=reconcile.OrderBooks)
    samples: Samples = msgspec.field(default_factory=Samples)
    opening: AccountSnapshot | None = None
    early: list[FillBooked | FundingPayment | BalanceChanged | AccountLiquidated] = []
    waiting: list[reconcile.VenueBooks] = []
    cash_gaps_usd: list[int] = []
    fundings: funding.Fundings = msgspec.field(default_factory=funding.Fundings)
    taker_fee_e7: int | None = None
    maker_fee_e7: int | None = None
    reported_ns: int = 0
    next_sample_ns: int = 0
    sharpe: float = float("nan")
    last_fill: Cloid | None = None


class PerformanceQuantAnalyst:
    """Books what happened to the money and reports it; compares itself with the venue whenever the venue speaks."""

    role: ClassVar[Role] = Role.PERFORMANCE_QUANT_ANALYST
    hears: ClassVar[tuple[type[Message], ...]] = (
        UniverseUpdate,
        AssetContext,
        FundingClock,
        FillBooked,
        OrderChanged,
        AccountSnapshot,
        FundingPayment,
        BalanceChanged,
        AccountLiquidated,
        Reconciled,
        Woke,
        Started,
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = State()

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """Reports, timers and measures that follow from `message`."""
        match message:
            case AssetContext():
                yield from self._mark(message, now)
            case FillBooked():
                yield from self._take_fill(message, now)
            case OrderChanged():
                self._take_order(message, now)
            case Woke():
                yield from self._wake(message, now)
            case AccountSnapshot():
                yield from self._take_account(message, now)
            case Reconciled():
                self._compare(now, settled=True)
            case FundingPayment():
                self._take_funding(message)
            case BalanceChanged():
                yield from self._take_transfer(message, now)
            case AccountLiquidated():
                yield from self._take_liquidation(message, now)
            case FundingClock():
                self._pass_hour(now, message.next_funding_ns)
            case UniverseUpdate():
                self.state.taker_fee_e7, self.state.maker_fee_e7 = message.taker_fee_e7, message.maker_fee_e7
            case Started():
                yield from self._start(message, now)

    def _start(self, started: Started, now: Ns) -> Iterator[AnyMessage]:
        """A new run opens new books; the same run, heard again after a crash, only sets its timers again."""
        if started.run != self.state.run:
            self.state = State(run=started.run)
        yield WakeAt(Ns(now + self.settings.report_interval_ms * MS), "report")
        yield WakeAt(Ns(now + self.settings.measures_every_ms * MS), "measures")

    def _mark(self, context: AssetContext, now: Ns) -> Iterator[AnyMessage]:
        self._pass_hour(context.recv_ns)
        self.state.ledger.marks[context.coin] = context.mark_px
        self.state.fundings.contexts[context.coin] = context
        if self.state.opening is not None:
            yield from self._open(self.state.opening, now)

    def _take_account(self, snapshot: AccountSnapshot, now: Ns) -> Iterator[AnyMessage]:
        state, settings = self.state, self.settings
        if not state.ledger.is_open:
            yield from self._open(snapshot, now)
            return
        due = now + settings.settle_ms * MS
        state.waiting.append(reconcile.venue_books(snapshot, state.ledger.marks, settings.equity_tolerance_bps, due))
        del state.waiting[: -reconcile.SNAPSHOTS_KEPT]

    def _open(self, snapshot: AccountSnapshot, now: Ns) -> Iterator[AnyMessage]:
        """Open the books on the first snapshot that can be valued, then book what came too early."""
        state = self.state
        if not state.ledger.can_open(snapshot):
            state.opening = snapshot
            return
        state.ledger.open(snapshot)
        state.opening, early, state.early = None, state.early, []
        state.next_sample_ns = now
        for message in early:
            match message:
                case FundingPayment():
                    self._take_funding(message)
                case BalanceChanged():
                    state.ledger.book_transfer(message)
                case AccountLiquidated():
                    state.ledger.book_liquidation(message)
                case FillBooked():
                    self._book(message, now)
        yield self._report(now)

    def _take_fill(self, booked: FillBooked, now: Ns) -> Iterator[AnyMessage]:
        """Book it and report at once, or as soon as the last report is old enough."""
        if not self.state.ledger.is_open:
            self._hold_back(booked)
            return
        self._book(booked, now)
        next_ns = self.state.reported_ns + self.settings.fill_report_interval_ms * MS
        yield self._report(now) if now >= next_ns else WakeAt(Ns(next_ns), "fill_report")

    def _book(self, booked: FillBooked, now: Ns) -> None:
        state, fill = self.state, booked.fill
        state.ledger.book(booked)
        state.samples.add("attribution_coverage", float(booked.strategy != FOREIGN))
        self._check_fee(fill)
        if fill.cloid is not None:
            state.last_fill = fill.cloid
            state.orders.book(fill.cloid, fill.sz, now)

    def _check_fee(self, fill: Fill) -> None:
        rate = self.state.taker_fee_e7 if fill.is_taker else self.state.maker_fee_e7
        traded = notional(fill.px, fill.sz)
        if rate is not None and traded:
            error = abs(fill.fee_usd - truncate_ratio(traded * rate, 10**7))
            # the venue cuts fees below a micro-USDC in its own way; one unit is not an error
            self.state.samples.add("fee_error_bps", max(error - 1, 0) / traded * 10_000)

    def _take_order(self, changed: OrderChanged, now: Ns) -> None:
        """Remember how much an ended order filled, to be compared with the fills booked for it."""
        if is_open(changed.state) or run_of(changed.cloid) != self.state.run:
            return
        if changed.filled_sz or changed.cloid in self.state.orders.booked:
            due = now + self.settings.settle_ms * MS
            self.state.orders.ended[changed.cloid] = reconcile.Ended(changed.filled_sz, due)

    def _take_funding(self, payment: FundingPayment) -> None:
        if self.state.ledger.is_open:
            if self.state.ledger.book_funding(payment):
                self.state.fundings.paid[payment.coin] = payment
        else:
            self._hold_back(payment)

    def _take_transfer(self, change: BalanceChanged, now: Ns) -> Iterator[AnyMessage]:
        """Book it, and report at once: who judges by equity must not take it for a gain or loss."""
        state = self.state
        if not state.ledger.is_open:
            self._hold_back(change)
            return
        before = state.ledger.equity_usd()
        if state.ledger.book_transfer(change):
            state.curve.rescale(before, state.ledger.equity_usd())
            yield self._report(now)

    def _take_liquidation(self, told: AccountLiquidated, now: Ns) -> Iterator[AnyMessage]:
        """Book what went with the positions, and report it at once."""
        if not self.state.ledger.is_open:
            self._hold_back(told)
        elif self.state.ledger.book_liquidation(told):
            yield self._report(now)

    def _hold_back(self, message: FillBooked | FundingPayment | BalanceChanged | AccountLiquidated) -> None:
        assert len(self.state.early) < EARLY_KEPT, "trading goes on before the account is known"
        self.state.early.append(message)

    def _pass_hour(self, ns: Ns, next_ns: int = 0) -> None:
        self.state.fundings.pass_instant(ns, self.settings.funding_grace_ms * MS, next_ns)

    def _wake(self, woke: Woke, now: Ns) -> Iterator[AnyMessage]:
        match woke.timer:
            case "report":
                yield WakeAt(Ns(now + self.settings.report_interval_ms * MS), "report")
                self._compare(now, settled=False)
                if self.state.ledger.is_open:
                    self.state.samples.add("report_lateness_ms", max(now - woke.ns, 0) / MS)
                    self._sample_curve(now)
                    yield self._report(now)
            case "fill_report":
                if self.state.ledger.is_open:
                    yield self._report(now)
            case "measures":
                yield WakeAt(Ns(now + self.settings.measures_every_ms * MS), "measures")
                yield from self._measure(now)
                yield from self.state.samples.report(self.role)

    def _sample_curve(self, now: Ns) -> None:
        """Take the equity's next point once its time has come; a missed step is not made up."""
        state, step = self.state, self.settings.sample_interval_ms * MS
        if now < state.next_sample_ns:
            return
        state.curve.add(state.ledger.equity_usd())
        state.next_sample_ns += (1 + (now - state.next_sample_ns) // step) * step
        interval_s = step * state.curve.stride / SECOND
        state.sharpe = metrics.sharpe(state.curve.equity_usd, interval_s, self.settings.sharpe_min_returns)

    def _compare(self, now: Ns, settled: bool) -> None:
        """Compare every snapshot whose fills had time to arrive; `settled` says that all of them did."""
        state = self.state
        due = [venue for venue in state.waiting if settled or venue.due_ns <= now]
        state.waiting = [venue for venue in state.waiting if not (settled or venue.due_ns <= now)]
        for venue in due:
            state.samples.add("ledger_difference_usd", reconcile.difference_usd(state.ledger, venue) / USD)
            state.cash_gaps_usd = [*state.cash_gaps_usd[-1:], reconcile.cash_gap_usd(state.ledger, venue)]

    def _measure(self, now: Ns) -> Iterator[AnyMessage]:
        state = self.state
        for is_complete in state.orders.judge(now):
            state.samples.add("order_completeness", float(is_complete))
        for row in state.fundings.judge(state.ledger, now):
            yield row
            state.samples.add("funding_booked", float(row.paid_usd is not None))
            for name, value in (
                ("funding_error_bps", funding.error_bps(row)),
                ("funding_forecast_bps", funding.forecast_bps(row)),
            ):
                if value is not None:
                    state.samples.add(name, value)
        held = [coin for coin, position in state.ledger.positions.items() if position.net_sz]
        contexts, opened_ns = state.fundings.contexts, state.ledger.opened_ns
        ages = [now - (contexts[coin].recv_ns if coin in contexts else opened_ns) for coin in held or contexts]
        if ages:
            state.samples.add("mark_age_ms", max(ages) / MS)

    def _report(self, now: Ns) -> LedgerReport:
        state, ledger = self.state, self.state.ledger
        lines, equity = ledger.lines(), ledger.equity_usd()
        state.reported_ns = now
        state.curve.watch(equity)
        state.samples.add("attribution_residual_usd", abs(ledger.residual_usd(lines)) / USD)
        return LedgerReport(
            Usd(ledger.start_equity_usd),
            equity,
            Usd(sum(line.realised_usd for line in lines)),
            Usd(sum(line.unrealised_usd for line in lines)),
            Usd(sum(line.fees_usd for line in lines)),
            Usd(sum(line.funding_usd for line in lines)),
            metrics.drawdown_ratio(state.curve.peak_usd, equity),
            state.curve.max_drawdown_ratio,
            state.sharpe,
            metrics.win_rate(ledger.wins, ledger.trips),
            ledger.fills,
            ledger.position_lines(),
            lines,
            state.last_fill,
            Usd(ledger.transfers_usd),
            # one comparison may lack a fill that is late; two in a row lack what will not come
            Usd(min(state.cash_gaps_usd)) if len(state.cash_gaps_usd) == 2 else None,
        )
