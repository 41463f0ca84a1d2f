"""What the operator may ask of a running hub, by name, and how it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from orchestrator.heart import Heart
from orchestrator.status import cards_of, status_of
from shared.codec import decode
from shared.errors import NotAllowedError
from shared.ids import Role
from shared.messages.control import DrainOrdered, KillOrdered, ResumeOrdered
from shared.messages.risk import AlertAcknowledged
from shared.units import Ns

OPERATOR_SAYS: Final = (KillOrdered, ResumeOrdered, DrainOrdered, AlertAcknowledged)


def _status(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(status_of(heart, now))


def _scorecards(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(cards_of(heart, now))


def _say(heart: Heart, now: Ns, body: bytes) -> bytes:
    message = decode(body)
    if not isinstance(message, OPERATOR_SAYS):
        raise NotAllowedError(f"the operator may not say {type(message).__name__}")
    return _json(heart.publish(Role.OPERATOR, message, now).seq)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


SERVICES: Final[Mapping[str, Any]] = {"status": _status, "scorecards": _scorecards, "say": _say}
"""status -> Status, scorecards -> tuple of CardView, say (an encoded message) -> its seq; all JSON."""
