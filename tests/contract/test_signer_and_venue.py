"""What the Security Architect posts is what the venue reads: shape, canonical form, and our address as its signer."""

from __future__ import annotations

import random
from typing import Final

import msgspec

from hats.security_architect import SecurityArchitect, Settings
from hats.security_architect.signer.bounds import Limits
from hats.security_architect.signer.inprocess import InProcessSigner
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey, ticket_of
from shared.edge import Context
from shared.ids import StrategyId, cloid_for
from shared.messages import Message
from shared.messages.order import ActionKind, CancelOrder, SignedAction, SignRequest, SubmitOrder
from shared.messages.risk import OrderApproved
from shared.messages.signal import OrderIntent
from shared.order import Side, Tif
from shared.units import MS, SECOND, USD, Ns, Px, Sz
from shared.venue.door import action_types, signatures
from shared.venue.door.bodies import first_value

KEY: Final = ApprovalKey(b"\x01" * 32)
START: Final = 1_700_000_000 * SECOND
POLICY: Final = Policy(
    network=Network.TESTNET, assets=(AssetRule(0), AssetRule(7)), max_notional_usd=10**9 * USD,
    limits=Limits(notional_usd_max=10**12 * USD),
)  # fmt: skip


class Recorded:
    """Keeps what an edge publishes."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    def __call__(self, message: Message, context: Context = Context()) -> None:
        """Take it."""
        self.said.append(message)


def intent(number: int, draw: random.Random) -> OrderIntent:
    """A random wish; every third replaces an order."""
    replaces = cloid_for(1, 1, number + 10**6) if number % 3 == 0 else None
    px, sz = Px(draw.randint(1, 10**8)), Sz(draw.randint(1, 10**6))
    return OrderIntent(
        cloid_for(1, 1, number), StrategyId("mm"), "BTC", draw.choice(list(Side)), px, sz, draw.choice(list(Tif)),
        draw.random() < 0.5, replaces, Ns(START), "because",
    )  # fmt: skip


def posted(n: int) -> tuple[str, list[SignedAction]]:
    """(the agent's address, signed orders, replacements and cancels) from Hat and signer together."""
    hat, edge = SecurityArchitect(Settings()), InProcessSigner(POLICY, b"\x0b" * 32, KEY)
    heard, draw = Recorded(), random.Random(5)
    edge.start(heard)
    for number in range(1, n + 1):
        now = Ns(START + number * MS)
        wish = intent(number, draw)
        order = SubmitOrder(
            wish.cloid, number, wish.coin, 0, 5, wish.side, wish.px, wish.sz, wish.tif, wish.reduce_only,
            wish.replaces, Ns(now + SECOND),
        )  # fmt: skip
        ticket = ticket_of(
            approval_id=number, expires_ns=order.expires_ns, cloid=wish.cloid, coin=wish.coin, asset=0, sz_decimals=5,
            side=wish.side, px=wish.px, sz=wish.sz, tif=wish.tif, reduce_only=wish.reduce_only,
            how=wish.how, replaces=wish.replaces,
        )  # fmt: skip
        hat.handle(OrderApproved(wish, number, order.expires_ns, KEY.seal(ticket)), now)
        for asked in (order, CancelOrder(wish.cloid, wish.coin, 7, Ns(now + SECOND))):
            assert not hat.handle(asked, now)
        for _, said in hat.settle(now):
            assert isinstance(said, SignRequest)
            edge.carry_out(said, Context(), now)
    assert all(isinstance(message, SignedAction) for message in heard.said[1:]), heard.said
    return edge.address, [message for message in heard.said if isinstance(message, SignedAction)]


def test_the_venue_reads_what_we_post() -> None:
    """400 random orders, replacements and cancels: read strictly, canonical as they are, and signed by our agent."""
    address, bodies = posted(200)
    assert {action.kind for action in bodies} == {ActionKind.ORDER, ActionKind.MODIFY, ActionKind.CANCEL}
    for signed in bodies:
        envelope = action_types.read_envelope(first_value(signed.body))
        action = action_types.read_action(envelope.action)
        assert not isinstance(action, str)
        # the venue hashes its own canonical form; ours must be that already
        packed = signatures.packed(msgspec.to_builtins(action))
        assert packed == signatures.packed(envelope.action)
        connection = signatures.connection_id(packed, envelope.nonce, envelope.vault_address, envelope.expires_after)
        wire = envelope.signature
        compact = signatures.signature_from_wire(wire.r, wire.s, wire.v)
        assert compact is not None
        assert signatures.recover(signatures.l1_digest(connection, "Testnet"), compact) == address
        assert (envelope.nonce, envelope.expires_after) == (signed.nonce, signed.expires_after_ms)
