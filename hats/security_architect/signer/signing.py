"""One agent key: from an action's bytes to the venue's signature.

The action hash is the official SDK's own `action_hash`; only the EIP-712 wrapping around it and the curve are ours,
because the SDK rebuilds its typed-data message for every signature. `canary.py` proves both ways equal at each start.
Signatures are deterministic (RFC 6979, low s): the same question always has the same answer.
"""

from __future__ import annotations

import msgspec
from coincurve import PrivateKey
from hyperliquid.utils.signing import action_hash

from hats.security_architect.actions import Signature
from hats.security_architect.signer.typed_data import AgentDigest, Network, keccak256


class AgentKey:
    """A secp256k1 key that signs for one network. It never shows its secret."""

    def __init__(self, secret: bytes, network: Network, created_ns: int = 0) -> None:
        """`created_ns`: when the key was made, UTC; 0 if nobody knows."""
        self.network = network
        self.created_ns = created_ns
        self._key = PrivateKey(secret)
        self._digest = AgentDigest(network)
        self.address = f"0x{keccak256(self._key.public_key.format(compressed=False)[1:])[-20:].hex()}"

    def __repr__(self) -> str:
        return f"AgentKey({self.address}, {self.network})"

    def digest(self, action: bytes, nonce: int, expires_after_ms: int) -> bytes:
        """The 32 bytes to sign. `action` is the venue's JSON in signing order; `expires_after_ms` 0: never expires."""
        connection_id: bytes = action_hash(msgspec.json.decode(action), None, nonce, expires_after_ms or None)
        return self._digest.of(connection_id)

    def sign(self, digest: bytes) -> Signature:
        """The recoverable signature of `digest`."""
        signed = self._key.sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big"), 27 + signed[64])
