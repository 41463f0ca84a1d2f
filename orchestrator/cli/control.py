"""EDGE: `hats resume` and `ack`: the operator's word to a running desk, and whether it took effect."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from orchestrator.cli.options import Config, Json, OperatorKey
from orchestrator.cli.terminal import emit, say
from shared.errors import Unanswered
from shared.messages.control import ResumeOrdered
from shared.messages.risk import AlertAcknowledged
from shared.redaction import redact_text
from shared.units import Ns

if TYPE_CHECKING:
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.status import Status
    from shared.messages import Message

POLL_S: Final = 0.1
Wait = Annotated[
    float, typer.Option("--wait", min=0.0, metavar="S", help="Wait so long for the effect; 0: don't wait.")
]


class Ineffective(Unanswered):
    """What was said is journaled, and its effect did not come in time."""


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
    from shared.operator_word import resume_words

    ns, signature = _signed(operator_key, config, lambda run, ns: resume_words(run, reason, ns))
    _command(ResumeOrdered(reason, ns, signature), _is_trading, "resume", wait_s, config, as_json)


def _signed(operator_key: Path | None, config: Path | None, words: Callable[[int, Ns], bytes]) -> tuple[Ns, str]:
    """When, and the operator's signature over what is said of the current run; none without a key."""
    if operator_key is None:
        return Ns(0), ""
    from orchestrator.accounts.operator_key import sign
    from orchestrator.cli.runs import current

    now = Ns(time.time_ns())
    return now, sign(operator_key, words(current(config).run, now))


def ack(
    name: Annotated[str, typer.Argument(help="Name of the alert, as `hats status --json` shows it.")],
    reason: Annotated[
        str, typer.Option(help="Who takes it on, and how; it goes into the journal.", callback=redact_text)
    ] = "operator",
    operator_key: OperatorKey = None,
    wait_s: Wait = 10.0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take an alert on, so that it does not tighten trading by itself; its cause stays."""
    from shared.operator_word import ack_words

    def is_taken(status: Status) -> bool:
        return all(alert.name != name for alert in status.alerts)

    ns, signature = _signed(operator_key, config, lambda run, ns: ack_words(run, name, reason, ns))
    _command(AlertAcknowledged(name, reason, ns, signature), is_taken, f"ack {name}", wait_s, config, as_json)


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
    from orchestrator.cli.runs import current
    from orchestrator.machine.runfiles import RunFiles

    facts = said_to(RunFiles(Path(current(config).run_dir)), message, has_effect, what, wait_s)
    if as_json:
        emit(facts)
    else:
        say(line_about(what, facts))


def said_to(
    files: RunFiles, message: Message, has_effect: Callable[[Status], bool], what: str, wait_s: float
) -> dict[str, Any]:
    """Say it to the run's hub and wait for the effect: what it came to; Ineffective if that does not come in time."""
    from orchestrator.control import Control

    with Control(files) as line:
        seq = line.say(message)
        began = time.monotonic()
        status = line.status()
        while wait_s and not has_effect(status):
            if time.monotonic() - began > wait_s:
                raise Ineffective(f"{what} is journaled as #{seq}, but its effect did not come within {wait_s:g} s")
            time.sleep(POLL_S)
            status = line.status()
    return {
        "seq": seq,
        "has_effect": has_effect(status),
        "took_ms": (time.monotonic() - began) * 1_000,
        "trading_state": status.trading_state,
        "is_armed": status.is_armed,
        "open_orders": len(status.open_orders),
        "positions": status.positions,
    }


def line_about(what: str, facts: dict[str, Any]) -> str:
    """The same for people."""
    effect = f"in effect after {facts['took_ms']:.0f} ms" if facts["has_effect"] else "not waited for"
    return (
        f"{what}: journaled as #{facts['seq']}, {effect}; trading {facts['trading_state'] or 'unknown'}, "
        f"{facts['open_orders']} open orders, {len(facts['positions'])} positions"
    )
