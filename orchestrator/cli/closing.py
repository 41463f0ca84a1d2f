"""The last lines of a run for people: its figures, its proofs, and where its files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.cli.report import Report
from orchestrator.cli.view import signed
from orchestrator.telling.cards import number


def closing_lines(report: Report) -> list[str]:
    """Figures, proofs, files."""
    orders, wire = report.orders, report.tick_to_wire_us
    latency = f"p50 {number(wire.p50, 0)} us, p99 {number(wire.p99, 0)} us, n {wire.n:,}"
    became = f"{orders.acked:,} acknowledged, {orders.filled:,} filled, {orders.cancelled:,} cancelled"
    refused = _reasons(", rejected", orders.rejected) + _reasons("; denied", orders.denied)
    paid = f"fees {number(report.fees_usd, 2)}, funding {signed(report.funding_usd)} USDC"
    lines = [
        "",
        f"orders   {orders.sent:,} sent, {became}{refused}",
        f"money    equity {number(report.equity_usd, 2)}, pnl {signed(report.pnl_usd)}, {paid}, {report.fills:,} fills",
        f"latency  tick-to-wire {latency}",
        f"proofs   {_proofs(report)}",
        *_files(Path(report.run_dir), is_sealed=report.is_sealed),
    ]
    return [*lines, *(f"PROBLEM  {problem}" for problem in report.problems)]


def _files(folder: Path, *, is_sealed: bool) -> tuple[str, ...]:
    if is_sealed:
        return (f"files    sealed; `hats runs unseal {folder.name}` shows them",)
    return f"files    {folder}", f"         {folder / 'scorecards.html'}"


def _reasons(name: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    return f"{name} {sum(counts.values()):,} (" + ", ".join(f"{why} {n:,}" for why, n in counts.items()) + ")"


def _proofs(report: Report) -> str:
    proofs = {
        "journal whole": report.journal_ok,
        "audit chain intact": report.audit_ok,
        "positions equal the exchange's": report.positions_equal,
        "flat": report.is_flat is True,
    }
    if report.replay_equal is not None:
        proofs["every Hat's words replayed equal"] = report.replay_equal
    shown = [name if holds else f"NOT {name}" for name, holds in proofs.items()]
    return ", ".join([*shown, "not replayed for its length"] if report.replay_equal is None else shown)
