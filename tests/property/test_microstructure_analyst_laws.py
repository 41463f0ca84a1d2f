"""Laws of the Microstructure Analyst that hold for any series of books."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from hats.microstructure_analyst import MicrostructureAnalyst, Settings
from shared.book import Level, fault
from shared.hat import restore, snapshot
from shared.ids import Role
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.control import Started, Woke
from shared.messages.market import BookUpdate, FeedState, FeedStatus, Trade, UniverseUpdate
from shared.messages.order import Fill, FillBooked
from shared.messages.signal import FeatureUpdate
from shared.order import Side
from shared.units import MS, Ns, Px, Sz, Usd

ROLE = Role.MICROSTRUCTURE_ANALYST
SETTINGS = Settings(coins=("BTC",), fit_min_transitions=5, fit_every_ms=100, skill_horizon_ms=300)
UNIVERSE = UniverseUpdate((Instrument("BTC", 0, 3, 50),), 4_500, 1_500, Ns(0))
sizes = st.integers(1, 500)
shapes = st.tuples(st.integers(49_900, 50_100), st.integers(-1, 3), st.lists(sizes, min_size=0, max_size=4))
kinds = st.sampled_from(("book",) * 8 + ("trade", "fill", "fit", "measures", "down", "up"))


@st.composite
def series(draw: st.DrawFn) -> list[tuple[int, AnyMessage]]:
    """A start, then books, prints, fills, timers and feed changes in time's order; some books are unsound."""
    now = 0
    said: list[tuple[int, AnyMessage]] = [(0, UNIVERSE), (0, Started(ROLE, 1, Ns(0)))]
    for kind in draw(st.lists(kinds, min_size=1, max_size=40)):
        now += draw(st.integers(1, 200)) * MS
        px, spread, szs = draw(shapes)
        said.append((now, _message(kind, now, px * 1_000, spread, szs)))
    return said


def _message(kind: str, now: int, px: int, spread: int, szs: list[int]) -> AnyMessage:
    ns, zero = Ns(now), Usd(0)
    if kind == "book":
        bids = tuple(Level(Px(px - n * 1_000), Sz(sz), 1) for n, sz in enumerate(szs))
        asks = tuple(Level(Px(px + (spread + n) * 1_000), Sz(sz), 1) for n, sz in enumerate(reversed(szs)))
        return BookUpdate("BTC", ns, ns, bids, asks)
    if kind == "trade":
        return Trade("BTC", Side.BUY, Px(px), Sz(1), now, ns, ns)
    if kind == "fill":
        fill = Fill("BTC", Side.SELL, Px(px), Sz(1), now % 3, None, now, True, zero, zero, 0, ns, ns)
        return FillBooked(fill, "trend")  # type: ignore[arg-type]
    if kind in ("up", "down"):
        return FeedStatus(FeedState(kind), now % 2, "test", ns)
    return Woke(ROLE, kind, ns)


def run(hat: MicrostructureAnalyst, messages: Iterable[tuple[int, AnyMessage]]) -> list[list[AnyMessage]]:
    """What the Hat says to each message."""
    return [list(hat.handle(message, Ns(now))) for now, message in messages]


@settings(max_examples=60)
@given(series(), st.data())
def test_a_restored_hat_goes_on_as_if_nothing_happened(said: list[tuple[int, AnyMessage]], data: st.DataObject) -> None:
    """Snapshot at any point, restore into a fresh Hat: same outputs on the rest, and the same state at the end."""
    cut = data.draw(st.integers(0, len(said)))
    whole, first, second = (MicrostructureAnalyst(SETTINGS) for _ in range(3))
    expected = run(whole, said)
    run(first, said[:cut])
    restore(second, snapshot(first))
    assert run(second, said[cut:]) == expected[cut:]
    assert snapshot(second) == snapshot(whole)


@settings(max_examples=60)
@given(series())
def test_features_are_possible(said: list[tuple[int, AnyMessage]]) -> None:
    """One FeatureUpdate for each sound book in order, none otherwise; shares, costs and prices are in their bounds."""
    hat = MicrostructureAnalyst(SETTINGS)
    for (_, message), out in zip(said, run(hat, said), strict=True):
        features = [m for m in out if isinstance(m, FeatureUpdate)]
        is_sound = isinstance(message, BookUpdate) and fault(message.bids, message.asks) is None
        assert len(features) == is_sound
        for f in features:
            assert -1.0 <= f.imbalance <= 1.0
            assert f.best_bid_px < f.best_ask_px
            assert f.spread_bps > 0.0
            assert f.bid_depth_usd >= 0.0
            assert abs(f.microprice / f.mid - 1.0) < 0.01
