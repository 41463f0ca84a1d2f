"""The Quant Strategist as a Hat."""

from __future__ import annotations

import msgspec
import pytest

from hats.quant_strategist import QuantStrategist, Settings
from hats.quant_strategist.measures import PRESENCE
from hats.quant_strategist.settings import AvellanedaStoikovSettings, TrendSettings
from orchestrator.routes import ROUTES
from shared.ids import Cloid, Role, StrategyId, cloid_for
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.control import Armed, Disarmed, Measured, Started, Throttle, WakeAt, Woke
from shared.messages.market import AssetContext, FeedState, FeedStatus, FundingClock, UniverseUpdate
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.messages.risk import DenyReason, OrderDenied, SizeBudget, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent, Regime, RegimeUpdate
from shared.order import OrderState, Side, Tif
from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd

ROLE = Role.QUANT_STRATEGIST
START = 1_000 * SECOND
MAKER = AvellanedaStoikovSettings(id="mm", coin="BTC", capital_share=0.5)
TREND = TrendSettings(id="trend", coin="BTC", capital_share=0.5, fast_s=1, slow_s=2, sample_ms=500)


class Bench:
    """A Hat, armed, and the clock."""

    def __init__(self, *strategies: AvellanedaStoikovSettings | TrendSettings) -> None:
        self.hat = QuantStrategist(Settings(strategies=strategies or (MAKER,)))
        self.now = START
        self.orders: dict[Cloid, OrderChanged] = {}
        self.tell(UniverseUpdate((Instrument("BTC", 0, 3, 50),), 4_500, 1_500, Ns(self.now)))
        self.tell(Started(ROLE, 3, Ns(self.now)))
        self.tell(RegimeUpdate("BTC", Ns(self.now), SECOND, Regime.CALM, (1.0, 0.0, 0.0), 1.0))
        self.tell(FeedStatus(FeedState.UP, 1, "connected", Ns(self.now)))
        self.tell(Armed("ready"))

    def tell(self, message: AnyMessage) -> list[AnyMessage]:
        """What the Hat says to it; intents become NEW orders."""
        said = list(self.hat.handle(message, Ns(self.now)))
        for intent in said:
            if isinstance(intent, OrderIntent):
                self.orders[intent.cloid] = OrderChanged(
                    intent.cloid, intent.strategy, intent.coin, intent.side, intent.px, intent.sz, Sz(0),
                    intent.reduce_only, OrderState.NEW, "",
                )  # fmt: skip
        return said

    def book(self, mid: int = 50_000_000, after_ms: int = 500) -> list[AnyMessage]:
        """What it says to the next book."""
        self.now += after_ms * MS
        now, px = Ns(self.now), mid / 1_000
        features = FeatureUpdate(
            "BTC", now, now, Px(mid - 1_000), Px(mid + 1_000), px, px, 0.4, 1e6, 1e6, 0.0, 0.0, 1e4, 1.0, 1.0
        )
        return self.tell(features)

    def order(self, cloid: Cloid, state: OrderState) -> list[AnyMessage]:
        """What it says to an order's new state."""
        self.orders[cloid] = msgspec.structs.replace(self.orders[cloid], state=state)
        return self.tell(self.orders[cloid])

    def quoting(self) -> tuple[OrderIntent, OrderIntent]:
        """Both quotes, resting."""
        bid, ask = intents(self.book())
        for intent in (bid, ask):
            self.order(intent.cloid, OrderState.RESTING)
        return bid, ask

    def fill(self, strategy: str, side: Side, sz: int, px: int = 50_000_000) -> None:
        """A fill of ours."""
        now, zero = Ns(self.now), Usd(0)
        fill = Fill("BTC", side, Px(px), Sz(sz), 1, None, 1, False, zero, zero, 0, now, now)
        self.tell(FillBooked(fill, StrategyId(strategy)))

    def wake(self, timer: str) -> list[AnyMessage]:
        """What it says to a timer."""
        return self.tell(Woke(ROLE, timer, Ns(self.now)))

    def measured(self) -> dict[str, tuple[float, ...]]:
        """The samples since the last report."""
        return {m.measure: m.samples for m in self.wake("measures") if isinstance(m, Measured)}


def intents(said: list[AnyMessage]) -> list[OrderIntent]:
    """The order intents among what was said."""
    return [message for message in said if isinstance(message, OrderIntent)]


