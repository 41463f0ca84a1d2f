"""Multi-sig users: who may sign for them, how often, over what; the official SDK signs, the door judges."""

from __future__ import annotations

from typing import Any

import pytest
from hyperliquid.utils.signing import (
    CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES,
    USD_SEND_SIGN_TYPES,
    sign_convert_to_multi_sig_user_action,
    sign_multi_sig_action,
    sign_multi_sig_l1_action_payload,
    sign_multi_sig_user_signed_action_payload,
)

from shared.units import MS
from shared.venue.door import multi_sig
from shared.venue.door.action_types import read_action, read_envelope
from shared.venue.door.actions import Action, Envelope, SignatureWire
from shared.venue.door.bodies import BodyRefused
from shared.venue.door.door import Door
from shared.venue.door.multi_sig_actions import MultiSigAction, Payload
from shared.venue.door.submit import DONE
from tests.unit.shared.venue.door.door_fixture import ALICE, BOB, make_door
from tests.unit.shared.venue.door.wire_client import START, WireClient, envelope, order_action, order_wire, post

CAROL, DAN, STRANGER, AGENT = (WireClient(number) for number in (3, 4, 5, 6))
SUB = "0x" + "5b" * 20
REST = order_action(order_wire("49000", "0.01"))
CONVERT = "HyperliquidTransaction:ConvertToMultiSigUser"


class Treaty:
    """A door at which Alice's account is Bob's, Carol's and Dan's together; nonces count up."""

    def __init__(self, threshold: int = 2, **chosen: Any) -> None:
        fund = {client.address: 100_000_000_000 for client in (ALICE, BOB, CAROL, DAN)}
        self.door = make_door(fund=fund, **chosen)
        self.nonce = START // MS + 1_000
        assert convert(self.door, ALICE, [one.address for one in (BOB, CAROL, DAN)], threshold, self.nonce) == DONE

    def next(self) -> int:
        """A nonce that nobody used."""
        self.nonce += 1
        return self.nonce

    def l1(
        self, signers: tuple[WireClient, ...], leader: WireClient = BOB, action: Any = REST, **other: Any
    ) -> dict[str, Any]:
        """The posted body of an L1 action; `other` may contradict what was signed."""
        nonce, expires = self.next(), other.get("expires")
        user, outer = other.get("signed_user", ALICE.address), other.get("signed_outer", leader.address)
        signatures = [
            sign_multi_sig_l1_action_payload(one.wallet, action, False, None, nonce, expires, user, outer)
            for one in signers
        ]
        return wrapped(leader, action, signatures, nonce, **other)

    def typed(self, signers: tuple[WireClient, ...], action: Any, types: Any, name: str) -> dict[str, Any]:
        """The posted body of an action that a master signs as typed data, sent by Bob."""
        nonce = self.next()
        stamped = {key: nonce if value is None else value for key, value in action.items()}
        signatures = [
            sign_multi_sig_user_signed_action_payload(
                one.wallet, stamped, False, types, name, ALICE.address, BOB.address
            )
            for one in signers
        ]
        return wrapped(BOB, stamped, signatures, nonce)

    def send(self, body: dict[str, Any]) -> Any:
        """The door's reply."""
        return post(self.door, "/exchange", body)

    def open_orders(self, user: str = ALICE.address) -> Any:
        """What the user has resting."""
        return post(self.door, "/info", {"type": "openOrders", "user": user})


def wrapped(leader: WireClient, action: Any, signatures: list[Any], nonce: int, **other: Any) -> dict[str, Any]:
    """The envelope around an inner action, signed by the one who sends it."""
    expires = other.get("expires")
    outer = {
        "type": "multiSig",
        "signatureChainId": "0x66eee",
        "signatures": signatures,
        "payload": {
            "multiSigUser": other.get("user", ALICE.address),
            "outerSigner": other.get("outer", leader.address),
            "action": action,
        },
    }
    signature = sign_multi_sig_action(leader.wallet, outer, False, None, nonce, expires)
    return envelope(outer, nonce, signature, None, expires)


def convert(door: Door, client: WireClient, signers: list[str] | None, threshold: int, nonce: int) -> Any:
    """The reply to a conversion that the account signs alone."""
    named = "null" if signers is None else str({"authorizedUsers": signers, "threshold": threshold}).replace("'", '"')
    action = {"type": "convertToMultiSigUser", "signers": named, "nonce": nonce}
    signature = sign_convert_to_multi_sig_user_action(client.wallet, action, False)
    return post(door, "/exchange", envelope(action, nonce, signature, None, None))


