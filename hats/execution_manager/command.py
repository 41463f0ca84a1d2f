"""What the orchestrator, the operator and the Risk Officer order: arm, stop, go on, drain."""

from __future__ import annotations

from collections.abc import Iterator

from hats.execution_manager import drain, parents, reconcile, sending
from hats.execution_manager.records import NEVER, DrainPhase, Turn
from shared.messages import AnyMessage
from shared.messages.control import TIGHTNESS, Armed, Disarmed, DrainOrdered, KillLevel, KillOrdered, ResumeOrdered
from shared.messages.risk import TradingState, TradingStateChanged

Command = Armed | Disarmed | KillOrdered | ResumeOrdered | TradingStateChanged | DrainOrdered


def hear(turn: Turn, command: Command) -> Iterator[AnyMessage]:
    """Obey. Disarming alone cancels nothing; a kill and a tighter trading state cancel what may add to a position.

    A kill holds until trading is active again: the operator's word alone lifts nothing, for it may be refused.
    """
    state = turn.state
    match command:
        case Armed():
            state.is_armed = state.was_armed = True
            if not state.drain.is_kill:  # a kill that closes everything is lifted by the operator alone
                _stop_draining(turn)
        case Disarmed():
            state.is_armed = False
        case DrainOrdered():
            yield from parents.stop_all(turn, "draining", also_reducing=True)
            yield from drain.begin(turn, flatten=command.flatten, is_kill=False, reason="draining")
        case KillOrdered():
            yield from _kill(turn, command)
        case ResumeOrdered():
            state.resumes = True
            reconcile.accept_strangers(turn)
        case TradingStateChanged():
            state.trading = command.state
            if command.state is TradingState.ACTIVE:
                _lift(turn)
            else:
                reason = f"trading is {command.state}"
                yield from parents.stop_all(turn, reason, also_reducing=command.state is TradingState.HALTED)
                if not state.drain.is_active:  # who drains cancels, too, and may have to close before that
                    yield from sending.cancel_all(turn, reason, also_reducing=False)


def _kill(turn: Turn, order: KillOrdered) -> Iterator[AnyMessage]:
    """A harder kill replaces a milder one; only the operator's resume lifts it."""
    state = turn.state
    state.resumes = False
    if state.kill is None or TIGHTNESS.index(order.level) > TIGHTNESS.index(state.kill):
        state.kill = order.level
    reason = f"kill ({order.level}): {order.reason}"
    yield from parents.stop_all(turn, reason, also_reducing=order.level is not KillLevel.REDUCE)
    if order.level is KillLevel.FLATTEN:
        yield from drain.begin(turn, flatten=True, is_kill=True, reason=reason)
    elif not state.drain.is_active:
        yield from sending.cancel_all(turn, reason, also_reducing=False)


def _lift(turn: Turn) -> None:
    """Trading is active: what the operator wanted lifted is. A kill that was heard since they resumed stays."""
    state = turn.state
    if not state.resumes:
        return
    state.kill, state.resumes = None, False
    if state.drain.is_kill:
        _stop_draining(turn)


def _stop_draining(turn: Turn) -> None:
    turn.state.drain.phase, turn.state.drain.deadline_ns = DrainPhase.NONE, NEVER
