"""The signer signs what the Risk Officer approved, once, as it was approved, and nothing else: a thousand forgeries."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.security_architect import SecurityArchitect, Settings
from hats.security_architect.actions import BatchModify, Order, read_action, to_json
from hats.security_architect.signer.bounds import Limits
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.frames import Ask, Refused, Signed
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import NonceBook, Spent
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import NOT_APPROVED, REMEMBERED, TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey, Ticket
from shared.errors import InvariantError
from shared.ids import Cloid
from shared.messages.order import SignRequest, SubmitOrder
from shared.messages.risk import OrderApproved
from shared.order import Side, Tif
from shared.units import MS, SECOND, USD, Ns
from tests.unit.hats.risk_oversight_officer.scene import NOW, PX, features, intent, judged, officer, say

KEY: Final = ApprovalKey(b"\x05" * 32)
POLICY: Final = Policy(
    network=Network.TESTNET, assets=(AssetRule(0), AssetRule(1)), max_notional_usd=10**9 * USD,
    limits=Limits(orders_max=10**6, notional_usd_max=10**12 * USD),
)  # fmt: skip
NOW_MS: Final = NOW // MS
FORGERIES: Final = 1_000


class Genuine(NamedTuple):
    """A question as the desk asks it, all in order."""

    action: Order | BatchModify
    ticket: Ticket
    nonce: int
    expires_after_ms: int

    def ask(self) -> Ask:
        """As it goes to the signer."""
        return Ask(1, to_json(self.action), self.nonce, self.expires_after_ms, (self.ticket,))

    def with_entry(self, **changes: object) -> Genuine:
        """The same with another order in the action."""
        match self.action:
            case Order(orders=(entry,)):
                action: Order | BatchModify = Order((msgspec.structs.replace(entry, **changes),), "na")
            case BatchModify(modifies=(modify,)):
                order = msgspec.structs.replace(modify.order, **changes)
                action = BatchModify((msgspec.structs.replace(modify, order=order),))
            case _:
                raise AssertionError(self.action)
        return self._replace(action=action)

    def with_ticket(self, **changes: object) -> Genuine:
        """The same with another ticket under the old seal."""
        return self._replace(ticket=msgspec.structs.replace(self.ticket, **changes))

    @property
    def entry(self) -> object:
        """The one order of the action."""
        return self.action.orders[0] if isinstance(self.action, Order) else self.action.modifies[0].order


class Desk:
    """A Risk Officer, a Security Architect and a signer with its books."""

    def __init__(self, tickets: TicketBook | None = None, nonces: NonceBook | None = None) -> None:
        self.risk: RiskOversightOfficer = officer()
        self.risk._approval_key = KEY
        self.architect = SecurityArchitect(Settings())
        agent = AgentKey(b"\x07" * 32, Network.TESTNET)
        self.signer = Signer(POLICY, agent, nonces or NonceBook(), tickets or TicketBook(KEY))

    def approved(self, number: int, draw: random.Random) -> Genuine:
        """The question for a random wish, approved and about to be signed."""
        side = draw.choice((Side.BUY, Side.SELL))
        replaces = Cloid(f"0x{draw.getrandbits(128):032x}") if draw.random() < 0.3 else None
        wish = intent(
            number, side, draw.randint(11, 90), PX + draw.randint(-20, 20) * 100, coin=draw.choice(("AAA", "BBB")),
            replaces=replaces,
        )  # fmt: skip
        self.risk.state.exposures.clear()  # our own orders shall not stand in each other's way here
        answer = judged(self.risk, wish)
        assert isinstance(answer, OrderApproved), answer
        list(self.architect.handle(answer, NOW))
        asset = 0 if wish.coin == "AAA" else 1
        order = SubmitOrder(
            wish.cloid, answer.approval_id, wish.coin, asset, 0, wish.side, wish.px, wish.sz, wish.tif,
            wish.reduce_only, wish.replaces, Ns(NOW + SECOND),
        )  # fmt: skip
        assert not self.architect.handle(order, NOW)
        ((_, request),) = self.architect.settle(NOW)
        assert isinstance(request, SignRequest), request
        action = read_action(request.action)
        assert isinstance(action, Order | BatchModify)
        (ticket,) = request.tickets
        return Genuine(action, ticket, request.nonce, request.expires_after_ms)


def _one_lot_more(real: Genuine) -> Genuine:
    return real.with_entry(sz=str(int(real.entry.sz) + 1))  # type: ignore[attr-defined]


def _one_lot_more_on_both(real: Genuine) -> Genuine:
    return _one_lot_more(real).with_ticket(sz=str(int(real.ticket.sz) + 1))


def _worse_price(real: Genuine) -> Genuine:
    return real.with_entry(px="1.5")


def _worse_price_on_both(real: Genuine) -> Genuine:
    return _worse_price(real).with_ticket(px="1.5")


def _other_side(real: Genuine) -> Genuine:
    return real.with_entry(is_buy=not real.ticket.is_buy)


def _other_side_on_both(real: Genuine) -> Genuine:
    return _other_side(real).with_ticket(is_buy=not real.ticket.is_buy)


def _other_coin(real: Genuine) -> Genuine:
    return real.with_entry(asset=1 - real.ticket.asset)


def _other_coin_on_both(real: Genuine) -> Genuine:
    coin = "BBB" if real.ticket.coin == "AAA" else "AAA"
    return _other_coin(real).with_ticket(asset=1 - real.ticket.asset, coin=coin)


def _no_longer_reducing(real: Genuine) -> Genuine:
    return real.with_entry(reduce_only=not real.ticket.reduce_only)


def _other_tif(real: Genuine) -> Genuine:
    other = Tif.IOC if real.ticket.tif is not Tif.IOC else Tif.GTC
    return real.with_ticket(tif=other)


def _other_cloid(real: Genuine) -> Genuine:
    return real.with_entry(cloid="0x" + "1" * 32)


def _longer_life(real: Genuine) -> Genuine:
    return real.with_ticket(expires_ns=Ns(real.ticket.expires_ns + SECOND))


def _order_outlives_it(real: Genuine) -> Genuine:
    return real._replace(expires_after_ms=real.ticket.expires_ns // MS + 1)


def _broken_seal(real: Genuine) -> Genuine:
    flipped = bytes([real.ticket.mac[0] ^ 1]) + real.ticket.mac[1:]
    return real.with_ticket(mac=flipped)


def _no_seal(real: Genuine) -> Genuine:
    return real.with_ticket(mac=b"")


def _another_key(real: Genuine) -> Genuine:
    return real.with_ticket(mac=ApprovalKey(b"\x06" * 32).seal(real.ticket))


def _another_id(real: Genuine) -> Genuine:
    return real.with_ticket(approval_id=real.ticket.approval_id + 10**6)


ALTERED: Final[tuple[Callable[[Genuine], Genuine], ...]] = (
    _one_lot_more,
    _one_lot_more_on_both,
    _worse_price,
    _worse_price_on_both,
    _other_side,
    _other_side_on_both,
    _other_coin,
    _other_coin_on_both,
    _no_longer_reducing,
    _other_tif,
    _other_cloid,
    _longer_life,
    _order_outlives_it,
    _broken_seal,
    _no_seal,
    _another_key,
    _another_id,
)


def test_a_thousand_forgeries_are_refused_a_thousand_times() -> None:
    """Altered, replayed, expired, missing or doubled: refused each time, and the real one is signed all the same."""
    desk, draw, refused = Desk(), random.Random(22), Counter[str]()
    for number in range(1, FORGERIES + 1):
        real = desk.approved(number, draw)
        kind = draw.randrange(len(ALTERED) + 4)
        match kind - len(ALTERED):
            case 0:  # replayed under a fresh nonce
                assert isinstance(desk.signer.decide(real.ask(), NOW_MS).answer, Signed)
                name, ask, at_ms = "replayed", real._replace(nonce=real.nonce + 10**6).ask(), NOW_MS
            case 1:
                name, at_ms = "expired", real.ticket.expires_ns // MS
                ask = real._replace(expires_after_ms=at_ms + 1).ask()
            case 2:
                name, ask, at_ms = "missing", msgspec.structs.replace(real.ask(), tickets=()), NOW_MS
            case 3:
                name, at_ms = "doubled", NOW_MS
                ask = msgspec.structs.replace(real.ask(), tickets=(real.ticket, real.ticket))
            case _:
                alter = ALTERED[kind]
                name, ask, at_ms = alter.__name__, alter(real).ask(), NOW_MS
        decision = desk.signer.decide(ask, at_ms)
        assert isinstance(decision.answer, Refused), name
        assert decision.answer.reason.startswith(NOT_APPROVED), (name, decision.answer.reason)
        assert decision.spent is None
        refused[name] += 1
        if name != "replayed":
            assert isinstance(desk.signer.decide(real.ask(), NOW_MS).answer, Signed), name
    assert sum(refused.values()) == FORGERIES
    assert len(refused) == len(ALTERED) + 4, "each kind was tried"


def test_without_the_key_the_officer_approves_in_vain() -> None:
    """An officer that was given no key seals nothing, and the signer takes nothing of it."""
    desk = Desk()
    desk.risk._approval_key = None
    decision = desk.signer.decide(desk.approved(1, random.Random(1)).ask(), NOW_MS)
    assert isinstance(decision.answer, Refused)


def test_spent_approvals_stay_spent_in_the_file(tmp_path: Path) -> None:
    """Written with the nonce before the signature leaves: a new signer with the same key refuses them."""
    store = NonceStore(tmp_path / "n.sqlite", "0x1")
    desk = Desk(TicketBook(KEY, store.approvals(KEY.name)), store.book())
    real = desk.approved(1, random.Random(3))
    decision = desk.signer.decide(real.ask(), NOW_MS)
    assert decision.spent is not None
    store.keep(decision.spent, desk.signer.approval_key_name, decision.approval_ids)
    store.close()
    again = NonceStore(tmp_path / "n.sqlite", "0x1")
    assert again.approvals(KEY.name) == [real.ticket.approval_id]
    assert again.approvals(ApprovalKey(b"\x06" * 32).name) == []
    born = Desk(TicketBook(KEY, again.approvals(KEY.name)), again.book())
    assert born.signer.decide(real.ask(), NOW_MS).answer == decision.answer, "the same question has the same answer"
    replayed = born.signer.decide(real._replace(nonce=real.nonce + 1).ask(), NOW_MS).answer
    assert isinstance(replayed, Refused)
    assert "spent" in replayed.reason
    again.close()


def test_a_book_that_forgot_refuses_what_is_older() -> None:
    """Ids below all that are remembered count as spent."""
    book = TicketBook(KEY, range(1, 10), remembered=4)
    desk = Desk(book)
    real = desk.approved(1, random.Random(3))
    assert real.ticket.approval_id == 1
    answer = desk.signer.decide(real.ask(), NOW_MS).answer
    assert isinstance(answer, Refused)
    assert "older" in answer.reason


def test_a_new_signer_refuses_what_the_file_forgot(tmp_path: Path) -> None:
    """The file keeps as many ids as the book, so one below all that it gave may have been spent."""
    store = NonceStore(tmp_path / "n.sqlite", "0x1")
    spent = [Spent(nonce, bytes(32)) for nonce in range(1, REMEMBERED + 1_025)]
    for entry in spent:
        store.keep(entry, KEY.name, (entry.nonce,))
    kept = store.approvals(KEY.name)
    store.close()
    assert 1 not in kept, "forgotten"
    real = (desk := Desk(TicketBook(KEY, kept))).approved(1, random.Random(3))
    answer = desk.signer.decide(real.ask(), NOW_MS).answer
    assert isinstance(answer, Refused)
    assert "older" in answer.reason


def test_only_a_signer_that_can_but_reduce_needs_no_approval() -> None:
    """The watchdog's policy caps what adds at nothing; with any other cap a signer without approvals is not made."""
    agent, reducing = AgentKey(b"\x07" * 32, Network.TESTNET), msgspec.structs.replace(POLICY, max_notional_usd=0)
    with pytest.raises(InvariantError):
        Signer(POLICY, agent, NonceBook(), None)
    real = Desk().approved(1, random.Random(4))
    watchdog = Signer(reducing, agent, NonceBook(), None)
    assert isinstance(watchdog.decide(real.ask(), NOW_MS).answer, Refused)
    assert isinstance(watchdog.decide(real.with_entry(reduce_only=True).ask(), NOW_MS).answer, Signed)


def test_the_key_shows_itself_to_nobody(tmp_path: Path) -> None:
    """Neither its text nor its state tells the secret, nor does the officer's snapshot, nor does it travel."""
    assert "05" not in repr(KEY)
    assert str(KEY) == "ApprovalKey(***)"
    with pytest.raises(TypeError):
        KEY.__reduce__()
    desk = Desk()
    say(desk.risk, features())
    assert b"\x05" * 32 not in msgspec.msgpack.encode(desk.risk.state)