def err(text: str) -> dict[str, str]:
    """A refusal as a whole."""
    return {"status": "err", "response": text}


def test_two_of_three_place_an_order_for_the_account() -> None:
    """The order is the multi-sig user's; its signers are listed in rising order."""
    treaty = Treaty()
    reply = treaty.send(treaty.l1((BOB, CAROL)))
    assert "resting" in reply["response"]["data"]["statuses"][0]
    assert (len(treaty.open_orders()), treaty.open_orders(BOB.address)) == (1, [])
    told = post(treaty.door, "/info", {"type": "userToMultiSigSigners", "user": ALICE.address})
    assert told == {"authorizedUsers": sorted(one.address for one in (BOB, CAROL, DAN)), "threshold": 2}
    assert post(treaty.door, "/info", {"type": "userToMultiSigSigners", "user": BOB.address}) is None


def test_alone_the_account_can_do_nothing() -> None:
    """Neither orders nor typed data nor its agents; the others act for themselves as before."""
    treaty = Treaty()
    assert ALICE.send(treaty.door, REST) == err("Multi-sig required")
    assert convert(treaty.door, ALICE, None, 0, treaty.next()) == err("Multi-sig required")
    assert "resting" in BOB.send(treaty.door, REST)["response"]["data"]["statuses"][0]
    assert treaty.open_orders() == []


