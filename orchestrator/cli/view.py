"""The live view of a run: one screen made of one status. Unknown is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.cli.terminal import UNKNOWN
from orchestrator.status import HatLine, OrderLine, Status
from orchestrator.telling.cards import grade, number, score_text
from shared.ids import TITLES
from shared.messages.control import HatState

WIDE: Final = 120
"""Columns from which on each Hat's line also says what its mailbox did."""
_HAT_ROWS: Final = 12
_HEAD_ROWS: Final = 6
_FRAME_ROWS: Final = 3
_STATE_COLOURS: Final = {"armed": "green", "ready": "cyan", "quarantined": "red", "stopped": "dim"}
_GRADE_COLOURS: Final = {"good": "green", "fair": "yellow", "poor": "red", "none": "dim"}


class Frame(NamedTuple):
    """What the view knows besides the status: its title, how far the run is, and the size of the window."""

    title: str
    step: str
    elapsed_s: float | None
    duration_s: float | None
    is_away: bool
    width: int
    height: int


def screen(status: Status | None, frame: Frame) -> RenderableType:
    """The whole screen; never taller than the window."""
    head = _head(status, frame)
    if status is None:
        return Group(head, Panel(Text(f"{frame.step} ...", "bold"), title="hats", border_style="dim"))
    rows = max(frame.height - _HEAD_ROWS - _HAT_ROWS - _FRAME_ROWS - 1, 2)
    books = Table.grid(expand=True, padding=(0, 1))
    books.add_column(ratio=41)
    books.add_column(ratio=59)
    books.add_row(_positions(status, rows), _orders(status, rows, is_wide=frame.width >= WIDE))
    return Group(head, _money(status), _hats(status.hats, is_wide=frame.width >= WIDE), books)


def line(status: Status | None, frame: Frame) -> str:
    """The same in one line, for logs and pipes."""
    if status is None:
        return f"{clock(frame.elapsed_s)} {frame.step}: no status yet"
    money, latency = status.money, status.latency
    scores = " ".join(score_text(hat.score) for hat in status.hats)
    return (
        f"{clock(frame.elapsed_s)} {state_of(status)} seq {status.seq} "
        f"equity {number(money.equity_usd, 2) if money else UNKNOWN} pnl {signed(money.pnl_usd if money else None)} "
        f"fills {money.fills if money else UNKNOWN} open {len(status.open_orders)} "
        f"tick-to-wire {_us(latency.p50_us)}/{_us(latency.p99_us)} us feed {status.feed or UNKNOWN} scores {scores}"
    )


def state_of(status: Status) -> str:
    """ARMED, DISARMED, DRAINING or DRAINED."""
    if status.drained is not None:
        return "DRAINED"
    return "DRAINING" if status.is_draining else "ARMED" if status.is_armed else "DISARMED"


def clock(seconds: float | None) -> str:
    """Minutes and seconds."""
    if seconds is None:
        return UNKNOWN
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def signed(value: float | None, digits: int = 2) -> str:
    """A gain or a loss with its sign."""
    return UNKNOWN if value is None else f"{value:+,.{digits}f}"


def _head(status: Status | None, frame: Frame) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {frame.title} ", "bold reverse")
    if status is None:
        return text
    state = state_of(status)
    text.append(f"  {state}", "bold green" if state == "ARMED" else "bold yellow")
    if frame.elapsed_s is not None:
        of = f" of {clock(frame.duration_s)}" if frame.duration_s is not None else ""
        text.append(f"  {clock(frame.elapsed_s)}{of}")
    for name, value, is_good in (
        ("trading", status.trading_state, status.trading_state == "active"),
        ("feed", status.feed, status.feed == "up"),
        ("books", _agreement(status), status.books_agree is True),
    ):
        text.append(f"  {name} ", "dim")
        text.append(value or UNKNOWN, "green" if is_good else "dim" if value is None else "yellow")
    if status.capture is not None and status.capture.state in ("low", "full", "dead"):
        text.append(f"  CAPTURE {status.capture.state.upper()}", "bold red")
    if status.failing_jobs:
        text.append(f"  JOBS FAIL: {', '.join(status.failing_jobs)}", "bold red")
    text.append(f"  seq {status.seq:,}", "dim")
    if frame.is_away:
        text.append("  HUB AWAY: this is its last word", "bold red")
    else:
        text.append(f"  {frame.step}", "dim")
    return text


def _agreement(status: Status) -> str | None:
    if status.books_agree is None:
        return None
    return "agree" if status.books_agree else f"differ ({len(status.differences)})"


