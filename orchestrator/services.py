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
from shared.messages.control import ResumeOrdered
from shared.messages.risk import AlertAcknowledged
from shared.operator_word import Loosening, fault_in
from shared.units import Ns

REFUSED: Final[Mapping[type[Loosening], str]] = {ResumeOrdered: "not resumed", AlertAcknowledged: "not acknowledged"}


def _status(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(status_of(heart, now))


def _scorecards(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(cards_of(heart, now))


class _Say:
    """The operator's word; the route table knows what they may say.

    What loosens and the Risk Officer would refuse is not even said: others would let go of a kill by it.
    """

    def __init__(self, operator_public_key: str) -> None:
        self._key = operator_public_key

    def __call__(self, heart: Heart, now: Ns, body: bytes) -> bytes:
        message = decode(body)
        if isinstance(message, Loosening):
            fault = fault_in(message, self._key, heart.supervisor.run, heart.situation.signed_ns, now)
            if fault is not None:
                raise NotAllowedError(f"{REFUSED[type(message)]}: {fault}")
        return _json(heart.publish(Role.OPERATOR, message, now).seq)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def services_of(operator_public_key: str) -> Mapping[str, Any]:
    """status -> Status, scorecards -> tuple of CardView, say (an encoded message) -> its seq; all JSON.

    With a key whoever loosens must have signed; empty: whoever is on the operator's line may.
    """
    return {"status": _status, "scorecards": _scorecards, "say": _Say(operator_public_key)}
