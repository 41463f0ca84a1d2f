"""One coin's worst case, against trying out every order of fills."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.risk_oversight_officer.exposure import Exposure, LiveOrder
from shared.ids import Cloid, StrategyId
from shared.order import Side
from shared.units import Ns, Px

ORDERS = st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(1, 5), st.booleans()), max_size=4)


@settings(max_examples=200)
@given(st.integers(-6, 6), ORDERS)
def test_worst_is_the_worst_of_all_orders_of_fills(net_sz: int, orders: list[tuple[Side, int, bool]]) -> None:
    """No order in which the open orders fill goes further than `worst` says, and one goes that far."""
    exposure = Exposure(net_sz=net_sz)
    for n, (side, sz, reduce_only) in enumerate(orders):
        exposure.reserve(Cloid(str(n)), LiveOrder(StrategyId("s"), side, Px(1), sz, sz, reduce_only, Ns(0)))
    reached = [net_sz]
    for order in permutations(orders):
        held = net_sz
        for side, sz, reduce_only in order:
            closing = max(-side.value * held, 0)
            held += side.value * (min(sz, closing) if reduce_only else sz)
            reached.append(held)
    long_only = [o for o in orders if o[0] is Side.BUY]
    short_only = [o for o in orders if o[0] is Side.SELL]
    worst = exposure.worst()
    assert max(reached) <= max(worst.long, net_sz)
    assert -min(reached) <= max(worst.short, -net_sz)
    assert worst.long == _reach(net_sz, long_only)
    assert worst.short == -_reach(net_sz, short_only)


def _reach(net_sz: int, orders: list[tuple[Side, int, bool]]) -> int:
    """Where orders of one side lead when the reduce-only ones fill first."""
    held = net_sz
    for side, sz, reduce_only in sorted(orders, key=lambda order: not order[2]):
        held += side.value * (min(sz, max(-side.value * held, 0)) if reduce_only else sz)
    return held


@given(st.integers(-20, 20), ORDERS, st.sampled_from(list(Side)), st.integers(1, 9), st.booleans())
def test_worst_with_is_worst_after_reserving(
    net_sz: int, orders: list[tuple[Side, int, bool]], side: Side, sz: int, reduce_only: bool
) -> None:
    """Asking what an order would do gives what it does, and asking changes nothing."""
    exposure = Exposure(net_sz=net_sz)
    for n, (other, other_sz, other_reduces) in enumerate(orders):
        live = LiveOrder(StrategyId("s"), other, Px(1), other_sz, other_sz, other_reduces, Ns(0))
        exposure.reserve(Cloid(str(n)), live)
    before = exposure.worst()
    asked = exposure.worst_with(side, sz, reduce_only)
    assert exposure.worst() == before
    exposure.reserve(Cloid("new"), LiveOrder(StrategyId("s"), side, Px(1), sz, sz, reduce_only, Ns(0)))
    assert exposure.worst() == asked
    assert exposure.drift() == 0


def test_an_order_never_grows_back() -> None:
    """A late word about more left than was known before changes nothing."""
    exposure = Exposure()
    exposure.reserve(Cloid("a"), LiveOrder(StrategyId("s"), Side.BUY, Px(1), 10, 10, False, Ns(0)))
    exposure.shrink(Cloid("a"), 4)
    exposure.shrink(Cloid("a"), 9)
    assert exposure.worst().long == 4
    exposure.release(Cloid("a"))
    assert exposure.worst().sz == 0
