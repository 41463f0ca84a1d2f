"""The signer's decision: policy first, each nonce once, and the same answer to the same question."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.security_architect.signer.core import Decision, Signer, in_time
from hats.security_architect.signer.frames import Ask, Refused, Signed
from hats.security_architect.signer.nonces import NonceBook, Spent
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey
from shared.errors import InvariantError
from shared.units import USD
from shared.venue.door import signatures

NOW_MS: Final = 1_700_000_000_000
POLICY: Final = Policy(network=Network.TESTNET, assets=(AssetRule(0),), max_notional_usd=1_000 * USD)
NOOP: Final = b'{"type":"noop"}'
CANCEL: Final = b'{"type":"cancel","cancels":[{"a":0,"o":7}]}'


def signer(nonces: NonceBook | None = None) -> Signer:
    """A signer with a throw-away key."""
    return Signer(
        POLICY, AgentKey(b"\x07" * 32, Network.TESTNET), nonces or NonceBook(), TicketBook(ApprovalKey(b"\x01" * 32))
    )


def test_the_venue_recovers_our_address() -> None:
    """What we sign, the local exchange's own recovery gives back as our address."""
    ours = signer()
    answer = ours.decide(Ask(1, CANCEL, NOW_MS, NOW_MS + 9), NOW_MS).answer
    assert isinstance(answer, Signed)
    connection = signatures.connection_id(signatures.packed(msgspec.json.decode(CANCEL)), NOW_MS, None, NOW_MS + 9)
    compact = signatures.signature_from_wire("0x" + answer.r.hex(), "0x" + answer.s.hex(), answer.v)
    assert compact is not None
    assert signatures.recover(signatures.l1_digest(connection, "Testnet"), compact) == ours.address


def test_same_question_same_answer() -> None:
    """A repeated question is answered again, even after its expiry, and spends nothing."""
    ours = signer()
    ask = Ask(1, CANCEL, NOW_MS, NOW_MS + 9)
    first = ours.decide(ask, NOW_MS)
    again = ours.decide(ask, NOW_MS + 60_000)
    assert first.spent is not None
    assert again == Decision(first.answer, None)
    assert in_time(ask, first, NOW_MS + 8) == first.answer
    assert isinstance(in_time(ask, first, NOW_MS + 9), Refused), "new, and over before it could go out"
    assert in_time(ask, again, NOW_MS + 60_000) == first.answer


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (Ask(2, CANCEL, NOW_MS, NOW_MS + 10), "another action"),
        (Ask(2, NOOP, NOW_MS - 1, 0), "not above the highest"),
        (Ask(2, b'{"type":"usdSend"}', NOW_MS + 1, 0), "usdSend"),
        (Ask(2, CANCEL, NOW_MS + 1, NOW_MS), "expired"),
    ],
)
def test_refusals(ask: Ask, reason: str) -> None:
    """A spent nonce under another action, a step back, a forbidden or expired action: no signature."""
    ours = signer()
    ours.decide(Ask(1, CANCEL, NOW_MS, NOW_MS + 9), NOW_MS)
    decision = ours.decide(ask, NOW_MS)
    assert isinstance(decision.answer, Refused)
    assert reason in decision.answer.reason
    assert decision.spent is None


def test_a_noop_fences_a_spent_nonce_and_nothing_else_does() -> None:
    """A noop is signed under a nonce that was spent, spending nothing; what it spent itself is good for no other."""
    ours = signer()
    ours.decide(Ask(1, CANCEL, NOW_MS, NOW_MS + 9), NOW_MS)
    fence = ours.decide(Ask(2, NOOP, NOW_MS, 0), NOW_MS)
    assert isinstance(fence.answer, Signed)
    assert fence.spent is None
    assert isinstance(ours.decide(Ask(3, NOOP, NOW_MS + 1, 0), NOW_MS).answer, Signed)
    late = ours.decide(Ask(4, CANCEL, NOW_MS + 1, NOW_MS + 9), NOW_MS).answer
    assert isinstance(late, Refused)
    assert "another action" in late.reason


def test_a_refusal_spends_no_nonce() -> None:
    """After a refusal the same nonce can still be used."""
    ours = signer()
    ours.decide(Ask(1, b'{"type":"usdSend"}', NOW_MS, 0), NOW_MS)
    assert isinstance(ours.decide(Ask(2, NOOP, NOW_MS, 0), NOW_MS).answer, Signed)


def test_key_and_policy_must_be_for_one_network() -> None:
    """A testnet policy with a mainnet key is a bug."""
    with pytest.raises(InvariantError):
        Signer(POLICY, AgentKey(b"\x07" * 32, Network.MAINNET), NonceBook(), TicketBook(ApprovalKey(b"\x01" * 32)))


ASKS = st.lists(
    st.tuples(st.sampled_from([NOOP, CANCEL, b'{"type":"scheduleCancel"}']), st.integers(0, 12)), max_size=40
)


@settings(max_examples=50)
@given(asks=ASKS, restart_at=st.integers(0, 40))
def test_no_nonce_signs_two_actions(asks: list[tuple[bytes, int]], restart_at: int) -> None:
    """Whatever is asked in whatever order, also across a restart, one nonce never signs two actions that can act."""
    kept: list[Spent] = []
    ours = signer()
    signed: dict[int, bytes] = {}
    highest = 0
    for number, (action, step) in enumerate(asks):
        if number == restart_at:
            ours = signer(NonceBook(kept))
        decision = ours.decide(Ask(number, action, NOW_MS + step, 0), NOW_MS)
        if decision.spent is not None:
            assert decision.spent.nonce > highest
            highest = decision.spent.nonce
            kept.append(decision.spent)
        if isinstance(decision.answer, Signed) and action != NOOP:
            assert signed.setdefault(NOW_MS + step, action) == action
