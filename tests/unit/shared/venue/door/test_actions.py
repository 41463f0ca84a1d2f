"""What /exchange accepts, what it normalises before hashing, and what it refuses with 422."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.units import MS, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door.action_types import SUPPORTED, UNSUPPORTED, read_action, read_envelope
from shared.venue.door.actions import (
    ApproveAgentAction,
    canonical_number,
)
from shared.venue.door.admission import Admission, Admitted
from shared.venue.door.bodies import BodyRefused, first_value
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import USER_SIGNED, packed
from tests.unit.shared.venue.door.wire_client import WireClient, order_action, order_wire

VECTORS = Path(__file__).parents[6] / "shared" / "data" / "hyperliquid" / "computed_vectors.json"
NOW = Ns(1_700_000_000_000 * MS)
CLOID = "0x" + "ab" * 16
CLIENT = WireClient(1)


def _admission(network: str = "Testnet") -> Admission:
    return Admission(DoorSettings(network=network), lambda address, now: True, Exchange([]))


def _signer(body: Any, network: str = "Testnet") -> str:
    """The account that a posted body acts for, when everybody has one."""
    envelope = read_envelope(first_value(json.dumps(body)))
    action = read_action(envelope.action)
    assert not isinstance(action, str)
    admitted = _admission(network).admit(envelope, action, NOW)
    assert isinstance(admitted, Admitted), admitted
    return admitted.user


def test_bodies_captured_from_the_sdk_recover_and_pack_as_recorded() -> None:
    """Every recorded body with a supported action and no vault is admitted for its key, and packs to the same bytes."""
    if not VECTORS.exists():
        pytest.skip(f"no recorded bodies at {VECTORS}; the bodies made in this file were tested")
    recorded = json.loads(VECTORS.read_text())
    checked = 0
    for vector in recorded["vectors"]:
        body = vector.get("body")
        if body is None or body["vaultAddress"] is not None or body["action"]["type"] not in SUPPORTED:
            continue
        if body["action"]["type"] in USER_SIGNED and body["expiresAfter"] is not None:
            continue
        network = "Mainnet" if "api.hyperliquid.xyz" in vector["base_url"] else "Testnet"
        assert _signer(body, network) == recorded["address"].lower(), vector["name"]
        if "msgpack_hex" in vector:
            assert packed(read_action(body["action"])).hex() == vector["msgpack_hex"], vector["name"]
        checked += 1
    assert checked > 15


def _reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    return [_reversed_keys(one) for one in value] if isinstance(value, list) else value


HARMLESS: list[Callable[[dict[str, Any]], Any]] = [
    _reversed_keys,
    lambda body: body["action"]["orders"][0].update(p="50000.000000000", s="00.0010"),
    lambda body: body["action"]["orders"][0].update(c=CLOID.upper().replace("0X", "0x")),
    lambda body: body["action"]["orders"][0].update(c=CLOID[2:]),
    lambda body: body["action"]["orders"][0].update(unknown=1),
    lambda body: body["signature"].update(unknown=1),
    lambda body: body.pop("vaultAddress"),
]


@pytest.mark.parametrize("change", HARMLESS)
def test_spelling_on_the_way_does_not_change_the_signer(change: Callable[[dict[str, Any]], Any]) -> None:
    """Key order, padding zeros, a client id's case and unknown inner fields do not count: the typed form is hashed."""
    body = CLIENT.body(order_action(order_wire("50000", "0.001", c=CLOID)))
    changed = copy.deepcopy(body)
    result = change(changed)
    body_sent = result if isinstance(result, dict) and "action" in result else changed
    assert _signer(body_sent) == CLIENT.address


def test_what_is_signed_unnormalised_recovers_somebody_else() -> None:
    """A client that signs "2000.0" signs another text than the venue hashes."""
    assert _signer(CLIENT.body(order_action(order_wire("2000.0", "1")))) != CLIENT.address


