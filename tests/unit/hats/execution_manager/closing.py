"""An Execution Manager that closes positions, and what becomes of its closing orders."""

from __future__ import annotations

from hats.execution_manager import ExecutionManager
from shared.messages import AnyMessage
from shared.messages.control import (
    Drained,
)
from shared.messages.order import AnswerKind
from shared.messages.signal import OrderIntent
from tests.unit.hats.execution_manager.scene import (
    answer,
    features,
    fill,
    manager,
    oid_of,
    say,
    sent,
    snapshot_of,
)


def wishes(said: list[AnyMessage]) -> list[OrderIntent]:
    """The closing orders that are wished for in what was said."""
    return [message for message in said if isinstance(message, OrderIntent)]


def drained(said: list[AnyMessage]) -> Drained | None:
    """The Drained in what was said."""
    return next((message for message in said if isinstance(message, Drained)), None)


def holding(net_sz: int, **settings: object) -> ExecutionManager:
    """A manager that has held `net_sz` lots since the start and knows the book."""
    hat = manager(is_open=False, **settings)
    say(hat, snapshot_of({"AAA": net_sz}))
    say(hat, features())
    return hat


def closed(hat: ExecutionManager, wish: OrderIntent, sz: int, start: int, number: int) -> None:
    """Let the closing order be approved, sent and answered; `sz` of it trades."""
    sent(hat, wish)
    kind = AnswerKind.FILLED if sz else AnswerKind.REFUSED
    said = answer(wish, kind, oid=oid_of(wish), filled_sz=sz, error="" if sz else "Order could not immediately match")
    say(hat, said)
    if sz:
        say(hat, fill(wish, sz, number, start=start))
