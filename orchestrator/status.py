"""The state of a run in people's units, as one JSON object: what `hats status`, the live view and the page show.

None (null) means unknown: nobody has said so yet. Money is USDC, sizes are coins, times are milliseconds.
"""

from __future__ import annotations

import math

import msgspec

from orchestrator.heart import Heart
from shared.ids import HATS, TITLES, Role
from shared.instrument import Instrument
from shared.messages.account import LedgerReport
from shared.messages.market import CaptureStatus, FeedStatus
from shared.messages.message import Lane
from shared.messages.order import OrderChanged
from shared.messages.parent import ParentChanged
from shared.scorecard import Dimension, Scorecard
from shared.units import MS, Ns, usd_to_float


class HatLine(msgspec.Struct, frozen=True):
    """One Hat: its state, its mailbox and its total score."""

    role: Role
    title: str
    state: str
    restarts: int
    mailbox_depth: int
    mailbox_age_ms: float
    conflated: int
    undelivered: int
    lanes: dict[str, int]
    score: float | None
    capped_by: str | None


class OrderLine(msgspec.Struct, frozen=True):
    """One order."""

    cloid: str
    strategy: str
    coin: str
    side: str
    px: float | None
    sz: float | None
    filled_sz: float | None
    state: str
    reason: str


class PositionView(msgspec.Struct, frozen=True):
    """One position."""

    coin: str
    sz: float | None
    entry_px: float | None
    mark_px: float | None
    unrealised_usd: float


class AttributionView(msgspec.Struct, frozen=True):
    """What one strategy earned on one coin."""

    strategy: str
    coin: str
    realised_usd: float
    unrealised_usd: float
    fees_usd: float
    funding_usd: float
    pnl_usd: float
    fills: int


class Money(msgspec.Struct, frozen=True):
    """The ledger in USDC."""

    start_equity_usd: float
    equity_usd: float
    pnl_usd: float
    realised_usd: float
    unrealised_usd: float
    fees_usd: float
    funding_usd: float
    drawdown_ratio: float
    max_drawdown_ratio: float
    sharpe: float | None
    win_rate: float | None
    fills: int


class Latency(msgspec.Struct, frozen=True):
    """Tick-to-wire: book received to signed bytes on the socket."""

    p50_us: float | None
    p99_us: float | None
    n: int
    over_budget: tuple[str, ...]


class AlertView(msgspec.Struct, frozen=True):
    """An alert that nobody has acknowledged, and what it tightens trading to, and when, unless somebody does."""

    name: str
    tightens_to: str
    until_ns: int
    detail: str


class ParentView(msgspec.Struct, frozen=True):
    """A parent order: what is done of it, and what that cost against the mid at its arrival (see ParentChanged)."""

    parent: str
    strategy: str
    coin: str
    side: str
    sz: float
    filled: float
    children: int
    average_px: float | None
    executed_bps: float | None
    shortfall_bps: float | None
    state: str
    reason: str


class CaptureLine(msgspec.Struct, frozen=True):
    """The log of frames; `lost` frames are not in it, as it declares."""

    state: str
    reason: str
    frames: int
    lost: int
    free_bytes: int | None


class Status(msgspec.Struct, frozen=True):
    """Everything at a glance."""

    run: int
    ts_ns: int
    seq: int
    is_armed: bool
    is_draining: bool
    drained: str | None
    is_flat: bool | None
    trading_state: str | None
    feed: str | None
    capture: CaptureLine | None
    books_agree: bool | None
    differences: tuple[str, ...]
    hats: tuple[HatLine, ...]
    money: Money | None
    positions: tuple[PositionView, ...]
    attribution: tuple[AttributionView, ...]
    open_orders: tuple[OrderLine, ...]
    ended_orders: tuple[OrderLine, ...]
    order_states: dict[str, int]
    rejected: dict[str, int]
    bad_data: int
    latency: Latency
    alerts: tuple[AlertView, ...] = ()
    failing_jobs: dict[str, str] = {}
    parents: tuple[ParentView, ...] = ()
    sz_decimals: dict[str, int] = {}


