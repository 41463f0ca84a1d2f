"""EDGE: `hats data audit`: captured trades against the exchange's candles, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.data_options import Coins, Since, SnapshotId, Until, Warehouse, ns_from_text, view_of
from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import UNKNOWN, emit, progress, say
from shared.units import MS, SECOND

if TYPE_CHECKING:
    from shared.warehouse.candle_audit import Minute

SHOWN = 20


def audit(
    coins: Coins = None,
    since: Since = None,
    until: Until = None,
    slack_ms: Annotated[
        int, typer.Option("--slack-ms", min=0, help="How far a gap's times may be off the exchange's clock.")
    ] = 2_000,
    snapshot: SnapshotId = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Compare trades and volume of every captured minute with the exchange's candles; declared gaps explain the rest.

    The candles come from `hats data fetch candles`. Exit code 6 if a minute differs that no declared gap touches, if
    something was captured that the candle does not count, or if a candle is not known.
    """
    from orchestrator.history.candle_audit import Audit, Wanted

    compare = Audit(view_of(warehouse, config, snapshot))
    chosen = tuple(coins or compare.coins)
    span = (ns_from_text(since, "--since") or 0, ns_from_text(until, "--until") or 0)
    with progress("auditing", len(chosen)) as advance:
        found = compare.run(Wanted(chosen, *span, slack_ms * MS), lambda _: advance(1))
    if as_json:
        emit({"sound": found.is_sound, "audited": found})
    else:
        say(
            f"{found.minutes:,} minutes of {found.coins} coins, {found.trades:,} trades: {found.equal:,} equal, "
            f"{found.explained:,} explained by declared gaps ({found.trades_missing:,} trades), "
            f"{found.unexplained:,} unexplained, {found.unknown:,} without a candle"
        )
        for minute in found.disagreements[:SHOWN]:
            say(_line(minute))
        more = len(found.disagreements) - SHOWN
        if more > 0:
            say(f"and {more:,} more; --json lists them all")
        if found.unknown:
            say("candles that are not known: hats data fetch candles --since TIME")
        say("sound" if found.is_sound else "NOT SOUND")
    if not found.is_sound:
        raise typer.Exit(Exit.PROBLEMS)


def _line(minute: Minute) -> str:
    at = datetime.fromtimestamp(minute.open_ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%MZ")
    candle = UNKNOWN if minute.candle_trades is None else f"{minute.candle_trades} ({minute.candle_sz} lots)"
    return f"{minute.verdict.upper():<12}{minute.coin:<10}{at}  {minute.trades} ({minute.sz} lots) of {candle}"
