"""The 32 bytes that an agent signs: the venue's action hash inside the EIP-712 "Agent" message.

Source: SDK 0.24 `hyperliquid.utils.signing.l1_payload`; EIP-712, "Definition of hashStruct". What does not change
between two signatures (domain separator, type hash, hash of the network's letter) is computed once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from Crypto.Hash import keccak


class Network(StrEnum):
    """Which venue a signature is good for. A local exchange counts as testnet."""

    TESTNET = "testnet"
    MAINNET = "mainnet"


_SOURCES: Final = {Network.TESTNET: b"b", Network.MAINNET: b"a"}
_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT_TYPE: Final = b"Agent(string source,bytes32 connectionId)"
_CHAIN_ID: Final = 1337


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (before NIST's padding), 32 bytes."""
    return keccak.new(digest_bits=256, data=data).digest()


def domain_separator() -> bytes:
    """Hash of the venue's EIP-712 domain: "Exchange", version 1, chain 1337, contract 0."""
    return keccak256(
        keccak256(_DOMAIN_TYPE) + keccak256(b"Exchange") + keccak256(b"1") + _CHAIN_ID.to_bytes(32, "big") + bytes(32)
    )


class AgentDigest:
    """From action hash to digest for one network."""

    def __init__(self, network: Network) -> None:
        self._struct_prefix = keccak256(_AGENT_TYPE) + keccak256(_SOURCES[network])
        self._message_prefix = b"\x19\x01" + domain_separator()

    def of(self, action_hash: bytes) -> bytes:
        """The digest to sign for the 32-byte `action_hash`."""
        return keccak256(self._message_prefix + keccak256(self._struct_prefix + action_hash))
