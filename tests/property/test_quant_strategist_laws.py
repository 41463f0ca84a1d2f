"""Laws of the Quant Strategist that hold whatever the market, the Risk Officer and the venue do.

`Floor` is the rest of the desk in the small: it takes the intents, vetoes some, lets others rest, trade or vanish, and
reports as the Execution Manager does. It checks each intent against the laws as it is made.
"""

from __future__ import annotations

import random
from typing import Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.quant_strategist import QuantStrategist, Settings
from hats.quant_strategist.settings import AvellanedaStoikovSettings, TrendSettings
from shared.hat import restore, snapshot
from shared.ids import Cloid, Role
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.control import Armed, Disarmed, DrainOrdered, Started, Throttle, Woke
from shared.messages.market import FeedState, FeedStatus, UniverseUpdate
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.messages.risk import DenyReason, OrderDenied, TradingState, TradingStateChanged
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent, Regime, RegimeUpdate
from shared.order import TERMINAL, OrderState, Side, Tif
from shared.units import MS, SECOND, Ns, Px, Sz, Usd, tick_at

ROLE: Final = Role.QUANT_STRATEGIST
BTC: Final = Instrument("BTC", 0, 3, 50)
SETTINGS: Final = Settings(
    strategies=(
        AvellanedaStoikovSettings(id="mm", coin="BTC", capital_share=0.5),
        TrendSettings(id="trend", coin="BTC", capital_share=0.5, fast_s=1, slow_s=3, enter_z=0.5, sample_ms=200),
    ),
    requote_min_ms=100,
)
LIMIT_USD: Final = 25_000_000_000
SETTLED: Final = (OrderState.RESTING, OrderState.PARTIALLY_FILLED)


