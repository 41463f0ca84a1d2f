"""Every control of the table: what is equal to its limit passes, one unit beyond is denied for its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer, Settings
from hats.risk_oversight_officer.controls.table import CONTROLS
from hats.risk_oversight_officer.tail import box_of
from shared.ids import FLATTEN
from shared.instrument import Instrument
from shared.messages.account import NetPosition, Reconciled
from shared.messages.control import Disarmed, KillLevel, KillOrdered
from shared.messages.market import (
    AssetContext,
    CaptureState,
    CaptureStatus,
    FeedState,
    FeedStatus,
    UniverseUpdate,
    VenueClockTold,
)
from shared.messages.risk import DenyReason, OrderApproved, OrderDenied
from shared.messages.signal import OrderIntent, Regime, RegimeUpdate
from shared.order import OrderState, Side, Tif, Trigger, TriggerKind
from shared.units import DAY, MS, SECOND, USD, Ns, Px
from tests.unit.hats.risk_oversight_officer.scene import (
    NOW,
    PX,
    STRATEGY,
    booked,
    changed,
    features,
    held,
    intent,
    judged,
    ledger,
    officer,
    say,
)


class Asked(NamedTuple):
    """An officer and what they are asked."""

    hat: RiskOversightOfficer
    wish: OrderIntent
    now: Ns = NOW


Arrange = Callable[[bool], Asked]


def sized(at: int, beyond: int, side: Side = Side.BUY, **limits: Any) -> Arrange:
    """The same officer, asked for `at` lots or for `beyond`."""
    return lambda is_at: Asked(officer(**limits), intent(1, side, at if is_at else beyond))


def told(message: Callable[[bool], Any], wish: OrderIntent | None = None, **limits: Any) -> Arrange:
    """An officer who heard one thing or another."""

    def arrange(is_at: bool) -> Asked:
        hat = officer(**limits)
        say(hat, message(is_at))
        return Asked(hat, wish or intent(1))

    return arrange


def context(*, oracle_px: int = PX, funding_e10: int = 0, recv_ns: int = NOW) -> AssetContext:
    """What the venue says of the coin."""
    return AssetContext("AAA", PX, Px(oracle_px), 0, funding_e10, Ns(recv_ns))


def purpose(is_at: bool) -> Asked:
    """Reduce-only for all that is held, or for a lot more."""
    hat = officer()
    held(hat, Side.BUY, 20, 1)
    return Asked(hat, intent(2, Side.SELL, 20 if is_at else 21, reduce_only=True))


def drawdown(is_at: bool) -> Asked:
    """A tenth lost since the peak, or a little more; it was not confirmed yet."""
    hat = officer(equity_usd=1_000, drawdown_limit_bps=1_000, confirm_ms=10_000)
    say(hat, ledger(900 if is_at else 899))
    return Asked(hat, intent(1))


def daily_loss(is_at: bool) -> Asked:
    """The same since the day began, after a better day before."""
    hat = officer(equity_usd=2_000, drawdown_limit_bps=10_000, daily_loss_limit_bps=1_000, confirm_ms=10_000)
    today = Ns(NOW + DAY)
    for equity in (1_000, 900 if is_at else 899):
        say(hat, ledger(equity), today)
    say(hat, features(recv_ns=today), today)
    say(hat, context(recv_ns=today), today)
    return Asked(hat, intent(1, recv_ns=today), today)


def strategy(is_at: bool) -> Asked:
    """As many fills one way as allowed, or one more."""
    hat = officer(repeated_fills_limit=3)
    for tid in range(3 if is_at else 4):
        say(hat, booked(intent(9, sz=1), 1, tid))
    return Asked(hat, intent(1))


def identity(is_at: bool) -> Asked:
    """A newer id, or the same again."""
    hat = officer()
    judged(hat, intent(1))
    return Asked(hat, intent(2 if is_at else 1))


def books(whose: str) -> Arrange:
    """Books at the age limit, or a nanosecond older."""

    def arrange(is_at: bool) -> Asked:
        hat, age_ns = officer(data_age_limit_ms=500), 500 * MS + (not is_at)
        say(hat, features(recv_ns=NOW - (age_ns if whose == "own" else 0)))
        return Asked(hat, intent(1, recv_ns=NOW - (age_ns if whose == "intent" else 0)))

    return arrange


def drift(is_at: bool) -> Asked:
    """A market that walked away: a buy at the collar over the lowest mid of the window, or a tick higher."""
    hat = officer(drift_collar_bps=500, price_collar_bps=10_000, oracle_collar_bps=10_000)
    hat.state.trail.sample(hat.state.market, 60)
    say(hat, features(mid_px=PX + 40_000))
    return Asked(hat, intent(1, px=PX + 50_000 + (0 if is_at else 100)))


def stop(is_at: bool, *, px_beyond: int = 0, trigger_beyond: int = 0) -> Asked:
    """Twenty held, and a stop five per cent below that reaches two per cent further; or one of both is beyond."""
    hat = officer(trigger_limit_bps=500, trigger_reach_bps=200)
    held(hat, Side.BUY, 20, 1)
    trigger_px = Px(950_000 - (0 if is_at else trigger_beyond))
    wish = intent(2, Side.SELL, 20, 931_000 - (0 if is_at else px_beyond), reduce_only=True)
    return Asked(hat, msgspec.structs.replace(wish, tif=Tif.IOC, how=Trigger(trigger_px, TriggerKind.STOP_LOSS)))


def self_match(is_at: bool) -> Asked:
    """A sell of ours rests; a buy a tick below it, or at it."""
    hat = officer()
    judged(hat, intent(1, Side.SELL))
    return Asked(hat, intent(2, px=PX - (100 if is_at else 0)))


def net(is_at: bool) -> Asked:
    """Long 60 of one coin and short 20 of another: 60 + 40, or + 41, on the long side."""
    hat = officer(net_limit_usd=80)
    held(hat, Side.BUY, 60, 1)
    held(hat, Side.SELL, 20, 2, coin="BBB")
    return Asked(hat, intent(3, sz=40 if is_at else 41))


def cluster(is_at: bool) -> Asked:
    """Two coins of one cluster."""
    hat = officer(clusters={"majors": ("AAA", "BBB")}, cluster_limit_usd=100)
    held(hat, Side.BUY, 60, 1, coin="BBB")
    return Asked(hat, intent(2, Side.SELL, 40 if is_at else 41))


def capital(is_at: bool) -> Asked:
    """What the strategy holds and has open in two coins."""
    hat = officer(strategy_limit_usd=100)
    held(hat, Side.BUY, 50, 1, coin="BBB")
    judged(hat, intent(2, sz=30))
    return Asked(hat, intent(3, sz=20 if is_at else 21))


def budget(is_at: bool) -> Asked:
    """A daily volatility of 400 bps and a target of 200 make half of equity."""
    hat = officer(equity_usd=200, sizing_volatility_bps=200)
    say(hat, RegimeUpdate("AAA", NOW, DAY, Regime.CALM, (1.0, 0.0, 0.0), 400.0))
    return Asked(hat, intent(1, sz=100 if is_at else 101))


def margin(is_at: bool) -> Asked:
    """Maintenance is a hundredth of the notional at 50 times: 100 of 10,000 USDC are one percent of 10,000."""
    hat = officer(equity_usd=10_000, margin_use_limit_percent=1)
    return Asked(hat, intent(1, sz=10_000 if is_at else 10_001))


def liquidation(is_at: bool) -> Asked:
    """Long n at 1 with equity 100, maintenance 1 %: liquidated at (n - 100) / (0.99 n), 500 bps away at n = 1,680.7."""
    hat = officer(equity_usd=100, liquidation_distance_bps=500)
    return Asked(hat, intent(1, sz=1_680 if is_at else 1_681))


def rate(key: str) -> Arrange:
    """As many orders as allowed, or one more, at once."""

    def arrange(is_at: bool) -> Asked:
        hat = officer(**{key: 3})
        for number in range(1, 3 if is_at else 4):
            judged(hat, intent(number))
        return Asked(hat, intent(9))

    return arrange


def in_doubt(is_at: bool) -> Asked:
    """One order less in doubt than what stops, or as many."""
    hat = officer(in_doubt_limit=2)
    for number in range(1, 2 if is_at else 3):
        wish = intent(number)
        judged(hat, wish)
        say(hat, changed(wish, OrderState.UNKNOWN))
    return Asked(hat, intent(9))


def tail_of(is_at: bool, **limits: Any) -> Asked:
    """One hundred returns, the worst -10 %, all at one volatility: the tail of n USDC is n / 10."""
    hat = officer(
        equity_usd=1_000, var_models=("historical",), var_samples_min=100, var_horizon_samples=1, **limits,
    )  # fmt: skip
    hat.state.returns.rows["AAA"] = [*[0] * 97, *[-100_000] * 3]
    hat.state.returns.samples += 1
    return Asked(hat, intent(1, sz=500 if is_at else 501))


EDGES: Final[dict[str, Arrange]] = {
    "purpose": purpose,
    "drawdown": drawdown,
    "halted": told(lambda at: FeedStatus(FeedState.UP, 1, "", NOW) if at else KillOrdered(KillLevel.PAUSE, "")),
    "armed": told(lambda at: FeedStatus(FeedState.UP, 1, "", NOW) if at else Disarmed("")),
    "reducing": told(lambda at: FeedStatus(FeedState.UP, 1, "", NOW) if at else KillOrdered(KillLevel.REDUCE, "")),
    "strategy": strategy,
    "coin": told(
        lambda at: UniverseUpdate((Instrument("AAA", 0, 0, 50, is_delisted=not at),), 4500, 1500, NOW)
    ),
    "id": identity,
    "tick": lambda at: Asked(officer(), intent(1, px=PX + (100 if at else 99))),
    "size": sized(10, 0),
    "feed": told(lambda at: FeedStatus(FeedState.UP if at else FeedState.DOWN, 1, "", NOW)),
    "capture": told(lambda at: CaptureStatus(CaptureState.ON if at else CaptureState.LOW, "", 0, 0, 0, NOW)),
    "intent_age": books("intent"),
    "book_age": books("own"),
    "context_age": told(lambda at: context(recv_ns=NOW - SECOND - (not at)), context_age_limit_ms=1_000),
    "clock": told(
        lambda at: VenueClockTold(-1_000 * MS - (not at), 0, NOW), clock_offset_limit_ms=1_000
    ),
    "spread": told(
        lambda at: msgspec.structs.replace(features(), best_ask_px=Px(PX + 100 + (0 if at else 100))),
        spread_limit_bps=2,
    ),
    "price_gap": told(lambda at: context(oracle_px=995_025 if at else 995_024), price_gap_limit_bps=50),
    "collar": lambda at: Asked(officer(price_collar_bps=100), intent(1, px=PX + 10_000 + (0 if at else 100))),
    "oracle_collar": told(lambda at: context(oracle_px=995_025 if at else 995_024), oracle_collar_bps=50),
    "drift_collar": drift,
    "trigger": lambda at: stop(at, trigger_beyond=100),
    "trigger_reach": lambda at: stop(at, px_beyond=100),
    "min_notional": sized(10, 9),
    "order_notional": sized(100, 101, order_limit_usd=100),
    "fat_finger": told(
        lambda at: context(oracle_px=PX + (50_000 if at else 50_001)), intent(1, sz=100), fat_finger_limit_usd=105
    ),
    "depth": told(
        lambda at: msgspec.structs.replace(features(), ask_depth_usd=10.0 if at else 9.99),
        intent(1, sz=100), depth_limit_percent=1_000,
    ),
    "self_match": self_match,
    "position": sized(100, 101, position_limit_usd=100),
    "gross": sized(100, 101, Side.SELL, gross_limit_usd=100),
    "net": net,
    "cluster": cluster,
    "strategy_capital": capital,
    "equity": lambda at: Asked(
        officer(equity_age_limit_ms=1_000, data_age_limit_ms=9_000), intent(1), Ns(NOW + SECOND + (not at))
    ),
    "cash": told(lambda at: ledger(10**6, 2 * USD + (not at)), cash_gap_limit_usd=2),
    "daily_loss": daily_loss,
    "leverage": sized(100, 101, equity_usd=50, leverage_limit_percent=200),
    "concentration": sized(100, 101, equity_usd=50, concentration_limit_percent=200),
    "size_budget": budget,
    "margin_use": margin,
    "liquidation_distance": liquidation,
    "funding": told(lambda at: context(funding_e10=2_000_000 + (not at)), funding_limit_bps=2),
    "rate": rate("order_rate_limit"),
    "strategy_rate": rate("strategy_rate_limit"),
    "open_orders": rate("open_orders_limit"),
    "coin_orders": rate("coin_orders_limit"),
    "in_doubt": in_doubt,
    "daily_volume": sized(100, 101, daily_volume_limit_usd=100),
    "stress": sized(1_000, 1_001, equity_usd=1_000, stress_limit_bps=5_800),
    "value_at_risk": lambda at: tail_of(at, var_limit_bps=500),
    "expected_shortfall": lambda at: tail_of(at, var_limit_bps=10**6, shortfall_limit_bps=500),
}  # fmt: skip
"""How each control is brought to its edge."""

BY_NAME: Final = {control.name: control for control in CONTROLS}


@pytest.mark.parametrize(("px", "oracle_px"), [(PX - 100_000, 0), (PX - 20_000, PX * 109 // 100)])
def test_closing_may_give_way_further_than_trading(px: int, oracle_px: int) -> None:
    """What the house closes has a collar of its own, around our mid and around the oracle; there it ends too."""
    changed = {"price_gap_limit_bps": 10_000, "drift_collar_bps": 10_000}
    for strategy, limit_bps, passes in ((FLATTEN, 1_200, True), (FLATTEN, 300, False), (STRATEGY, 1_200, False)):
        hat = officer(exit_collar_bps=limit_bps, **changed)
        held(hat, Side.BUY, 20, 1)
        if oracle_px:
            say(hat, context(oracle_px=oracle_px))
        wish = intent(2, Side.SELL, 20, px=px, reduce_only=True, strategy=strategy)
        assert isinstance(judged(hat, wish), OrderApproved) is passes


def test_there_are_more_than_thirty_and_each_is_tried() -> None:
    """No control is without its edge here, and no name stands twice."""
    assert len(CONTROLS) == len(BY_NAME) >= 30
    assert set(EDGES) == set(BY_NAME)


@pytest.mark.parametrize("name", EDGES)
def test_accepted_at_the_limit_refused_beyond(name: str) -> None:
    """What is equal to the limit is approved; one unit beyond is denied for the control's reason, with evidence."""
    hat, wish, now = EDGES[name](True)
    answer = judged(hat, wish, now)
    assert isinstance(answer, OrderApproved), answer
    hat, wish, now = EDGES[name](False)
    answer = judged(hat, wish, now)
    assert isinstance(answer, OrderDenied)
    assert answer.reason is BY_NAME[name].reason
    assert answer.detail


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_settings_and_texts_exist(control: Any) -> None:
    """The key of each limit is one of the settings, and the function says what holds."""
    assert not control.setting or control.setting in Settings.model_fields
    assert control.check.__doc__


