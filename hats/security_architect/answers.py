"""What the signer's answers become in the house: a body to post, or a refusal in the signer's name."""

from __future__ import annotations

from hats.security_architect.actions import SIGNER_SAYS, Signature, post_body
from hats.security_architect.signer.frames import Signed
from shared.messages.order import SignatureRefused, SignedAction, SignRequest


def signed_action(request: SignRequest, signed: Signed, sign_ns: int) -> SignedAction:
    """The body to post for an answered request."""
    signature = Signature(int.from_bytes(signed.r, "big"), int.from_bytes(signed.s, "big"), signed.v)
    body = post_body(request.action, request.nonce, request.expires_after_ms, signature)
    return SignedAction(
        request.kind, request.cloid, request.nonce, request.expires_after_ms, body, sign_ns, request.mates
    )


def signer_refusal(request: SignRequest, reason: str, *, may_be_repeated: bool) -> SignatureRefused:
    """The refusal in the signer's name; of what may have been asked before it proves nothing."""
    is_doubtful = may_be_repeated or request.is_repeated
    return SignatureRefused(request.kind, request.cloid, f"{SIGNER_SAYS} {reason}", request.mates, is_doubtful)
