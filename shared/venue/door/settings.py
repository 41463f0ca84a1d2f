"""What can be chosen about the doors of the local exchange; the defaults are the venue's own."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.units import Usd
from shared.venue.door.budgets import INITIAL_BUDGET


class DoorSettings(msgspec.Struct, frozen=True):
    """How the doors behave.

    `network` is Testnet or Mainnet and decides what clients must sign; the official SDK signs for Testnet at any
    loopback address. `fund` gives accounts their first deposit. `fund_all_usd` gives it to every address that signs,
    which also hides a client's hashing faults: a wrong hash is some other address, and that one gets an account too.
    `address_budget` None and `ip_weight_per_minute` None mean that nobody is refused for sending too much.
    """

    network: str = "Testnet"
    fund: Mapping[str, Usd] = msgspec.field(default_factory=dict)
    fund_all_usd: Usd | None = None
    address_budget: int | None = INITIAL_BUDGET
    ip_weight_per_minute: int | None = None
    l2_interval_ms: int = 500
    l2_refresh_ms: int = 1_000
    state_interval_ms: int = 500
    state_refresh_ms: int = 1_000
    mids_interval_ms: int = 1_000
    idle_close_ms: int = 60_000
    max_connections: int = 10
    max_new_connections_per_minute: int = 30
    max_subscriptions: int = 1_000
    max_users: int = 15
    max_messages_per_minute: int = 2_000