def status_of(heart: Heart, now: Ns) -> Status:
    """The status at `now`."""
    view, supervisor = heart.situation, heart.supervisor
    cards = {card.role: card for card in heart.scores.cards(now)}
    instruments, ledger = view.instruments, view.ledger
    return Status(
        run=supervisor.run,
        ts_ns=now,
        seq=heart.sequencer.record.last_seq,
        is_armed=supervisor.is_armed,
        is_draining=supervisor.is_draining,
        drained=supervisor.drained.detail if supervisor.drained else None,
        is_flat=supervisor.drained.flat if supervisor.drained else None,
        trading_state=view.trading_state.state if view.trading_state else None,
        feed=feed_line(view.feed),
        capture=capture_line(view.capture) if view.capture else None,
        books_agree=view.reconciled.is_clean if view.reconciled else None,
        differences=view.reconciled.differences if view.reconciled else (),
        hats=tuple(_hat(heart, role, cards[role], now) for role in HATS),
        money=_money(ledger) if ledger else None,
        positions=position_views(ledger, instruments) if ledger else (),
        attribution=_attribution(ledger) if ledger else (),
        open_orders=tuple(order_line(order, instruments) for order in view.open_orders.values()),
        ended_orders=tuple(order_line(order, instruments) for order in view.ended_orders),
        order_states=dict(view.order_states),
        rejected=dict(view.rejected),
        bad_data=view.bad_data,
        latency=_latency(heart),
        alerts=tuple(
            AlertView(
                alert.name, alert.tightens_to, alert.until_ns, f"{alert.found}, limit {alert.limit} {alert.detail}"
            )
            for alert in view.alerts.values()
        ),
        failing_jobs=dict(view.failing_jobs),
        parents=tuple(_parent(parent, instruments) for parent in view.parents.values()),
        sz_decimals={coin: instrument.sz_decimals for coin, instrument in instruments.items()},
    )


def _hat(heart: Heart, role: Role, card: Scorecard, now: Ns) -> HatLine:
    box = heart.mailboxes[role]
    return HatLine(
        role=role,
        title=TITLES[role],
        state=heart.supervisor.states[role],
        restarts=heart.supervisor.restarts[role],
        mailbox_depth=box.depth,
        mailbox_age_ms=box.age_ns(now) / MS,
        conflated=box.conflated,
        undelivered=box.undelivered,
        lanes={lane.name.lower(): box.depth_of(lane) for lane in Lane},
        score=card.total,
        capped_by=card.capped_by,
    )


def feed_line(status: FeedStatus | None) -> str | None:
    """What the feed can be relied on for, and for which coins it can't; None if it never spoke."""
    if status is None or not status.stale_coins:
        return None if status is None else status.state
    return f"{status.state} without {', '.join(status.stale_coins)}"


def capture_line(status: CaptureStatus) -> CaptureLine:
    """What was last said of the log of frames."""
    free_bytes = status.free_bytes if status.free_bytes >= 0 else None
    return CaptureLine(status.state, status.reason, status.frames, status.lost, free_bytes)


def _money(ledger: LedgerReport) -> Money:
    return Money(
        start_equity_usd=usd_to_float(ledger.start_equity_usd),
        equity_usd=usd_to_float(ledger.equity_usd),
        pnl_usd=usd_to_float(ledger.equity_usd - ledger.start_equity_usd),
        realised_usd=usd_to_float(ledger.realised_usd),
        unrealised_usd=usd_to_float(ledger.unrealised_usd),
        fees_usd=usd_to_float(ledger.fees_usd),
        funding_usd=usd_to_float(ledger.funding_usd),
        drawdown_ratio=ledger.drawdown_ratio,
        max_drawdown_ratio=ledger.max_drawdown_ratio,
        sharpe=known(ledger.sharpe),
        win_rate=known(ledger.win_rate),
        fills=ledger.fills,
    )


def position_views(ledger: LedgerReport, instruments: dict[str, Instrument]) -> tuple[PositionView, ...]:
    """The positions that the ledger holds, in people's units where the coin's are known."""
    lines = []
    for line in ledger.positions:
        if not line.net_sz:
            continue
        instrument = instruments.get(line.coin)
        lines.append(
            PositionView(
                coin=line.coin,
                sz=instrument.sz_float(line.net_sz) if instrument else None,
                entry_px=instrument.px_float(round(line.cost_usd / line.net_sz)) if instrument else None,
                mark_px=instrument.px_float(line.mark_px) if instrument else None,
                unrealised_usd=usd_to_float(line.unrealised_usd),
            )
        )
    return tuple(lines)


