"""EDGE: `hats data funding`: each hour's funding, predicted against paid, and our payments against the law."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.data_options import Coins, Since, SnapshotId, Until, Warehouse, ns_from_text, view_of
from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import UNKNOWN, console, emit, say
from shared.units import SECOND, sz_to_float, usd_to_float

if TYPE_CHECKING:
    from orchestrator.history.funding_monitor import FundingHour

PERCENT_E10 = 10**8


def funding(
    coins: Coins = None,
    since: Since = None,
    until: Until = None,
    snapshot: SnapshotId = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show each hour: predicted and paid rate, premium, open interest, oracle, mark, and what we received or paid.

    Paid rates come from `hats data fetch funding`, the rest from captures. Exit code 6 if a rate is beyond the cap, or
    one of our payments is not what the exchange's law gives.
    """
    from orchestrator.history.funding_monitor import hours

    view = view_of(warehouse, config, snapshot)
    found = hours(view, tuple(coins or ()), ns_from_text(since, "--since"), ns_from_text(until, "--until"))
    broken = [one for one in found if one.problems]
    if as_json:
        emit({"sound": not broken, "hours": found})
    else:
        _print(found)
        for one in broken:
            for problem in one.problems:
                say(f"PROBLEM  {one.coin} {_time(one.hour_ns)}: {problem}")
    if broken:
        raise typer.Exit(Exit.PROBLEMS)


def _print(found: list[FundingHour]) -> None:
    from rich.table import Table

    table = Table("Coin", "Hour (UTC)", header_style="bold", border_style="dim")
    for name in ("Predicted %", "Paid %", "Premium %", "Open interest", "Oracle", "Mark", "Held", "Received", "By law"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            one.coin,
            _time(one.hour_ns),
            _percent(one.predicted_e10),
            _percent(one.paid_e10),
            _percent(one.premium_e10),
            _size(one.open_interest, one.sz_decimals),
            _price(one.oracle_px, one.px_decimals),
            _price(one.mark_px, one.px_decimals),
            _size(one.net_sz, one.sz_decimals),
            _money(one.paid_usd),
            _money(one.law_usd),
        )
    console().print(table)


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _percent(rate_e10: int | None) -> str:
    return UNKNOWN if rate_e10 is None else f"{rate_e10 / PERCENT_E10:.6f}"


def _price(px: int | None, decimals: int | None) -> str:
    return UNKNOWN if px is None or decimals is None else f"{px / 10**decimals:,.{decimals}f}"


def _size(sz: int | None, decimals: int | None) -> str:
    return UNKNOWN if sz is None or decimals is None else f"{sz_to_float(sz, decimals):,.{decimals}f}"


def _money(usd: int | None) -> str:
    return UNKNOWN if usd is None else f"{usd_to_float(usd):,.6f}"
