"""One agent takes over from another: nobody's nonces, approvals or bounds are forgotten by it."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from hats.security_architect.actions import Limit, Order, OrderEntry, OrderType, to_json
from hats.security_architect.checkpoints import CheckpointKey
from hats.security_architect.merkle import Peaks
from hats.security_architect.signer.bounds import Limits
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused, Signed
from hats.security_architect.signer.keyring import HELD_MAX, Held, Keyring
from hats.security_architect.signer.nonces import NonceBook
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey, Ticket
from shared.errors import ConfigError, DataError, InvariantError
from shared.ids import Cloid
from shared.order import Tif
from shared.units import MS, USD, Ns

NOW_MS: Final = 1_700_000_000_000
OLD, NEW = (AgentKey(bytes([number]) * 32, Network.TESTNET) for number in (7, 8))
SEAL: Final = ApprovalKey(b"\x01" * 32)
NOOP: Final = b'{"type":"noop"}'
POLICY: Final = Policy(
    network=Network.TESTNET, assets=(AssetRule(0),), max_notional_usd=1_000 * USD, limits=Limits(orders_max=2)
)


def ask(number: int, nonce: int) -> Ask:
    """An approved order, the approval's number and cloid being this one."""
    cloid = Cloid(f"0x{number:032x}")
    entry = OrderEntry(0, True, "100", "1", False, OrderType(Limit(Tif.GTC)), cloid)
    until_ns = Ns((NOW_MS + 60_000) * MS)
    bare = Ticket(number, until_ns, cloid, "BTC", 0, True, "100", "1", Tif.GTC, False, None)
    ticket = msgspec.structs.replace(bare, mac=SEAL.seal(bare))
    return Ask(1, to_json(Order((entry,), "na")), nonce, NOW_MS + 20_000, (ticket,))


def signed_by(answer: Signed | Refused, asked: Ask) -> AgentKey | None:
    """Whose signature it is; None if it is a refusal."""
    if isinstance(answer, Refused):
        return None
    for key in (OLD, NEW):
        signature = key.sign(key.digest(asked.action, asked.nonce, asked.expires_after_ms))
        if (answer.r, answer.s, answer.v) == (
            signature.r.to_bytes(32, "big"),
            signature.s.to_bytes(32, "big"),
            signature.v,
        ):
            return key
    raise AssertionError("nobody's signature")


def test_taking_over() -> None:
    """What is new is the new agent's; what was signed is repeated, and fenced, by the old one, until it is retired."""
    ring = Keyring([Held(OLD, 0, 0)])
    signer = Signer(POLICY, ring, NonceBook(), TicketBook(SEAL))
    first = ask(1, NOW_MS)
    before = signer.decide(first, NOW_MS).answer
    ring.switch(NEW, signer.high)
    assert signer.address == NEW.address
    assert signer.decide(first, NOW_MS).answer == before
    fence = Ask(2, NOOP, NOW_MS, 0)
    assert signed_by(signer.decide(fence, NOW_MS).answer, fence) is OLD
    second = ask(2, NOW_MS + 1)
    assert signed_by(signer.decide(second, NOW_MS).answer, second) is NEW
    assert signed_by(signer.decide(first, NOW_MS).answer, first) is OLD
    with pytest.raises(ConfigError, match="not drained"):
        ring.retire(OLD.address, NOW_MS + 19_999)
    ring.retire(OLD.address, NOW_MS + 20_000)
    gone = signer.decide(first, NOW_MS + 20_000).answer
    assert isinstance(gone, Refused)
    assert "retired" in gone.reason


def test_no_way_around_anything() -> None:
    """An approval that the old agent spent is spent, its nonces are below, and the window goes on."""
    ring = Keyring([Held(OLD, 0, 0)])
    signer = Signer(POLICY, ring, NonceBook(), TicketBook(SEAL))
    assert isinstance(signer.decide(ask(1, NOW_MS), NOW_MS).answer, Signed)
    ring.switch(NEW, signer.high)
    for asked, reason in ((ask(1, NOW_MS + 1), "spent"), (ask(2, NOW_MS - 1), "not above the highest")):
        answer = signer.decide(asked, NOW_MS).answer
        assert isinstance(answer, Refused)
        assert reason in answer.reason
    assert isinstance(signer.decide(ask(2, NOW_MS + 1), NOW_MS).answer, Signed)
    third = signer.decide(ask(3, NOW_MS + 2), NOW_MS).answer
    assert isinstance(third, Refused)
    assert "2 orders within" in third.reason


def test_what_may_not_take_over() -> None:
    """The same agent, one of another network, one too many; and the one that signs is not retired."""
    ring = Keyring([Held(OLD, 0, 0)])
    with pytest.raises(ConfigError, match="held already"):
        ring.switch(OLD, 5)
    with pytest.raises(ConfigError, match="expected a key for testnet"):
        ring.switch(AgentKey(b"\x09" * 32, Network.MAINNET), 5)
    with pytest.raises(ConfigError, match="the one that signs"):
        ring.retire(OLD.address, NOW_MS)
    for number in range(1, HELD_MAX):
        ring.switch(AgentKey(bytes([20 + number]) * 32, Network.TESTNET), number)
    with pytest.raises(ConfigError, match="retire the oldest first"):
        ring.switch(NEW, 99)
    with pytest.raises(ConfigError, match="expected the oldest"):
        ring.retire(ring.current.address, NOW_MS)
    with pytest.raises(InvariantError):
        Keyring([])
    with pytest.raises(InvariantError):
        Keyring([Held(OLD, 5, 0), Held(NEW, 4, 0)])


def test_the_checkpoint_key_goes_along() -> None:
    """Sealed for the agent that takes over it is the same key, and nobody else's; changed by a bit it is refused."""
    key = CheckpointKey(b"\x07" * 32)
    sealed = key.sealed_for(b"\x08" * 32, b"\x01" * 12)
    again = CheckpointKey.opened(b"\x08" * 32, sealed)
    assert again.public_key == key.public_key
    assert again.sign("log", Peaks(), 5) == key.sign("log", Peaks(), 5)
    for secret, text in (
        (b"\x09" * 32, sealed),
        (b"\x08" * 32, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (b"\x08" * 32, b""),
    ):
        with pytest.raises(DataError):
            CheckpointKey.opened(secret, text)