@pytest.mark.parametrize("choice", ["refused", "taken"])
def test_an_agent_from_before_acts_if_the_switch_says_so(choice: str) -> None:
    """Whether agents of a multi-sig user may act alone is not known."""
    door = make_door(multi_sig_agents=choice)
    assert post(door, "/exchange", ALICE.agent_body(AGENT.address, "bot")) == DONE
    assert convert(door, ALICE, [BOB.address], 1, START // MS + 1_000) == DONE
    reply = AGENT.send(door, REST)
    assert (reply["status"] == "ok") == (choice == "taken")
    assert choice == "taken" or reply == err("Multi-sig required")


def test_what_is_not_signed_by_enough_of_them_is_refused() -> None:
    """Too few, one twice, none, a stranger among enough; nothing is placed."""
    treaty = Treaty()
    assert treaty.send(treaty.l1((BOB,))) == err("Multi-sig threshold not met")
    assert treaty.send(treaty.l1((BOB, BOB))) == err("Multi-sig threshold not met")
    assert treaty.send(treaty.l1(())) == err("Multi-sig threshold not met")
    assert treaty.send(treaty.l1((BOB, CAROL, STRANGER))) == err("Invalid multi-sig inner signer")
    assert treaty.send(treaty.l1((ALICE, BOB))) == err("Invalid multi-sig inner signer")
    assert treaty.open_orders() == []


def test_signatures_over_something_else_are_strangers() -> None:
    """Another user, another sender, another nonce, another price: the hash recovers nobody who may sign."""
    treaty = Treaty()
    bad = err("Invalid multi-sig inner signer")
    assert treaty.send(treaty.l1((BOB, CAROL), signed_user=BOB.address)) == bad
    assert treaty.send(treaty.l1((BOB, CAROL), signed_outer=CAROL.address)) == bad
    signed = treaty.l1((BOB, CAROL))["action"]["signatures"]
    assert treaty.send(wrapped(BOB, REST, signed, treaty.next())) == bad
    dearer = order_action(order_wire("49001", "0.01"))
    assert treaty.send(wrapped(BOB, dearer, signed, treaty.nonce)) == bad
    assert treaty.open_orders() == []


def test_the_sender_is_one_of_them_or_an_agent_of_one() -> None:
    """Others are refused by the venue's words, even with enough signatures inside."""
    treaty = Treaty()
    pair = (BOB, CAROL)
    assert treaty.send(treaty.l1(pair, leader=STRANGER)) == err("Multi-sig outer signer must be an L1 user.")
    assert treaty.send(treaty.l1(pair, leader=ALICE)) == err("Invalid multi-sig outer signer")
    assert treaty.send(treaty.l1(pair, leader=BOB, outer=CAROL.address)) == err("Invalid multi-sig outer signer")
    assert treaty.send(treaty.l1(pair, user=CAROL.address)) == err("Invalid multi-sig user")
    assert post(treaty.door, "/exchange", BOB.agent_body(AGENT.address, "bot")) == DONE
    assert treaty.send(treaty.l1(pair, leader=AGENT))["status"] == "ok"
    assert treaty.send(treaty.l1((AGENT, CAROL))) == err("Invalid multi-sig inner signer")


def test_only_the_senders_nonces_count() -> None:
    """The same body twice is a duplicate of the sender's; another sender may use the number."""
    treaty = Treaty()
    body = treaty.l1((BOB, CAROL))
    assert treaty.send(body)["status"] == "ok"
    assert treaty.send(body) == err(f"Invalid nonce: duplicate nonce {body['nonce']}")
    treaty.nonce = body["nonce"] - 1
    assert treaty.send(treaty.l1((CAROL, DAN), leader=CAROL))["status"] == "ok"


def test_a_refusal_of_signers_leaves_the_nonce() -> None:
    """A body that too few had signed did not use up its number."""
    treaty = Treaty()
    treaty.send(treaty.l1((BOB,)))
    treaty.nonce -= 1
    assert treaty.send(treaty.l1((BOB, CAROL)))["status"] == "ok"


def test_an_expiry_is_hashed_inside_and_outside() -> None:
    """A stale one costs the sender's nonce, as for others."""
    treaty = Treaty()
    assert treaty.send(treaty.l1((BOB, CAROL), expires=START // MS + 60_000))["status"] == "ok"
    assert treaty.send(treaty.l1((BOB, CAROL), expires=START // MS - 1)) == err("Action already expired")


def test_money_moves_with_two_signatures() -> None:
    """Typed data is signed with both addresses in it; the stamp must be the envelope's nonce."""
    treaty = Treaty()
    send = {
        "type": "usdSend",
        "signatureChainId": "0x66eee",
        "hyperliquidChain": "Testnet",
        "destination": DAN.address,
        "amount": "100.0",
        "time": None,
    }
    name = "HyperliquidTransaction:UsdSend"
    assert treaty.send(treaty.typed((CAROL, DAN), send, USD_SEND_SIGN_TYPES, name)) == DONE
    assert treaty.door.exchange.account(DAN.address).value_usd == 100_100_000_000
    assert treaty.send(treaty.typed((CAROL,), send, USD_SEND_SIGN_TYPES, name)) == err("Multi-sig threshold not met")
    late = treaty.typed((CAROL, DAN), send | {"time": START // MS}, USD_SEND_SIGN_TYPES, name)
    assert treaty.send(late) == err("Nonce mismatch.")
    wrong = treaty.typed((CAROL, DAN), send | {"hyperliquidChain": "Mainnet"}, USD_SEND_SIGN_TYPES, name)
    assert treaty.send(wrong) == err("Mainnet and testnet require different signature.")


def test_together_they_change_the_signers_and_give_the_account_back() -> None:
    """New signers replace the old; `null` makes a normal user, who acts alone again."""
    treaty = Treaty()
    change = {
        "type": "convertToMultiSigUser",
        "signatureChainId": "0x66eee",
        "hyperliquidChain": "Testnet",
        "signers": f'{{"authorizedUsers":["{BOB.address}"],"threshold":1}}',
        "nonce": None,
    }
    types = CONVERT_TO_MULTI_SIG_USER_SIGN_TYPES
    assert treaty.send(treaty.typed((BOB, DAN), change, types, CONVERT)) == DONE
    assert treaty.send(treaty.l1((BOB, CAROL))) == err("Invalid multi-sig inner signer")
    assert treaty.send(treaty.typed((BOB,), change | {"signers": "null"}, types, CONVERT)) == DONE
    assert treaty.send(treaty.l1((BOB,))) == err("Invalid multi-sig user")
    assert ALICE.send(treaty.door, REST)["status"] == "ok"


@pytest.mark.parametrize(
    ("signers", "threshold", "said"),
    [
        ([BOB.address], 0, "Invalid multi-sig threshold"),
        ([BOB.address], 2, "Invalid multi-sig threshold"),
        ([BOB.address, BOB.address.upper().replace("0X", "0x")], 2, "Invalid multi-sig threshold"),
        ([ALICE.address, BOB.address], 1, "Cannot register self as multi-sig authorized user"),
        ([STRANGER.address], 1, "Multi-sig authorized user must exist on L1"),
        ([f"0x{number:040x}" for number in range(11)], 1, "Too many multi-sig signers"),
        (None, 0, "Invalid multi-sig user"),
    ],
)
def test_who_can_not_be_signers(signers: list[str] | None, threshold: int, said: str) -> None:
    """The venue's texts; the account stays a normal one."""
    door = make_door()
    assert convert(door, ALICE, signers, threshold, START // MS + 1) == err(said)
    assert ALICE.send(door, REST)["status"] == "ok"


def test_signers_are_in_the_snapshot() -> None:
    """They are the core's to remember."""
    exchange = Treaty().door.exchange
    assert type(exchange).restore(exchange.snapshot()).signers_of(ALICE.address) == exchange.signers_of(ALICE.address)


@pytest.mark.parametrize(
    "inner",
    [None, 7, [], {}, {"type": "noSuch"}, {"type": "multiSig"}, REST | {"grouping": 7}],
    ids=str,
)
def test_what_wraps_nothing_is_misshapen(inner: Any) -> None:
    """422, also for an envelope in an envelope."""
    treaty = Treaty()
    body = wrapped(BOB, inner, [], treaty.next())
    with pytest.raises(BodyRefused, match="422"):
        read_action(read_envelope(body).action)


def test_an_inner_action_that_is_not_played_is_refused_by_its_name() -> None:
    """As it is without the envelope."""
    treaty = Treaty()
    vote = {"type": "CValidatorAction", "unregister": None}
    assert "CValidatorAction" in treaty.send(wrapped(BOB, vote, [], treaty.next()))["response"]


VECTOR_KEY = "0xe5ca49fb3bd9a581f0d1ef9cb5d7177da08bf901"
VECTOR_USER = "0x1234567890123456789012345678901234567890"
VECTOR_ORDER = order_action(order_wire("30000", "0.1"))
VECTOR_SEND = {
    "hyperliquidChain": "Mainnet",
    "signatureChainId": "0x66eee",
    "destination": VECTOR_USER,
    "amount": "1000",
    "time": 1234567890,
}
"""Hashed in this order and without its type, which no body can be."""


@pytest.mark.parametrize(
    ("inner", "inner_rsv", "outer_rsv"),
    [
        (
            VECTOR_ORDER,
            ("0x12a4e2b7cfc2b5fc3d1e7847573de88bf1172731392be62fa6a9f2de3772b5ba",
             "0x565f4ad818ae04b26624e548ed3d2a9d5a41a8b6460cfc1555a0fe07d6a56121", 27),
            ("0x6ce5dcb0b71db89f2b94f1427533013457e93d9b3f2b3d2b84bf8a0cb0ec008f",
             "0x04e8981a177b328bebaae28598827f0aeee8be5b6f62756d81f6e71830c2103d", 28),
        ),
        (
            VECTOR_SEND,
            ("0xccc3921f376f76abb13fbc2892808acea98fa7471633c103430f407f75b64375",
             "0x5b8f3608927dddafdc6b8a9a7ee95177caa9eb3e00c81af21892cb80b2bcfb15", 28),
            ("0x8927ad27b2ee54f6c4d6fb2ae4841835dd3c82c705a0afd055c8ce75ae3f4130",
             "0x7b555ee328026846560fed75501b1af2c4774636d5e06f09fe8c9faee9ee4075", 27),
        ),
    ],
    ids=["order", "usdSend"],
)  # fmt: skip
def test_published_envelopes_recover_to_their_key(inner: Any, inner_rsv: Any, outer_rsv: Any) -> None:
    """Signatures printed in a TypeScript client's tests, inside and outside (fact sheet 12.2)."""
    wire = SignatureWire(*inner_rsv)
    read = Envelope({}, 1234567890, SignatureWire(*outer_rsv))
    hashed = MultiSigAction("0x66eee", (wire,), Payload(VECTOR_USER, VECTOR_KEY, inner))
    assert multi_sig.signer_of(multi_sig.outer_digest(read, hashed, None, "Mainnet"), read.signature) == VECTOR_KEY
    action = read_action({"type": "usdSend"} | inner)
    assert isinstance(action, Action)
    signed = hashed.holding(action)
    assert multi_sig.signer_of(multi_sig.inner_digest(read, signed, None, "Mainnet"), wire) == VECTOR_KEY
