"""What a finished run came to, as the one JSON object of `hats demo --json`, and which of its proofs failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from orchestrator.status import CardView, DimensionView
from orchestrator.telling.summary import OrderCounts, TickToWire

if TYPE_CHECKING:
    from orchestrator.launch import Verdict


class MeasureReport(msgspec.Struct, frozen=True):
    """One dimension; `score` and `value` are null with insufficient evidence."""

    score: float | None
    value: float | None
    unit: str
    target: float
    floor: float
    n: int
    critical: bool


class HatReport(msgspec.Struct, frozen=True):
    """One Hat's total and the measures behind it."""

    score: float | None
    capped_by: str | None
    measures: dict[str, MeasureReport]


class Report(msgspec.Struct, frozen=True):
    """The run. Money is USDC; null is unknown; `problems` is empty if every proof holds."""

    orders: OrderCounts
    fills: int
    fees_usd: float | None
    funding_usd: float | None
    pnl_usd: float | None
    equity_usd: float | None
    scores: dict[str, HatReport]
    tick_to_wire_us: TickToWire
    journal_ok: bool
    audit_ok: bool
    positions_equal: bool
    replay_equal: bool | None
    is_flat: bool | None
    problems: tuple[str, ...]
    messages: dict[str, int]
    run_dir: str
    is_sealed: bool


def report_of(verdict: Verdict) -> Report:
    """The report of a finished run."""
    summary = verdict.summary
    return Report(
        orders=summary.orders,
        fills=summary.fills,
        fees_usd=summary.fees_usd,
        funding_usd=summary.funding_usd,
        pnl_usd=summary.pnl_usd,
        equity_usd=summary.equity_usd,
        scores=scores_of(verdict.cards),
        tick_to_wire_us=summary.tick_to_wire_us,
        journal_ok=verdict.journal_fault is None,
        audit_ok=verdict.audit_ok,
        positions_equal=not verdict.position_differences,
        replay_equal=None if verdict.replay is None else all(hat.difference is None for hat in verdict.replay),
        is_flat=verdict.is_flat,
        problems=tuple(problems(verdict)),
        messages=summary.messages,
        run_dir=verdict.run_dir,
        is_sealed=verdict.is_sealed,
    )


def problems(verdict: Verdict) -> list[str]:
    """Every proof that failed or could not be made, in words."""
    found = []
    if verdict.journal_fault is not None:
        found.append(f"journal: {verdict.journal_fault}")
    if not verdict.audit_ok:
        found.append("audit log: its chain does not hold; `hats audit verify` names the record")
    found += [f"positions: {difference}" for difference in verdict.position_differences]
    found += [f"replay: {hat.in_words}" for hat in verdict.replay or () if hat.difference is not None]
    if verdict.is_flat is not True:
        found.append("not flat: positions are still open" if verdict.is_flat is False else "not known to be flat")
    found += [f"the end: {fault}" for fault in verdict.end_faults]
    return found


def scores_of(cards: Sequence[CardView]) -> dict[str, HatReport]:
    """Role -> score and measures."""
    return {
        str(card.role): HatReport(card.total, card.capped_by, {line.name: _measure(line) for line in card.dimensions})
        for card in cards
    }


def _measure(line: DimensionView) -> MeasureReport:
    return MeasureReport(line.score, line.value, line.unit, line.target, line.floor, line.n, line.critical)
