"""The dead man's switch: all open orders of a user cancelled at a time, unless it is moved before."""

from __future__ import annotations

from typing import Final

from shared.units import DAY, MS, SECOND
from shared.venue.core import timed_words, words
from shared.venue.core.block import Block
from shared.venue.core.later import Schedule
from shared.venue.core.timed_commands import ScheduleCancel
from shared.venue.core.world import Answer, World

KIND: Final = "scheduledCancel"
LEAD_MS: Final = 5 * SECOND // MS
MOST_A_DAY: Final = 10
"""Source of both: fact sheet 2.8."""


def set_cancel(world: World, command: ScheduleCancel, block: Block) -> Answer:
    """Nothing to report, or why the schedule stays as it is."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    schedule = world.schedules.get(command.user)
    if command.time_ms is None:
        if schedule is not None:
            schedule.time_ms = None
        return ()
    required_usd = world.policy.schedule_cancel_volume_usd
    if required_usd is not None and account.volume_usd < required_usd:
        return timed_words.schedule_volume(required_usd, account.volume_usd)
    if command.time_ms < block.now_ms + LEAD_MS:
        return timed_words.SCHEDULE_TOO_EARLY
    if schedule is None:
        schedule = world.schedules[command.user] = Schedule()
    if schedule.day == block.now_ns // DAY and schedule.fired >= MOST_A_DAY:
        return timed_words.SCHEDULE_TOO_OFTEN
    schedule.time_ms = command.time_ms
    world.agenda.add(command.time_ms * MS, KIND, command.user)
    return ()


def fire(world: World, user: str, block: Block) -> None:
    """Every open order of the user cancelled, if this is still the time for it."""
    schedule = world.schedules[user]
    if schedule.time_ms is None or schedule.time_ms > block.now_ms:
        return
    day = block.now_ns // DAY
    schedule.fired = schedule.fired + 1 if schedule.day == day else 1
    schedule.day, schedule.time_ms = day, None
    account = world.accounts.by_user[user]
    for order in list(account.open_orders.values()):
        if order.oid in account.open_orders:
            world.matching.cancel(order, "scheduledCancel", account, world.markets[order.asset], block)
