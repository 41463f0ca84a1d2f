"""The budgets: what matters more always finds room, and no minute is overspent."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.budget import HELD_NS, PROOF, SHARE_PERCENT, AddressBudget, Budget, Hold, Priority
from shared.ids import Cloid
from shared.units import MINUTE, MS, SECOND, Ns

LIMIT = 100
CLOIDS = tuple(Cloid(f"0x{number:032x}") for number in range(4))
ENTRY_PROOF = 4

waits_ms = st.integers(0, 30_000)
weights = st.integers(1, 40)
spends = st.tuples(st.just("spend"), weights, st.sampled_from(Priority))
entries = st.tuples(st.just("enter"), weights, st.sampled_from(CLOIDS))
doubts = st.tuples(st.just("hold"), weights, st.sampled_from(CLOIDS))
proofs = st.tuples(st.just("prove"), weights, st.sampled_from(CLOIDS))
ends = st.tuples(st.just("release"), st.just(0), st.sampled_from(CLOIDS))
attempts = st.lists(st.tuples(waits_ms, st.one_of(spends, entries, doubts, proofs, ends)), max_size=60)
Attempts = list[tuple[int, tuple[str, int, Priority | Cloid]]]


class Played(msgspec.Struct):
    """A budget that was used at random; what was spent of it, by whom and when, and what was refused to cancels."""

    budget: Budget
    now: Ns = Ns(0)
    spent: list[tuple[int, int, Priority]] = []

    def last_minute(self, *priorities: Priority) -> int:
        """What these spent in the minute that ends now."""
        return sum(weight for at, weight, by in self.spent if at > self.now - MINUTE and by in priorities)


def step(played: Played, kind: str, weight: int, who: Priority | Cloid) -> None:
    """One attempt; what it spends is noted."""
    budget, now = played.budget, played.now
    if isinstance(who, Priority):
        if budget.try_spend(weight, who, now):
            played.spent.append((now, weight, who))
        return
    match kind:
        case "enter":
            if budget.try_spend(weight, Priority.ENTER, now, and_leave=ENTRY_PROOF):
                played.spent.append((now, weight, Priority.ENTER))
                budget.hold(who, ENTRY_PROOF, Ns(now + HELD_NS), now)
                assert budget.holds[who].weight >= ENTRY_PROOF
        case "hold":
            budget.hold(who, weight, Ns(now + HELD_NS), now)
        case "prove":
            budget.held(now)  # lets go of what is over
            held = budget.holds[who].weight if who in budget.holds else 0
            is_paid_before = weight <= max(budget.room(Priority.RECONCILE, now), held)
            if budget.try_prove(who, weight, now):
                played.spent.append((now, weight, Priority.RECONCILE if is_paid_before else PROOF))
        case "release":
            budget.release(who)


def play(script: Attempts) -> Played:
    """A budget after all of the script."""
    played = Played(Budget(LIMIT))
    for wait_ms, (kind, weight, who) in script:
        played.now = Ns(played.now + wait_ms * MS)
        step(played, kind, weight, who)
        total = played.last_minute(*Priority)
        assert total + played.budget.held(played.now) <= LIMIT, "never over the venue's limit, whatever is claimed"
    return played


@given(attempts)
def test_no_rolling_minute_is_overspent(script: Attempts) -> None:
    """Whatever is tried, the weight of any minute and all that is held of it stay within the limit."""
    play(script)


@given(attempts, st.permutations(CLOIDS))
def test_what_is_held_for_a_proof_can_be_paid(script: Attempts, order: list[Cloid]) -> None:
    """All the proofs that are held, one after the other and in any order, whatever else was spent before."""
    played = play(script)
    played.budget.held(played.now)
    holds = {cloid: hold.weight for cloid, hold in played.budget.holds.items()}
    assert played.budget.try_spend(max(played.budget.room(Priority.KILL, played.now), 0), Priority.KILL, played.now)
    for cloid in order:
        assert cloid not in holds or played.budget.try_prove(cloid, holds[cloid], played.now)


@given(attempts, st.integers(1, 15))
def test_no_cancel_is_refused_for_what_is_worth_less(script: Attempts, weight: int) -> None:
    """Cancels, what reduces and proofs that nothing was held for have 15 % of any minute, whatever others take.

    The proofs can't take all of it, and that is the next one.
    """
    played = play(script)
    own = played.last_minute(Priority.REDUCE, Priority.CANCEL, Priority.KILL)
    if own + weight <= (SHARE_PERCENT[Priority.CANCEL] - SHARE_PERCENT[Priority.RECONCILE]) * LIMIT // 100:
        assert played.budget.try_spend(weight, Priority.CANCEL, played.now)


@given(attempts, st.integers(1, 5))
def test_no_cancel_is_refused_for_what_reduces_or_proves(script: Attempts, weight: int) -> None:
    """The last 5 % are theirs and the kill's."""
    played = play(script)
    own = played.last_minute(Priority.CANCEL, Priority.KILL)
    if own + weight <= (SHARE_PERCENT[Priority.CANCEL] - SHARE_PERCENT[PROOF]) * LIMIT // 100:
        assert played.budget.try_spend(weight, Priority.CANCEL, played.now)


