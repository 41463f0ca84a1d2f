"""Trigger orders of one market that wait for its mark, next to fire at the end of a sorted list."""

from __future__ import annotations

from bisect import bisect_left, insort

from shared.venue.core.order import Order
from shared.venue.core.trigger import Trigger

_Key = tuple[int, int]
"""Trigger price signed so that the next to fire is the greatest; then the older order first."""


class Waiting:
    """Two lists: orders that fire when the mark rises to them, and when it falls to them."""

    __slots__ = ("_above", "_below", "_orders")

    def __init__(self) -> None:
        self._above: list[_Key] = []
        self._below: list[_Key] = []
        self._orders: dict[int, Order] = {}

    def add(self, order: Order) -> None:
        """Wait with the others."""
        assert order.trigger is not None
        insort(self._side(order.trigger), _key(order, order.trigger))
        self._orders[order.oid] = order

    def remove(self, order: Order) -> None:
        """Wait no longer; nothing if the order does not wait here."""
        if self._orders.pop(order.oid, None) is None:
            return
        assert order.trigger is not None
        keys = self._side(order.trigger)
        del keys[bisect_left(keys, _key(order, order.trigger))]

    def is_reached(self, mark_px: int) -> bool:
        """Would this mark fire anybody?"""
        if not self._orders:
            return False
        above, below = self._above, self._below
        return bool(above and -mark_px <= above[-1][0]) or bool(below and mark_px <= below[-1][0])

    def take(self, mark_px: int) -> Order | None:
        """The next order that this mark fires, taken off; nearest to where the mark came from, then oldest."""
        for sign, keys in ((-1, self._above), (1, self._below)):
            if keys and sign * mark_px <= keys[-1][0]:
                return self._orders.pop(-keys.pop()[1])
        return None

    def orders(self) -> tuple[Order, ...]:
        """Everybody who waits, in order of coming."""
        return tuple(self._orders.values())

    def _side(self, trigger: Trigger) -> list[_Key]:
        """The list in which the trigger waits."""
        return self._above if trigger.fires_above else self._below


def _key(order: Order, trigger: Trigger) -> _Key:
    """Where the order stands in its list."""
    return (-trigger.px if trigger.fires_above else trigger.px), -order.oid
