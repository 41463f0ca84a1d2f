"""The Security Architect where an order may have been signed before, by a process that died."""

from __future__ import annotations

import msgspec
import pytest

from hats.security_architect.actions import SIGNER_SAYS
from hats.security_architect.measures import NONCES_UNIQUE
from shared.ids import Role
from shared.mailbox import BATCH_LETTERS_MAX
from shared.messages import AnyMessage
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered, Started, WakeAt, Woke
from shared.messages.order import ActionKind, FenceOrder, SignatureRefused, SignRequest
from shared.messages.risk import TradingState, TradingStateChanged
from shared.succession import REPEAT_TIMER
from shared.units import SECOND, Ns, Px
from tests.unit.hats.security_architect.test_logic import NOW, answer, approval, order, samples, signed, told


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
    """After a crash unanswered requests, marked, and the newest records are said again; nothing is forgotten.

    Requests wait until what was said before is heard: what was refused meanwhile must not be signed after all, and what
    was asked since is at the signer.
    """
    approvals = [approval(number) for number in range(1, 6)]
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), *approvals)
    lost, answered_one, refused, *_ = [answer(hat, order(approved)) for approved in approvals[:3]]
    assert isinstance(answered_one, SignRequest)
    hat.handle(signed(answered_one), NOW)
    before, later = list(hat.state.recent), Ns(NOW + SECOND)
    said = list(hat.handle(Started(Role.SECURITY_ARCHITECT, 9, later), later))
    assert said[:2] == [WakeAt(later, REPEAT_TIMER), WakeAt(Ns(later + SECOND), "measures")]
    assert said[2:-1] == before
    assert len(before) == 7
    assert isinstance(answer(hat, order(approvals[3]), later), SignRequest)
    assert isinstance(refused, SignRequest)
    hat.handle(SignatureRefused(ActionKind.ORDER, refused.cloid, f"{SIGNER_SAYS} no"), later)
    assert isinstance(lost, SignRequest)
    again = list(hat.handle(Woke(Role.SECURITY_ARCHITECT, REPEAT_TIMER, later), later))
    assert again == [msgspec.structs.replace(lost, is_repeated=True)]
    assert isinstance(answer(hat, order(approvals[4]), later), SignRequest)


def test_a_second_death_asks_again_only_for_what_the_first_wake_up_meant() -> None:
    """The wake-up of one start may come after the next start: what was asked between them may have been refused."""
    first, second = approval(1), approval(2)
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), first, second)
    lost, started = answer(hat, order(first)), Ns(NOW + SECOND)
    list(hat.handle(Started(Role.SECURITY_ARCHITECT, 9, started), started))
    later = Ns(started + SECOND)
    answer(hat, order(second), Ns(started + 1))
    list(hat.handle(Started(Role.SECURITY_ARCHITECT, 9, later), later))
    again = list(hat.handle(Woke(Role.SECURITY_ARCHITECT, REPEAT_TIMER, started), later))
    assert isinstance(lost, SignRequest)
    assert again == [msgspec.structs.replace(lost, is_repeated=True)]


@pytest.mark.parametrize(
    "meanwhile",
    [
        [KillOrdered(KillLevel.PAUSE, "test")],
        [KillOrdered(KillLevel.PAUSE, "test"), ResumeOrdered("test")],
        [TradingStateChanged(TradingState.REDUCING, "test")],
    ],
)
def test_a_refusal_of_what_a_dead_process_may_have_had_signed_proves_nothing(meanwhile: list[AnyMessage]) -> None:
    """Its batch comes again after a kill: refused now, signed then. What no batch could hold besides never was."""
    approvals = [approval(number) for number in range(1, BATCH_LETTERS_MAX + 2)]
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), *approvals)
    for message in (*meanwhile, Started(Role.SECURITY_ARCHITECT, 9, NOW)):
        list(hat.handle(message, NOW))
    refused = [answer(hat, order(approved)) for approved in approvals]
    doubts = [one.is_doubtful for one in refused if isinstance(one, SignatureRefused)]
    assert doubts == [True] * BATCH_LETTERS_MAX + [False]


@pytest.mark.parametrize(("woke_ns", "is_doubtful"), [(NOW, False), (Ns(NOW - 1), True)])
def test_what_comes_after_all_that_a_dead_process_was_told_was_never_signed(woke_ns: Ns, is_doubtful: bool) -> None:
    """That the wake-up of this start tells, not one of a start before it."""
    approved = approval()
    hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), approved, KillOrdered(KillLevel.PAUSE, "test"))
    list(hat.handle(Started(Role.SECURITY_ARCHITECT, 9, NOW), NOW))
    list(hat.handle(Woke(Role.SECURITY_ARCHITECT, REPEAT_TIMER, woke_ns), NOW))
    refused = answer(hat, order(approved))
    assert isinstance(refused, SignatureRefused)
    assert refused.is_doubtful is is_doubtful


def test_a_nonce_of_a_dead_process_is_no_alarm_and_no_nonce_of_another() -> None:
    """Its batch comes again with the signature that it got: the next one is above that."""
    approved = approval()
    dead, hat = told(Started(Role.SECURITY_ARCHITECT, 9, NOW), approved), told(approved)
    first = answer(dead, order(approved))
    assert isinstance(first, SignRequest)
    for message in (Started(Role.SECURITY_ARCHITECT, 9, NOW), order(approved), signed(first)):
        list(hat.handle(message, NOW))
    ((_, again),) = hat.settle(NOW)
    assert isinstance(again, SignRequest)
    assert again.nonce > first.nonce
    assert NONCES_UNIQUE not in samples(hat, NOW)


def test_who_was_asked_nothing_repeats_nothing() -> None:
    """Neither at its first start nor after one that found all answered."""
    hat = told()
    assert WakeAt(NOW, REPEAT_TIMER) not in hat.handle(Started(Role.SECURITY_ARCHITECT, 9, NOW), NOW)
    assert WakeAt(NOW, REPEAT_TIMER) in hat.handle(Started(Role.SECURITY_ARCHITECT, 9, NOW), NOW)
    assert list(hat.handle(Woke(Role.SECURITY_ARCHITECT, REPEAT_TIMER, NOW), NOW)) == []