REFUSED: list[Callable[[dict[str, Any]], Any]] = [
    lambda body: body.update(isFrontend=True),
    lambda body: body.pop("nonce"),
    lambda body: body.update(nonce="1"),
    lambda body: body.update(nonce=-1),
    lambda body: body.update(nonce=1.5),
    lambda body: body.update(nonce=2**70),
    lambda body: body["signature"].update(r="zz"),
    lambda body: body.update(vaultAddress="0x12"),
    lambda body: body["action"].update(unknown=1),
    lambda body: body["action"].update(type="unheardOf"),
    lambda body: body["action"].pop("type"),
    lambda body: body["action"].update(type=7),
    lambda body: body["action"].update(orders={}),
    lambda body: body["action"].update(grouping="nb"),
    lambda body: body["action"]["orders"][0].pop("r"),
    lambda body: body["action"]["orders"][0].update(a=-1),
    lambda body: body["action"]["orders"][0].update(a="0"),
    lambda body: body["action"]["orders"][0].update(b=1),
    lambda body: body["action"]["orders"][0].update(t={}),
    lambda body: body["action"]["orders"][0].update(t={"limit": {"tif": "Fok"}}),
    lambda body: body["action"]["orders"][0].update(c="0x12"),
    *[
        lambda body, text=text: body["action"]["orders"][0].update(p=text)
        for text in ("-1", "+1", "1e5", ".5", "1.", " 1", "1\n", "", "1.123456789", "NaN", "٣", 1, 1.5, None)
    ],
]


@pytest.mark.parametrize("change", REFUSED)
def test_misshapen_requests_are_422(change: Callable[[dict[str, Any]], Any]) -> None:
    """Whatever does not fit the schema is refused before anybody asks who signed it."""
    body = copy.deepcopy(CLIENT.body(order_action(order_wire("50000", "0.001"))))
    change(body)
    with pytest.raises(BodyRefused) as caught:
        read_action(read_envelope(body).action)
    assert (caught.value.status, caught.value.said) == (
        422,
        "Failed to deserialize the JSON body into the target type",
    )


@pytest.mark.parametrize("text", ['{"action":{"type":"noop"},"action":{"type":"noop"}}', "[1]", "7", "null"])
def test_envelopes_that_are_none(text: str) -> None:
    """Repeated keys and values that are no object do not fit."""
    with pytest.raises(BodyRefused):
        read_envelope(first_value(text))


def test_repeated_action_keys_are_422() -> None:
    """A key of the action that stands twice is refused, even with the same value."""
    action = first_value('{"type":"noop","type":"noop"}')
    with pytest.raises(BodyRefused):
        read_action(action)


def test_flags_that_are_false_are_not_hashed() -> None:
    """`f:false` and `a:false` pack as if they were absent, so who signs them signs something else."""
    plain = {"type": "cancel", "cancels": [{"a": 1, "o": 2}]}
    assert packed(read_action(plain | {"f": False})) == packed(plain)
    assert packed(read_action(plain | {"f": True})) == packed(plain | {"f": True})


def test_the_two_lists_of_actions_do_not_meet() -> None:
    """An action is either played or named as not played, and every typed-data action is in one of the lists."""
    assert not SUPPORTED.keys() & UNSUPPORTED
    assert USER_SIGNED.keys() <= SUPPORTED.keys() | UNSUPPORTED
    assert read_action({"type": "cDeposit", "anything": 1}) == "cDeposit"


def test_an_unnamed_agent_is_read_with_and_without_its_name() -> None:
    """A missing, null or empty agent name is the same signature."""
    body = CLIENT.agent_body("0x" + "12" * 20, None)
    for name in ({}, {"agentName": None}, {"agentName": ""}):
        sent = body | {"action": body["action"] | name}
        assert isinstance(read_action(sent["action"]), ApproveAgentAction)
        assert _signer(sent) == CLIENT.address


@given(st.integers(0, 10**12), st.integers(0, 10**8 - 1), st.integers(0, 5), st.integers(0, 3))
def test_canonical_numbers(whole: int, fraction: int, zeros_after: int, zeros_before: int) -> None:
    """However padded, a number has one canonical text, which is the shortest plain one."""
    shortest = f"{whole}.{fraction:08d}".rstrip("0").rstrip(".")
    assert canonical_number("0" * zeros_before + f"{whole}.{fraction:08d}" + "0" * zeros_after) == shortest
    assert canonical_number(shortest) == shortest
