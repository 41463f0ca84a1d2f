"""Users for whom several others sign: who these are. The signatures themselves are the door's to check."""

from __future__ import annotations

from typing import Final

from shared.venue.core import money_words as words
from shared.venue.core.block import Block
from shared.venue.core.dealings import SetSigners
from shared.venue.core.world import Answer, World

MOST_SIGNERS: Final = 10
"""Source: Hyperliquid documentation, "Multi-sig"."""


def set_signers(world: World, command: SetSigners, _: Block) -> Answer:
    """The user is a multi-sig user with these signers, or a normal one again without any; or why not."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    signers = tuple(sorted(set(command.signers)))
    refusal = _refusal(world, command, signers)
    if refusal is not None:
        return refusal
    account.identity.signers = signers
    account.identity.threshold = command.threshold if signers else 0
    return ()


def _refusal(world: World, command: SetSigners, signers: tuple[str, ...]) -> str | None:
    """Why these can't be the signers of that user."""
    if not signers:
        return None if world.accounts.by_user[command.user].identity.signers else words.SIGNER_NONE
    if len(signers) > MOST_SIGNERS:
        return words.SIGNER_TOO_MANY
    if not 1 <= command.threshold <= len(signers):
        return words.SIGNER_THRESHOLD
    if command.user in signers:
        return words.SIGNER_SELF
    return None if all(world.accounts.get(one) is not None for one in signers) else words.SIGNER_UNKNOWN