def _attribution(ledger: LedgerReport) -> tuple[AttributionView, ...]:
    return tuple(
        AttributionView(
            strategy=line.strategy,
            coin=line.coin,
            realised_usd=usd_to_float(line.realised_usd),
            unrealised_usd=usd_to_float(line.unrealised_usd),
            fees_usd=usd_to_float(line.fees_usd),
            funding_usd=usd_to_float(line.funding_usd),
            pnl_usd=usd_to_float(line.realised_usd + line.unrealised_usd - line.fees_usd + line.funding_usd),
            fills=line.fills,
        )
        for line in ledger.attribution
    )


def order_line(order: OrderChanged, instruments: dict[str, Instrument]) -> OrderLine:
    """An order in people's units where the coin's are known."""
    instrument = instruments.get(order.coin)
    return OrderLine(
        cloid=order.cloid,
        strategy=order.strategy,
        coin=order.coin,
        side=order.side.name.lower(),
        px=instrument.px_float(order.px) if instrument else None,
        sz=instrument.sz_float(order.sz) if instrument else None,
        filled_sz=instrument.sz_float(order.filled_sz) if instrument else None,
        state=order.state,
        reason=order.reason,
    )


def _parent(parent: ParentChanged, instruments: dict[str, Instrument]) -> ParentView:
    lots = instruments[parent.coin].sz_float if parent.coin in instruments else float
    return ParentView(
        parent.parent, parent.strategy, parent.coin, parent.side.name.lower(), lots(parent.sz), lots(parent.filled_sz),
        parent.children, parent.average_px, parent.executed_bps, parent.shortfall_bps, parent.state, parent.reason,
    )  # fmt: skip


def _latency(heart: Heart) -> Latency:
    report = heart.situation.latency
    if report is None or not report.tick_to_wire_n:
        return Latency(None, None, 0, report.over_budget if report else ())
    return Latency(report.tick_to_wire_p50_us, report.tick_to_wire_p99_us, report.tick_to_wire_n, report.over_budget)


def known(value: float) -> float | None:
    """The value, or None for NaN: JSON has no word for unknown but null."""
    return None if math.isnan(value) else value


class DimensionView(msgspec.Struct, frozen=True):
    """One line of a scorecard as JSON; `verdict` is "scored" or "insufficient evidence"."""

    name: str
    meaning: str
    unit: str
    statistic: str
    value: float | None
    score: float | None
    verdict: str
    n: int
    min_samples: int
    floor: float
    target: float
    window_s: float
    weight: float
    critical: bool
    evidence: tuple[int, ...]
    trend: float | None


class CardView(msgspec.Struct, frozen=True):
    """One Hat's scorecard as JSON."""

    role: Role
    title: str
    total: float | None
    capped_by: str | None
    dimensions: tuple[DimensionView, ...]
    ts_ns: int


def cards_of(heart: Heart, now: Ns) -> tuple[CardView, ...]:
    """Nine scorecards at `now`; the next ones show their trend against these."""
    cards = heart.scores.cards(now)
    views = tuple(card_view(card) for card in cards)
    heart.scores.mark(cards)
    return views


def card_view(card: Scorecard) -> CardView:
    """A scorecard in the form that is shown and written."""
    return CardView(
        role=card.role,
        title=TITLES[card.role],
        total=card.total,
        capped_by=card.capped_by,
        dimensions=tuple(_dimension(dimension) for dimension in card.dimensions),
        ts_ns=card.ts,
    )


def _dimension(dimension: Dimension) -> DimensionView:
    measure = dimension.measure
    return DimensionView(
        name=measure.name,
        meaning=measure.meaning,
        unit=measure.unit,
        statistic=measure.statistic,
        value=dimension.value,
        score=dimension.score,
        verdict="scored" if dimension.score is not None else "insufficient evidence",
        n=dimension.n,
        min_samples=measure.min_samples,
        floor=measure.floor,
        target=measure.target,
        window_s=measure.window_s,
        weight=measure.weight,
        critical=measure.critical,
        evidence=dimension.evidence,
        trend=dimension.trend,
    )
