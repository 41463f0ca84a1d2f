"""Every action that this exchange plays, in one registry, and the readers of signed requests.

A new action is one more entry in the `TYPES` of its subject's module, a new subject one more line in `SUPPORTED` here.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.venue.door import (
    actions,
    dealing_actions,
    mode_actions,
    multi_sig_actions,
    timed_actions,
    vault_actions,
)
from shared.venue.door.actions import Action, Envelope
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused, repeated_keys
from shared.venue.door.multi_sig_actions import MultiSigAction
from shared.venue.door.signatures import USER_SIGNED

SUPPORTED: Final[dict[str, type[Action]]] = {
    **actions.TYPES,
    **dealing_actions.TYPES,
    **timed_actions.TYPES,
    **multi_sig_actions.TYPES,
    **mode_actions.TYPES,
    **vault_actions.TYPES,
}
_MONEY = {"hip3LiquidatorTransfer"}
_MONEY |= {"borrowLend", "userOutcome", "gossipPriorityBid"}
_STANDING = {"setDisplayName", "spotUser"}
_STANDING |= {"evmUserModify", "startFeeTrial"}
_DEPLOY = {"perpDeploy", "spotDeploy", "CSignerAction", "CValidatorAction"}
_KNOWN = _MONEY | _STANDING | _DEPLOY | USER_SIGNED.keys()
UNSUPPORTED: Final = frozenset(_KNOWN - SUPPORTED.keys())
"""Actions that the venue knows and this exchange does not play."""


def read_envelope(value: Any) -> Envelope:
    """The outer object; BodyRefused 422 unless it is exactly as the venue wants it."""
    if repeated_keys(value):
        raise BodyRefused(422, BAD_SHAPE)
    try:
        return msgspec.convert(value, Envelope)
    except msgspec.ValidationError as error:
        raise BodyRefused(422, BAD_SHAPE) from error


def read_action(action: dict[str, Any]) -> Action | str:
    """The action in canonical form, or its name when the venue knows it and we do not play it; else BodyRefused 422."""
    name = action.get("type")
    if isinstance(name, str) and name in UNSUPPORTED:
        return name
    kind = SUPPORTED.get(name) if isinstance(name, str) else None
    if kind is None or repeated_keys(action):
        raise BodyRefused(422, BAD_SHAPE)
    try:
        canonical = msgspec.convert(action, kind).canonical()
    except (msgspec.ValidationError, ValueError) as error:
        raise BodyRefused(422, BAD_SHAPE) from error
    return _unwrapped(canonical) if isinstance(canonical, MultiSigAction) else canonical


def _unwrapped(action: MultiSigAction) -> Action | str:
    """The envelope with what it wraps in canonical form, or the name of that; none wraps another."""
    wrapped = action.payload.action
    inner = read_action(wrapped) if isinstance(wrapped, dict) and wrapped.get("type") != "multiSig" else None
    if inner is None:
        raise BodyRefused(422, BAD_SHAPE)
    return inner if isinstance(inner, str) else action.holding(inner)
