"""The exchange as one pure state machine: a command and the time go in, statuses and events come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from shared.errors import HatsError, SnapshotError, UnitError
from shared.rules.fees import PERP_SCHEDULE, FeeSchedule
from shared.units import Ns
from shared.venue.core import (
    dealer,
    due,
    governing,
    liquidation,
    margining,
    modes,
    oi_caps,
    ordering,
    resizing,
    standing,
)
from shared.venue.core.block import Block
from shared.venue.core.commands import (
    CancelOrders,
    Command,
    Deposit,
    IssueToken,
    ModifyOrders,
    PassTime,
    PlaceOrders,
    ResizeOrders,
    SetPrices,
    TopUpIsolatedMargin,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.dex import Dex
from shared.venue.core.firing import fire
from shared.venue.core.listing import Listing
from shared.venue.core.outcomes import Outcome
from shared.venue.core.policy import DEFAULT_POLICY, VenuePolicy
from shared.venue.core.reading import Reading
from shared.venue.core.rulings import Liquidate
from shared.venue.core.snapshot import restored
from shared.venue.core.timed_commands import FireDue
from shared.venue.core.world import Answer, World

_ANSWERS: Final[dict[type, Callable[[World, Any, Block], Answer]]] = {
    PlaceOrders: ordering.place,
    CancelOrders: ordering.cancel,
    ModifyOrders: ordering.modify,
    SetPrices: standing.set_prices,
    UpdateLeverage: margining.update_leverage,
    UpdateIsolatedMargin: margining.update_isolated_margin,
    TopUpIsolatedMargin: margining.top_up,
    Deposit: standing.deposit,
    IssueToken: standing.issue_token,
    **dealer.ANSWERS,
    **governing.ANSWERS,
    **due.ANSWERS,
    ResizeOrders: resizing.resize,
    Liquidate: liquidation.liquidate,
    PassTime: lambda _world, _command, _block: (),
}
"""Who answers which command; every member of `Command` is here."""


class Exchange(Reading):
    """Orders, fills, fees, funding, liquidations. Same commands at the same times give the same state."""

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        fee_schedule: FeeSchedule = PERP_SCHEDULE,
        start_ns: int = 0,
        policy: VenuePolicy = DEFAULT_POLICY,
        dexs: Sequence[Dex] = (),
    ) -> None:
        super().__init__(World(listings, fee_schedule, start_ns, policy, dexs))

    @classmethod
    def restore(cls, snapshot: bytes) -> Exchange:
        """The exchange whose snapshot this is; it goes on as that one does. SnapshotError for any other bytes."""
        world = restored(snapshot)
        if not isinstance(world, World):
            raise SnapshotError(f"expected the snapshot of an exchange, got that of a {type(world).__name__}")
        exchange = cls.__new__(cls)
        Reading.__init__(exchange, world)
        return exchange

    def apply(self, command: Command, now: Ns) -> Outcome:
        """What the command came to at `now`, after everything that fell due before it.

        What falls due happens even if the command then raises; the next command's outcome tells of it.

        UnitError if time goes back, and for a deposit or price that is not positive or an asset that is not listed.
        """
        world = self._world
        if now < world.now_ns:
            raise UnitError(f"time went back from {world.now_ns} to {now} ns")
        early = world.unsaid
        while world.agenda.due_ns <= now:
            early += self._run(FireDue(), max(world.agenda.due_ns, world.now_ns)).events
        outcome = self._run(command, now)
        if not early:
            return outcome
        world.unsaid = []
        return msgspec.structs.replace(outcome, events=(*early, *outcome.events))

    def apply_block(self, commands: Sequence[Command], now: Ns) -> tuple[Outcome, ...]:
        """What each command came to, all of them in one block: one time, one hash. As `apply` otherwise."""
        first = tuple(self.apply(command, now) for command in commands[:1])
        return first + tuple(self._run(command, now, is_new=False) for command in commands[1:])

    def _run(self, command: Command, now: int, *, is_new: bool = True) -> Outcome:
        """What this command came to, in a block of its own or in the last one."""
        world = self._world
        world.now_ns = now
        world.blocks += is_new
        block = Block(world.blocks, now)
        world.clockwork.advance(world.markets, world.accounts, block)
        if block.reached is not None:
            fire(world, block)
        if block.shaken:
            liquidation.sweep(world, block)
        try:
            answer = _ANSWERS[type(command)](world, command, block)
        except HatsError:
            world.unsaid += block.finished()
            raise
        if world.unified:
            modes.gather(world)
        if block.reached is not None:
            fire(world, block)
        if block.shaken:
            liquidation.sweep(world, block)
        if world.capped:
            oi_caps.sweep(world, block)
        events = block.finished()
        return Outcome((), answer, events) if isinstance(answer, str) else Outcome(answer, None, events)
