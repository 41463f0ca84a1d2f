"""What may still be sent: the venue's weight budget of our address on the network, and its action budget of the user.

Source: fact sheet 8.1 and 8.2. Every priority may use only its share of the budget, so that what matters more always
finds room: kill > cancel > reduce > reconcile > enter > read.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec

from shared.ids import Cloid
from shared.units import MINUTE, SECOND, Ns

WEIGHT_ACTION: Final = 1
ENTRIES_A_WEIGHT: Final = 40
"""An action's weight grows by one with each so many entries."""
WEIGHT_ORDER_STATUS: Final = 2
WEIGHT_TWAPS: Final = 20
"""twapHistory, a little more with every 20 entries; it tells of all of them."""
PROOF_READS: Final = 2
"""Reads that it takes to prove that an order never was: after its expiry the venue must not know it twice."""
HELD_NS: Final = 6 * SECOND
"""For so long after an order's expiry, or after the last question about it, weight is kept for its proof."""
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
PROOF: Final = Priority.REDUCE
"""What proves an order may use what reduces may, for a doubt keeps capital as an open order does."""


class Hold(msgspec.Struct):
    """Weight that is kept for the proof of one order, and until when."""

    weight: int
    until_ns: Ns


class Budget(msgspec.Struct):
    """Weight spent in the last minute, (second, weight) oldest first, and weight held for the proof of orders.

    What is held counts as spent for everybody but its own proof, so that a proof can be paid whatever else is sent. It
    stays within RECONCILE's share, so that what is worth more keeps its own. All of it is in the Hat's state, so a
    restart remembers it. A second counts until it is wholly older than a minute, which errs on our side by at most one
    second.
    """

    limit: int
    slots: list[tuple[int, int]] = []
    holds: dict[Cloid, Hold] = {}

    def share(self, priority: Priority) -> int:
        """The weight that the priority may ever use up."""
        return self.limit * SHARE_PERCENT[priority] // 100

    def spent(self, now: Ns) -> int:
        """Weight of the last minute."""
        oldest = (now - MINUTE) // _SLOT
        if self.slots and self.slots[0][0] < oldest:
            self.slots = [(slot, weight) for slot, weight in self.slots if slot >= oldest]
        return sum(weight for _, weight in self.slots)

    def held(self, now: Ns) -> int:
        """Weight that is kept for proofs; what was kept until now is free again."""
        if any(hold.until_ns <= now for hold in self.holds.values()):
            self.holds = {cloid: hold for cloid, hold in self.holds.items() if hold.until_ns > now}
        return sum(hold.weight for hold in self.holds.values())

    def room(self, priority: Priority, now: Ns) -> int:
        """What is left of the priority's share, with all that is held; below nothing if others took from it."""
        return self.share(priority) - self.spent(now) - self.held(now)

    def charge(self, weight: int, now: Ns) -> None:
        """Count weight that was spent, whether there was room or not."""
        slot = now // _SLOT
        if self.slots and self.slots[-1][0] >= slot:
            slot, before = self.slots.pop()
            weight += before
        self.slots.append((slot, weight))

    def try_spend(self, weight: int, priority: Priority, now: Ns, and_leave: int = 0) -> bool:
        """Count `weight` if the share has room for it and for what it must leave; False leaves everything as it was."""
        if weight + and_leave > self.room(priority, now):
            return False
        self.charge(weight, now)
        return True

    def hold(self, cloid: Cloid, weight: int, until_ns: Ns, now: Ns) -> None:
        """Keep `weight` in all for the proof of an order, or as much as RECONCILE's share has room for."""
        room = self.room(Priority.RECONCILE, now)
        before = self.holds.get(cloid, Hold(0, until_ns))
        kept = max(before.weight, min(weight, before.weight + room))
        if kept > 0:
            self.holds[cloid] = Hold(kept, Ns(max(until_ns, before.until_ns)))

    def release(self, cloid: Cloid) -> None:
        """The order is proven: nothing is kept for it any more."""
        self.holds.pop(cloid, None)

    def try_prove(self, cloid: Cloid, weight: int, now: Ns) -> bool:
        """Count a read that proves an order: from what is free, else from what is held for it, else as PROOF may.

        Nothing may be held: it left beyond RECONCILE's share, as cancels and stops do, or who asks was away for longer
        than it was held.
        """
        if self.try_spend(weight, Priority.RECONCILE, now):
            return True
        hold = self.holds.get(cloid)
        if hold is None or hold.weight < weight or self.spent(now) + weight > self.limit:
            return self.try_spend(weight, PROOF, now)
        hold.weight -= weight
        self.charge(weight, now)
        return True

    def room_ns(self, weight: int, priority: Priority, now: Ns) -> Ns:
        """The first moment at which `try_spend` can succeed if nothing else is spent or held; `now` if it can now.

        Weights beyond the priority's whole share never fit; that is our own bug.
        """
        allowed = self.share(priority)
        assert weight <= allowed, f"a weight of {weight} never fits into {allowed}"
        missing = weight - self.room(priority, now)
        freed = [((slot + 1) * _SLOT + MINUTE, spent) for slot, spent in self.slots]
        freed += [(hold.until_ns, hold.weight) for hold in self.holds.values()]
        at = now
        for free_ns, free in sorted(freed):
            if missing <= 0:
                break
            at, missing = Ns(free_ns), missing - free
        assert missing <= 0, "spending nothing leaves room for everything that fits"
        return at


class AddressBudget(msgspec.Struct):
    """Requests of our address: `used` of `cap`, by the venue's last count and what we sent since; cap None: not known.

    Entries and reads leave `reserve` untouched, so that what is held can still be closed. What reduces may use all of
    it. Cancels have an allowance of their own at the venue (twice the cap, or 100,000 more) and always pass; they are
    counted, and may use up the reserve. So the desk's closing orders pass, too: beyond the cap the venue takes one
    action in ten seconds.
    """

    cap: int | None
    reserve: int = 0
    used: int = 0

    def learn(self, used: int, cap: int) -> None:
        """The venue's own count."""
        self.used, self.cap = used, cap

    def has_room(self, priority: Priority, entries: int = 1) -> bool:
        """Is there room for an action of so many entries at its priority?"""
        kept = self.reserve if priority < Priority.REDUCE else 0
        return self.cap is None or priority >= Priority.CANCEL or self.used + entries <= self.cap - kept

    def charge(self, entries: int = 1) -> None:
        """Count an action that leaves."""
        self.used += entries
