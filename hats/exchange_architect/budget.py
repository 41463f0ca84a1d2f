"""What may still be sent: the venue's weight budget of our address on the network, and its action budget of the user.

Source: fact sheet 8.1 and 8.2. Every priority may use only its share of the budget, so that what matters more always
finds room: kill > cancel > reduce > reconcile > enter > read.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

from shared.units import MINUTE, SECOND, Ns

WEIGHT_ACTION: Final = 1
ENTRIES_A_WEIGHT: Final = 40
"""An action's weight grows by one with each so many entries."""
WEIGHT_ORDER_STATUS: Final = 2
WEIGHT_TWAPS: Final = 20
"""twapHistory, a little more with every 20 entries."""
WEIGHT_ACCOUNT: Final = 2 + 20 + 20
"""clearinghouseState, frontendOpenOrders and userFillsByTime; fills returned cost 1 per 20 and are few."""
WEIGHT_ALLOWANCE: Final = 20
WEIGHT_UNIVERSE: Final = 20 + 20
"""meta and userFees."""
WEIGHT_CANDLES: Final = 20
CANDLES_A_WEIGHT: Final = 60
"""candleSnapshot's weight grows by one with each so many candles."""
_SLOT: Final = SECOND


def candles_weight(candles: int) -> int:
    """Weight of a read of so many candles."""
    return WEIGHT_CANDLES + -(-candles // CANDLES_A_WEIGHT)


def weight_of(entries: int) -> int:
    """Weight of an action with so many entries."""
    return WEIGHT_ACTION + entries // ENTRIES_A_WEIGHT


class Priority(IntEnum):
    """How much something matters; higher goes first."""

    READ = 0
    ENTER = 1
    RECONCILE = 2
    REDUCE = 3
    CANCEL = 4
    KILL = 5


SHARE_PERCENT: Final[dict[Priority, int]] = {
    Priority.READ: 50,
    Priority.ENTER: 70,
    Priority.RECONCILE: 80,
    Priority.REDUCE: 90,
    Priority.CANCEL: 95,
    Priority.KILL: 100,
}
"""How much of a budget each priority may use up."""


class Budget(msgspec.Struct):
    """Weight spent in the last minute, (second, weight) oldest first; in the Hat's state, so a restart remembers it.

    A second counts until it is wholly older than a minute, which errs on our side by at most one second.
    """

    limit: int
    slots: list[tuple[int, int]] = []

    def share(self, priority: Priority) -> int:
        """The weight that the priority may ever use up."""
        return self.limit * SHARE_PERCENT[priority] // 100

    def spent(self, now: Ns) -> int:
        """Weight of the last minute."""
        oldest = (now - MINUTE) // _SLOT
        if self.slots and self.slots[0][0] < oldest:
            self.slots = [(slot, weight) for slot, weight in self.slots if slot >= oldest]
        return sum(weight for _, weight in self.slots)

    def charge(self, weight: int, now: Ns) -> None:
        """Count weight that was spent, whether there was room or not."""
        slot = now // _SLOT
        if self.slots and self.slots[-1][0] >= slot:
            slot, before = self.slots.pop()
            weight += before
        self.slots.append((slot, weight))

    def try_spend(self, weight: int, priority: Priority, now: Ns) -> bool:
        """Count `weight` if the priority's share has room for it; False leaves everything as it was."""
        if self.spent(now) + weight > self.share(priority):
            return False
        self.charge(weight, now)
        return True

    def room_ns(self, weight: int, priority: Priority, now: Ns) -> Ns:
        """The first moment at which `try_spend` can succeed if nothing else is spent; `now` if it can now.

        Weights beyond the priority's whole share never fit; that is our own bug.
        """
        allowed = self.share(priority)
        assert weight <= allowed, f"a weight of {weight} never fits into {allowed}"
        spent = self.spent(now)
        if spent + weight <= allowed:
            return now
        for slot, freed in self.slots:
            spent -= freed
            if spent + weight <= allowed:
                return Ns((slot + 1) * _SLOT + MINUTE)
        raise AssertionError("spending nothing leaves room for everything that fits")


class AddressBudget(msgspec.Struct):
    """Requests of our address: `used` of `cap`, by the venue's last count and what we sent since; cap None: not known.

    Entries and reads leave `reserve` untouched, so that what is held can still be closed. What reduces may use all of
    it. Cancels have an allowance of their own at the venue (twice the cap, or 100,000 more) and always pass.
    """

    cap: int | None
    reserve: int = 0
    used: int = 0

    def learn(self, used: int, cap: int) -> None:
        """The venue's own count."""
        self.used, self.cap = used, cap

    def try_spend(self, priority: Priority, entries: int = 1) -> bool:
        """Count an action of so many entries if there is room for it at its priority."""
        kept = self.reserve if priority < Priority.REDUCE else 0
        if self.cap is not None and priority < Priority.CANCEL and self.used + entries > self.cap - kept:
            return False
        self.used += entries
        return True
