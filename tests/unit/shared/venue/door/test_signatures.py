"""Hashing and recovery agree with the vectors of three SDKs and with whatever the official SDK signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.utils.signing import sign_l1_action
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.venue.door.signatures import (
    USER_SIGNED,
    address_from_text,
    connection_id,
    l1_digest,
    packed,
    recover,
    signature_from_wire,
    typed_digest,
)

BESIDE_THE_CHECKOUT = Path(__file__).parents[6] / "shared" / "data" / "hyperliquid"
K1 = "0x14791697260e4c9a71f18484c9f997b308e59325"
K3 = "0xcd49bbac6e85fdeb167eb7ca41a945d2b8758f6f"
VAULT = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"


def _order(asset: int, px: str, sz: str, tif: str, **more: Any) -> dict[str, Any]:
    wire = {"a": asset, "b": True, "p": px, "s": sz, "r": False, "t": {"limit": {"tif": tif}}, **more}
    return {"type": "order", "orders": [wire], "grouping": "na"}


def _l1_signer(
    action: Any, nonce: int, vault: str | None, expires: int | None, network: str, signature: tuple[str, str, int]
) -> str | None:
    sig65 = signature_from_wire(*signature)
    assert sig65 is not None
    return recover(l1_digest(connection_id(packed(action), nonce, vault, expires), network), sig65)


def _vectors(name: str) -> list[dict[str, Any]]:
    path = BESIDE_THE_CHECKOUT / name
    if not path.exists():
        pytest.skip(f"no recorded vectors at {path}; the literals in this file were tested")
    vectors: list[dict[str, Any]] = json.loads(path.read_text())["vectors"]
    return vectors


LITERALS = [
    # the official SDK's tests; leading zeros dropped as printed there
    (
        {"type": "dummy", "num": 100000000000},
        (0, None, None, "Mainnet"),
        ("0x53749d5b30552aeb2fca34b530185976545bb22d0b3ce6f62e31be961a59298",
         "0x755c40ba9bf05223521753995abb2f73ab3229be8ec921f350cb447e384d8ed8", 27),
    ),
    (
        {"type": "dummy", "num": 100000000000},
        (0, VAULT, None, "Testnet"),
        ("0xe281d2fb5c6e25ca01601f878e4d69c965bb598b88fac58e475dd1f5e56c362b",
         "0x7ddad27e9a238d045c035bc606349d075d5c5cd00a6cd1da23ab5c39d4ef0f60", 27),
    ),
    (
        _order(1, "100", "100", "Gtc"),
        (0, None, None, "Testnet"),
        ("0x82b2ba28e76b3d761093aaded1b1cdad4960b3af30212b343fb2e6cdfa4e3d54",
         "0x6b53878fc99d26047f4d7e8c90eb98955a109f44209163f52d8dc4278cbbd9f5", 27),
    ),
    (
        _order(1, "100", "100", "Gtc", c="0x00000000000000000000000000000001"),
        (0, None, None, "Mainnet"),
        ("0x41ae18e8239a56cacbc5dad94d45d0b747e5da11ad564077fcac71277a946e3",
         "0x3c61f667e747404fe7eea8f90ab0e76cc12ce60270438b2058324681a00116da", 27),
    ),
    (
        _order(0, "50000", "0.001", "Gtc"),
        (1700000000000, VAULT, 1700000060000, "Testnet"),
        ("0x41bff1b59ccc237b2a6b2489d14fe2a199fe48c05a8af21aa7b65c35244262aa",
         "0x14f616acf2198e96b1dd586d1fea470052ef1e8360d77468f9aef5ab6367f5e3", 27),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("action", "context", "signature"), LITERALS)
def test_published_signatures_recover_to_their_key(action: Any, context: Any, signature: Any) -> None:
    """Signatures printed in the official SDK's tests recover to that SDK's test address."""
    nonce, vault, expires, network = context
    assert _l1_signer(action, nonce, vault, expires, network, signature) == K1


NONCE = 1700000000000
HASHES = [
    (
        _order(4, "1670.1", "0.0147", "Ioc"),
        1677777606040,
        "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908",
    ),
    (_order(0, "50000", "0.001", "Gtc"), NONCE, "323b547050d98eb76afbf8d096d1c5340512df18a3e4179990a666cc32fba0ce"),
    ({"type": "noop"}, NONCE, "ef5dcef9775ebb2c5a6553314e66a6a57bd7e9b2319a869a8b17f08fa48bdcaf"),
    (
        {"type": "cancel", "cancels": [{"a": 1, "o": 12345}]},
        NONCE,
        "b7bacdee8bba1005a79cb9716f65d565613848a72eae72b3bb5932258e190780",
    ),
]


@pytest.mark.parametrize(("action", "nonce", "expected"), HASHES)
def test_published_hashes(action: Any, nonce: int, expected: str) -> None:
    """Action hashes are those of the SDK's tests and of the worked example."""
    assert connection_id(packed(action), nonce, None, None).hex() == expected


def test_published_msgpack_bytes() -> None:
    """The packed form of the worked example is the published one, byte by byte."""
    assert packed(_order(0, "50000", "0.001", "Gtc")).hex() == (
        "83a474797065a56f72646572a66f72646572739186a16100a162c3a170a53530303030a173a5302e303031a172c2a17481a56c696d6974"
        "81a3746966a3477463a867726f7570696e67a26e61"
    )


