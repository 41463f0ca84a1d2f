"""The feed's reading of the money ledger against the exchange that writes it: cash moves by what the entries say."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from hats.exchange_architect.transfers import Delta, cash_usd
from shared.venue.core.exchange import Exchange
from shared.venue.core.policy import VenuePolicy
from shared.venue.door.ledger_shapes import ledger_row
from tests.property.whole import other_moves
from tests.property.whole.play import Play

MOVES = (
    other_moves.deposit, other_moves.send, other_moves.send, other_moves.family,
    other_moves.identity, other_moves.vault,
)  # fmt: skip
POLICY = VenuePolicy(sub_account_volume_usd=0, referral_code_volume_usd=0)  # type: ignore[arg-type] # plain zeros


def _cash(exchange: Exchange) -> dict[str, int]:
    """Collateral on the first dex, by user."""
    return {user: exchange._world.accounts.by_user[user].house().collateral_usd for user in exchange.users()}


def _told(exchange: Exchange, user: str, known: int) -> Iterator[Any]:
    """The deltas of a user's entries after the first `known` ones, as the door spells them."""
    instruments = {asset: one.instrument for asset, one in exchange.listings.items()}
    for changed in exchange.ledger(user)[known:]:
        yield ledger_row(instruments, changed)["delta"]


@pytest.mark.parametrize("seed", range(4))
def test_the_entries_explain_every_micro_usdc(seed: int) -> None:
    """Deposits, withdrawals, transfers between users, dexs, spot, sub-accounts and vaults, fees included."""
    chance, play, kinds = Random(seed), Play(POLICY), set()
    for _ in range(250):
        before, known = _cash(play.exchange), {user: len(play.exchange.ledger(user)) for user in play.exchange.users()}
        make = chance.choice(MOVES)
        play.move(make, chance)
        for user, cash in _cash(play.exchange).items():
            if user in play.exchange.vaults():
                continue  # a vault's own ledger is not documented
            deltas = list(_told(play.exchange, user, known.get(user, 0)))
            kinds |= {delta["type"] for delta in deltas}
            told = sum(cash_usd(msgspec.convert(delta, Delta), user) or 0 for delta in deltas)
            assert cash - before.get(user, 0) == told, (user, deltas)
    assert {"deposit", "withdraw", "internalTransfer", "accountClassTransfer", "send", "vaultDeposit"} <= kinds
