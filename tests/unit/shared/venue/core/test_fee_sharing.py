"""Who gets a part of a spot fee: a seller's builder, and the referrer, in the token that was paid."""

from __future__ import annotations

import msgspec

from shared.units import USD, Usd
from shared.venue.core.commands import BuilderTerms, Deposit, Grouping, PlaceOrders, Tif, TriggerSpec
from shared.venue.core.dealings import ApproveBuilderFee, ClaimRewards, RegisterReferrer, SetReferrer
from shared.venue.core.events import FillHappened
from shared.venue.core.outcomes import Refused
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC
from tests.unit.shared.venue.core.spot_floor import HYPE, HYPE_ASSET, SpotFloor

OPEN = VenuePolicy(referral_code_volume_usd=Usd(0))


def shared_floor() -> SpotFloor:
    """ "d" is a builder whom "a" lets take up to 1 %, and has brought "b"."""
    floor = SpotFloor(OPEN)
    floor.do(Deposit("d", Usd(100 * USD)))
    for dealing in (ApproveBuilderFee("a", "d", 1_000), RegisterReferrer("d", "CODE"), SetReferrer("b", "CODE")):
        assert floor.do(dealing).error is None
    return floor


def through_builder(floor: SpotFloor, is_buy: bool, tenths_bp: int) -> tuple[FillHappened, FillHappened] | str:
    """One HYPE at 100 by "a" through the builder: the taker's and the maker's fill, or the refusal."""
    floor.place("b", floor.spec(not is_buy, "100", "1"))
    order = msgspec.structs.replace(floor.spec(is_buy, "100", "1", Tif.IOC), builder=BuilderTerms("d", tenths_bp))
    status = floor.place("a", order)[0]
    if isinstance(status, Refused):
        return status.error
    taker, maker = floor.fills()
    return taker, maker


def test_a_seller_pays_the_builder_in_the_quote_on_top() -> None:
    """0.5 % of 100 USDC beside the taker's 0.07; the referrer gets a tenth of the 0.000384 HYPE that the buyer pays."""
    floor = shared_floor()
    fills = through_builder(floor, is_buy=False, tenths_bp=500)
    assert not isinstance(fills, str)
    taker, maker = fills
    assert taker.spot is not None
    assert maker.spot is not None
    assert (USDC.text(taker.spot.fee_wei), taker.builder_fee) == ("0.57", USD // 2)
    assert (HYPE.text(maker.spot.fee_wei), maker.builder_fee) == ("0.000384", 0)
    assert floor.has("a", USDC)[0] == "1099.43"
    rewards = floor.exchange.identity("d").token_rewards
    assert [(one.token, one.unclaimed) for one in rewards] == [(0, "0.5"), (150, "0.0000384")]


def test_a_buyer_pays_no_builder() -> None:
    """The builder fee is not on spot buys (fact sheet 7)."""
    floor = shared_floor()
    fills = through_builder(floor, is_buy=True, tenths_bp=500)
    assert not isinstance(fills, str)
    assert fills[0].spot is not None
    assert (HYPE.text(fills[0].spot.fee_wei), fills[0].builder_fee) == ("0.0007", 0)
    assert [one.token for one in floor.exchange.identity("d").token_rewards] == [0]


def test_of_spot_a_builder_may_take_one_percent() -> None:
    """Ten times what it may of perps, and not more."""
    assert not isinstance(through_builder(shared_floor(), is_buy=False, tenths_bp=1_000), str)
    assert through_builder(shared_floor(), is_buy=False, tenths_bp=1_001) == "Builder fee has not been approved."


def test_claimed_rewards_are_spot_balances() -> None:
    """Every token goes to the user's own balance, once."""
    floor = shared_floor()
    through_builder(floor, is_buy=False, tenths_bp=500)
    assert floor.do(ClaimRewards("d")).error is None
    assert (floor.has("d", USDC)[0], floor.has("d", HYPE)[0]) == ("0.5", "0.0000384")
    assert [one.claimed for one in floor.exchange.identity("d").token_rewards] == ["0.5", "0.0000384"]
    assert floor.do(ClaimRewards("d")).error == "No rewards to claim"


def test_groups_of_triggers_are_no_business_of_spot() -> None:
    """A parent alone, a parent with a child, or a take-profit of a position: refused, and no perp is held."""
    floor = SpotFloor()
    parent = floor.spec(True, "100", "1")
    child = msgspec.structs.replace(
        floor.spec(False, "110", "1"), trigger=TriggerSpec(parent.px, True, True), reduce_only=True
    )
    for grouping, specs in (
        (Grouping.NORMAL_TPSL, (parent,)),
        (Grouping.NORMAL_TPSL, (parent, child)),
        (Grouping.POSITION_TPSL, (child,)),
    ):
        outcome = floor.do(PlaceOrders("a", specs, grouping))
        refused = [status.error for status in outcome.statuses if isinstance(status, Refused)]
        assert outcome.error is not None or refused, (grouping, outcome)
    assert HYPE_ASSET not in floor.exchange._world.accounts.by_user["a"].holdings
    assert not floor.exchange.open_orders("a")