def test_published_typed_data_recovers_to_its_key() -> None:
    """A transfer signed by another SDK as typed data recovers to its key; the case of a string field counts."""
    message = {
        "hyperliquidChain": "Testnet",
        "destination": "0x0D1d9635D0640821d15e323ac8AdADfA9c111414",
        "amount": "1",
        "time": 1690393044548,
    }
    signature = signature_from_wire(
        "0x214d507bbdaebba52fa60928f904a8b2df73673e3baba6133d66fe846c7ef704",
        "0x51e82453a6d8db124e7ed6e60fa00d4b7c46e4d96cb2bd61fd81b6e8953cc9d2",
        27,
    )
    assert signature is not None
    typed = USER_SIGNED["usdSend"]
    assert recover(typed_digest(typed, message, 421614), signature) == K3
    lowered = message | {"destination": str(message["destination"]).lower()}
    assert recover(typed_digest(typed, lowered, 421614), signature) != K3


def test_every_recorded_sdk_vector() -> None:
    """All vectors of the three SDKs' own test suites hash and recover as printed."""
    for vector in _vectors("sdk_test_vectors.json"):
        _CHECKS[vector["kind"]](vector)


def _check_typed(vector: dict[str, Any]) -> None:
    typed = next(one for one in USER_SIGNED.values() if vector["primaryType"].endswith(f":{one.name}"))
    signature = signature_from_wire(vector["r"], vector["s"], vector["v"])
    assert signature is not None
    digest = typed_digest(typed, vector["message"], vector["domain_chainId"])
    assert recover(digest, signature) == vector["signer"], vector["name"]


def _check_hash(vector: dict[str, Any]) -> None:
    context = (vector["nonce"], vector["vaultAddress"], vector["expiresAfter"])
    assert "0x" + connection_id(packed(vector["action"]), *context).hex() == vector["connectionId"], vector["name"]


def _check_l1(vector: dict[str, Any]) -> None:
    _check_hash(vector)
    context = (vector["nonce"], vector["vaultAddress"], vector["expiresAfter"])
    network = "Mainnet" if vector["is_mainnet"] else "Testnet"
    words = (vector["r"], vector["s"], vector["v"])
    assert _l1_signer(vector["action"], *context, network, words) == vector["signer"], vector["name"]


def _check_agent(vector: dict[str, Any]) -> None:
    for network, key in (("Mainnet", "mainnet_rsv"), ("Testnet", "testnet_rsv")):
        text = vector[key]
        signature = signature_from_wire(text[:66], "0x" + text[66:130], int(text[130:], 16))
        assert signature is not None
        assert recover(l1_digest(bytes.fromhex(vector["connectionId"][2:]), network), signature) == vector["signer"]


_CHECKS = {
    "user-signed": _check_typed,
    "connectionId only": _check_hash,
    "l1": _check_l1,
    "agent signature over given connectionId": _check_agent,
}


@settings(max_examples=25)
@given(
    action=st.recursive(
        st.integers(0, 2**63) | st.text(max_size=40) | st.booleans(),
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    ),
    nonce=st.integers(0, 2**50),
    vault=st.none() | st.just(VAULT),
    expires=st.none() | st.integers(0, 2**50),
    is_mainnet=st.booleans(),
)
def test_whatever_the_sdk_signs_recovers_to_its_key(
    action: Any, nonce: int, vault: str | None, expires: int | None, is_mainnet: bool
) -> None:
    """For any action, nonce, vault, expiry and network, the official SDK's signature recovers to its wallet."""
    wallet = Account.from_key(bytes(31) + b"\x07")
    signed = sign_l1_action(wallet, {"type": action}, vault, nonce, expires, is_mainnet)
    network = "Mainnet" if is_mainnet else "Testnet"
    words = (signed["r"], signed["s"], signed["v"])
    assert _l1_signer({"type": action}, nonce, vault, expires, network, words) == wallet.address.lower()


@pytest.mark.parametrize(
    ("r", "s", "v"),
    [("0x0", "0x1", 27), ("0x1", "0x0", 28), ("0x" + "f" * 64, "0x1", 27), ("0x5", "0x" + "f" * 64, 27)],
)
def test_impossible_signatures_recover_to_nobody(r: str, s: str, v: int) -> None:
    """Zero words and words beyond the curve's order have no signer."""
    signature = signature_from_wire(r, s, v)
    assert signature is not None
    assert recover(bytes(32), signature) is None


@pytest.mark.parametrize(
    ("r", "v"), [("1", 27), ("0X1", 27), ("0x", 27), ("0x" + "1" * 65, 27), ("0xg", 27), ("0x1", 26)]
)
def test_malformed_signature_words_are_no_signature(r: str, v: int) -> None:
    """r takes 1 to 64 hex digits behind 0x, and v only 27 or 28."""
    assert signature_from_wire(r, "0x1", v) is None


def test_addresses_are_lowered_and_prefixed() -> None:
    """An address may come in any case and without its prefix; anything else is none."""
    assert address_from_text("AB" * 20) == "0x" + "ab" * 20 == address_from_text("0x" + "Ab" * 20)
    assert address_from_text("0X" + "ab" * 20) is None
    assert address_from_text("0x" + "ab" * 19) is None
