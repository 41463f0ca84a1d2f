"""Writes users' ledgers."""

from __future__ import annotations

from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.ledger_entries import LedgerChanged, LedgerEntry


def record(account: Account, entry: LedgerEntry, block: Block) -> None:
    """Add the entry to the user's ledger and tell of it; the oldest entries are forgotten."""
    changed = LedgerChanged(account.user, entry, block.hash, block.now_ms)
    account.ledger.append(changed)
    block.events.append(changed)


def record_both(giver: Account, taker: Account, entry: LedgerEntry, block: Block) -> None:
    """Add the entry to the ledgers of both, who may be one: transfers appear identically on both sides."""
    record(giver, entry, block)
    if taker is not giver:
        record(taker, entry, block)
