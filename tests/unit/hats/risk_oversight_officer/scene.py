"""A Risk Oversight Officer at work on coins whose lot is worth exactly one USDC, and the messages that it hears."""

from __future__ import annotations

import msgspec

from hats.risk_oversight_officer import RiskOversightOfficer, Settings
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.account import LedgerReport, NetPosition, Reconciled
from shared.messages.control import Armed, Started, Woke
from shared.messages.market import (
    AssetContext,
    CaptureState,
    CaptureStatus,
    FeedState,
    FeedStatus,
    UniverseUpdate,
    VenueClockTold,
)
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.messages.risk import OrderApproved, OrderDenied
from shared.messages.signal import FeatureUpdate, OrderIntent, Regime, RegimeUpdate
from shared.order import OrderState, Side, Tif
from shared.units import MINUTE, SECOND, USD, Ns, Px, Sz, Usd

RUN = 7
PX = Px(1_000_000)
"""One USDC for a lot of a coin whose sizes have no decimals; its tick is 100."""
NOW = Ns(1_000 * SECOND)
COINS = ("AAA", "BBB")
STRATEGY = StrategyId("mm")


def settings(**changed: object) -> Settings:
    """Limits far away from everything, but for those that `changed` names."""
    wide: dict[str, object] = {
        "order_limit_usd": 10**6,
        "position_limit_usd": 10**6,
        "gross_limit_usd": 10**7,
        "leverage_limit_percent": 10**6,
        "order_rate_limit": 10**6,
        "open_orders_limit": 10**6,
        "coin_orders_limit": 10**6,
        "strategy_rate_limit": 10**6,
        "fat_finger_limit_usd": 10**7,
        "net_limit_usd": 10**7,
        "cluster_limit_usd": 10**7,
        "strategy_limit_usd": 10**7,
        "concentration_limit_percent": 10**6,
        "margin_use_limit_percent": 100,
        "liquidation_distance_bps": 1,
        "daily_loss_limit_bps": 10_000,
        "price_gap_limit_bps": 10_000,
        "stress_limit_bps": 10**6,
        "sizing_volatility_bps": 0,
        "confirm_ms": 0,
        "resume_delay_ms": 0,
    }
    return Settings.model_validate(wide | changed)


def features(coin: str = "AAA", recv_ns: int = NOW, mid_px: int = PX) -> FeatureUpdate:
    """Features of a book one tick wide on each side of `mid_px`."""
    bid, ask = Px(mid_px - 100), Px(mid_px + 100)
    return FeatureUpdate(
        coin, Ns(recv_ns), Ns(recv_ns), bid, ask, 1.0, 1.0, 2.0, 1e6, 1e6, 0.0, 0.0, 1e4, 1.0, 1.0
    )  # fmt: skip


def context(oracle_px: int, coin: str = "AAA") -> AssetContext:
    """Mark and oracle of one coin."""
    return AssetContext(coin, PX, Px(oracle_px), 0, 0, NOW)


def ledger(equity_usd: int, cash_gap_usd: int | None = None) -> LedgerReport:
    """A report of so many whole USDC of equity, and so many micro-USDC of cash that nothing explains."""
    equity = Usd(equity_usd * USD)
    zero = Usd(0)
    gap = None if cash_gap_usd is None else Usd(cash_gap_usd)
    return LedgerReport(equity, equity, zero, zero, zero, zero, 0.0, 0.0, 0.0, 0.0, 0, (), (), None, cash_gap_usd=gap)


def officer(equity_usd: int = 10**6, **changed: object) -> RiskOversightOfficer:
    """An armed officer who holds nothing and knows two coins, all that is said of them, equity and the time."""
    hat = RiskOversightOfficer(settings(**changed))
    ready(hat, equity_usd)
    return hat


def ready(hat: RiskOversightOfficer, equity_usd: int = 10**6, positions: tuple[NetPosition, ...] = ()) -> None:
    """Let the officer hear all that an armed desk has heard; of volatility nothing yet."""
    for message in opening(equity_usd, positions):
        say(hat, message)


