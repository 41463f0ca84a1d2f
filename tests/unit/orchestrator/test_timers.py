"""Timers wake in order, once, and the latest word holds."""

from __future__ import annotations

from orchestrator.timers import Timers
from shared.ids import Role

QS, EM = Role.QUANT_STRATEGIST, Role.EXECUTION_MANAGER


def test_due_in_order_of_time_then_of_asking() -> None:
    """Earlier first; at equal times who asked first."""
    timers = Timers()
    timers.set(EM, "b", 20)
    timers.set(QS, "a", 10)
    timers.set(QS, "c", 10)
    assert timers.next_ns() == 10
    assert timers.due(20) == [(QS, "a", 10), (QS, "c", 10), (EM, "b", 20)]
    assert timers.next_ns() is None


def test_asking_again_replaces() -> None:
    """One wake-up per timer is pending, the newest."""
    timers = Timers()
    timers.set(QS, "a", 10)
    timers.set(QS, "a", 30)
    assert timers.due(20) == []
    assert timers.next_ns() == 30
    assert timers.due(30) == [(QS, "a", 30)]


def test_a_cleared_timer_does_not_wake() -> None:
    """Recovery clears what was said already."""
    timers = Timers()
    timers.set(QS, "a", 10)
    timers.cleared(QS, "a")
    assert timers.due(99) == []