def test_a_hedge_passes_where_more_of_the_same_does_not() -> None:
    """Over the limit of the tail, what lowers it passes although it adds a position of its own."""
    hat, _, _ = tail_of(True, var_limit_bps=500)
    hat.state.returns.rows["BBB"] = list(hat.state.returns.rows["AAA"])
    say(hat, Reconciled(True, 0, 0, (), (NetPosition("AAA", 900),)))
    assert isinstance(judged(hat, intent(1, Side.BUY, 10)), OrderDenied)
    assert isinstance(judged(hat, intent(2, Side.BUY, 10, coin="BBB")), OrderDenied)
    assert isinstance(judged(hat, intent(3, Side.SELL, 10, coin="BBB")), OrderApproved)


def test_an_unknown_tail_denies_only_where_it_must_be_known() -> None:
    """Without history the tail is None and passes, unless the settings ask for it; stress holds in any case."""
    hat = officer()
    assert hat._current_tail().losses(box_of(hat.state.corners()[0])) is not None, "no position, no loss"
    assert isinstance(judged(hat, intent(1)), OrderApproved)
    assert hat._current_tail().losses(box_of(hat.state.corners()[0])) is None
    denial = judged(officer(var_required=True), intent(1))
    assert isinstance(denial, OrderDenied)
    assert "unknown" in denial.detail