class Floor:
    """One Hat and the rest of the desk, driven by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.hat = QuantStrategist(SETTINGS)
        self.now = 1_000 * SECOND
        self.mid = 50_000_000
        self.spread = 1_000
        self.open: dict[Cloid, OrderChanged] = {}
        self.replaces: dict[Cloid, Cloid] = {}
        self.seen: set[Cloid] = set()
        self.asked: list[CancelIntent] = []
        self.tifs: dict[Cloid, Tif] = {}
        self.net = {"mm": 0, "trend": 0}
        self.may_trade = False
        self.heard: list[tuple[int, AnyMessage]] = []
        self.said: list[list[AnyMessage]] = []
        for message in (UniverseUpdate((BTC,), 4_500, 1_500, Ns(0)), Started(ROLE, 7, Ns(self.now))):
            self.tell(message)

    def tell(self, message: AnyMessage) -> None:
        """Give the Hat one message and look at what it says."""
        self.heard.append((self.now, message))
        said = list(self.hat.handle(message, Ns(self.now)))
        self.said.append(said)
        for wish in said:
            if isinstance(wish, OrderIntent):
                self.check(wish)
            elif isinstance(wish, CancelIntent):
                assert self.open[wish.cloid].state not in TERMINAL
                self.asked.append(wish)

    def check(self, intent: OrderIntent) -> None:
        """Every law that one intent can break."""
        assert self.may_trade, "an intent while nothing is allowed"
        assert intent.cloid not in self.seen, "a cloid used twice"
        self.seen.add(intent.cloid)
        self.tifs[intent.cloid] = intent.tif
        assert BTC.is_on_tick(intent.px)
        assert BTC.is_tradable_sz(intent.px, intent.sz) or intent.reduce_only
        sign = intent.side.value
        for order in self.open.values():
            if order.side is not intent.side and self.tifs[order.cloid] is not Tif.IOC:
                assert sign * (order.px - intent.px) > 0, "it would trade with ourselves"
        bid, ask = self.mid - self.spread, self.mid + self.spread
        if intent.tif is Tif.ALO:
            assert intent.px < ask if intent.side is Side.BUY else intent.px > bid, "a quote that takes"
        if intent.replaces is not None:
            assert self.open[intent.replaces].state in SETTLED, "replaces what is not known to rest"
            under_way = (cloid for cloid, order in self.open.items() if order.state not in SETTLED)
            assert intent.replaces not in map(self.replaces.get, under_way), "one order replaced twice at once"
            self.replaces[intent.cloid] = intent.replaces
        after = self.net[intent.strategy] + sign * intent.sz
        grows = abs(after) > abs(self.net[intent.strategy])
        assert not grows or abs(after) * self.mid <= LIMIT_USD, "beyond its allocation"
        zero = Sz(0)
        self.open[intent.cloid] = OrderChanged(
            intent.cloid, intent.strategy, "BTC", intent.side, intent.px, intent.sz, zero, intent.reduce_only,
            OrderState.NEW, "intent",
        )  # fmt: skip

    def move(self, cloid: Cloid, state: OrderState, filled_sz: int | None = None) -> None:
        """An order changes; the Hat hears of it."""
        order = self.open[cloid]
        changed = msgspec.structs.replace(order, state=state, filled_sz=Sz(filled_sz or order.filled_sz))
        if state in TERMINAL:
            del self.open[cloid]
        else:
            self.open[cloid] = changed
        self.tell(changed)
        replaced = self.replaces.get(cloid)
        if state is OrderState.RESTING and replaced in self.open:
            self.move(replaced, OrderState.CANCELLED)

    def fill(self, cloid: Cloid, sz: int) -> None:
        """Some of an order trades: first the fill is booked, then the order's state is told."""
        order = self.open[cloid]
        self.net[order.strategy] += order.side.value * sz
        now, zero = Ns(self.now), Usd(0)
        self.tell(
            FillBooked(Fill("BTC", order.side, order.px, Sz(sz), 1, cloid, 1, False, zero, zero, 0, now, now),
                       order.strategy)
        )  # fmt: skip
        done = order.filled_sz + sz
        self.move(cloid, OrderState.FILLED if done == order.sz else OrderState.PARTIALLY_FILLED, done)

    def features(self) -> FeatureUpdate:
        """The book as it stands."""
        bid, ask = Px(self.mid - self.spread), Px(self.mid + self.spread)
        now, mid = Ns(self.now), self.mid / 1_000
        lean = self.rng.uniform(-0.5, 0.5) * self.spread / 1_000
        half_bps = self.spread / self.mid * 1e4
        return FeatureUpdate(
            "BTC", now, now, bid, ask, mid, mid + lean, 2 * half_bps, 1e6, 1e6, 0.0, 0.0, 1e4, half_bps, half_bps
        )

    def step(self) -> None:
        """Time passes and one thing happens."""
        self.now += self.rng.choice((5, 50, 100, 200)) * MS
        kind = self.rng.random()
        if kind < 0.5:
            step = self.rng.choice((-50, -5, -1, 0, 0, 1, 5, 50)) * 1_000
            self.mid = max(self.mid + step, 1_000_000)
            self.spread = self.rng.choice((1_000, 1_000, 5_000))
            assert tick_at(self.mid, 3) == 1_000
            self.tell(self.features())
        elif kind < 0.9:
            self.act_on_an_order()
        else:
            self.change_the_world()

    def act_on_an_order(self) -> None:
        """The Risk Officer or the venue deals with one open order, or with a cancel that was asked for."""
        if self.asked and self.rng.random() < 0.5:
            cloid = self.asked.pop(0).cloid
            if cloid in self.open:
                self.move(cloid, self.rng.choice((OrderState.CANCELLED, OrderState.PENDING_CANCEL)))
            return
        if not self.open:
            return
        cloid = self.rng.choice(list(self.open))
        order = self.open[cloid]
        if order.state is OrderState.NEW and self.rng.random() < 0.1:
            del self.open[cloid]
            reason = self.rng.choice(list(DenyReason))
            self.tell(OrderDenied(cloid, order.strategy, "BTC", reason, 0, 0, "test"))
        elif order.state in (OrderState.NEW, OrderState.PENDING_SUBMIT):
            moves = [OrderState.PENDING_SUBMIT, OrderState.RESTING, OrderState.REJECTED, OrderState.UNKNOWN]
            self.move(cloid, self.rng.choice(moves))
        elif self.rng.random() < 0.5:
            self.fill(cloid, self.rng.randint(1, order.sz - order.filled_sz))
        else:
            self.move(cloid, self.rng.choice((OrderState.CANCELLED, OrderState.RESTING)))

    def change_the_world(self) -> None:
        """Permission, pace or volatility change."""
        now = Ns(self.now)
        message: AnyMessage = self.rng.choice(
            (
                Throttle(self.rng.choice((0, 300 * MS)), "test"),
                Woke(ROLE, "watch", now),
                Woke(ROLE, "measures", now),
                RegimeUpdate("BTC", now, SECOND, Regime.NORMAL, (0.2, 0.6, 0.2), self.rng.uniform(0.1, 5.0)),
                *self.permissions(),
            )
        )
        if isinstance(message, Armed):
            self.may_trade = True
        self.tell(message)

    def permissions(self) -> tuple[AnyMessage, ...]:
        """News that allow trading."""
        return (Armed("test"), FeedStatus(FeedState.UP, 1, "test", Ns(self.now)))

    def forbid(self, message: AnyMessage) -> None:
        """Permission ends here: every order that can be cancelled is, and none is made."""
        self.may_trade = False
        self.tell(message)