@given(attempts, st.integers(1, 40), st.sampled_from(Priority))
def test_room_is_promised_truly(script: Attempts, weight: int, priority: Priority) -> None:
    """`room_ns` names a moment at which the spending succeeds, and none is refused before it needlessly long."""
    played = play(script)
    budget, now = played.budget, played.now
    room = budget.room_ns(weight, priority, now)
    assert now <= room <= now + MINUTE + SECOND
    if room > now:
        early = msgspec.convert(msgspec.to_builtins(budget), Budget)
        assert not early.try_spend(weight, priority, Ns(room - 1))
    assert budget.try_spend(weight, priority, room)


def test_entries_wait_before_a_proof_does() -> None:
    """With so much in doubt that no proof is left to pay, nothing is entered; cancels go, and proofs do."""
    budget = Budget(100)
    for cloid in CLOIDS:
        budget.hold(cloid, 20, Ns(10 * SECOND), Ns(0))
    assert budget.held(Ns(0)) == 80
    assert not budget.try_spend(1, Priority.ENTER, Ns(0))
    assert not budget.try_spend(1, Priority.RECONCILE, Ns(0)), "another read waits, too"
    assert budget.try_spend(15, Priority.CANCEL, Ns(0))
    assert budget.try_prove(CLOIDS[0], 20, Ns(0))
    assert not budget.try_prove(CLOIDS[0], 1, Ns(0)), "its own is used up, and nobody else's is touched"
    budget.release(CLOIDS[1])
    assert budget.try_prove(CLOIDS[0], 1, Ns(0))
    assert budget.held(Ns(10 * SECOND)) == 0


def test_a_proof_that_nothing_was_held_for_takes_no_weight_of_cancels() -> None:
    """A cancel that left beyond RECONCILE's share is proven while there is room for what reduces, and not beyond."""
    budget = Budget(100)
    assert budget.try_spend(80, Priority.RECONCILE, Ns(0))
    budget.hold(CLOIDS[0], 4, Ns(9), Ns(0))
    assert not budget.holds
    assert budget.try_prove(CLOIDS[0], 10, Ns(0))
    assert not budget.try_prove(CLOIDS[0], 1, Ns(0))
    assert budget.try_spend(5, Priority.CANCEL, Ns(0))


def test_a_hold_is_topped_up_and_never_shortened() -> None:
    """What a proof has used is held anew while it is asked about; a second hold neither adds nor takes away."""
    budget = Budget(100)
    budget.hold(CLOIDS[0], 4, Ns(9), Ns(0))
    budget.hold(CLOIDS[0], 2, Ns(5), Ns(0))
    assert budget.holds == {CLOIDS[0]: Hold(4, Ns(9))}
    assert budget.try_spend(76, Priority.RECONCILE, Ns(0))
    assert budget.try_prove(CLOIDS[0], 2, Ns(0))
    budget.hold(CLOIDS[0], 4, Ns(12), Ns(0))
    assert budget.holds == {CLOIDS[0]: Hold(2, Ns(12))}, "there is no room for more"


def test_a_lower_priority_leaves_room_for_a_higher() -> None:
    """When entering has used its share, cancels and kills still pass."""
    budget = Budget(1_200)
    while budget.try_spend(1, Priority.ENTER, Ns(0)):
        pass
    assert budget.spent(Ns(0)) == 840
    assert not budget.try_spend(1, Priority.READ, Ns(0))
    assert budget.try_spend(1, Priority.REDUCE, Ns(0))
    assert budget.try_spend(1, Priority.CANCEL, Ns(0))


def test_shares_follow_the_order_of_priorities() -> None:
    """kill > cancel > reduce > reconcile > enter > read."""
    shares = [SHARE_PERCENT[priority] for priority in sorted(Priority, reverse=True)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 100


def test_what_was_spent_is_charged_even_without_room() -> None:
    """Facts are counted, not refused, for a minute."""
    budget = Budget(100)
    budget.charge(250, Ns(0))
    assert budget.spent(Ns(0)) == 250
    assert budget.spent(Ns(MINUTE + 2 * SECOND)) == 0


def test_the_address_keeps_a_reserve_for_closing() -> None:
    """Entering leaves the reserve, reducing may use it up, cancels always pass; unknown is no limit."""
    address = AddressBudget(cap=100, reserve=30)
    while address.has_room(Priority.ENTER):
        address.charge()
    assert address.used == 70
    while address.has_room(Priority.REDUCE):
        address.charge()
    assert address.used == 100
    assert address.has_room(Priority.CANCEL, 100)
    assert address.has_room(Priority.KILL)
    assert AddressBudget(cap=None, reserve=30).has_room(Priority.ENTER)


def test_the_venues_count_holds() -> None:
    """What the venue says replaces what was counted here."""
    address = AddressBudget(cap=None, reserve=10)
    address.learn(9_985, 10_000)
    assert [address.has_room(Priority.ENTER, entries) for entries in (5, 6)] == [True, False]
    address.learn(9_990, 10_500)
    assert address.has_room(Priority.ENTER, 6)
