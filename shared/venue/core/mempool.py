"""What has arrived and waits for its block, and the sequence in which a block runs it.

Source: fact sheet 4.5. A block first runs what sends no GTC or IOC order (pure post-only batches, leverage,
transfers), then cancels, then what sends one; in order of arrival inside each class. Modifies are classed by the
orders that they place. GTC and IOC are held back, so that a cancel sent at the same time comes first.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.units import MS, Ns
from shared.venue.core.commands import CancelOrders, Command, ModifyOrders, PlaceOrders, Tif

NEVER: Final = Ns(2**63 - 1)
QUIET, CANCELS, TAKING = 1, 2, 3


class Waiting(msgspec.Struct, frozen=True):
    """One command and the ticket under which its outcome is asked for."""

    ticket: int
    command: Command


def class_of(command: Command) -> int:
    """In which third of its block the command runs; a batch with one GTC or IOC runs last as a whole."""
    match command:
        case CancelOrders():
            return CANCELS
        case PlaceOrders(orders=orders):
            return TAKING if any(one.tif is not Tif.ALO and one.trigger is None for one in orders) else QUIET
        case ModifyOrders(modifies=modifies):
            takes = any(one.order.tif is not Tif.ALO and one.order.trigger is None for one in modifies)
            return TAKING if takes else QUIET
        case _:
            return QUIET


class Mempool:
    """`block_ms` is the time between two blocks, `taker_delay_ms` how long GTC and IOC are held back before one."""

    __slots__ = ("_block_ns", "_delay_ns", "_next_ticket", "_waiting")

    def __init__(self, block_ms: int, taker_delay_ms: int) -> None:
        self._block_ns = block_ms * MS
        self._delay_ns = taker_delay_ms * MS
        self._next_ticket = 1
        self._waiting: dict[int, list[Waiting]] = {}

    def add(self, command: Command, now: Ns) -> int:
        """The ticket of a command that waits for the first block after `now`, later if it takes."""
        ready = now + self._delay_ns if class_of(command) == TAKING else now
        block_ns = (ready // self._block_ns + 1) * self._block_ns
        ticket, self._next_ticket = self._next_ticket, self._next_ticket + 1
        self._waiting.setdefault(block_ns, []).append(Waiting(ticket, command))
        return ticket

    @property
    def due_ns(self) -> Ns:
        """When the next block runs that has something to run."""
        return Ns(min(self._waiting, default=NEVER))

    def take(self, now: Ns) -> tuple[Ns, tuple[Waiting, ...]] | None:
        """(time of the block, its commands in the sequence in which they run) of the oldest block due at `now`."""
        block_ns = self.due_ns
        if block_ns > now:
            return None
        arrived = self._waiting.pop(block_ns)
        return block_ns, tuple(sorted(arrived, key=lambda one: class_of(one.command)))
