"""Requests bought ahead of need: paid here, counted at the door."""

from __future__ import annotations

from typing import Final

from shared.venue.core import timed_words, words
from shared.venue.core.block import Block
from shared.venue.core.timed_commands import ReserveRequests
from shared.venue.core.views import account_view
from shared.venue.core.world import Answer, World

REQUEST_USD: Final = 500
"""Price of one request in micro-USDC. Source: fact sheet 2.2."""


def reserve(world: World, command: ReserveRequests, _: Block) -> Answer:
    """Paid from the first dex's collateral to the house, or why not."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    cost_usd = command.count * REQUEST_USD
    if command.count <= 0:
        return timed_words.REQUESTS_NONE
    if account_view(account).withdrawable_usd < cost_usd:
        return timed_words.REQUESTS_UNPAID
    world.accounts.charge(account, account.house(), 0, cost_usd, 0)
    return ()
