"""Stake, referral codes, builders and rewards, with the venue's texts."""

from __future__ import annotations

import msgspec
import pytest

from shared.errors import UnitError
from shared.rules.fees import HYPE, MAX_STAKE, FeeRates
from shared.units import USD
from shared.venue.core.commands import BuilderTerms, PlaceOrders
from shared.venue.core.dealings import (
    ApproveBuilderFee,
    ClaimRewards,
    Dealing,
    RegisterReferrer,
    SetReferrer,
    SetStake,
)
from shared.venue.core.outcomes import Refused
from tests.unit.shared.venue.core.floor import Floor, spec


def referred() -> Floor:
    """ "b" was brought by "a", whose code is CODE."""
    floor = Floor()
    floor.exchange._world.accounts.by_user["a"].volume_usd = 10_000 * USD
    assert said(floor, RegisterReferrer("a", "CODE")) is None
    assert said(floor, SetReferrer("b", "CODE")) is None
    return floor


def said(floor: Floor, dealing: Dealing) -> str | None:
    """The error of a dealing."""
    return floor.do(dealing).error


def kept(floor: Floor) -> int:
    """All that is anywhere: cash legs, rewards and what the house keeps."""
    house = floor.exchange.house()
    return sum(floor.exchange.account(u).raw_usd for u in "abc") + house.fees_usd + house.rewards_usd


def test_codes_and_their_texts() -> None:
    """A code needs volume, is unique, and is used once by others."""
    floor = Floor()
    assert said(floor, RegisterReferrer("a", "CODE")) == "Cannot generate referral code until enough volume traded"
    assert said(floor, SetReferrer("a", "CODE")) == "Referral code not registered"
    floor = referred()
    assert said(floor, SetReferrer("b", "CODE")) == "Referrer already set"
    assert said(floor, SetReferrer("a", "CODE")) == "Cannot refer oneself"
    assert said(floor, RegisterReferrer("a", "MORE")) == "Referral code already registered"
    assert said(floor, SetReferrer("z", "CODE")) == "Must deposit before performing actions. User: z"


def test_a_referred_user_pays_less_and_the_referrer_may_claim_a_tenth() -> None:
    """A taker fee of 0.045 % x 0.96 on 100 USDC is 0.0432, of which the referrer claims 0.00432."""
    floor = referred()
    floor.sell("c", "100", "1")
    floor.buy("b", "100", "1")
    assert [fill.fee for fill in floor.fills()] == [43_200, 15_000]
    before = floor.exchange.account("a").collateral_usd
    assert said(floor, ClaimRewards("a")) is None
    assert floor.exchange.account("a").collateral_usd - before == 4_320
    assert said(floor, ClaimRewards("a")) == "No rewards to claim"
    assert kept(floor) == 300_000 * USD


def test_builders_are_approved_and_paid() -> None:
    """An approved builder takes 1 bp of 100 USDC on top; the fill's fee has it in it."""
    floor = Floor()
    terms = BuilderTerms("c", 10)
    order = PlaceOrders("b", (msgspec.structs.replace(spec(True, "100", "1"), builder=terms),))
    floor.sell("a", "100", "1")
    assert floor.do(order).statuses == (Refused("Builder fee has not been approved."),)
    assert said(floor, ApproveBuilderFee("b", "z", 10)) == "Builder has insufficient balance to be approved."
    assert said(floor, ApproveBuilderFee("b", "c", 9)) is None
    assert floor.do(order).statuses == (Refused("Builder fee has not been approved."),)
    assert said(floor, ApproveBuilderFee("b", "c", 10)) is None
    floor.do(order)
    fill = floor.fills()[0]
    assert (fill.fee, fill.builder_fee) == (45_000 + 10_000, 10_000)
    assert floor.exchange.house().rewards_usd == 10_000
    assert kept(floor) == 300_000 * USD


def test_at_most_ten_builders() -> None:
    """The eleventh approval is refused until one is taken back."""
    floor = Floor()
    builders = [f"builder{number}" for number in range(11)]
    for builder in builders:
        floor.fund(builder, "100")
    for builder in builders[:10]:
        assert said(floor, ApproveBuilderFee("a", builder, 1)) is None
    assert said(floor, ApproveBuilderFee("a", builders[10], 1)) == "Too many builders approved."
    assert said(floor, ApproveBuilderFee("a", builders[0], 0)) is None
    assert said(floor, ApproveBuilderFee("a", builders[10], 1)) is None
    assert said(floor, ApproveBuilderFee("a", builders[1], 1_001)) == "Builder fee is too high."


def test_a_stake_lowers_the_rates_at_once() -> None:
    """Twenty percent off for 10,001 HYPE; more than all HYPE is a mistake."""
    floor = Floor()
    assert said(floor, SetStake("a", 10_001 * HYPE)) is None
    assert floor.exchange.fee_rates("a") == FeeRates(360_000, 120_000)
    with pytest.raises(UnitError):
        floor.do(SetStake("a", MAX_STAKE + 1))
