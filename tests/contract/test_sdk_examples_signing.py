"""The official SDK's own examples about who signed: recovery, and users for whom several sign.

docs/venue-clients.md has the table of all examples and the tests that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.utils.constants import MAINNET_API_URL
from hyperliquid.utils.signing import (
    CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES,
    TOKEN_DELEGATE_TYPES,
    USD_SEND_SIGN_TYPES,
    USER_SET_ABSTRACTION_SIGN_TYPES,
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
from tests.contract.sdk_venue import DONE, Client, Clients, clients_of, only, served, wallet_of

KEYS = iter(range(1, 50))
SIGNERS = (wallet_of(58), wallet_of(59))
ZERO = "0x" + "00" * 20
ORDER = {
    "type": "order",
    "orders": [{"a": 1, "b": True, "p": "1100", "s": "0.2", "r": False, "t": {"limit": {"tif": "Gtc"}}}],
    "grouping": "na",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with all that the examples need."""
    with served(make_door, WallClock()) as address:
        yield address


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Makes clients with funded keys of their own."""
    with clients_of(url, KEYS) as make:
        yield make


def multi_sig_user(make_client: Clients, threshold: int = 2) -> tuple[str, Client]:
    """(an account for which both signers sign, the client of the first of them, who sends)."""
    account = make_client()
    reply = account.exchange.convert_to_multi_sig_user([one.address for one in SIGNERS], threshold)
    assert reply == DONE
    return account.address, make_client(SIGNERS[0])


def signed_l1(client: Client, user: str, action: Any, now: int, signers: Any = SIGNERS) -> list[Any]:
    """What each signer signs of an L1 action that `client` will send."""
    is_mainnet, expires = client.exchange.base_url == MAINNET_API_URL, client.exchange.expires_after
    return [
        sign_multi_sig_l1_action_payload(one, action, is_mainnet, None, now, expires, user, client.address)
        for one in signers
    ]


def signed_typed(client: Client, user: str, action: Any, types: Any, name: str) -> list[Any]:
    """What each signer signs of an action that is typed data."""
    primary = f"HyperliquidTransaction:{name}"
    return [
        sign_multi_sig_user_signed_action_payload(one, action, False, types, primary, user, client.address)
        for one in SIGNERS
    ]


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


def test_basic_convert_to_multi_sig_user(make_client: Clients) -> None:
    """`basic_convert_to_multi_sig_user.py`: signers must have accounts; alone the user can't act any more."""
    client = make_client()
    strangers = client.exchange.convert_to_multi_sig_user(["0x" + "0a" * 20, "0x" + "0b" * 20], 1)
    assert strangers == {"status": "err", "response": "Multi-sig authorized user must exist on L1"}
    users = [one.address for one in SIGNERS]
    assert client.exchange.convert_to_multi_sig_user(users, 1) == DONE
    told = client.info.query_user_to_multi_sig_signers(client.address)
    assert told == {"authorizedUsers": sorted(one.lower() for one in users), "threshold": 1}
    alone = client.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}})
    assert alone == {"status": "err", "response": "Multi-sig required"}


def test_multi_sig_order(make_client: Clients) -> None:
    """`multi_sig_order.py`: one signature is too few, two place the order for the account."""
    user, client = multi_sig_user(make_client)
    now = get_timestamp_ms()
    alone = client.exchange.multi_sig(user, ORDER, signed_l1(client, user, ORDER, now, SIGNERS[:1]), now)
    assert alone == {"status": "err", "response": "Multi-sig threshold not met"}
    placed = only(client.exchange.multi_sig(user, ORDER, signed_l1(client, user, ORDER, now), now))
    assert [one["oid"] for one in client.info.open_orders(user)] == [placed["resting"]["oid"]]
    assert client.info.open_orders(client.address) == []


def test_multi_sig_order_sent_by_an_agent(make_client: Clients) -> None:
    """The outer signer may be an agent of an authorized user."""
    user, client = multi_sig_user(make_client)
    approved, key = client.exchange.approve_agent("sender")
    assert approved == DONE
    agent = make_client(Account.from_key(key))
    now = get_timestamp_ms()
    assert "resting" in only(agent.exchange.multi_sig(user, ORDER, signed_l1(agent, user, ORDER, now), now))


def test_multi_sig_usd_send(make_client: Clients) -> None:
    """`multi_sig_usd_send.py` and the older `basic_multi_sig.py`: 100 dollars of the account to the zero address."""
    user, client = multi_sig_user(make_client)
    now = get_timestamp_ms()
    stamp = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
    action = {"type": "usdSend", **stamp, "destination": ZERO, "amount": "100.0", "time": now}
    signatures = signed_typed(client, user, action, USD_SEND_SIGN_TYPES, "UsdSend")
    assert client.exchange.multi_sig(user, action, signatures, now) == DONE
    delta = client.info.user_non_funding_ledger_updates(user, 0)[-1]["delta"]
    assert (delta["type"], delta["usdc"], delta["user"]) == ("internalTransfer", "100.0", user)


def test_multi_sig_convert_to_normal_user(make_client: Clients) -> None:
    """`multi_sig_convert_to_normal_user.py`: nobody has to sign for the account any more but itself."""
    user, client = multi_sig_user(make_client)
    now = get_timestamp_ms()
    stamp = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
    action = {"type": "convertToMultiSigUser", **stamp, "signers": "null", "nonce": now}
    signatures = signed_typed(client, user, action, CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES, "ConvertToMultiSigUser")
    assert client.exchange.multi_sig(user, action, signatures, now) == DONE
    assert client.info.query_user_to_multi_sig_signers(user) is None


def test_multi_sig_user_set_abstraction(make_client: Clients) -> None:
    """No example has it, the SDK does: what several sign in full stands in the envelope in its short form."""
    user, client = multi_sig_user(make_client)
    now = get_timestamp_ms()
    stamp = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
    action = {"type": "userSetAbstraction", **stamp, "user": user, "abstraction": "unifiedAccount", "nonce": now}
    signatures = signed_typed(client, user, action, USER_SET_ABSTRACTION_SIGN_TYPES, "UserSetAbstraction")
    assert client.exchange.multi_sig(user, action, signatures, now) == DONE
    assert client.info.query_user_abstraction_state(user) == "unifiedAccount"
