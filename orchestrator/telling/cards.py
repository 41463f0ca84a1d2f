"""Scorecards as people see them: a terminal table and a self-contained page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from orchestrator.status import CardView, DimensionView
from orchestrator.telling.summary import Summary

FULL_WIDTH: Final = 132
"""Columns of a terminal that shows every column of the cards."""
MIDDLE_WIDTH: Final = 112
GOOD: Final = 8.0
FAIR: Final = 5.0
FORMULA: Final = "score = 10 x (value - floor) / (target - floor), kept within 0 and 10"
RULES: Final = (
    "A total is the weighted mean, capped by its worst critical (!) dimension. Evidence names journal messages."
)

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2024; --paper: #fcfcfd; --line: #d9d9e0; --soft: #60646c; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --paper: #111113; --line: #363a3f; --soft: #b0b4ba; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
p { color: var(--soft); margin: .2rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); font-size: .85rem; } td.n, th.n { text-align: right; white-space: nowrap; }
.total { font-size: 1.25rem; font-weight: 700; margin-left: .6rem; }
.good { color: #18794e; } .fair { color: #ab6400; } .poor { color: #ce2c31; } .none { color: var(--soft); }
@media (prefers-color-scheme: dark) { .good { color: #3dd68c; } .fair { color: #ffca16; } .poor { color: #ff9592; } }
.facts { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 1rem 0; }
.facts b { display: block; font-size: 1.1rem; }
"""


def grade(score: float | None) -> str:
    """good, fair, poor, or none when there is not enough evidence."""
    if score is None:
        return "none"
    return "good" if score >= GOOD else "fair" if score >= FAIR else "poor"


def number(value: float | None, digits: int = 3) -> str:
    """A value for people; a dash when unknown."""
    if value is None:
        return "—"
    return f"{value:,.{digits}f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"


def score_text(score: float | None) -> str:
    """A score with one decimal; a dash when there is none."""
    return "—" if score is None else f"{score:.1f}"


def trend_text(trend: float | None) -> str:
    """Where the score went since the last card."""
    if trend is None:
        return ""
    return "→" if abs(trend) < 0.05 else f"{'↑' if trend > 0 else '↓'} {abs(trend):.1f}"


def scorecard_table(cards: Sequence[CardView], width: int = FULL_WIDTH) -> Table:
    """All cards in one table for a terminal of `width` columns; what a narrow one has no room for is left out."""
    left_out = () if width >= FULL_WIDTH else _SPARE[:2] if width >= MIDDLE_WIDTH else _SPARE
    names = [name for name in _COLUMNS[1:] if name not in left_out]
    table = Table(title="Scorecards", caption=FORMULA, header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("Hat and its dimensions", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right" if name in _NUMERIC else "left", no_wrap=name != "Value")
    for card in cards:
        capped = f"capped by {card.capped_by}" if card.capped_by else ""
        table.add_row(Text(card.title, "bold"), _coloured(card.total), Text(capped, "dim"))
        for line in card.dimensions:
            cells = _cells(line)
            table.add_row(f"  {line.name}{' !' if line.critical else ''}", *(cells[name] for name in names))
        table.add_section()
    return table


def _cells(line: DimensionView) -> dict[str, str | Text]:
    return {
        "Score": _coloured(line.score),
        "Value": number(line.value) if line.value is not None else Text("insufficient evidence", "dim"),
        "Unit": line.unit,
        "Target": number(line.target),
        "Floor": number(line.floor),
        "n": f"{line.n:,}",
        "Window": f"{line.window_s:.0f} s",
        "Trend": trend_text(line.trend),
        "Evidence": " ".join(f"#{seq}" for seq in line.evidence[-2:]),
    }


def _coloured(score: float | None) -> Text:
    colours = {"good": "green", "fair": "yellow", "poor": "red", "none": "dim"}
    return Text(score_text(score), colours[grade(score)])


def scorecards_html(cards: Sequence[CardView], summary: Summary | None) -> str:
    """A page of its own with all cards, and the run's figures if there are any."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Scorecards</title><style>{_STYLE}</style><h1>Scorecards</h1>",
        f"<p>{html.escape(FORMULA)}. {RULES}</p>",
    ]
    if summary is not None:
        parts.append(_facts(summary))
    parts += [_card(card) for card in cards]
    return "".join(parts)


_COLUMNS: Final = ("Dimension", "Score", "Value", "Unit", "Target", "Floor", "n", "Window", "Trend", "Evidence")
_SPARE: Final = ("Floor", "Window", "Trend", "Evidence")
"""Columns that give way first."""
_NUMERIC: Final = frozenset({"Score", "Value", "Target", "Floor", "n", "Window", "Trend"})


def _facts(summary: Summary) -> str:
    wire = summary.tick_to_wire_us
    facts = (
        ("Equity, USD", number(summary.equity_usd, 2)),
        ("PnL, USD", number(summary.pnl_usd, 2)),
        ("Fees, USD", number(summary.fees_usd, 2)),
        ("Funding, USD", number(summary.funding_usd, 2)),
        ("Orders sent", str(summary.orders.sent)),
        ("Fills", str(summary.fills)),
        ("Tick to wire p50 / p99, us", f"{number(wire.p50, 0)} / {number(wire.p99, 0)}"),
    )
    return "<div class=facts>" + "".join(f"<div>{name}<b>{value}</b></div>" for name, value in facts) + "</div>"


def _card(card: CardView) -> str:
    capped = f"<p>Capped by {html.escape(card.capped_by)}.</p>" if card.capped_by else ""
    head = "".join(f"<th{' class=n' if name in _NUMERIC else ''}>{name}</th>" for name in _COLUMNS)
    rows = "".join(_row(line) for line in card.dimensions)
    return (
        f"<h2>{html.escape(card.title)}<span class='total {grade(card.total)}'>{score_text(card.total)}</span></h2>"
        f"{capped}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(line: DimensionView) -> str:
    mark = " !" if line.critical else ""
    value = number(line.value) if line.value is not None else "insufficient evidence"
    evidence = ", ".join(f"#{seq}" for seq in line.evidence)
    return (
        f"<tr><td>{html.escape(line.name)}{mark}<p>{html.escape(line.meaning)}</p></td>"
        f"<td class='n {grade(line.score)}'>{score_text(line.score)}</td><td class=n>{value}</td>"
        f"<td>{html.escape(line.unit)}</td><td class=n>{number(line.target)}</td><td class=n>{number(line.floor)}</td>"
        f"<td class=n>{line.n}</td><td class=n>{line.window_s:.0f} s</td><td class=n>{trend_text(line.trend)}</td>"
        f"<td>{evidence}</td></tr>"
    )
