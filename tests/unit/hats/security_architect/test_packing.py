"""What was asked for together is signed as few actions, and nothing shares one that should not."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hats.security_architect import SecurityArchitect, Settings
from hats.security_architect.actions import BatchModify, CancelByCloid, Order, read_action
from hats.security_architect.packing import Piece, action_of, packs
from shared.ids import Cloid, StrategyId, cloid_for
from shared.messages.order import (
    ActionKind,
    CancelOrder,
    FenceOrder,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
)
from shared.messages.risk import OrderApproved
from shared.messages.signal import OrderIntent
from shared.order import Side, Tif, Trigger, TriggerKind
from shared.units import MS, SECOND, Ns, Px, Sz

NOW: Final = Ns(1_000_000 * SECOND)


def order(number: int, tif: Tif = Tif.ALO, *, replaces: Cloid | None = None, reduce_only: bool = False) -> SubmitOrder:
    """The `number`-th order."""
    return SubmitOrder(
        cloid_for(1, 1, number), number, "BTC", 0, 5, Side.BUY, Px(500_000), Sz(20), tif, reduce_only, replaces,
        Ns(NOW + number * MS),
    )  # fmt: skip


def cancel(number: int) -> CancelOrder:
    """The cancel of the `number`-th order."""
    return CancelOrder(cloid_for(1, 1, number), "BTC", 0, Ns(NOW + SECOND))


def stop(number: int) -> SubmitOrder:
    """A stop."""
    plain = order(number, Tif.IOC, reduce_only=True)
    return msgspec.structs.replace(plain, how=Trigger(Px(450_000), TriggerKind.STOP_LOSS))


def pieces(*asked: SubmitOrder | CancelOrder) -> list[Piece]:
    """As they wait to be signed."""
    return [Piece(index, each) for index, each in enumerate(asked)]


def told(hat: SecurityArchitect, *asked: SubmitOrder) -> list[SignRequest]:
    """What the Hat asks its signer for when these were approved and come in one batch."""
    for each in asked:
        intent = OrderIntent(
            each.cloid, StrategyId("mm"), each.coin, each.side, each.px, each.sz, each.tif, each.reduce_only,
            each.replaces, NOW, "test", each.how,
        )  # fmt: skip
        hat.handle(OrderApproved(intent, each.approval_id, Ns(NOW + 2 * SECOND), b"seal"), NOW)
        assert not [m for m in hat.handle(each, NOW) if isinstance(m, SignatureRefused)]
    requests = [request for _, request in hat.settle(NOW)]
    return [request for request in requests if isinstance(request, SignRequest)]


def test_each_sort_has_an_action_of_its_own_in_the_order_of_the_first() -> None:
    """Post-only, taking, reducing, stops, replacements and cancels are kept apart."""
    mixed = pieces(
        order(1), order(2, Tif.IOC), order(3), cancel(90), stop(4), order(5, Tif.IOC, reduce_only=True),
        order(6, replaces=cloid_for(1, 1, 91)), cancel(92), order(7, Tif.GTC),
    )  # fmt: skip
    numbers = [[int(cloid[22:], 16) for cloid in pack.cloids] for pack in packs(mixed, 20)]
    assert numbers == [[1, 3], [2, 7], [90, 92], [4], [5], [6]]


@given(st.lists(st.sampled_from(list(Tif)), max_size=60), st.integers(1, 20))
def test_nothing_is_lost_doubled_or_too_large(tifs: list[Tif], most: int) -> None:
    """Every piece is in one pack, in its order among its sort; no pack is larger than allowed or could be joined."""
    given_pieces = pieces(*(order(number, tif) for number, tif in enumerate(tifs)))
    made = packs(given_pieces, most)
    assert sorted(piece.index for pack in made for piece in pack.pieces) == list(range(len(tifs)))
    for tif in Tif:
        of_sort = [p for pack in made for p in pack.pieces if p.sort == Piece(0, order(0, tif)).sort]
        assert [p.index for p in of_sort] == sorted(p.index for p in of_sort)
    assert all(1 <= len(pack.pieces) <= most for pack in made)
    sorts = {pack.pieces[0].sort for pack in made}
    assert sum(len(pack.pieces) < most for pack in made) <= len(sorts)


@pytest.mark.parametrize(("asked", "kind"), [
    ([order(1), order(2)], Order),
    ([order(3, replaces=cloid_for(1, 1, 9)), order(4, replaces=cloid_for(1, 1, 8))], BatchModify),
    ([cancel(5), cancel(6)], CancelByCloid),
])  # fmt: skip
def test_an_action_carries_all_of_its_pieces(asked: list[SubmitOrder | CancelOrder], kind: type) -> None:
    """In their order."""
    (pack,) = packs(pieces(*asked), 20)
    action = action_of(pack)
    assert isinstance(action, kind)
    assert isinstance(action, Order | BatchModify | CancelByCloid)
    entries = action.orders if isinstance(action, Order) else ()
    if isinstance(action, CancelByCloid):
        assert [entry.cloid for entry in action.cancels] == [each.cloid for each in asked]
    elif isinstance(action, BatchModify):
        assert [entry.order.cloid for entry in action.modifies] == [each.cloid for each in asked]
    else:
        assert [entry.cloid for entry in entries] == [each.cloid for each in asked]


def test_a_batch_is_signed_once_with_a_ticket_an_order_and_lives_no_longer_than_any() -> None:
    """One nonce, the earliest deadline, the seals in the order of the entries."""
    hat = SecurityArchitect(Settings())
    (request,) = told(hat, order(3), order(1), order(2))
    assert request.cloids == tuple(cloid_for(1, 1, number) for number in (3, 1, 2))
    assert [ticket.approval_id for ticket in request.tickets] == [3, 1, 2]
    assert request.expires_after_ms == (NOW + MS) // MS
    action = read_action(request.action)
    assert isinstance(action, Order)
    assert len(action.orders) == 3
    assert not hat.state.waiting
    assert not list(hat.settle(NOW))


def test_what_is_fresh_does_not_expire_with_what_is_old() -> None:
    """A closing order that shared the last moments of an older reducing one would have to be tried again."""
    reducing = [
        msgspec.structs.replace(order(number, Tif.IOC, reduce_only=True), expires_ns=Ns(NOW + left_ms * MS))
        for number, left_ms in enumerate((30, 2_000, 20, 1_990, 40))
    ]
    made = packs(pieces(*reducing), 20)
    assert [[piece.index for piece in pack.pieces] for pack in made] == [[0, 2, 4], [1, 3]]
    assert [pack.expires_ns for pack in made] == [NOW + 20 * MS, NOW + 1_990 * MS]


def test_a_fence_is_of_the_whole_batch() -> None:
    """They share the nonce, so what holds one off holds off all, and all hear of it."""
    hat = SecurityArchitect(Settings())
    (request,) = told(hat, order(1), order(2))
    hat.handle(SignedAction(request.kind, request.cloid, request.nonce, 1_000, b"", 0, request.mates), NOW)
    (fence,) = hat.handle(FenceOrder(cloid_for(1, 1, 2)), NOW)
    assert isinstance(fence, SignRequest)
    assert (fence.kind, fence.nonce, fence.cloids) == (ActionKind.FENCE, request.nonce, request.cloids)


def test_one_that_is_refused_leaves_the_others() -> None:
    """An order without an approval does not take its neighbours with it."""
    hat = SecurityArchitect(Settings())
    (refusal,) = hat.handle(order(9), NOW)
    assert isinstance(refusal, SignatureRefused)
    (request,) = told(hat, order(1), order(2))
    assert len(request.cloids) == 2


def test_each_by_itself_when_told_so() -> None:
    """`entries_max = 1`."""
    hat = SecurityArchitect(Settings(entries_max=1))
    assert [request.mates for request in told(hat, order(1), order(2))] == [(), ()]