def opening(equity_usd: int, positions: tuple[NetPosition, ...]) -> tuple[AnyMessage, ...]:
    """What an armed desk has heard."""
    listed = tuple(Instrument(coin, n, 0, 50) for n, coin in enumerate(COINS))
    return (
        Started(Role.RISK_OVERSIGHT_OFFICER, RUN, NOW),
        UniverseUpdate(listed, 4500, 1500, NOW),
        FeedStatus(FeedState.UP, 1, "test", NOW),
        CaptureStatus(CaptureState.OFF, "test", 0, 0, -1, NOW),
        *(features(coin) for coin in COINS),
        *(context(PX, coin) for coin in COINS),
        *(RegimeUpdate(coin, NOW, 1, Regime.CALM, (1.0, 0.0, 0.0), 0.0) for coin in COINS),
        Reconciled(True, 0, 0, (), positions),
        ledger(equity_usd),
        VenueClockTold(0, 0, NOW),
        Armed("ready"),
    )


def say(hat: RiskOversightOfficer, message: AnyMessage, now: Ns = NOW) -> list[AnyMessage]:
    """What the officer answers."""
    return list(hat.handle(message, now))


def minute(hat: RiskOversightOfficer, number: int, **mids: int) -> list[AnyMessage]:
    """Books of the coins in `mids` just before the `number`-th turn of the minute after NOW, and the sample at it."""
    turn_ns = Ns(NOW - NOW % MINUTE + number * MINUTE)
    for coin, mid_px in mids.items():
        say(hat, features(coin, turn_ns - 1, mid_px), Ns(turn_ns - 1))
    return say(hat, Woke(Role.RISK_OVERSIGHT_OFFICER, "returns", turn_ns), turn_ns)


def intent(
    number: int, side: Side = Side.BUY, sz: int = 20, px: int = PX, *, coin: str = "AAA", reduce_only: bool = False,
    replaces: Cloid | None = None, recv_ns: int = NOW, strategy: StrategyId = STRATEGY, strategy_number: int = 1,
) -> OrderIntent:  # fmt: skip
    """The `number`-th wish of a strategy."""
    cloid = cloid_for(RUN, strategy_number, number)
    return OrderIntent(
        cloid, strategy, coin, side, Px(px), Sz(sz), Tif.GTC, reduce_only, replaces, Ns(recv_ns), "test"
    )  # fmt: skip


def judged(hat: RiskOversightOfficer, wish: OrderIntent, now: Ns = NOW) -> OrderApproved | OrderDenied:
    """The officer's one answer to an intent."""
    (answer,) = say(hat, wish, now)
    assert isinstance(answer, OrderApproved | OrderDenied)
    return answer


def changed(wish: OrderIntent, state: OrderState, filled_sz: int = 0) -> OrderChanged:
    """The Execution Manager's word on the order that came of `wish`."""
    filled, reason = Sz(filled_sz), "test"
    return OrderChanged(
        wish.cloid, wish.strategy, wish.coin, wish.side, wish.px, wish.sz, filled, wish.reduce_only, state, reason
    )


def booked(wish: OrderIntent, sz: int, tid: int = 1) -> FillBooked:
    """A fill of the order that came of `wish`."""
    fill = Fill(
        wish.coin, wish.side, wish.px, Sz(sz), 1, wish.cloid, tid, False, Usd(0), Usd(0), 0, NOW, NOW
    )  # fmt: skip
    return FillBooked(fill, wish.strategy)


def held(hat: RiskOversightOfficer, side: Side, sz: int, number: int, coin: str = "AAA") -> None:
    """Let the officer approve and see filled an order, so that the position is there."""
    wish = intent(number, side, sz, coin=coin)
    assert isinstance(judged(hat, wish), OrderApproved)
    say(hat, booked(wish, sz, number))
    say(hat, changed(wish, OrderState.FILLED, sz))


def memory(hat: RiskOversightOfficer) -> bytes:
    """All that the officer remembers except its measurements and when it denied."""
    left_out = {"samples", "denied_ns"}
    kept = {name: getattr(hat.state, name) for name in hat.state.__struct_fields__ if name not in left_out}
    return msgspec.json.encode(kept, order="sorted")