def cancels(said: list[AnyMessage]) -> set[Cloid]:
    """The orders that were asked to end."""
    return {message.cloid for message in said if isinstance(message, CancelIntent)}


def test_hears_what_the_table_routes() -> None:
    """The Hat hears exactly what the route table sends it."""
    assert {kind for kind, route in ROUTES.items() if ROLE in route.heard_by} == set(QuantStrategist.hears)


def test_an_armed_maker_quotes_both_sides() -> None:
    """A tenth of 25,000 USDC on each side, add-only, around the mid, anchored at the book, with repeatable ids."""
    bench = Bench()
    bid, ask = intents(bench.book())
    assert (bid.side, ask.side) == (Side.BUY, Side.SELL)
    assert bid.px < 50_000_000 < ask.px
    assert bid.sz == ask.sz == 50
    assert bid.tif is Tif.ALO
    assert bid.book_recv_ns == bench.now
    assert (bid.cloid, ask.cloid) == (cloid_for(3, 0, 1), cloid_for(3, 0, 2))
    assert bench.book(50_100_000) == []


def budget(usd: int) -> SizeBudget:
    """The Risk Officer's word on the coin, in whole USDC."""
    return SizeBudget("BTC", None, Usd(usd * USD), "test")


def test_what_the_risk_officer_lets_the_coin_have_is_never_exceeded() -> None:
    """A budget of a fifth makes quotes a fifth as large; raised again they grow, but never beyond the capital."""
    bench = Bench()
    bench.tell(budget(5_000))
    assert [quote.sz for quote in intents(bench.book())] == [10, 10]
    for usd in (1_000_000, 25_000):
        free = Bench()
        free.tell(budget(usd))
        assert [quote.sz for quote in intents(free.book())] == [50, 50]


def test_two_strategies_share_the_budget_of_their_coin() -> None:
    """Each keeps within its share, so that both together keep within the whole."""
    bench = Bench(MAKER, TREND)
    bench.tell(budget(10_000))
    assert {quote.sz for quote in intents(bench.book()) if quote.strategy == "mm"} == {10}


def test_who_holds_the_budget_already_only_reduces() -> None:
    """A budget below what is held closes no position by itself: the side that adds goes, the other is reduce-only."""
    bench = Bench()
    bench.fill("mm", Side.BUY, 200)
    bench.tell(budget(8_000))
    (ask,) = intents(bench.book())
    assert (ask.side, ask.reduce_only, ask.sz) == (Side.SELL, True, 50)


def test_a_budget_of_nothing_quotes_nothing() -> None:
    """Neither a quote nor a presence to be judged by."""
    bench = Bench()
    bench.tell(budget(0))
    assert not intents(bench.book())
    bench.wake("watch")
    assert PRESENCE.name not in bench.measured()


def test_quotes_follow_the_market_by_replacing_what_rests() -> None:
    """A jump up: the ask moves at once; the bid only once it no longer meets our own old ask."""
    bench = Bench()
    bid, ask = bench.quoting()
    (moved,) = intents(bench.book(50_100_000))
    assert (moved.side, moved.replaces) == (Side.SELL, ask.cloid)
    bench.order(ask.cloid, OrderState.CANCELLED)
    bench.order(moved.cloid, OrderState.RESTING)
    (followed,) = intents(bench.book(50_100_000))
    assert (followed.side, followed.replaces) == (Side.BUY, bid.cloid)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Disarmed("test"), "disarmed"),
        (TradingStateChanged(TradingState.HALTED, "test"), "trading is halted"),
        (FeedStatus(FeedState.DOWN, 1, "test", Ns(0)), "feed is down"),
        (FeedStatus(FeedState.UP, 1, "test", Ns(0), ("BTC",)), "its data can't be relied on"),
    ],
)
def test_quotes_are_withdrawn_with_the_reason(message: AnyMessage, reason: str) -> None:
    """Whatever forbids quoting, both go at once and nothing comes back."""
    bench = Bench()
    bid, ask = bench.quoting()
    said = bench.tell(message)
    assert cancels(said) == {bid.cloid, ask.cloid}
    assert {m.reason for m in said if isinstance(m, CancelIntent)} == {reason}
    assert bench.book() == []


def test_only_the_coin_whose_data_is_doubted_is_left() -> None:
    """Another coin's socket may be down; this one is quoted on."""
    bench = Bench()
    bench.quoting()
    assert bench.tell(FeedStatus(FeedState.UP, 1, "test", Ns(0), ("ETH",))) == []


