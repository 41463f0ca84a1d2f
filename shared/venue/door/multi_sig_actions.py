"""The /exchange schemas of multi-sig users: how one becomes such a user, and the envelope of what several signed."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from shared.venue.door.actions import U32, U64, Action, Address, SignatureWire, TypedAction, canonical_address

MOST_SIGNATURES: Final = 64
"""More are not even looked at; a user has at most ten signers."""
_BASE: Final = 16


class Signers(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Who may sign, and how many must."""

    authorized_users: tuple[Address, ...]
    threshold: U32


class ConvertToMultiSigUserAction(TypedAction, frozen=True, tag="convertToMultiSigUser", rename="camel"):
    """Name those who sign from now on, as JSON in a string, which is signed as it was spelled; `null` for nobody."""

    signers: Annotated[str, Meta(max_length=2_000)]
    nonce: U64

    def canonical(self) -> ConvertToMultiSigUserAction:
        """Itself; ValueError if the string holds no signers."""
        self.named()
        return self

    def named(self) -> Signers:
        """The signers named, lower-case; none and 0 to become a normal user."""
        signers = msgspec.json.decode(self.signers, type=Signers | None) or Signers((), 0)
        return Signers(tuple(canonical_address(one) for one in signers.authorized_users), signers.threshold)


class Payload(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is to be done for whom, and who sends it. As read, the action is still an object of JSON."""

    multi_sig_user: Address
    outer_signer: Address
    action: Any


class MultiSigAction(Action, frozen=True, tag="multiSig", rename="camel"):
    """Any other action, signed by several; `action_types.read_action` puts the inner one in canonical form."""

    signature_chain_id: Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{1,16}\Z")]
    signatures: Annotated[tuple[SignatureWire, ...], Meta(max_length=MOST_SIGNATURES)]
    payload: Payload

    @property
    def inner(self) -> Action:
        """What they signed."""
        action: Action = self.payload.action
        return action

    def holding(self, inner: Action) -> MultiSigAction:
        """The same with its inner action read: addresses in lower case, signatures without leading zeros."""
        payload = Payload(
            canonical_address(self.payload.multi_sig_user), canonical_address(self.payload.outer_signer), inner
        )
        signatures = tuple(SignatureWire(_trimmed(one.r), _trimmed(one.s), one.v) for one in self.signatures)
        return MultiSigAction(self.signature_chain_id, signatures, payload)

    def hashed(self) -> dict[str, Any]:
        """What the outer signer's hash is of: everything but the action's type."""
        return {
            "signatureChainId": self.signature_chain_id,
            "signatures": self.signatures,
            "payload": self.payload,
        }


def _trimmed(word: str) -> str:
    return hex(int(word, _BASE))


TYPES: Final[dict[str, type[Action]]] = {
    "convertToMultiSigUser": ConvertToMultiSigUserAction,
    "multiSig": MultiSigAction,
}
