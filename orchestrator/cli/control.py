"""EDGE: `hats kill`, `resume` and `ack`: the operator's word to a running desk, and whether it took effect."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli.options import Config, Json, OperatorKey
from orchestrator.cli.terminal import emit, note, say
from shared.errors import NotAllowedError, NotRunning, Unanswered
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import AlertAcknowledged, TradingState
from shared.redaction import redact_text
from shared.units import Ns

if TYPE_CHECKING:
    from orchestrator.status import Status
    from shared.messages import Message

POLL_S: Final = 0.1
Wait = Annotated[
    float, typer.Option("--wait", min=0.0, metavar="S", help="Wait so long for the effect; 0: don't wait.")
]


def kill(
    level: Annotated[
        KillLevel,
        typer.Option(
            metavar="pause|reduce|flatten",
            help="pause: no new orders; reduce: only reducing; flatten: cancel all, close all.",
        ),
    ] = KillLevel.PAUSE,
    flatten: Annotated[bool, typer.Option("--flatten", help="The same as --level flatten.")] = False,
    reason: Annotated[
        str, typer.Option(help="Why; it goes into the journal and the audit log.", callback=redact_text)
    ] = "operator",
    wait_s: Wait = 10.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stop trading now, without asking back; `hats resume` lets it go on. Exit code 5 if the effect does not come.

    If the orchestrator does not answer to `--flatten`, the watchdog cancels and closes everything: it needs no Ray.
    """
    wanted = KillLevel.FLATTEN if flatten else level
    order = KillOrdered(wanted, reason)
    try:
        _command(order, lambda status: _is_stopped(status, wanted), f"kill {wanted}", wait_s, config, as_json)
    except (NotRunning, Unanswered, NotAllowedError) as error:
        if wanted is not KillLevel.FLATTEN:
            raise
        _by_watchdog(reason, f"{error}", wait_s, config, as_json)


def resume(
    reason: Annotated[
        str,
        typer.Option(help="Why it is safe to go on; it goes into the journal and the audit log.", callback=redact_text),
    ],
    operator_key: OperatorKey = None,
    wait_s: Wait = 10.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a killed or disarmed desk trade again, after the configured delay. Exit code 5 if it does not begin to.

    A watchdog that has acted watches again first.
    """
    _rearm(reason, operator_key, config)
    order = ResumeOrdered(reason) if operator_key is None else _signed_resume(reason, operator_key, config)
    _command(order, _is_trading, "resume", wait_s, config, as_json)


def _signed_resume(reason: str, operator_key: Path, config: Path | None) -> ResumeOrdered:
    from orchestrator.accounts.operator_key import sign
    from orchestrator.cli.runs import current
    from shared.operator_word import words

    now = Ns(time.time_ns())
    return ResumeOrdered(reason, now, sign(operator_key, words(current(config).run, reason, now)))


def ack(
    name: Annotated[str, typer.Argument(help="Name of the alert, as `hats status --json` shows it.")],
    reason: Annotated[
        str, typer.Option(help="Who takes it on, and how; it goes into the journal.", callback=redact_text)
    ] = "operator",
    wait_s: Wait = 10.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take an alert on, so that it does not tighten trading by itself; its cause stays."""
    order = AlertAcknowledged(name, reason)
    _command(
        order, lambda status: all(alert.name != name for alert in status.alerts), f"ack {name}", wait_s, config, as_json
    )


def _by_watchdog(reason: str, why_not: str, wait_s: float, config: Path | None, as_json: bool) -> None:
    """Have the watchdog flatten, and wait until it finds nothing open; Unanswered if it still does."""
    from orchestrator.cli.runs import current
    from orchestrator.cli.watchdog import line_of
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.watchdog.guard import Phase
    from orchestrator.watchdog.line import tell_patiently
    from orchestrator.watchdog.words import Flatten, Look

    socket = RunFiles(Path(current(config).run_dir)).watchdog
    note(f"{why_not}; the watchdog takes over")
    began = time.monotonic()
    view = tell_patiently(socket, Flatten(reason), began + wait_s)
    while wait_s and view.phase is not Phase.SAFE:
        if time.monotonic() - began > wait_s:
            raise Unanswered(f"after {wait_s:g} s still: {line_of(view)}")
        time.sleep(POLL_S)
        view = tell_patiently(socket, Look(), began + wait_s)
    took_ms = (time.monotonic() - began) * 1_000
    if as_json:
        emit({"by": "watchdog", "has_effect": view.phase is Phase.SAFE, "took_ms": took_ms, "watchdog": view})
    else:
        say(f"kill flatten by the watchdog, {took_ms:.0f} ms: {line_of(view)}")


def _rearm(reason: str, operator_key: Path | None, config: Path | None) -> None:
    """Let the watchdog watch again first, or it would act at once on what the desk opens.

    NotRunning or Unanswered if no desk is there: what a dead one left is the watchdog's to close. NotAllowedError if it
    asks for a signature that this is not.
    """
    from orchestrator.cli.runs import current, line_to
    from orchestrator.cli.watchdog import rearmed
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.watchdog.line import tell
    from orchestrator.watchdog.words import Look

    with line_to(config) as line:
        line.status()
    socket = RunFiles(Path(current(config).run_dir)).watchdog
    if socket.exists() and tell(socket, Look()).reason:
        rearmed(socket, reason, operator_key)


def _is_stopped(status: Status, level: KillLevel) -> bool:
    if level is KillLevel.REDUCE:
        return status.trading_state in (TradingState.REDUCING, TradingState.HALTED)
    is_empty = not status.open_orders and not status.positions
    return status.trading_state == TradingState.HALTED and (is_empty or level is not KillLevel.FLATTEN)


def _is_trading(status: Status) -> bool:
    return status.trading_state == "active" and status.is_armed


def _command(
    message: Message,
    has_effect: Callable[[Status], bool],
    what: str,
    wait_s: float,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say it and wait for the effect; Unanswered if that does not come in time."""
    from orchestrator.cli.runs import line_to

    with line_to(config) as line:
        seq = line.say(message)
        began = time.monotonic()
        status = line.status()
        while wait_s and not has_effect(status):
            if time.monotonic() - began > wait_s:
                raise Unanswered(f"{what} is journaled as #{seq}, but its effect did not come within {wait_s:g} s")
            time.sleep(POLL_S)
            status = line.status()
    took_ms = (time.monotonic() - began) * 1_000
    if as_json:
        emit(
            {
                "seq": seq,
                "has_effect": has_effect(status),
                "took_ms": took_ms,
                "trading_state": status.trading_state,
                "is_armed": status.is_armed,
                "open_orders": len(status.open_orders),
                "positions": status.positions,
            }
        )
        return
    effect = f"in effect after {took_ms:.0f} ms" if has_effect(status) else "not waited for"
    state = status.trading_state or "unknown"
    say(f"{what}: journaled as #{seq}, {effect}; trading {state}, {len(status.open_orders)} open orders, "
        f"{len(status.positions)} positions")  # fmt: skip
