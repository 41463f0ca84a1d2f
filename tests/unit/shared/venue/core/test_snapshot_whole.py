"""A snapshot of everything: spot, dexs, isolated margin, sub-accounts, waiting orders, TWAP orders, schedules."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from shared.units import HOUR, MINUTE, MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import (
    BuilderTerms,
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    Grouping,
    IssueToken,
    OrderSpec,
    PassTime,
    PlaceOrders,
    SetPrices,
    Tif,
    TriggerSpec,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.dealings import (
    ApproveBuilderFee,
    ClaimRewards,
    CreateSubAccount,
    MoveClass,
    MoveSubUsd,
    RegisterReferrer,
    SendAsset,
    SetReferrer,
)
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Opened, Outcome, TwapRunning
from shared.venue.core.rulings import SetOracle
from shared.venue.core.timed_commands import CancelTwap, PlaceTwap, ScheduleCancel, TwapSpec
from tests.property.whole.ground import ETH, GOLD, HYPE, MID_PX, POLICIES, SOL, START_NS, USERS, fresh

A, B, C = USERS[:3]
PAIR: Final = 10_107
SPOT_PX: Final = 1_000_000


def spec(asset: int, is_buy: bool, sz: int, tif: Tif = Tif.GTC, px: int = MID_PX) -> OrderSpec:
    """An order at the middle."""
    return OrderSpec(asset, is_buy, Px(px), Sz(sz), False, tif)


class Stage:
    """The whole exchange, driven by hand."""

    def __init__(self) -> None:
        self.exchange = fresh(replace(POLICIES[0], schedule_cancel_volume_usd=None))
        self.now = START_NS
        self.sub = ""
        self.twap_id = 0

    def do(self, command: Command, span_ns: int = SECOND) -> Outcome:
        """The outcome, which must be no error."""
        self.now += span_ns
        outcome = self.exchange.apply(command, Ns(self.now))
        assert outcome.error is None, outcome
        return outcome

    def meet(self, asset: int, sz: int, px: int = MID_PX) -> None:
        """A buys from B."""
        self.do(PlaceOrders(B, (spec(asset, False, sz, px=px),)))
        self.do(PlaceOrders(A, (spec(asset, True, sz, Tif.IOC, px),)))


def stage() -> Stage:
    """Something of every kind, each seen to be there."""
    play = Stage()
    for user in (A, B, C):
        play.do(Deposit(user, Usd(200_000 * USD)))
        play.do(SendAsset(user, user, "", "xyz", "USDC", "50000", 1))
        play.do(MoveClass(user, "20000", False))
        play.do(IssueToken(user, HYPE.index, HYPE.wei("500")))
    for asset in (ETH, SOL):
        play.do(SetPrices(asset, Px(MID_PX)))
    play.do(SetOracle(1, ((GOLD, Px(MID_PX)),)))
    for dealing in (RegisterReferrer(C, "ONE"), SetReferrer(B, "ONE"), ApproveBuilderFee(B, C, 100)):
        play.do(dealing)
    (opened,) = play.do(CreateSubAccount(A, "sub")).statuses
    assert isinstance(opened, Opened)
    play.sub = opened.user
    play.do(MoveSubUsd(A, play.sub, True, 1_000 * USD))
    play.do(UpdateLeverage(A, SOL, 5, False))
    for asset in (ETH, SOL, GOLD):
        play.meet(asset, 1_000)
    play.do(UpdateIsolatedMargin(A, SOL, 10 * USD))
    play.do(PlaceOrders(A, (spec(PAIR, True, 100_000, px=SPOT_PX),)))
    sold = replace(spec(PAIR, False, 2_000, Tif.IOC, SPOT_PX), builder=BuilderTerms(C, 100))
    play.do(PlaceOrders(B, (sold,)))
    stop = OrderSpec(
        ETH,
        False,
        Px(MID_PX * 8 // 10),
        Sz(0),
        True,
        Tif.GTC,
        None,
        None,
        TriggerSpec(Px(MID_PX * 9 // 10), True, False),
    )
    play.do(PlaceOrders(A, (stop,), Grouping.POSITION_TPSL))
    play.do(PlaceOrders(C, (spec(ETH, False, 50_000, px=MID_PX + 1_000),)))
    (running,) = play.do(PlaceTwap(A, TwapSpec(ETH, True, Sz(2_000), False, 10, True))).statuses
    assert isinstance(running, TwapRunning)
    play.twap_id = running.twap_id
    play.do(PlaceTwap(B, TwapSpec(PAIR, False, Sz(40_000), False, 5, False)))
    play.do(PassTime(), 2 * MINUTE)
    play.do(ScheduleCancel(C, play.now // MS + 90_000))
    return play


def test_there_is_something_of_every_kind() -> None:
    """What the other tests carry over is not nothing."""
    play = stage()
    exchange = play.exchange
    world = exchange._world
    assert {one.asset: one.is_cross for one in exchange.account(A).positions} == {ETH: True, SOL: False}
    assert [one.asset for one in exchange.account(A, 1).positions] == [GOLD]
    assert {balance.hold_wei > 0 for balance in exchange.spot_balances(A)} == {True, False}
    assert exchange.sub_accounts(A) == (play.sub,)
    assert exchange.identity(C).token_rewards
    assert exchange.identity(C).unclaimed_usd > 0
    assert world.accounts.deployer_fees_usd > 0
    assert len(exchange.twaps(A)) == len(exchange.twaps(B)) == 1
    assert C in world.schedules
    assert [fill for fill in exchange.fills(A) if fill.twap_id == play.twap_id]
    assert any(order.trigger is not None for order in exchange.open_orders(A))


LATER: Final[dict[str, tuple[tuple[Command | str, int], ...]]] = {
    "time alone": ((PassTime(), 30 * SECOND), (PassTime(), 90 * SECOND), (PassTime(), 10 * MINUTE), (PassTime(), HOUR)),
    "twap ended": (("cancel twap", SECOND), (PassTime(), MINUTE)),
    "stop fired": ((SetPrices(ETH, Px(MID_PX * 85 // 100)), 3 * SECOND), (PassTime(), 10 * MINUTE)),
    "isolated gone": ((SetPrices(SOL, Px(MID_PX * 75 // 100)), 3 * SECOND), (PassTime(), MINUTE)),
    "dex moved": ((SetOracle(1, ((GOLD, Px(MID_PX * 101 // 100)),)), 3 * SECOND), (PassTime(), HOUR)),
    "money home": ((ClaimRewards(C), SECOND), (SendAsset(A, A, "xyz", "", "USDC", "5", 1), SECOND), ("empty sub", 1)),
    "spot sold": ((PlaceOrders(C, (spec(PAIR, False, 1_500, Tif.IOC, SPOT_PX),)), SECOND), ("cancel spot", SECOND)),
}


@pytest.mark.parametrize("kind", LATER)
def test_a_restored_exchange_goes_on_with_all_of_it(kind: str) -> None:
    """Same outcomes and the same state, to the byte; and again after a second way through bytes."""
    play = stage()
    before = play.exchange.snapshot()
    other = Exchange.restore(before)
    assert other.snapshot() == before
    told: dict[str, Command] = {
        "cancel twap": CancelTwap(A, ETH, play.twap_id),
        "empty sub": MoveSubUsd(A, play.sub, False, 1_000 * USD),
        "cancel spot": CancelOrders(
            A, tuple(CancelOrder(one.asset, oid=one.oid) for one in play.exchange.open_orders(A) if one.asset == PAIR)
        ),
    }
    changed = False
    for step, span_ns in LATER[kind]:
        command = told[step] if isinstance(step, str) else step
        expected = play.do(command, span_ns)
        assert other.apply(command, Ns(play.now)) == expected
        other = Exchange.restore(other.snapshot())
        changed = changed or bool(expected.events)
    assert changed
    assert other.snapshot() == play.exchange.snapshot()
    assert other.digest() == play.exchange.digest()


def test_the_same_story_gives_the_same_bytes() -> None:
    """A replay's snapshot is the first's."""
    assert stage().exchange.snapshot() == stage().exchange.snapshot()
