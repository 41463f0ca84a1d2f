"""What can be chosen about the doors of the local exchange; the defaults are the venue's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from shared.units import Usd
from shared.venue.door.budgets import INITIAL_BUDGET


class DoorSettings(msgspec.Struct, frozen=True):
    """How the doors behave.

    `network` is Testnet or Mainnet and decides what clients must sign; the official SDK signs for Testnet at any
    loopback address. `fund` gives accounts their first deposit. `fund_all_usd` gives it to every address that signs,
    which also hides a client's hashing faults: a wrong hash is some other address, and that one gets an account too.
    `address_budget` None and `ip_weight_per_minute` None mean that nobody is refused for sending too much; weights,
    connections, messages, subscriptions, users and posts that wait for their block are counted for each client address.

    Cadences. A state is sent when it changed, at most once in its `_interval_ms`, and again without change after its
    `_refresh_ms` (never below the interval). `l2` is the book of 20 levels, `l2_fast` that of 5; `mids` is allMids;
    `ctx` activeAssetCtx; `state` the standing and the orders of one user; `ctxs` the contexts of all assets;
    `web_data` webData3.

    What nobody outside knows (docs/venue.md): `greeting` is a text frame sent on opening; `is_snapshot_false` marks
    streaming messages with `isSnapshot: false`; `snapshot_trades` is the length of the first `trades` message and
    `recent_trades` that of the answer to recentTrades; `has_empty_candles` tells intervals without trades as flat
    candles; `over_limit` says what a client beyond a limit of the WebSocket gets (`abort`:
    its transport is cut without a close frame, which clients report as 1006); the close codes end connections that
    are one too many, or that were sent nothing for `idle_close_ms`; `unknown_dex` is the answer to a question about a
    dex that does not exist: status 500 with `null`, as for coins, or 422.
    `stakes` tells what users have staked, in the smallest unit of HYPE. `vault_quirk`: some actions the official SDK
    signs without the vault address that it posts; the hash of what was posted names another signer, who is refused.
    `multi_sig_agents`: may the agents of a multi-sig user still act for it alone?
    `block_ms`: time between blocks (the venue's: about 70), inside which cancels and post-only orders come before GTC
    and IOC; 0 runs every action as it arrives. `taker_delay_ms`: how long GTC and IOC are held back before a block.
    """

    network: str = "Testnet"
    fund: Mapping[str, Usd] = msgspec.field(default_factory=dict)
    fund_all_usd: Usd | None = None
    address_budget: int | None = INITIAL_BUDGET
    ip_weight_per_minute: int | None = None
    l2_interval_ms: int = 5_000
    l2_refresh_ms: int = 1_000
    state_interval_ms: int = 500
    state_refresh_ms: int = 1_000
    mids_interval_ms: int = 2_000
    idle_close_ms: int = 60_000
    max_connections: int = 10
    max_new_connections_per_minute: int = 30
    max_subscriptions: int = 1_000
    max_users: int = 15
    max_messages_per_minute: int = 2_000
    l2_fast_interval_ms: int = 500
    ctx_interval_ms: int = 500
    ctxs_interval_ms: int = 5_000
    web_data_interval_ms: int = 5_000
    greeting: str | None = None
    is_snapshot_false: bool = False
    snapshot_trades: int = 10
    recent_trades: int = 10
    has_empty_candles: bool = False
    over_limit: Literal["error", "close", "abort"] = "error"
    over_limit_close_code: int = 1000
    idle_close_code: int = 1000
    stakes: Mapping[str, int] = msgspec.field(default_factory=dict)
    vault_quirk: Literal["refused", "taken"] = "refused"
    multi_sig_agents: Literal["refused", "taken"] = "refused"
    block_ms: int = 0
    taker_delay_ms: int = 0
    max_pending_posts: int = 100
    unknown_dex: Literal["null", "unprocessable"] = "null"