def test_old_features_withdraw_the_quotes() -> None:
    """Three seconds of silence and the watch timer takes the quotes off, though nobody said that the feed is down."""
    bench = Bench()
    bid, ask = bench.quoting()
    bench.now += 2_900 * MS
    assert cancels(bench.wake("watch")) == set()
    bench.now += 200 * MS
    assert cancels(bench.wake("watch")) == {bid.cloid, ask.cloid}


def test_an_order_that_rests_too_late_is_withdrawn() -> None:
    """An intent still on its way when permission ends is cancelled as soon as it is known to rest."""
    bench = Bench()
    bid, _ = intents(bench.book())
    assert cancels(bench.tell(Disarmed("test"))) == set()
    assert cancels(bench.order(bid.cloid, OrderState.RESTING)) == {bid.cloid}


def test_reducing_quotes_only_the_closing_side() -> None:
    """Long 30 lots and REDUCING: all quotes go, then one reduce-only ask of at most 30 comes."""
    bench = Bench()
    bid, ask = bench.quoting()
    bench.fill("mm", Side.BUY, 30)
    assert cancels(bench.tell(TradingStateChanged(TradingState.REDUCING, "test"))) == {bid.cloid, ask.cloid}
    for cloid in (bid.cloid, ask.cloid):
        bench.order(cloid, OrderState.CANCELLED)
    (only,) = intents(bench.book())
    assert (only.side, only.sz, only.reduce_only) == (Side.SELL, 30, True)


def test_a_veto_pauses_the_strategy() -> None:
    """Nothing for the pause, then it tries again with a new id; a veto is measured if it could be known."""
    bench = Bench()
    bid, ask = intents(bench.book())
    for intent in (bid, ask):
        reason = DenyReason.NO_EQUITY if intent is bid else DenyReason.BAD_PRICE
        bench.tell(OrderDenied(intent.cloid, intent.strategy, "BTC", reason, 0, 0, "test"))
    assert bench.book(after_ms=900) == []
    assert bench.measured()["denied_share"] == (0.0, 1.0)
    again = intents(bench.book(after_ms=200))
    assert [intent.cloid for intent in again] == [cloid_for(3, 0, 3), cloid_for(3, 0, 4)]


def test_pace_and_throttle_are_kept() -> None:
    """No second round within the pace; a throttle stretches it further and can be lifted."""
    bench = Bench()
    bench.quoting()
    assert bench.book(50_100_000, after_ms=100) == []
    bench.tell(Throttle(10 * SECOND, "test"))
    assert bench.book(50_100_000) == []
    bench.tell(Throttle(0, "test"))
    assert len(intents(bench.book(50_100_000))) == 1


def test_turbulence_widens_and_shrinks() -> None:
    """The same market in a turbulent regime is quoted wider and smaller."""
    calm, wild = Bench(), Bench()
    wild.tell(RegimeUpdate("BTC", Ns(wild.now), SECOND, Regime.TURBULENT, (0.0, 0.0, 1.0), 1.0))
    (calm_bid, calm_ask), (wild_bid, wild_ask) = intents(calm.book()), intents(wild.book())
    assert wild_ask.px - wild_bid.px > calm_ask.px - calm_bid.px
    assert wild_bid.sz < calm_bid.sz


def test_a_wild_microprice_is_not_followed_out_of_the_spread() -> None:
    """A forecast far above the ask moves the quotes as far as the ask, no further."""
    quotes = []
    for microprice in (50_001.0, 60_000.0):
        bench = Bench()
        bench.book()
        features = bench.hat.state.coins["BTC"].features
        assert features is not None
        fresh = Bench()
        fresh.now = bench.now
        quotes.append(intents(fresh.tell(msgspec.structs.replace(features, microprice=microprice))))
    assert quotes[0] == quotes[1]


def test_the_trend_follower_takes_once_and_waits() -> None:
    """A steady rise is bought with one IOC through the ask; nothing more until its fate is known; then it is held."""
    bench = Bench(TREND)
    said: list[AnyMessage] = []
    mid = 50_000_000
    while not intents(said):
        mid += 20_000
        said = bench.book(mid)
        assert bench.now < START + 20 * SECOND
    (entry,) = intents(said)
    assert (entry.side, entry.tif) == (Side.BUY, Tif.IOC)
    assert entry.px > mid + 1_000
    assert entry.px % 1_000 == 0
    assert bench.book(mid + 40_000) == []
    bench.fill("trend", Side.BUY, entry.sz, entry.px)
    bench.orders[entry.cloid] = msgspec.structs.replace(bench.orders[entry.cloid], filled_sz=entry.sz)
    assert bench.order(entry.cloid, OrderState.FILLED) == []
    assert bench.hat.state.strategies[StrategyId("trend")].net_sz == entry.sz


