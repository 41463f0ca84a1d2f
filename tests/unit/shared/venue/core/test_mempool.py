"""The sequence of a block (fact sheet 4.5)."""

from __future__ import annotations

from shared.units import MS, Ns, Px, Sz
from shared.venue.core.commands import (
    CancelOrders,
    Command,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    Tif,
    UpdateLeverage,
)
from shared.venue.core.mempool import CANCELS, NEVER, QUIET, TAKING, Mempool, class_of


def one(tif: Tif) -> OrderSpec:
    """Any order of this time in force."""
    return OrderSpec(4, True, Px(100), Sz(1), False, tif)


ALO: Command = PlaceOrders("a", (one(Tif.ALO),))
GTC: Command = PlaceOrders("b", (one(Tif.ALO), one(Tif.GTC)))
IOC: Command = PlaceOrders("c", (one(Tif.IOC),))
CANCEL: Command = CancelOrders("d", ())
LEVERAGE: Command = UpdateLeverage("e", 4, 3, True)


def test_classes() -> None:
    """A batch with one GTC takes; a modify is what its new order is."""
    modify = [ModifyOrders("a", (ModifySpec(1, one(tif)),)) for tif in (Tif.ALO, Tif.GTC)]
    found = [class_of(command) for command in (ALO, GTC, IOC, CANCEL, LEVERAGE, *modify)]
    assert found == [QUIET, TAKING, TAKING, CANCELS, QUIET, QUIET, TAKING]


def test_a_block_runs_quiet_then_cancels_then_takers_each_in_order_of_arrival() -> None:
    """Whatever the order of arrival inside 70 ms."""
    pool = Mempool(70, 0)
    for command in (IOC, CANCEL, GTC, ALO, LEVERAGE):
        pool.add(command, Ns(10 * MS))
    assert (pool.due_ns, pool.take(Ns(69 * MS))) == (70 * MS, None)
    taken = pool.take(Ns(70 * MS))
    assert taken is not None
    assert [waiting.command for waiting in taken[1]] == [ALO, LEVERAGE, CANCEL, IOC, GTC]
    assert [waiting.ticket for waiting in taken[1]] == [4, 5, 2, 1, 3]
    assert pool.due_ns == NEVER


def test_takers_are_held_back() -> None:
    """A cancel that arrives within the delay after an IOC runs in an earlier block."""
    pool = Mempool(70, 300)
    pool.add(IOC, Ns(0))
    pool.add(CANCEL, Ns(200 * MS))
    first, second = pool.take(Ns(1_000 * MS)), pool.take(Ns(1_000 * MS))
    assert first is not None
    assert second is not None
    assert (first[0], first[1][0].command, second[0], second[1][0].command) == (210 * MS, CANCEL, 350 * MS, IOC)
