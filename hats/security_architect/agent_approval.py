"""The approval of an agent, prepared here and signed elsewhere: EIP-712 text for the master's wallet.

Source: SDK 0.24 `sign_agent`; Hyperliquid documentation, "Nonces and API wallets" (names, `valid_until`).
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from hats.security_architect.key_rules import VENUE_DAYS_MAX
from hats.security_architect.signer.typed_data import Network
from shared.errors import ConfigError, DataError
from shared.units import DAY, MS

NAME_CHARACTERS_MAX: Final = 16
_PRIMARY: Final = "HyperliquidTransaction:ApproveAgent"
_TYPES: Final = (
    ("hyperliquidChain", "string"),
    ("agentAddress", "address"),
    ("agentName", "string"),
    ("nonce", "uint64"),
)
_CHAINS: Final = {Network.TESTNET: "Testnet", Network.MAINNET: "Mainnet"}
_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Of secp256k1."""
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}")
_SIGNATURE: Final = re.compile(r"0x[0-9a-fA-F]{130}")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the master is asked to sign: its file is carried to the machine with the master key, and back if one likes.

    `typed_data` is what `eth_signTypedData_v4` takes. It holds no secret.
    """

    account: str
    network: Network
    action: dict[str, Any]
    typed_data: dict[str, Any]


def request(
    account: str, network: Network, agent_address: str, agent_name: str, nonce_ms: int, days: int | None
) -> Request:
    """The approval of the agent for so many days (None: the venue's own 90). ConfigError if something can't be."""
    problems = [
        f"expected 0x and 40 hex digits, got {one!r}" for one in (account, agent_address) if not _ADDRESS.fullmatch(one)
    ]
    if account == agent_address:
        problems.append("the agent's address is the account's own: a master key has no place here")
    if not 1 <= len(agent_name) <= NAME_CHARACTERS_MAX or " valid_until " in agent_name:
        problems.append(f"expected an agent's name of 1 to {NAME_CHARACTERS_MAX} characters, got {agent_name!r}")
    if days is not None and not 1 <= days <= VENUE_DAYS_MAX:
        problems.append(f"expected 1 to {VENUE_DAYS_MAX} days, got {days}")
    if problems:
        raise ConfigError(problems)
    until = "" if days is None else f" valid_until {nonce_ms + days * DAY // MS}"
    action: dict[str, Any] = {
        "type": "approveAgent",
        "hyperliquidChain": _CHAINS[network],
        "signatureChainId": "0x66eee",
        "agentAddress": agent_address,
        "agentName": f"{agent_name}{until}",
        "nonce": nonce_ms,
    }
    return Request(account, network, action, _typed_data(action))


def signed_body(asked: Request, signature: str) -> bytes:
    """The /exchange body of the approval. DataError if the signature is not the account's over exactly this request.

    `signature` is 0x and 65 bytes in hex: r, s and v, as wallets give it.
    """
    if not _SIGNATURE.fullmatch(signature):
        raise DataError("expected a signature of 0x and 130 hex digits")
    if asked.typed_data != _typed_data(asked.action):
        raise DataError("the request's text is not the one of its action: it was changed on its way")
    digits = signature.removeprefix("0x")
    signer = recovered(asked.typed_data, bytes.fromhex(digits))
    if signer != asked.account:
        raise DataError(f"expected the signature of {asked.account}, this one is of {signer}")
    v = int(digits[128:], 16)
    wire = {"r": f"{int(digits[:64], 16):#x}", "s": f"{int(digits[64:128], 16):#x}", "v": v + 27 if v < 27 else v}
    action = asked.action
    return msgspec.json.encode({"action": action, "nonce": action["nonce"], "signature": wire, "vaultAddress": None})


def recovered(typed_data: dict[str, Any], signature: bytes) -> str:
    """Whose signature of the typed data this is, in lower case; DataError if it is none."""
    from eth_account import Account  # noqa: PLC0415 - half a second that only key work should cost
    from eth_account.messages import encode_typed_data  # noqa: PLC0415
    from eth_keys.exceptions import BadSignature  # noqa: PLC0415

    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if not (0 < r < _ORDER and 0 < s < _ORDER and v in (0, 1, 27, 28)):
        raise DataError("no signature: r, s or v is out of range")
    try:
        return str(Account.recover_message(encode_typed_data(full_message=typed_data), signature=signature)).lower()
    except (ValueError, TypeError, BadSignature) as error:
        raise DataError(f"no signature of this text: {error}") from error


def _typed_data(action: dict[str, Any]) -> dict[str, Any]:
    return {
        "domain": {
            "name": "HyperliquidSignTransaction",
            "version": "1",
            "chainId": int(str(action["signatureChainId"]), 16),
            "verifyingContract": "0x" + "0" * 40,
        },
        "types": {
            _PRIMARY: [{"name": name, "type": kind} for name, kind in _TYPES],
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
        },
        "primaryType": _PRIMARY,
        "message": {name: action[name] for name, _ in _TYPES},
    }