def test_our_quotes_step_aside_for_our_taker() -> None:
    """A taker that would meet our own ask has it withdrawn first, keeps it away for a while, and then takes."""
    bench = Bench(MAKER, TREND)
    mid = 50_000_000
    asks: set[Cloid] = set()
    for _ in range(30):
        mid += 20_000
        said = bench.book(mid)
        for intent in intents(said):
            if intent.strategy == "trend":
                assert not asks
                return
            if intent.side is Side.SELL:
                asks.add(intent.cloid)
            bench.order(intent.cloid, OrderState.RESTING)
            if intent.replaces:
                asks.discard(intent.replaces)
                bench.order(intent.replaces, OrderState.CANCELLED)
        for cloid in cancels(said):
            asks.discard(cloid)
            bench.order(cloid, OrderState.CANCELLED)
    pytest.fail("the taker never came through")


def test_fills_are_judged_by_the_mid_five_seconds_later() -> None:
    """A buy at 50,000 with the mid at 50,050 five seconds on is an edge of 10 bps."""
    bench = Bench()
    bench.book()
    bench.fill("mm", Side.BUY, 10)
    bench.book(50_020_000, after_ms=4_000)
    assert "edge_bps" not in bench.measured()
    bench.book(50_050_000, after_ms=1_100)
    assert bench.measured()["edge_bps"] == pytest.approx((10.0,))


def test_presence_is_what_stands_on_both_sides() -> None:
    """Two quotes are full presence, one is half; a side without room is not asked for."""
    bench = Bench()
    bid, _ = bench.quoting()
    bench.wake("watch")
    bench.order(bid.cloid, OrderState.CANCELLED)
    bench.wake("watch")
    bench.fill("mm", Side.BUY, 490)
    bench.wake("watch")
    assert bench.measured()["presence"] == (1.0, 1.0, 0.0, 1.0, 1.0)


def test_decisions_missed_are_measured() -> None:
    """A book is missed in the pause after a veto that could be known; another veto's pause is not held against it."""
    for reason, share in ((DenyReason.BAD_PRICE, 0.5), (DenyReason.NO_EQUITY, 1.0)):
        bench = Bench()
        bid, _ = intents(bench.book())
        bench.tell(OrderDenied(bid.cloid, bid.strategy, "BTC", reason, 0, 0, "test"))
        bench.book(after_ms=250)
        assert bench.measured()["decided_share"] == (share,)


def test_presence_is_asked_only_of_who_could_quote() -> None:
    """Neither on old features nor in a pause that nobody could avoid is a missing quote held against the strategist."""
    bench = Bench()
    bid, _ = bench.quoting()
    bench.order(bid.cloid, OrderState.CANCELLED)
    bench.now = Ns(bench.now + 600 * MS)
    bench.wake("watch")
    again = intents(bench.book())
    bench.tell(OrderDenied(again[0].cloid, again[0].strategy, "BTC", DenyReason.NO_EQUITY, 0, 0, "test"))
    bench.wake("watch")
    assert "presence" not in bench.measured()


def test_funding_is_heard_from_both() -> None:
    """Rates of 10^-10 an hour become bps an hour; the newest word holds."""
    bench = Bench()
    bench.tell(AssetContext("BTC", Px(1), Px(1), 0, 1_250_000, Ns(0)))
    assert bench.hat.state.coins["BTC"].funding_bps == pytest.approx(1.25)
    bench.tell(FundingClock(Ns(1), {"BTC": -2_000_000}))
    assert bench.hat.state.coins["BTC"].funding_bps == pytest.approx(-2.0)


def test_started_sets_timers_every_time_and_forgets_nothing() -> None:
    """After a crash the timers are asked for again, orders and positions stay."""
    bench = Bench()
    bench.quoting()
    bench.fill("mm", Side.BUY, 5)
    said = bench.tell(Started(ROLE, 3, Ns(bench.now)))
    assert said == [WakeAt(Ns(bench.now + 250 * MS), "watch"), WakeAt(Ns(bench.now + SECOND), "measures")]
    assert len(bench.hat.state.working) == 2
    assert bench.hat.state.strategies[StrategyId("mm")].net_sz == 5
