"""EDGE: `hats kill`: finds the desks that are meant, whatever is broken, and stops each by whoever of it still hears.

A hub hears at once; a watchdog closes everything without one; and a kill that a hub could not be told is left in
writing for it, so that no desk that begins, or comes back, trades on.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from orchestrator.cli.control import POLL_S, Ineffective, Wait, line_about, said_to
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, note, say
from shared.errors import HatsError, NotAllowedError, NotRunning, Unanswered
from shared.messages.control import KillLevel, KillOrdered
from shared.messages.risk import TradingState
from shared.redaction import redact_text

if TYPE_CHECKING:
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.status import Status

NOT_HEARD: Final = (NotRunning, Unanswered, NotAllowedError)


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
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The home folder of the desk that is meant; no configuration is read then."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stop trading now, without asking back; `hats resume` lets it go on. Exit code 5 if the effect does not come.

    If the orchestrator does not answer to `--flatten`, the watchdog cancels and closes everything: it needs no Ray. A
    kill that nobody hears is left in writing, and obeyed when the orchestrator begins or comes back. A configuration
    that can't be read stops no kill: the desks that run with it are found, else all that run.
    """
    from orchestrator.cli.finding import desks_meant

    order = KillOrdered(KillLevel.FLATTEN if flatten else level, reason)
    desks = desks_meant(home, config)
    if len(desks) == 1:
        facts = _stop(desks[0], order, wait_s)
        emit(facts) if as_json else say(_line(facts, order))
        return
    with ThreadPoolExecutor(len(desks)) as pool:  # nobody waits for another's effect
        outcomes = list(pool.map(lambda files: _stop_or_fault(files, order, wait_s), desks))
    done = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    if as_json and done:
        emit({"desks": done})
    for files, outcome in zip(desks, outcomes, strict=True):
        if not as_json or isinstance(outcome, HatsError):
            told = _line(outcome, order) if isinstance(outcome, dict) else f"NOT STOPPED: {outcome}"
            (note if isinstance(outcome, HatsError) else say)(f"{files.dir}: {told}")
    for outcome in outcomes:
        if isinstance(outcome, HatsError):
            raise outcome


def is_stopped(status: Status, level: KillLevel) -> bool:
    """Is trading as tight as the kill asks for, and for a flatten everything gone?"""
    if level is KillLevel.REDUCE:
        return status.trading_state in (TradingState.REDUCING, TradingState.HALTED)
    is_empty = not status.open_orders and not status.positions
    return status.trading_state == TradingState.HALTED and (is_empty or level is not KillLevel.FLATTEN)


def _stop_or_fault(files: RunFiles, order: KillOrdered, wait_s: float) -> dict[str, Any] | HatsError:
    try:
        return _stop(files, order, wait_s)
    except HatsError as error:
        return error


def _stop(files: RunFiles, order: KillOrdered, wait_s: float) -> dict[str, Any]:
    """What the kill of one desk came to: by its hub, else its watchdog, else its hub as soon as that hears.

    Unanswered if the effect did not come in time; NotRunning if nothing of the desk lives.
    """
    from orchestrator import kill_note
    from orchestrator.cli.finding import is_living

    until, is_left = time.monotonic() + wait_s, False
    while True:
        try:
            facts = said_to(files, order, lambda status: is_stopped(status, order.level), f"kill {order.level}", wait_s)
        except NOT_HEARD as error:
            why: HatsError = error
        else:
            if is_left:
                kill_note.take_back(files)
            return facts
        is_said = isinstance(why, Ineffective)
        if not is_said and not is_left and is_living(files):
            kill_note.leave(files, order)
            is_left = True
        if order.level is KillLevel.FLATTEN:
            try:
                return _by_watchdog(files, order.reason, str(why), wait_s)
            except NotRunning as nobody:
                why = type(why)(f"{why}; {nobody}")
        if is_said or not is_left:
            raise why
        if time.monotonic() > until:
            raise Unanswered(
                f"{why}; the kill is left in writing ({files.kill_note}): the orchestrator obeys it when it comes"
            )
        time.sleep(POLL_S)


def _by_watchdog(files: RunFiles, reason: str, why_not: str, wait_s: float) -> dict[str, Any]:
    """Have the watchdog flatten, and wait until it finds nothing open; Unanswered if it still does."""
    from orchestrator.cli.watchdog import line_of
    from orchestrator.watchdog.guard import Phase
    from orchestrator.watchdog.line import tell_patiently
    from orchestrator.watchdog.words import Flatten, Look

    began = time.monotonic()
    view = tell_patiently(files.watchdog, Flatten(reason), began + wait_s)
    note(f"{why_not}; the watchdog takes over")
    while wait_s and view.phase is not Phase.SAFE:
        if time.monotonic() - began > wait_s:
            raise Unanswered(f"after {wait_s:g} s still: {line_of(view)}")
        time.sleep(POLL_S)
        view = tell_patiently(files.watchdog, Look(), began + wait_s)
    took_ms = (time.monotonic() - began) * 1_000
    return {"by": "watchdog", "has_effect": view.phase is Phase.SAFE, "took_ms": took_ms, "watchdog": view}


def _line(facts: dict[str, Any], order: KillOrdered) -> str:
    """What it came to, for people."""
    if "watchdog" not in facts:
        return line_about(f"kill {order.level}", facts)
    from orchestrator.cli.watchdog import line_of

    return f"kill flatten by the watchdog, {facts['took_ms']:.0f} ms: {line_of(facts['watchdog'])}"
