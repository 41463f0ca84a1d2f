"""The budgets: what matters more always finds room, and no minute is overspent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.budget import SHARE_PERCENT, AddressBudget, Budget, Priority
from shared.units import MINUTE, MS, SECOND, Ns

spends = st.lists(st.tuples(st.integers(0, 30_000), st.integers(1, 40), st.sampled_from(Priority)), max_size=60)


@given(spends)
def test_no_rolling_minute_is_overspent(attempts: list[tuple[int, int, Priority]]) -> None:
    """Whatever is tried, the weight of any minute stays within the limit."""
    budget, now, spent = Budget(100), 0, []
    for wait_ms, weight, priority in attempts:
        now += wait_ms * MS
        if budget.try_spend(weight, priority, Ns(now)):
            spent.append((now, weight))
        assert sum(weight for at, weight in spent if at > now - MINUTE) <= 100


@given(spends, st.integers(1, 40), st.sampled_from(Priority))
def test_room_is_promised_truly(attempts: list[tuple[int, int, Priority]], weight: int, priority: Priority) -> None:
    """`room_ns` names a moment at which the spending succeeds, and none is refused before it needlessly long."""
    budget, now = Budget(100), 0
    for wait_ms, tried, by in attempts:
        now += wait_ms * MS
        budget.try_spend(tried, by, Ns(now))
    room = budget.room_ns(weight, priority, Ns(now))
    assert now <= room <= now + MINUTE + SECOND
    assert budget.try_spend(weight, priority, room)


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
    while address.try_spend(Priority.ENTER):
        pass
    assert address.used == 70
    while address.try_spend(Priority.REDUCE):
        pass
    assert address.used == 100
    for _ in range(100):
        assert address.try_spend(Priority.CANCEL)
    assert AddressBudget(cap=None, reserve=30).try_spend(Priority.ENTER)


def test_the_venues_count_holds() -> None:
    """What the venue says replaces what was counted here."""
    address = AddressBudget(cap=None, reserve=10)
    address.learn(9_985, 10_000)
    assert [address.try_spend(Priority.ENTER) for _ in range(6)] == [True] * 5 + [False]
    address.learn(9_990, 10_500)
    assert address.try_spend(Priority.ENTER)
