"""The Microstructure Analyst as a Hat."""

from __future__ import annotations

import pytest

from hats.microstructure_analyst import MicrostructureAnalyst, Settings
from orchestrator.routes import ROUTES
from shared.book import Level
from shared.ids import Role, StrategyId
from shared.instrument import Instrument
from shared.messages.control import Measured, Started, WakeAt, Woke
from shared.messages.market import BookUpdate, FeedState, FeedStatus, Trade, UniverseUpdate
from shared.messages.order import Fill, FillBooked
from shared.messages.signal import FeatureUpdate, Regime, RegimeUpdate
from shared.order import Side
from shared.units import MS, SECOND, Ns, Px, Sz, Usd

ROLE = Role.MICROSTRUCTURE_ANALYST
BTC = Instrument("BTC", 0, 3, 50)


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    """Levels of one order each."""
    return tuple(Level(Px(px), Sz(sz), 1) for px, sz in pairs)


def book(ns: int, exch_ns: int | None = None, bid: int = 49_999_000, ask: int = 50_001_000) -> BookUpdate:
    """A one-level BTC book."""
    when = Ns(ns if exch_ns is None else exch_ns)
    return BookUpdate("BTC", when, Ns(ns), levels((bid, 1_000)), levels((ask, 1_000)))


def analyst(**settings: object) -> MicrostructureAnalyst:
    """A Hat that knows BTC."""
    hat = MicrostructureAnalyst(Settings.model_validate({"coins": ("BTC",), **settings}))
    list(hat.handle(UniverseUpdate((BTC,), 4_500, 1_500, Ns(0)), Ns(0)))
    return hat


def measured(hat: MicrostructureAnalyst, now: int) -> dict[str, tuple[float, ...]]:
    """The samples that the measures timer brings out."""
    said = hat.handle(Woke(ROLE, "measures", Ns(now)), Ns(now))
    return {message.measure: message.samples for message in said if isinstance(message, Measured)}


def test_hears_what_the_table_routes() -> None:
    """The Hat hears exactly what the route table sends it."""
    routed = {kind for kind, route in ROUTES.items() if ROLE in route.heard_by}
    assert routed == set(MicrostructureAnalyst.hears)


def test_a_sound_book_becomes_one_feature_update() -> None:
    """Mid, spread and depth are the book's; both slippages are half the spread for a small probe."""
    hat = analyst(probe_usd=1_000.0)
    (said,) = hat.handle(book(10), Ns(10))
    assert isinstance(said, FeatureUpdate)
    assert said.mid == pytest.approx(50_000.0)
    assert said.microprice == pytest.approx(50_000.0)
    assert said.spread_bps == pytest.approx(0.4)
    assert said.bid_depth_usd == pytest.approx(49_999.0)
    assert said.buy_slippage_bps == pytest.approx(0.2)
    assert said.sell_slippage_bps == pytest.approx(0.2)
    assert (said.best_bid_px, said.best_ask_px) == (49_999_000, 50_001_000)


def test_unsound_and_older_books_say_nothing_and_are_counted() -> None:
    """Crossed books and books older than the last are set aside; unknown coins are not guessed at."""
    hat = analyst()
    assert list(hat.handle(book(10), Ns(10)))
    assert list(hat.handle(book(11, bid=50_001_000), Ns(11))) == []
    assert list(hat.handle(book(12, exch_ns=9), Ns(12))) == []
    unknown = BookUpdate("DOGE", Ns(13), Ns(13), levels((1, 1)), levels((2, 1)))
    assert list(hat.handle(unknown, Ns(13))) == []
    assert measured(hat, 20)["unsound_share"] == (0.0, 1.0, 1.0)


def test_a_new_connection_may_bring_an_earlier_clock() -> None:
    """After a reconnect a book is not refused for its time, and no flow runs across the gap."""
    hat = analyst()
    list(hat.handle(book(1_000), Ns(1_000)))
    assert list(hat.handle(FeedStatus(FeedState.UP, 2, "connected", Ns(1_001)), Ns(1_001))) == []
    (said,) = hat.handle(book(1_002, exch_ns=5), Ns(1_002))
    assert isinstance(said, FeatureUpdate)
    assert hat.state.coins["BTC"].fit.seen == 0


def test_coverage_falls_when_books_stop() -> None:
    """A fresh book counts as covered, a stale one and a missing one do not; age is told as it is."""
    hat = analyst(stale_ms=1_000)
    assert measured(hat, SECOND)["coverage"] == (0.0,)
    list(hat.handle(book(SECOND), Ns(SECOND)))
    assert measured(hat, SECOND + 500 * MS) == {"coverage": (1.0,), "book_age_ms": (500.0,), "unsound_share": (0.0,)}
    assert measured(hat, 3 * SECOND) == {"coverage": (0.0,), "book_age_ms": (2_000.0,)}


def test_slippage_is_judged_by_taker_fills_and_learned_by_regime() -> None:
    """A fill 2 bps worse than foretold is an error of 2 bps and lifts the next forecast, in that regime only."""
    hat = analyst(probe_usd=1_000.0)
    list(hat.handle(RegimeUpdate("BTC", Ns(1), SECOND, Regime.CALM, (1.0, 0.0, 0.0), 1.0), Ns(1)))
    list(hat.handle(book(10), Ns(10)))
    zero = Usd(0)
    fill = Fill("BTC", Side.BUY, Px(50_011_000), Sz(5), 1, None, 1, True, zero, zero, 0, Ns(20), Ns(20))
    list(hat.handle(FillBooked(fill, StrategyId("trend")), Ns(21)))
    assert measured(hat, 30)["slippage_error_bps"] == pytest.approx((2.0,))
    (said,) = hat.handle(book(40), Ns(40))
    assert isinstance(said, FeatureUpdate)
    assert said.buy_slippage_bps == pytest.approx(0.2 + 2.0 / 11)
    list(hat.handle(RegimeUpdate("BTC", Ns(50), SECOND, Regime.NORMAL, (0.0, 1.0, 0.0), 1.0), Ns(50)))
    (said,) = hat.handle(book(60), Ns(60))
    assert isinstance(said, FeatureUpdate)
    assert said.buy_slippage_bps == pytest.approx(0.2)


def test_prints_far_from_the_quotes_are_measured() -> None:
    """A print 10 bps above the ask is a distance of about 10 bps."""
    hat = analyst()
    list(hat.handle(book(10), Ns(10)))
    list(hat.handle(Trade("BTC", Side.BUY, Px(50_051_000), Sz(1), 1, Ns(11), Ns(11)), Ns(11)))
    assert measured(hat, 20)["print_distance_bps"] == pytest.approx((10.0,))


def test_started_arms_both_timers_every_time() -> None:
    """Started asks for the measures and the fit timer, again after a crash; waking asks for the next."""
    hat = analyst()
    for _ in range(2):
        said = list(hat.handle(Started(ROLE, 1, Ns(0)), Ns(0)))
        assert said == [WakeAt(Ns(SECOND), "measures"), WakeAt(Ns(5 * SECOND), "fit")]
    assert list(hat.handle(Woke(ROLE, "fit", Ns(0)), Ns(0))) == [WakeAt(Ns(5 * SECOND), "fit")]
