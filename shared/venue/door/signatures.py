"""Who signed a request: Hyperliquid's hashing, written from its documents, and the address a signature recovers to.

Shares no code with the client side, so the two can referee each other. Nothing here verifies: a wrong hash recovers
some other address, which is how the venue sees it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from coincurve import PublicKey
from Crypto.Hash import keccak

from shared.errors import UnitError

_HEX_WORD: Final = re.compile(r"0x[0-9a-fA-F]{1,64}")
_ADDRESS: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")
_ZERO_WORD: Final = bytes(32)
_PACK: Final = msgspec.msgpack.Encoder().encode
RECOVERY_OFFSET: Final = 27
L1_CHAIN_ID: Final = 1337
SOURCE_OF_NETWORK: Final = {"Mainnet": "a", "Testnet": "b"}


class TypedAction(NamedTuple):
    """EIP-712 name and fields (name, type) of one user-signed action; `hyperliquidChain string` comes first in each."""

    name: str
    fields: tuple[tuple[str, str], ...]


def _typed(name: str, fields: str) -> TypedAction:
    pairs = [("hyperliquidChain", "string")]
    for entry in fields.split(","):
        kind, field = entry.split()
        pairs.append((field, kind))
    return TypedAction(name, tuple(pairs))


USER_SIGNED: Final[Mapping[str, TypedAction]] = {
    "usdSend": _typed("UsdSend", "string destination,string amount,uint64 time"),
    "spotSend": _typed("SpotSend", "string destination,string token,string amount,uint64 time"),
    "withdraw3": _typed("Withdraw", "string destination,string amount,uint64 time"),
    "usdClassTransfer": _typed("UsdClassTransfer", "string amount,bool toPerp,uint64 nonce"),
    "sendAsset": _typed(
        "SendAsset",
        "string destination,string sourceDex,string destinationDex,string token,string amount,"
        "string fromSubAccount,uint64 nonce",
    ),
    "approveAgent": _typed("ApproveAgent", "address agentAddress,string agentName,uint64 nonce"),
    "approveBuilderFee": _typed("ApproveBuilderFee", "string maxFeeRate,address builder,uint64 nonce"),
    "tokenDelegate": _typed("TokenDelegate", "address validator,uint64 wei,bool isUndelegate,uint64 nonce"),
    "cDeposit": _typed("CDeposit", "uint64 wei,uint64 nonce"),
    "cWithdraw": _typed("CWithdraw", "uint64 wei,uint64 nonce"),
    "userDexAbstraction": _typed("UserDexAbstraction", "address user,bool enabled,uint64 nonce"),
    "userSetAbstraction": _typed("UserSetAbstraction", "address user,string abstraction,uint64 nonce"),
    "convertToMultiSigUser": _typed("ConvertToMultiSigUser", "string signers,uint64 nonce"),
    "multiSig": _typed("SendMultiSig", "bytes32 multiSigActionHash,uint64 nonce"),
}
"""Source: fact sheet 2.4."""


def keccak256(data: bytes) -> bytes:
    """The 32-byte Keccak-256 digest (Ethereum's, not SHA-3's)."""
    return keccak.new(digest_bits=256, data=data).digest()


def address_from_text(text: str) -> str | None:
    """The address in the venue's form (`0x`, lower case), or None if `text` is no address; the prefix may lack."""
    match = _ADDRESS.fullmatch(text)
    return f"0x{match[1].lower()}" if match else None


def _address_bytes(address: str) -> bytes:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UnitError(f"expected an address of 20 bytes, got {address!r}")
    return bytes.fromhex(match[1])


def packed(action: Any) -> bytes:
    """The action as the venue hashes it: msgpack, keys in the order given, smallest integers, unset keys absent."""
    return _PACK(action)


def connection_id(action: bytes, nonce: int, vault_address: str | None, expires_after: int | None) -> bytes:
    """The hash of one packed L1 action with its nonce, vault and expiry. Source: fact sheet 2.3."""
    vault = b"\x00" if vault_address is None else b"\x01" + _address_bytes(vault_address)
    expiry = b"" if expires_after is None else b"\x00" + expires_after.to_bytes(8, "big")
    return keccak256(action + nonce.to_bytes(8, "big") + vault + expiry)


def l1_digest(connection: bytes, network: str) -> bytes:
    """What is signed for an L1 action: the phantom agent, whose source is `a` on Mainnet and `b` on Testnet."""
    agent = keccak256(_AGENT_TYPE + _SOURCE_HASHES[network] + connection)
    return keccak256(b"\x19\x01" + _L1_DOMAIN + agent)


def typed_digest(typed: TypedAction, message: Mapping[str, Any], chain_id: int) -> bytes:
    """What is signed for a user-signed action; keys of `message` outside the type do not count."""
    spelled = ",".join(f"{kind} {field}" for field, kind in typed.fields)
    words = [keccak256(f"HyperliquidTransaction:{typed.name}({spelled})".encode())]
    words += [_typed_word(kind, message[field]) for field, kind in typed.fields]
    return keccak256(b"\x19\x01" + _domain("HyperliquidSignTransaction", chain_id) + keccak256(b"".join(words)))


def signature_from_wire(r: str, s: str, v: int) -> bytes | None:
    """The 65 bytes r, s, recovery id; None unless r and s are 1 to 64 hex digits and v is 27 or 28.

    Clients drop leading zeros, so short and odd-length words are filled up on the left.
    """
    if not (_HEX_WORD.fullmatch(r) and _HEX_WORD.fullmatch(s)) or v not in (27, 28):
        return None
    return bytes.fromhex(r[2:].zfill(64) + s[2:].zfill(64)) + bytes([v - RECOVERY_OFFSET])


def recover(digest: bytes, signature: bytes) -> str | None:
    """The lower-case address whose key made `signature` over `digest`; None when no key can have made it."""
    if signature[:32] == _ZERO_WORD or signature[32:64] == _ZERO_WORD:
        return None
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:
        return None
    return "0x" + keccak256(key.format(compressed=False)[1:])[12:].hex()


def _typed_word(kind: str, value: Any) -> bytes:
    match kind:
        case "string":
            return keccak256(value.encode())
        case "address":
            return bytes(12) + _address_bytes(value)
        case "bytes32":
            return bytes.fromhex(value.removeprefix("0x").zfill(64))
        case _:
            return int(value).to_bytes(32, "big")


def _domain(name: str, chain_id: int) -> bytes:
    domain_type = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    words = domain_type + keccak256(name.encode()) + keccak256(b"1") + chain_id.to_bytes(32, "big")
    return keccak256(words + _ZERO_WORD)


_AGENT_TYPE: Final = keccak256(b"Agent(string source,bytes32 connectionId)")
_SOURCE_HASHES: Final = {network: keccak256(source.encode()) for network, source in SOURCE_OF_NETWORK.items()}
_L1_DOMAIN: Final = _domain("Exchange", L1_CHAIN_ID)