def opened(seed: int, steps: int) -> Floor:
    """A floor that has traded for a while."""
    floor = Floor(seed)
    floor.may_trade = True
    for message in floor.permissions():
        floor.tell(message)
    for _ in range(steps):
        floor.step()
    return floor


seeds = st.integers(0, 10**9)
endings = st.sampled_from((
    Disarmed("test"),
    DrainOrdered(flatten=False),
    TradingStateChanged(TradingState.HALTED, "test"),
    FeedStatus(FeedState.STALE, 1, "test", Ns(0)),
    FeedStatus(FeedState.DOWN, 1, "test", Ns(0)),
))  # fmt: skip


@settings(max_examples=60)
@given(seeds)
def test_every_intent_keeps_the_laws(seed: int) -> None:
    """On tick, on the right side of the book, inside the allocation, never against ourselves, no blind replacing."""
    floor = opened(seed, 300)
    assert floor.net == {name: state.net_sz for name, state in floor.hat.state.strategies.items()}
    assert set(floor.hat.state.working) == set(floor.open)


def test_the_floor_is_busy() -> None:
    """The laws above are not kept by silence: intents, replacements, takers and cancels all occur."""
    intents, cancels = list[OrderIntent](), 0
    for seed in range(10):
        floor = opened(seed, 300)
        intents += [wish for said in floor.said for wish in said if isinstance(wish, OrderIntent)]
        cancels += sum(isinstance(wish, CancelIntent) for said in floor.said for wish in said)
    assert len(intents) > 200
    assert sum(intent.replaces is not None for intent in intents) > 20
    assert sum(intent.tif is Tif.IOC for intent in intents) > 10
    assert cancels > 20


@settings(max_examples=40)
@given(seeds, endings)
def test_all_is_withdrawn_when_permission_ends(seed: int, ending: AnyMessage) -> None:
    """Whatever ends it, no intent follows, and every order that rests then or later has been asked to end."""
    floor = opened(seed, 100)
    floor.forbid(ending)
    for cloid, order in list(floor.open.items()):
        if order.state in (OrderState.NEW, OrderState.PENDING_SUBMIT):
            floor.move(cloid, OrderState.RESTING)
    asked = {wish.cloid for said in floor.said for wish in said if isinstance(wish, CancelIntent)}
    resting = {cloid for cloid, order in floor.open.items() if order.state in SETTLED}
    assert resting <= asked
    for _ in range(5):
        floor.now += 300 * MS
        floor.tell(floor.features())


@settings(max_examples=40)
@given(seeds)
def test_reducing_only_reduces(seed: int) -> None:
    """While the trading state is REDUCING every intent is reduce-only and makes its strategy's position smaller."""
    floor = opened(seed, 150)
    floor.tell(TradingStateChanged(TradingState.REDUCING, "test"))
    begin = len(floor.said)
    for _ in range(100):
        before = dict(floor.net)
        floor.step()
        for wish in floor.said[-1]:
            if isinstance(wish, OrderIntent):
                assert wish.reduce_only
                held = before[wish.strategy]
                assert wish.side.value * held < 0
                assert wish.sz <= abs(held)
    assert len(floor.said) > begin


@settings(max_examples=40)
@given(seeds, st.data())
def test_a_restored_hat_goes_on_as_if_nothing_happened(seed: int, data: st.DataObject) -> None:
    """Snapshot at any point, restore into a fresh Hat: same outputs on the rest, and the same state at the end."""
    floor = opened(seed, 120)
    cut = data.draw(st.integers(0, len(floor.heard)))
    first, second = QuantStrategist(SETTINGS), QuantStrategist(SETTINGS)
    for now, message in floor.heard[:cut]:
        list(first.handle(message, Ns(now)))
    restore(second, snapshot(first))
    assert [list(second.handle(message, Ns(now))) for now, message in floor.heard[cut:]] == floor.said[cut:]
    assert snapshot(second) == snapshot(floor.hat)
