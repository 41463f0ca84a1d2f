"""What the operator may ask of a running hub, by name, and how it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from orchestrator.heart import Heart
from orchestrator.status import cards_of, status_of
from shared.codec import decode
from shared.ids import Role
from shared.units import Ns


def _status(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(status_of(heart, now))


def _scorecards(heart: Heart, now: Ns, _: bytes) -> bytes:
    return _json(cards_of(heart, now))


def _say(heart: Heart, now: Ns, body: bytes) -> bytes:
    # the route table knows what the operator may say
    return _json(heart.publish(Role.OPERATOR, decode(body), now).seq)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


SERVICES: Final[Mapping[str, Any]] = {"status": _status, "scorecards": _scorecards, "say": _say}
"""status -> Status, scorecards -> tuple of CardView, say (an encoded message) -> its seq; all JSON."""
