"""How a throw-away account comes to be: a master that signs once, to approve its agent, and is then forgotten.

Only for the local exchange. With real money the master key never is on this machine: `hats keys` prepares the approval
for signing elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import Any

import coincurve
import msgspec
from Crypto.Hash import keccak


def address_of(secret: bytes) -> str:
    """The lower-case address of a secp256k1 key of 32 bytes."""
    public = coincurve.PublicKey.from_valid_secret(secret).format(compressed=False)
    return "0x" + keccak.new(digest_bits=256, data=public[1:]).digest()[-20:].hex()


def throw_away_secret(seed: int, name: str) -> bytes:
    """A key that anyone can compute from the seed: for the stage, where runs must repeat, and never for money."""
    return hashlib.sha256(f"throw-away {name} {seed}".encode()).digest()


def approval_body(
    master_secret: bytes, agent_address: str, agent_name: str, nonce: int, *, is_mainnet: bool = False
) -> bytes:
    """The /exchange body by which the master approves the agent; a local exchange plays Testnet unless it was told."""
    from eth_account import Account  # noqa: PLC0415 - slow to import, needed once
    from hyperliquid.utils.signing import sign_agent  # noqa: PLC0415

    action: dict[str, Any] = {
        "type": "approveAgent",
        "agentAddress": agent_address,
        "agentName": agent_name,
        "nonce": nonce,
    }
    signature = sign_agent(Account.from_key(master_secret), action, is_mainnet)
    return msgspec.json.encode({"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None})
