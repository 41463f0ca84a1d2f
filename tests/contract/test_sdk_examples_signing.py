"""The official SDK's own examples about who signed: recovery, and multi-sig users, which this exchange does not have.

docs/venue.md has the table of all examples and the tests that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hyperliquid.utils.constants import MAINNET_API_URL
from hyperliquid.utils.signing import (
    CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES,
    TOKEN_DELEGATE_TYPES,
    USD_SEND_SIGN_TYPES,
    action_hash,
    get_timestamp_ms,
    recover_agent_or_user_from_l1_action,
    recover_user_from_user_signed_action,
    sign_multi_sig_l1_action_payload,
    sign_multi_sig_user_signed_action_payload,
)

from shared.clock import WallClock
from shared.venue.door.signatures import USER_SIGNED, l1_digest, recover, signature_from_wire, typed_digest
from tests.contract.example_venue import make_door
from tests.contract.sdk_venue import Client, Clients, clients_of, served, wallet_of

KEYS = iter(range(1, 60))
MULTI_SIG_USER = "0x0000000000000000000000000000000000000005"
ZERO = "0x" + "00" * 20
REFUSED = "This local exchange does not support the action "


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with all that the examples need."""
    with served(make_door, WallClock()) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client with a funded key of its own."""
    with clients_of(url, KEYS) as make:
        clients: Clients = make
        yield clients()


def test_basic_recover_user_of_an_l1_action() -> None:
    """`basic_recover_user.py`: whom the SDK recovers from a trading action is whom this exchange recovers."""
    action = {"type": "cancel", "cancels": [{"a": 87, "o": 28800768235}]}
    signature: Any = {
        "r": "0xd088ceb979ab7616f21fd7dabee04342235bd3af6d82a6d153b503c34c73bc93",
        "s": "0x425d8467a69f4d0ff6d9ddfb360ef6152c8165cdd20329e03b0a8f19890d73e",
        "v": 27,
    }
    vault, nonce = "0xc64cc00b46101bd40aa1c3121195e85c0b0918d8", 1745532560074
    theirs = recover_agent_or_user_from_l1_action(action, signature, vault, nonce, None, False)
    wire = signature_from_wire(signature["r"], signature["s"], signature["v"])
    assert wire is not None
    assert recover(l1_digest(action_hash(action, vault, nonce, None), "Testnet"), wire) == theirs.lower()


def test_basic_recover_user_of_a_user_signed_action() -> None:
    """`basic_recover_user.py`: so is the signer of typed data."""
    action: Any = {
        "type": "tokenDelegate",
        "signatureChainId": "0xa4b1",
        "hyperliquidChain": "Mainnet",
        "validator": "0x5ac99df645f3414876c816caa18b2d234024b487",
        "wei": 100163871320,
        "isUndelegate": True,
        "nonce": 1744932112279,
    }
    signature: Any = {
        "r": "0xa00406eb38821b8918743fab856c103132261e8d990852a8ee25e6f2e88891b",
        "s": "0x34cf47cfbf09173bcb851bcfdce3ad83dd64ed791ab32bfe9606d25e7c608859",
        "v": 27,
    }
    primary = "HyperliquidTransaction:TokenDelegate"
    theirs = recover_user_from_user_signed_action(dict(action), signature, TOKEN_DELEGATE_TYPES, primary, True)
    wire = signature_from_wire(signature["r"], signature["s"], signature["v"])
    assert wire is not None
    assert recover(typed_digest(USER_SIGNED["tokenDelegate"], action, 0xA4B1), wire) == theirs.lower()


def test_convert_to_multi_sig_user(client: Client) -> None:
    """`basic_convert_to_multi_sig_user.py` is refused by name: there are no multi-sig users here."""
    reply = client.exchange.convert_to_multi_sig_user([ZERO, "0x" + "00" * 19 + "01"], 1)
    assert reply == {"status": "err", "response": REFUSED + "convertToMultiSigUser."}
    assert client.info.query_user_to_multi_sig_signers(client.address) is None
    assert "resting" in str(client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}))


def test_multi_sig_order(client: Client) -> None:
    """`multi_sig_order.py`: signed by two authorized keys, refused by name, and nothing was placed."""
    order = {"a": 1, "b": True, "p": "1100", "s": "0.2", "r": False, "t": {"limit": {"tif": "Gtc"}}}
    action = {"type": "order", "orders": [order], "grouping": "na"}
    now = get_timestamp_ms()
    is_mainnet = client.exchange.base_url == MAINNET_API_URL
    signatures = [
        sign_multi_sig_l1_action_payload(
            wallet_of(number),
            action,
            is_mainnet,
            None,
            now,
            client.exchange.expires_after,
            MULTI_SIG_USER,
            client.address,
        )
        for number in (58, 59)
    ]
    reply = client.exchange.multi_sig(MULTI_SIG_USER, action, signatures, now)
    assert reply == {"status": "err", "response": REFUSED + "multiSig."}
    assert client.info.open_orders(MULTI_SIG_USER) == []


@pytest.mark.parametrize(
    ("fields", "types", "name"),
    [
        ({"type": "usdSend", "destination": ZERO, "amount": "100.0"}, USD_SEND_SIGN_TYPES, "UsdSend"),
        (
            {"type": "convertToMultiSigUser", "signers": "null"},
            CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES,
            "ConvertToMultiSigUser",
        ),
    ],
)
def test_multi_sig_typed_data(client: Client, fields: dict[str, str], types: Any, name: str) -> None:
    """`multi_sig_usd_send.py` and `multi_sig_convert_to_normal_user.py`: as well, and no money moved."""
    now = get_timestamp_ms()
    stamp = {"time": now} if name == "UsdSend" else {"nonce": now}
    action = {**fields, "signatureChainId": "0x66eee", "hyperliquidChain": "Testnet", **stamp}
    signatures = [
        sign_multi_sig_user_signed_action_payload(
            wallet_of(number), action, False, types, f"HyperliquidTransaction:{name}", MULTI_SIG_USER, client.address
        )
        for number in (58, 59)
    ]
    reply = client.exchange.multi_sig(MULTI_SIG_USER, action, signatures, now)
    assert reply == {"status": "err", "response": REFUSED + "multiSig."}
    assert client.info.user_non_funding_ledger_updates(ZERO, 0) == []
