"""The stage's signer: the same answers, the same bytes each time."""

from __future__ import annotations

import pytest

from hats.security_architect import audit
from hats.security_architect.signer.inprocess import InProcessSigner
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey
from shared.edge import Context
from shared.errors import InvariantError
from shared.ids import Cloid
from shared.messages import Message
from shared.messages.control import AgentMet
from shared.messages.order import ActionKind, SignatureRefused, SignedAction, SignRequest
from shared.units import MS, USD, Ns

NOW_MS = 1_700_000_000_000
POLICY = Policy(network=Network.TESTNET, assets=(AssetRule(0),), max_notional_usd=USD)
CANCEL = b'{"type":"cancelByCloid","cancels":[{"asset":0,"cloid":"0x4a750000000000010001000000000001"}]}'


def answers(*requests: tuple[int, bytes]) -> list[Message]:
    """What a fresh in-process signer publishes, after it said who it is."""
    edge, said = InProcessSigner(POLICY, b"\x09" * 32, ApprovalKey(b"\x01" * 32), 77), []

    def publish(message: Message, context: Context = Context()) -> None:
        assert context == (Context() if isinstance(message, AgentMet) else Context(3, 4))
        said.append(message)

    edge.start(publish)
    for nonce, action in requests:
        cloid = Cloid("0x4a750000000000010001000000000001")
        request = SignRequest(ActionKind.CANCEL, cloid, nonce, nonce + 1_000, action)
        edge.carry_out(request, Context(3, 4), Ns(NOW_MS * MS))
    edge.stop()
    assert said[0] == AgentMet(edge.address, "testnet", Ns(77))
    return said[1:]


def test_same_bytes_each_time() -> None:
    """Two runs publish the same messages; signing time is unknown, not invented."""
    first, second = answers((NOW_MS, CANCEL)), answers((NOW_MS, CANCEL))
    assert first == second
    assert isinstance(first[0], SignedAction)
    assert first[0].sign_ns == 0


@pytest.mark.parametrize(
    ("context", "is_repeated", "is_doubtful"),
    [(Context(), False, False), (Context(may_be_repeated=True), False, True), (Context(), True, True)],
)
def test_a_refusal_of_what_may_have_been_signed_before_proves_nothing(
    context: Context, is_repeated: bool, is_doubtful: bool
) -> None:
    """The process that asked first may have died with the signature on its way."""
    edge, said = InProcessSigner(POLICY, b"\x09" * 32, ApprovalKey(b"\x01" * 32)), list[Message]()
    edge.start(lambda message, _=Context(): said.append(message))
    cloid = Cloid("0x4a750000000000010001000000000001")
    request = SignRequest(ActionKind.ORDER, cloid, NOW_MS, NOW_MS, b"{}", is_repeated=is_repeated)
    edge.carry_out(request, context, Ns(NOW_MS * MS))
    refused = said[-1]
    assert isinstance(refused, SignatureRefused)
    assert refused.is_doubtful is is_doubtful


def test_same_policy() -> None:
    """What the policy forbids is refused here too, and so is a step back of the nonce."""
    said = answers((NOW_MS, b'{"type":"usdSend"}'), (NOW_MS, CANCEL), (NOW_MS - 1, CANCEL))
    assert [type(message) for message in said] == [SignatureRefused, SignedAction, SignatureRefused]


def test_follows_the_audit_chain() -> None:
    """Records are taken in order; a repeated one must be the same; a gap is a bug."""
    edge = InProcessSigner(POLICY, b"\x09" * 32, ApprovalKey(b"\x01" * 32))
    first = audit.append(audit.Head(), "{}")
    second = audit.append(audit.head_of(first), "{}")
    for record in (first, first, second, first):
        edge.carry_out(record, Context(), Ns(0))
    assert edge.head == audit.head_of(second)
    with pytest.raises(InvariantError):
        edge.carry_out(audit.append(audit.head_of(first), '{"a":1}'), Context(), Ns(0))
    with pytest.raises(InvariantError):
        edge.carry_out(audit.append(audit.Head(5, "0" * 64), "{}"), Context(), Ns(0))
