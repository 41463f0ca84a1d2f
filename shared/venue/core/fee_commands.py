"""The commands about what trading costs: stake, referral codes, builder approvals, rewards."""

from __future__ import annotations

from typing import Final

from shared.errors import UnitError
from shared.rules.fees import BUILDER_APPROVALS, BUILDER_MAX_PERP, BUILDER_MAX_SPOT, BUILDER_MIN_USD, MAX_STAKE
from shared.units import Usd
from shared.venue.core import money_words as words
from shared.venue.core.accounts import Account
from shared.venue.core.block import Block
from shared.venue.core.commands import BuilderTerms
from shared.venue.core.dealings import ApproveBuilderFee, ClaimRewards, RegisterReferrer, SetReferrer, SetStake
from shared.venue.core.fee_days import assess, assess_family
from shared.venue.core.ledger import record
from shared.venue.core.ledger_entries import RewardsClaimed, TokenRewardsClaimed
from shared.venue.core.world import Answer, World

CODE_LENGTH: Final = 20


def set_stake(world: World, command: SetStake, _: Block) -> Answer:
    """The stake holds from now on; UnitError outside what there is of HYPE."""
    if not 0 <= command.stake <= MAX_STAKE:
        raise UnitError(f"expected a stake between none and all HYPE, got {command.stake}")
    account = world.accounts.opened(command.user)
    account.identity.stake = command.stake
    assess_family(world.accounts, account)
    return ()


def register_referrer(world: World, command: RegisterReferrer, _: Block) -> Answer:
    """The user's code is known, or why not."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    if account.identity.code is not None:
        return words.CODE_REGISTERED
    if not 1 <= len(command.code) <= CODE_LENGTH:
        return words.CODE_INVALID
    if account.volume_usd < world.policy.referral_code_volume_usd:
        return words.CODE_VOLUME
    if command.code in world.accounts.codes:
        return words.CODE_TAKEN
    account.identity.code = command.code
    world.accounts.codes[command.code] = account.user
    return ()


def set_referrer(world: World, command: SetReferrer, block: Block) -> Answer:
    """The user was brought by the owner of the code and pays less from now on, or why not."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    referrer = world.accounts.codes.get(command.code)
    if referrer is None:
        return words.CODE_UNKNOWN
    if account.referrer is not None:
        return words.REFERRER_SET
    if referrer == account.user:
        return words.SELF_REFERRAL
    account.referrer = referrer
    account.identity.joined_ms = block.now_ms
    world.accounts.by_user[referrer].identity.referred.append(account.user)
    assess(world.accounts, account)
    return ()


def approve_builder_fee(world: World, command: ApproveBuilderFee, _: Block) -> Answer:
    """The builder may take up to that much, or why not. Zero takes the approval back."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    builders = account.identity.builders
    if command.tenths_bp == 0 and command.builder in builders:
        del builders[command.builder]
        return ()
    if not 0 <= command.tenths_bp <= BUILDER_MAX_SPOT:
        return words.BUILDER_TOO_HIGH
    builder = world.accounts.get(command.builder)
    if builder is None or builder.house().value_usd() < BUILDER_MIN_USD:
        return words.BUILDER_POOR
    if command.builder not in builders and len(builders) >= BUILDER_APPROVALS:
        return words.BUILDER_TOO_MANY
    builders[command.builder] = command.tenths_bp
    return ()


def builder_fault(world: World, account: Account, terms: BuilderTerms, is_spot: bool = False) -> str | None:
    """Why the builder may not take the fee of an order; the approvals are the master's. None if it may.

    Of spot it may take more. Source: fact sheet 7.
    """
    identity = account.identity
    master = account if identity.master is None else world.accounts.by_user[identity.master]
    approved = master.identity.builders.get(terms.builder)
    most = BUILDER_MAX_SPOT if is_spot else BUILDER_MAX_PERP
    if approved is None or terms.tenths_bp > min(approved, most):
        return words.BUILDER_UNAPPROVED
    builder = world.accounts.get(terms.builder)
    if builder is None or builder.house().value_usd() < BUILDER_MIN_USD:
        return words.BUILDER_POOR
    return None


def claim_rewards(world: World, command: ClaimRewards, block: Block) -> Answer:
    """All rewards are the user's now, those of perps as collateral, those of spot as tokens; or there were none."""
    account = world.accounts.get(command.user)
    if account is None:
        return words.must_deposit(command.user)
    usd, tokens = account.identity.unclaimed_usd, account.identity.unclaimed_wei
    if usd <= 0 and not tokens:
        return words.NO_REWARDS
    for index, wei in sorted(tokens.items()):
        world.accounts.treasury.pay_out(account.spot, index, wei)
        token = world.tokens[index]
        account.identity.claimed_wei[index] = account.identity.claimed_wei.get(index, 0) + wei
        record(account, TokenRewardsClaimed(token.name, token.text(wei)), block)
    tokens.clear()
    if usd <= 0:
        return ()
    account.identity.unclaimed_usd = 0
    account.identity.claimed_usd += usd
    world.accounts.rewards_usd -= usd
    account.house().collateral_usd += usd
    account.wealth.perp_flow_usd += usd
    record(account, RewardsClaimed(Usd(usd)), block)
    return ()
