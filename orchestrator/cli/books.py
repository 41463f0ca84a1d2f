"""EDGE: `hats orders`, `hats fills` and `hats positions`: live from the hub, or from the journal of a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import Config, Json, RunDir
from orchestrator.cli.terminal import UNKNOWN, console, emit
from shared.units import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.status import OrderLine, PositionView
    from orchestrator.telling.books import FillLine
    from shared.journal import JournalReader

Last = Annotated[int, typer.Option("--last", "-n", min=1, help="So many of the newest.")]


def orders(last: Last = 50, run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """List open orders of the current run and those that ended last; with --run every order of that run."""
    from orchestrator.cli.runs import line_to
    from orchestrator.telling.books import orders_in

    shown: Sequence[OrderLine]
    if run is None:
        with line_to(config) as line:
            status = line.status()
        shown = [*status.open_orders, *status.ended_orders]
    else:
        with journal_of(run, config) as reader:
            shown = orders_in(reader)
    if as_json:
        emit({"orders": shown})
    else:
        _print_orders(shown[:last] if run is None else shown[-last:])


def fills(last: Last = 50, run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """List the fills that were booked, from the journal; `seq` is a fill's place in it. --json lists all."""
    from orchestrator.telling.books import fills_in

    with journal_of(run, config) as reader:
        booked = fills_in(reader)
    if as_json:
        emit({"fills": booked})
    else:
        _print_fills(booked[-last:], total=len(booked))


def positions(run: RunDir = None, config: Config = None, as_json: Json = False) -> None:
    """List open positions with entry, mark and unrealised gain."""
    from orchestrator.cli.runs import line_to
    from orchestrator.telling.books import positions_in

    held: Sequence[PositionView] | None
    if run is None:
        with line_to(config) as line:
            status = line.status()
        held = None if status.money is None else status.positions
    else:
        with journal_of(run, config) as reader:
            held = positions_in(reader)
    if as_json:
        emit({"positions": held})
    else:
        _print_positions(held)


@contextmanager
def journal_of(run: Path | None, config: Path | None) -> Iterator[JournalReader]:
    """The journal of a run, open for reading while inside; NotRunning if it has none."""
    from orchestrator.cli.runs import files_of
    from shared.errors import NotRunning
    from shared.journal import JournalReader

    files = files_of(run, config)
    if not files.journal.exists():
        raise NotRunning(f"{files.dir} has no journal")
    reader = JournalReader.open(files.journal)
    try:
        yield reader
    finally:
        reader.close()


def _print_orders(shown: Sequence[OrderLine]) -> None:
    from rich.table import Table

    from orchestrator.cli.view import order_cells

    table = Table("Coin", "Side", title=f"{len(shown)} orders", header_style="bold", border_style="dim")
    for name in ("Price", "Size", "Filled"):
        table.add_column(name, justify="right")
    for name in ("State", "Strategy", "Reason", "Cloid"):
        table.add_column(name)
    for order in shown:
        table.add_row(*order_cells(order), order.reason, order.cloid)
    console().print(table)


def _print_fills(shown: Sequence[FillLine], *, total: int) -> None:
    from rich.table import Table

    from orchestrator.cli.view import plain, signed

    title = f"{len(shown)} of {total} fills, money in USDC"
    table = Table("Time (UTC)", "Coin", "Side", title=title, header_style="bold", border_style="dim")
    for name in ("Price", "Size", "Fee", "Closed"):
        table.add_column(name, justify="right")
    for name in ("As", "Strategy", "Seq"):
        table.add_column(name, justify="right" if name == "Seq" else "left")
    for fill in shown:
        time = datetime.fromtimestamp(fill.exch_ns / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        money = (signed(fill.fee_usd, 6), signed(fill.closed_pnl_usd, 4))
        role = "taker" if fill.is_taker else "maker"
        table.add_row(
            time, fill.coin, fill.side, plain(fill.px), plain(fill.sz), *money, role, fill.strategy, f"#{fill.seq}"
        )
    console().print(table)


def _print_positions(held: Sequence[PositionView] | None) -> None:
    from rich.table import Table

    from orchestrator.cli.view import plain, signed

    table = Table("Coin", title="Positions", header_style="bold", border_style="dim")
    for name in ("Size", "Entry", "Mark", "Unrealised, USDC"):
        table.add_column(name, justify="right")
    if held is None:
        table.add_row(UNKNOWN, *[UNKNOWN] * 4)
    for position in held or ():
        prices = (plain(position.sz), plain(position.entry_px), plain(position.mark_px))
        table.add_row(position.coin, *prices, signed(position.unrealised_usd))
    console().print(table)