def _money(status: Status) -> Panel:
    """Two rows of figures."""
    money, latency = status.money, status.latency
    grid = Table.grid(expand=True, padding=(0, 1))
    for ratio in (5, 4, 4, 5, 7):
        grid.add_column(ratio=ratio, no_wrap=True)
    ended = status.order_states
    rejected = sum(status.rejected.values())
    grid.add_row(
        _figure("equity", number(money.equity_usd, 2) if money else UNKNOWN),
        _figure("pnl", signed(money.pnl_usd if money else None), _sign_colour(money.pnl_usd if money else None)),
        _figure("fees", number(money.fees_usd, 2) if money else UNKNOWN),
        _figure("drawdown", f"{money.drawdown_ratio:.2%}" if money else UNKNOWN),
        _figure("tick-to-wire p50", f"{_us(latency.p50_us)} us"),
    )
    grid.add_row(
        _figure("fills", f"{money.fills:,}" if money else UNKNOWN),
        _figure("filled", f"{ended.get('filled', 0):,}"),
        _figure("cancelled", f"{ended.get('cancelled', 0):,}"),
        _figure("rejected", f"{rejected:,}", "yellow" if rejected else ""),
        _figure("p99", f"{_us(latency.p99_us)} us, n {latency.n:,}"),
    )
    return Panel(grid, title="USDC", title_align="left", border_style="dim", padding=(0, 1))


def _figure(name: str, value: str, style: str = "") -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, f"bold {style}".strip()))


def _hats(hats: Sequence[HatLine], *, is_wide: bool) -> Table:
    table = Table(expand=True, border_style="dim", header_style="dim", padding=(0, 1, 0, 0), box=box.SIMPLE_HEAD)
    table.add_column("Hat", no_wrap=True, min_width=max(map(len, TITLES.values())))
    table.add_column("State", no_wrap=True, min_width=max(map(len, HatState)))
    table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Capped by", no_wrap=True, ratio=1)
    table.add_column("Waiting", justify="right", no_wrap=True)
    table.add_column("Oldest", justify="right", no_wrap=True)
    if is_wide:
        table.add_column("Conflated", justify="right", no_wrap=True)
        table.add_column("Undelivered", justify="right", no_wrap=True)
    table.add_column("Restarts", justify="right", no_wrap=True)
    for hat in hats:
        cells: list[str | Text] = [
            hat.title,
            Text(hat.state, _STATE_COLOURS.get(hat.state, "yellow")),
            Text(score_text(hat.score), _GRADE_COLOURS[grade(hat.score)]),
            Text(hat.capped_by or "", "dim"),
            f"{hat.mailbox_depth:,}",
            f"{hat.mailbox_age_ms:,.1f} ms",
        ]
        if is_wide:
            cells += [f"{hat.conflated:,}", f"{hat.undelivered:,}"]
        table.add_row(*cells, Text(str(hat.restarts), "yellow" if hat.restarts else "dim"))
    return table


def _positions(status: Status, rows: int) -> Table:
    table = _book_table("Positions", ("Coin", "Size", "Entry", "Mark", "Open pnl"))
    for held in status.positions[:rows]:
        table.add_row(
            held.coin,
            plain(held.sz),
            plain(held.entry_px),
            plain(held.mark_px),
            Text(signed(held.unrealised_usd), _sign_colour(held.unrealised_usd)),
        )
    if status.money is None:
        table.add_row(UNKNOWN)
    return table


def _orders(status: Status, rows: int, *, is_wide: bool) -> Table:
    names = ("Coin", "Side", "Price", "Size", "Filled", "State", "Strategy")
    table = _book_table(f"Orders, {len(status.open_orders)} open", names)
    shown = [*status.open_orders, *reversed(status.ended_orders)] if is_wide else list(status.open_orders)
    for order in shown[:rows]:
        table.add_row(*order_cells(order))
    return table


def order_cells(order: OrderLine) -> list[str | Text]:
    """Coin, side, price, size, filled, state and strategy of one order."""
    side = Text(order.side, "green" if order.side == "buy" else "red")
    state = Text(order.state, "" if not order.reason else "dim")
    return [order.coin, side, plain(order.px), plain(order.sz), plain(order.filled_sz), state, order.strategy]


def _book_table(title: str, names: Sequence[str]) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        expand=True,
        box=None,
        padding=(0, 1, 0, 0),
    )
    for name in names:
        is_text = name in ("Coin", "Side", "State", "Strategy")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
    return table


def plain(value: float | None) -> str:
    """A price or size with the digits that it has."""
    return UNKNOWN if value is None else f"{value:,.10f}".rstrip("0").rstrip(".")


def _us(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def _sign_colour(value: float | None) -> str:
    return "" if not value else "green" if value > 0 else "red"