@pytest.mark.parametrize(("changed", "what"), [
    ({"reduce_only": False}, "reduce-only"),
    ({"how": Trigger(Px(950_001), TriggerKind.STOP_LOSS)}, "tick"),
    ({"how": Trigger(Px(1_050_000), TriggerKind.STOP_LOSS)}, "at once"),
    ({"how": Trigger(Px(950_000), TriggerKind.TAKE_PROFIT)}, "at once"),
])  # fmt: skip
def test_a_trigger_must_reduce_and_sleep(changed: dict[str, Any], what: str) -> None:
    """One that may open, that the venue would not take, or that would wake at once is denied."""
    asked = stop(is_at=True)
    answer = judged(asked.hat, msgspec.structs.replace(asked.wish, **changed))
    assert isinstance(answer, OrderDenied)
    assert answer.reason is DenyReason.BAD_TRIGGER
    assert what in answer.detail


def test_a_stop_stands_in_no_orders_way_and_none_in_its() -> None:
    """It is off the book: our own buy above its price rests, before and after; and it adds to no day's volume."""
    asked = stop(is_at=True)
    before_usd = asked.hat.state.day.approved_usd
    assert isinstance(judged(asked.hat, intent(1, px=PX - 200, strategy_number=3)), OrderApproved)
    bought_usd = asked.hat.state.day.approved_usd - before_usd
    assert isinstance(judged(asked.hat, asked.wish), OrderApproved)
    assert isinstance(judged(asked.hat, intent(2, px=PX - 300, strategy_number=3)), OrderApproved)
    assert asked.hat.state.day.approved_usd - before_usd < 2 * bought_usd
