"""EDGE: `hats execute` and `hats withdraw`: a parent order of the operator's, worked by the running desk."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, say
from shared.errors import ConfigError, NotRunning, Unanswered, UnitError
from shared.ids import OPERATOR, OPERATOR_NUMBER, Cloid, cloid_for
from shared.messages.parent import (
    Algorithm,
    AlmgrenChriss,
    Chase,
    Iceberg,
    NativeTwap,
    ParentOrder,
    ParentState,
    Participate,
    PassiveThenCross,
    Twap,
)
from shared.messages.signal import CancelIntent
from shared.order import Side
from shared.units import MS, SECOND, Ns, px_from_str, sz_from_str

if TYPE_CHECKING:
    from orchestrator.control import Control
    from orchestrator.status import ParentView, Status

POLL_S: Final = 0.2
SAID_S: Final = 5.0
"""The desk has said what it thinks of a parent by then."""
Wait = Annotated[float, typer.Option("--wait", min=0.0, metavar="S", help="Wait so long for its end; 0: don't wait.")]


class AlgorithmName(StrEnum):
    """The algorithms, as they are asked for."""

    PASSIVE_THEN_CROSS = "passive_then_cross"
    TWAP = "twap"
    ALMGREN_CHRISS = "almgren_chriss"
    ICEBERG = "iceberg"
    PARTICIPATE = "participate"
    CHASE = "chase"
    NATIVE_TWAP = "native_twap"


class SideName(StrEnum):
    """Which way to trade."""

    BUY = "buy"
    SELL = "sell"


def execute(
    side: Annotated[SideName, typer.Argument(help="buy or sell.")],
    size: Annotated[str, typer.Argument(help="Coins to trade, as a decimal.")],
    coin: Annotated[str, typer.Argument(help="What to trade.")],
    limit: Annotated[str, typer.Option(help="The worst price of any of its orders.")],
    algorithm: Annotated[AlgorithmName, typer.Option(help="How it is worked.")] = AlgorithmName.PASSIVE_THEN_CROSS,
    within_s: Annotated[
        float, typer.Option("--within", min=1.0, metavar="S", help="It ends by then; native_twap up to 5 s later.")
    ] = 60.0,
    slices: Annotated[int, typer.Option(min=1, help="twap, almgren_chriss: parts in time.")] = 10,
    urgency: Annotated[float, typer.Option(min=0.0, max=50.0, help="almgren_chriss: k T; 0 is a twap.")] = 1.0,
    display: Annotated[str, typer.Option(help="iceberg: coins shown at a time.")] = "",
    share: Annotated[float, typer.Option(min=0.01, max=100.0, help="participate: percent of the volume.")] = 10.0,
    randomize: Annotated[bool, typer.Option("--randomize", help="native_twap: parts differ by up to a fifth.")] = False,
    patience_s: Annotated[
        float, typer.Option("--patience", min=0.0, metavar="S", help="passive_then_cross: wait so long.")
    ] = 10.0,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="It can only shrink a position.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it goes into the journal.")] = "operator",
    wait_s: Wait = 0.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Trade a quantity over time by an algorithm. Every child order of it passes the Risk Officer like any other.

    What it cost against the mid at its arrival is told at its end; `hats status --json` shows it at work. Exit code 5
    if the desk does not take it on, or if it does not end within --wait.
    """
    from orchestrator.cli.runs import line_to

    with line_to(config) as line:
        status = line.status()
        decimals = _decimals(status, coin)
        try:
            shown = sz_from_str(display or size, decimals)
            lots, limit_px = sz_from_str(size, decimals), px_from_str(limit, decimals)
        except UnitError as error:
            raise ConfigError([str(error)]) from error
        styles: dict[AlgorithmName, Algorithm] = {
            AlgorithmName.PASSIVE_THEN_CROSS: PassiveThenCross(int(patience_s * 1_000)),
            AlgorithmName.TWAP: Twap(slices),
            AlgorithmName.ALMGREN_CHRISS: AlmgrenChriss(slices, urgency),
            AlgorithmName.ICEBERG: Iceberg(max(shown, 1)),
            AlgorithmName.PARTICIPATE: Participate(max(round(share * 100), 1)),
            AlgorithmName.CHASE: Chase(),
            AlgorithmName.NATIVE_TWAP: NativeTwap(randomize),
        }
        parent = cloid_for(status.run, OPERATOR_NUMBER, status.ts_ns // MS)
        terms = ParentOrder(
            parent, OPERATOR, coin, Side[side.name], lots, limit_px, styles[algorithm], reduce_only,
            Ns(status.ts_ns + int(within_s * SECOND)), reason,
        )  # fmt: skip
        line.say(terms)
        _tell(_waited(line, parent, wait_s), as_json)


def withdraw(
    parent: Annotated[str, typer.Argument(help="The parent order, as `hats execute` told it.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the journal.")] = "operator",
    wait_s: Wait = 10.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a parent order back: no more children, and the one at work is cancelled. Exit code 5 if it does not end."""
    from orchestrator.cli.runs import line_to

    with line_to(config) as line:
        if _view(line.status(), Cloid(parent)) is None:
            raise NotRunning(f"the desk knows no parent order {parent}")
        line.say(CancelIntent(Cloid(parent), OPERATOR, reason))
        _tell(_waited(line, Cloid(parent), wait_s), as_json)


def _decimals(status: Status, coin: str) -> int:
    decimals = status.sz_decimals.get(coin)
    if decimals is None:
        raise ConfigError([f"the venue lists no {coin!r}; it lists {', '.join(sorted(status.sz_decimals)[:10])}"])
    return decimals


def _view(status: Status, parent: Cloid) -> ParentView | None:
    return next((view for view in status.parents if view.parent == parent), None)


def _waited(line: Control, parent: Cloid, wait_s: float) -> ParentView:
    """The desk's word on the parent: its first, or its last if that comes within `wait_s`."""
    began = time.monotonic()
    while True:
        view, waited_s = _view(line.status(), parent), time.monotonic() - began
        if view is not None and (view.state != ParentState.WORKING or not wait_s):
            return view
        if waited_s > max(wait_s, SAID_S):
            told = "said nothing of it" if view is None else f"still works it, {view.filled} done"
            raise Unanswered(f"parent order {parent}: after {waited_s:.0f} s the desk {told}")
        time.sleep(POLL_S)


def _tell(view: ParentView, as_json: bool) -> None:
    if as_json:
        emit(view)
        return
    cost = "unknown cost" if view.executed_bps is None else f"{view.executed_bps:+.1f} bps against its arrival"
    say(f"{view.parent}: {view.state} ({view.reason}), {view.filled} of {view.sz} {view.coin}, {cost}")
