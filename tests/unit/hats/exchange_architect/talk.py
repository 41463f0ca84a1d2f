"""A started Exchange Architect, what is said to it, and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hats.exchange_architect.logic import ExchangeArchitect
from shared.ids import Cloid, Role
from shared.messages import AnyMessage
from shared.messages.control import Started
from shared.messages.order import ActionAnswered, ActionKind, AnswerKind, SignedAction
from shared.units import Ns, Sz
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import CLOID, T0

EA = Role.EXCHANGE_ARCHITECT


def hat(**changes: Any) -> ExchangeArchitect:
    """A started Hat, with the weight of what it reads at its start forgiven."""
    architect = ExchangeArchitect(scene.settings(**changes))
    list(architect.handle(Started(EA, 1, T0), T0))
    architect.state.budget.slots = []
    return architect


def signed(
    kind: ActionKind = ActionKind.ORDER, nonce: int = 7, expires_after_ms: int = 0, cloid: Cloid = CLOID
) -> SignedAction:
    """A signed action as the Security Architect says it."""
    body = scene.post().body if kind is not ActionKind.CANCEL else b'{"action":{"type":"cancelByCloid","cancels":[]}}'
    return SignedAction(kind, cloid, nonce, expires_after_ms, body, sign_ns=1)


def answered(kind: AnswerKind, cloid: Cloid = CLOID, of: ActionKind = ActionKind.ORDER) -> ActionAnswered:
    """What became of an action."""
    return ActionAnswered(of, cloid, 7, kind, 0, Sz(0), "", Ns(T0))


def said(architect: ExchangeArchitect, message: AnyMessage, now: int = T0) -> list[AnyMessage]:
    """What it says."""
    return list(architect.handle(message, Ns(now)))


def of(kind: type[Any], messages: Iterable[AnyMessage]) -> list[Any]:
    """The messages of one type."""
    return [message for message in messages if isinstance(message, kind)]
