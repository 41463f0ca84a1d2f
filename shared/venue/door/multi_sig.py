"""Who signed an action of a multi-sig user: the one who sends it over the envelope, each of the others inside it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from shared.venue.door.actions import Action, Envelope, SignatureWire, TypedAction
from shared.venue.door.multi_sig_actions import MultiSigAction
from shared.venue.door.signatures import (
    USER_SIGNED,
    connection_id,
    l1_digest,
    packed,
    recover,
    signature_from_wire,
    typed_digest,
)
from shared.venue.door.signatures import TypedAction as Typed

REQUIRED: Final = "Multi-sig required"
NO_USER: Final = "Invalid multi-sig user"
NO_LEADER: Final = "Multi-sig outer signer must be an L1 user."
BAD_LEADER: Final = "Invalid multi-sig outer signer"
BAD_SIGNER: Final = "Invalid multi-sig inner signer"
TOO_FEW: Final = "Multi-sig threshold not met"


def signer_of(digest: bytes, wire: SignatureWire) -> str | None:
    """Whose key made the signature over the digest; None when no key can have."""
    signature = signature_from_wire(wire.r, wire.s, wire.v)
    return None if signature is None else recover(digest, signature)


def outer_digest(envelope: Envelope, action: MultiSigAction, vault: str | None, network: str) -> bytes:
    """What the one who sends it signs: the hash of the envelope without its type, as typed data. Fact sheet 2.4."""
    hashed = connection_id(packed(action.hashed()), envelope.nonce, vault, envelope.expires_after)
    message = {"hyperliquidChain": network, "multiSigActionHash": hashed.hex(), "nonce": envelope.nonce}
    return typed_digest(USER_SIGNED["multiSig"], message, int(action.signature_chain_id, 16))


def inner_digest(envelope: Envelope, action: MultiSigAction, vault: str | None, network: str) -> bytes:
    """What each of the others signs: the inner action, with whom it is for and who sends it."""
    inner, payload = action.inner, action.payload
    if isinstance(inner, TypedAction):
        message = inner.message()
        more = {"payloadMultiSigUser": payload.multi_sig_user, "outerSigner": payload.outer_signer}
        return typed_digest(_for_several(message["type"]), message | more, int(inner.signature_chain_id, 16))
    signed: list[str | Action] = [payload.multi_sig_user, payload.outer_signer, inner]
    return l1_digest(connection_id(packed(signed), envelope.nonce, vault, envelope.expires_after), network)


def refusal_of_signers(found: Collection[str | None], signers: Collection[str], threshold: int) -> str | None:
    """Why these signatures are not enough: whoever signs twice counts once, and a stranger spoils it all."""
    if any(one not in signers for one in found):
        return BAD_SIGNER
    return None if len(set(found)) >= threshold else TOO_FEW


def _for_several(name: str) -> Typed:
    """The type of an action as several sign it: with both addresses behind the network's name."""
    plain = USER_SIGNED[name]
    network, *rest = plain.fields
    return Typed(plain.name, (network, ("payloadMultiSigUser", "address"), ("outerSigner", "address"), *rest))
