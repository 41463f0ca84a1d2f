"""Our signatures are the venue's: published vectors, the SDK's own, and the venue's recovery."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from eth_account.messages import encode_typed_data
from hyperliquid.utils.signing import construct_phantom_agent, l1_payload
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.security_architect.actions import (
    BatchModify,
    CancelByCloid,
    CloidCancelEntry,
    Limit,
    ModifyEntry,
    Noop,
    Order,
    OrderEntry,
    OrderType,
    to_json,
)
from hats.security_architect.signer import canary
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import AgentDigest, Network, domain_separator
from shared.errors import InvariantError
from shared.order import Tif
from shared.units import str_from_scaled

K1: Final = bytes.fromhex("0123456789012345678901234567890123456789012345678901234567890123")
K2: Final = bytes.fromhex("822e9959e022b78423eb653a62ea0020cd283e71a2a8133a6ff2aeffaf373cff")
K3: Final = bytes.fromhex("e908f86dbb4d55ac876378565aafeabc187f6690f046459397b17d9b9a19688e")
DATA: Final = Path(__file__).resolve().parents[6] / "shared" / "data" / "hyperliquid"
HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

ORDER_1: Final = (
    '{"type":"order","orders":[{"a":1,"b":true,"p":"100","s":"100","r":false,'
    '"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}'
)
ORDER_1_CLOID: Final = (
    '{"type":"order","orders":[{"a":1,"b":true,"p":"100","s":"100","r":false,"t":{"limit":{"tif":"Gtc"}},'
    '"c":"0x00000000000000000000000000000001"}],"grouping":"na"}'
)
ORDER_0: Final = (
    '{"type":"order","orders":[{"a":0,"b":true,"p":"30000","s":"0.1","r":false,'
    '"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}'
)

PUBLISHED: Final = [
    # key, action, nonce, network, r, s, v; hyperliquid.md 12.1 (SDK's tests), 12.2 (nktkas), 12.3 (rust SDK)
    (
        K1,
        '{"type":"dummy","num":100000000000}',
        0,
        Network.MAINNET,
        0x53749D5B30552AEB2FCA34B530185976545BB22D0B3CE6F62E31BE961A59298,
        0x755C40BA9BF05223521753995ABB2F73AB3229BE8EC921F350CB447E384D8ED8,
        27,
    ),
    (
        K1,
        '{"type":"dummy","num":100000000000}',
        0,
        Network.TESTNET,
        0x542AF61EF1F429707E3C76C5293C80D01F74EF853E34B76EFFFCB57E574F9510,
        0x17B8B32F086E8CDEDE991F1E2C529F5DD5297CBE8128500E00CBAF766204A613,
        28,
    ),
    (
        K1,
        ORDER_1,
        0,
        Network.MAINNET,
        0xD65369825A9DF5D80099E513CCE430311D7D26DDF477F5B3A33D2806B100D78E,
        0x2B54116FF64054968AA237C20CA9FF68000F977C93289157748A3162B6EA940E,
        28,
    ),
    (
        K1,
        ORDER_1,
        0,
        Network.TESTNET,
        0x82B2BA28E76B3D761093AADED1B1CDAD4960B3AF30212B343FB2E6CDFA4E3D54,
        0x6B53878FC99D26047F4D7E8C90EB98955A109F44209163F52D8DC4278CBBD9F5,
        27,
    ),
    (
        K1,
        ORDER_1_CLOID,
        0,
        Network.MAINNET,
        0x41AE18E8239A56CACBC5DAD94D45D0B747E5DA11AD564077FCAC71277A946E3,
        0x3C61F667E747404FE7EEA8F90AB0E76CC12CE60270438B2058324681A00116DA,
        27,
    ),
    (
        K1,
        ORDER_1_CLOID,
        0,
        Network.TESTNET,
        0xEBA0664BED2676FC4E5A743BF89E5C7501AA6D870BDB9446E122C9466C5CD16D,
        0x7F3E74825C9114BC59086F1EEBEA2928C190FDFBFDE144827CB02B85BBE90988,
        28,
    ),
    (
        K1,
        '{"type":"scheduleCancel"}',
        0,
        Network.MAINNET,
        0x6CDFB286702F5917E76CD9B3B8BF678FCC49AEC194C02A73E6D4F16891195DF9,
        0x6557AC307FA05D25B8D61F21FB8A938E703B3D9BF575F6717BA21EC61261B2A0,
        27,
    ),
    (
        K1,
        '{"type":"scheduleCancel","time":123456789}',
        0,
        Network.TESTNET,
        0x4E4F2DBD4107C69783E251B7E1057D9F2B9D11CEE213441CCFA2BE63516DC5BC,
        0x706C656B23428C8BA356D68DB207E11139EDE1670481A9E01AE2DFCDB0E1A678,
        27,
    ),
    (
        K2,
        ORDER_0,
        1234567890,
        Network.MAINNET,
        0x61078D8FFA3CB591DE045438A1AE2ED299B271891D1943A33901E7CFB3A31ED8,
        0x0E91DF4F9841641D3322DAD8D932874B74D7E082CDB5B533F804964A6963AEF9,
        28,
    ),
    (
        K2,
        ORDER_0,
        1234567890,
        Network.TESTNET,
        0x6B0283A894D87B996AD0182B86251CC80D27D61EF307449A2ED249A508DED1F7,
        0x6F884E79F4A0A10AF62DB831AF6F8E03B3F11D899EB49B352F836746EE9226DA,
        27,
    ),
    (
        K3,
        '{"type":"cancel","cancels":[{"a":1,"o":82382}]}',
        1583838,
        Network.MAINNET,
        0x02F76CC5B16E0810152FA0E14E7B219F49C361E3325F771544C6F54E157BF9FA,
        0x17ED0AFC11A98596BE85D5CD9F86600AAD515337318F7AB346E5CCC1B03425D5,
        27,
    ),
    (
        K3,
        '{"type":"cancel","cancels":[{"a":1,"o":82382}]}',
        1583838,
        Network.TESTNET,
        0x6FFEBADFD48067663390962539FBDE76CFA36F53BE65ABE2AB72C9DB6D0DB444,
        0x57720DB9D7C4860F142A484F070C84EB4B9694C3A617C83F0D698A27E55FD5E0,
        28,
    ),
]


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: f"{vector[1][:40]} {vector[3]}")
def test_published_signatures(vector: tuple[bytes, str, int, Network, int, int, int]) -> None:
    """Signatures that other implementations published come out bit for bit."""
    secret, action, nonce, network, *signature = vector
    key = AgentKey(secret, network)
    assert list(key.sign(key.digest(action.encode(), nonce, 0))) == signature


@pytest.mark.parametrize(
    ("secret", "address"),
    [(K1, "0x14791697260e4c9a71f18484c9f997b308e59325"), (K3, "0xcd49bbac6e85fdeb167eb7ca41a945d2b8758f6f")],
)
def test_address(secret: bytes, address: str) -> None:
    """A key knows its address."""
    assert AgentKey(secret, Network.TESTNET).address == address


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded vectors lie beside the checkout and are not here")
@pytest.mark.parametrize("name", ["sdk_test_vectors.json"])
def test_every_recorded_l1_signature(name: str) -> None:
    """All recorded L1 signatures: the whole way without a vault, the EIP-712 half with one."""
    vectors: list[dict[str, Any]] = msgspec.json.decode((DATA / name).read_bytes())["vectors"]
    checked = 0
    for vector in vectors:
        if vector["kind"] != "l1":
            continue
        network = Network.MAINNET if vector["is_mainnet"] else Network.TESTNET
        key = AgentKey(bytes.fromhex(vector["key"][2:]), network)
        digest = AgentDigest(network).of(bytes.fromhex(vector["connectionId"][2:]))
        if vector["vaultAddress"] is None:
            action = msgspec.json.encode(vector["action"])
            assert key.digest(action, vector["nonce"], vector["expiresAfter"] or 0) == digest, vector["name"]
        assert key.sign(digest) == (int(vector["r"], 16), int(vector["s"], 16), vector["v"]), vector["name"]
        checked += 1
    assert checked >= 30


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded vectors lie beside the checkout and are not here")
def test_every_computed_body() -> None:
    """All bodies that the SDK posted without a vault are signed the same by us."""
    recorded: dict[str, Any] = msgspec.json.decode((DATA / "computed_vectors.json").read_bytes())
    secret, checked = bytes.fromhex(recorded["private_key"][2:]), 0
    for vector in recorded["vectors"]:
        if "action_hash_signed" not in vector or vector["signed_with_vault"] is not None:
            continue
        network = Network.MAINNET if "api.hyperliquid.xyz" in vector["base_url"] else Network.TESTNET
        key, body = AgentKey(secret, network), vector["body"]
        ours = key.sign(key.digest(msgspec.json.encode(body["action"]), body["nonce"], body["expiresAfter"] or 0))
        signature = body["signature"]
        assert ours == (int(signature["r"], 16), int(signature["s"], 16), signature["v"]), vector["name"]
        checked += 1
    assert checked >= 20


ENTRIES = st.builds(
    OrderEntry,
    asset=st.integers(0, 2**31 - 1),
    is_buy=st.booleans(),
    px=st.integers(1, 10**13).map(lambda px: str_from_scaled(px, 6)),
    sz=st.integers(1, 10**13).map(lambda sz: str_from_scaled(sz, 5)),
    reduce_only=st.booleans(),
    kind=st.sampled_from(Tif).map(lambda tif: OrderType(Limit(tif))),
    cloid=st.integers(0, 2**128 - 1).map(lambda number: f"0x{number:032x}"),
)
ACTIONS = st.one_of(
    ENTRIES.map(lambda entry: Order((entry,), "na")),
    ENTRIES.map(lambda entry: BatchModify((ModifyEntry(entry.cloid, entry),))),
    ENTRIES.map(lambda entry: CancelByCloid((CloidCancelEntry(entry.asset, entry.cloid),))),
    st.just(Noop()),
)


@settings(max_examples=60)
@given(
    action=ACTIONS,
    secret=st.binary(min_size=32, max_size=32).filter(lambda secret: 0 < int.from_bytes(secret, "big") < 2**255),
    nonce=st.integers(0, 2**63 - 1),
    expires_after_ms=st.one_of(st.just(0), st.integers(1, 2**63 - 1)),
    network=st.sampled_from(Network),
)
def test_signs_as_the_sdk_signs(
    action: Any, secret: bytes, nonce: int, expires_after_ms: int, network: Network
) -> None:
    """For any action of the house, any key, nonce and expiry, ours and the official SDK's signature are the same."""
    key, data = AgentKey(secret, network), to_json(action)
    ours = key.sign(key.digest(data, nonce, expires_after_ms))
    assert ours == canary.sdk_signature(secret, data, nonce, expires_after_ms, network)
    assert 1 <= ours.s <= HALF_ORDER
    assert ours == key.sign(key.digest(data, nonce, expires_after_ms))


def test_the_secret_is_not_shown() -> None:
    """A key's repr holds no part of the secret."""
    assert K1.hex()[:16] not in repr(AgentKey(K1, Network.TESTNET))


def test_domain() -> None:
    """The precomputed domain separator is the one that eth_account computes for the SDK's message."""
    header = encode_typed_data(full_message=l1_payload(construct_phantom_agent(bytes(32), True))).header
    assert domain_separator() == header


@pytest.mark.parametrize("network", Network)
def test_canary_sings(network: Network) -> None:
    """The canary is content with sound code."""
    canary.check(K2, network)


def test_canary_sees_a_wrong_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one bit of the digest changed the canary refuses."""
    right = AgentDigest.of
    monkeypatch.setattr(AgentDigest, "of", lambda self, action_hash: right(self, action_hash[:-1] + b"\0"))
    with pytest.raises(InvariantError, match="canary"):
        canary.check(K2, Network.TESTNET)
