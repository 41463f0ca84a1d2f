"""The Security Architect where an order may have been signed before, by a process that died."""

from __future__ import annotations

import msgspec
import pytest

from shared.ids import Role
from shared.messages.control import Started, WakeAt
from shared.messages.order import ActionKind, FenceOrder, SignatureRefused, SignRequest
from shared.units import SECOND, Ns, Px
from tests.unit.hats.security_architect.test_logic import NOW, answer, approval, order, signed, told


def test_a_fence_takes_the_nonce_under_which_the_order_was_signed() -> None:
    """Asked for again after a crash, under another nonce, and refused, for its approval is spent: the first counts.

    A noop under the second nonce would be taken by the venue and prove nothing.
    """
    approved = approval()
    cloid, before = approved.intent.cloid, answer(told(approved), order(approved))
    hat = told(approved)
    again = answer(hat, order(approved), NOW + SECOND)
    assert isinstance(before, SignRequest)
    assert isinstance(again, SignRequest)
    assert again.nonce != before.nonce
    hat.handle(SignatureRefused(ActionKind.ORDER, cloid, "signer approval 1: spent", is_doubtful=True), NOW)
    hat.handle(signed(before), NOW)
    fence = answer(hat, FenceOrder(cloid))
    assert isinstance(fence, SignRequest)
    assert fence.nonce == before.nonce


@pytest.mark.parametrize(("late_ns", "is_doubtful"), [(0, False), (11 * SECOND, True)])
def test_a_refusal_after_its_time_proves_nothing(late_ns: int, is_doubtful: bool) -> None:
    """It may have been signed in time by a process that died before the journal had it."""
    refused = answer(told(approval()), order(approval(), px=Px(1)), NOW + late_ns)
    assert isinstance(refused, SignatureRefused)
    assert refused.is_doubtful is is_doubtful


def test_started_says_again_what_may_be_lost() -> None:
    """After a crash unanswered requests, marked, and the newest records are said again; nothing is forgotten."""
    first, second, third = approval(1), approval(2), approval(3)
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), first, second, third)
    lost, answered_one = answer(hat, order(first)), answer(hat, order(second))
    assert isinstance(answered_one, SignRequest)
    hat.handle(signed(answered_one), NOW)
    before = list(hat.state.recent)
    said = list(hat.handle(Started(Role.SECURITY_ARCHITECT, 9, NOW), NOW))
    assert isinstance(lost, SignRequest)
    assert said[:2] == [msgspec.structs.replace(lost, is_repeated=True), WakeAt(Ns(NOW + SECOND), "measures")]
    assert said[2:-1] == before
    assert len(before) == 5
    assert isinstance(answer(hat, order(third)), SignRequest)
