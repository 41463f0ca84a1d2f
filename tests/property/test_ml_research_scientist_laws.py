"""Laws of the ML Research Scientist that hold for any series of prints."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hats.ml_research_scientist import MlResearchScientist, Settings
from shared.hat import restore, snapshot
from shared.ids import Role
from shared.instrument import Instrument
from shared.messages import AnyMessage
from shared.messages.control import Started, Woke
from shared.messages.market import Trade, UniverseUpdate
from shared.messages.signal import Regime, RegimeUpdate
from shared.order import Side
from shared.units import MS, SECOND, Ns, Px, Sz

ROLE = Role.ML_RESEARCH_SCIENTIST
SETTINGS = Settings(coins=("BTC", "ETH"), warmup_bars=3, gap_max_bars=5)
UNIVERSE = UniverseUpdate((Instrument("BTC", 0, 3, 50), Instrument("ETH", 1, 3, 50)), 4_500, 1_500, Ns(0))
kinds = st.sampled_from(("BTC", "BTC", "BTC", "ETH", "bar", "measures", "started"))
steps = st.tuples(
    kinds, st.sampled_from((10, 300, 900, 1_000, 7_000)), st.integers(9_900, 10_100), st.integers(0, 1_500)
)

Timed = tuple[int, AnyMessage]


def series_of(drawn: list[tuple[str, int, int, int]], start_ns: int = 100 * SECOND) -> list[Timed]:
    """A start, then prints (some late) and timers in time's order."""
    now = start_ns
    said: list[Timed] = [(now, UNIVERSE), (now, Started(ROLE, 1, Ns(now)))]
    for kind, step_ms, px, age_ms in drawn:
        now += step_ms * MS
        said.append((now, _message(kind, now, px, age_ms)))
    return said


def _message(kind: str, now: int, px: int, age_ms: int) -> AnyMessage:
    if kind == "started":
        return Started(ROLE, 1, Ns(now))
    if kind in ("bar", "measures"):
        return Woke(ROLE, kind, Ns(now))
    return Trade(kind, Side.BUY, Px(px), Sz(1), now, Ns(now - age_ms * MS), Ns(now))


def run(hat: MlResearchScientist, messages: Iterable[Timed]) -> list[list[AnyMessage]]:
    """What the Hat says to each message."""
    return [list(hat.handle(message, Ns(now))) for now, message in messages]


series = st.lists(steps, min_size=1, max_size=60).map(series_of)


@settings(max_examples=50)
@given(series, st.data())
def test_a_restored_hat_goes_on_as_if_nothing_happened(said: list[Timed], data: st.DataObject) -> None:
    """Snapshot at any point, restore into a fresh Hat: same outputs on the rest, and the same state at the end."""
    cut = data.draw(st.integers(0, len(said)))
    whole, first, second = (MlResearchScientist(SETTINGS) for _ in range(3))
    expected = run(whole, said)
    run(first, said[:cut])
    restore(second, snapshot(first))
    assert run(second, said[cut:]) == expected[cut:]
    assert snapshot(second) == snapshot(whole)


@settings(max_examples=50)
@given(series)
def test_regimes_are_probabilities_of_closed_bars(said: list[Timed]) -> None:
    """Each bar of a coin is spoken of at most once, in order, never before it ended by the clocks; chances sum to 1."""
    hat, last = MlResearchScientist(SETTINGS), {"BTC": 0, "ETH": 0}
    for (now, _), out in zip(said, run(hat, said), strict=True):
        for update in out:
            if isinstance(update, RegimeUpdate):
                assert last[update.coin] < update.bar_close_ns <= now
                last[update.coin] = update.bar_close_ns
                assert sum(update.probabilities) == pytest.approx(1.0)
                most = max(range(3), key=update.probabilities.__getitem__)
                assert update.regime is tuple(Regime)[most]
                assert update.sigma_bps > 0.0


@settings(max_examples=50)
@given(series, st.lists(steps, min_size=1, max_size=20), st.lists(steps, min_size=1, max_size=20))
def test_the_past_does_not_depend_on_the_future(
    said: list[Timed], one: list[tuple[str, int, int, int]], other: list[tuple[str, int, int, int]]
) -> None:
    """With two different futures, all that is said of bars that ended before they part is the same, sigma included."""
    parting_ns = said[-1][0]
    first, second = (
        [m for out in run(MlResearchScientist(SETTINGS), said + series_of(tail, parting_ns)[2:]) for m in out]
        for tail in (one, other)
    )
    before = [
        [m for m in out if isinstance(m, RegimeUpdate) and m.bar_close_ns <= parting_ns - 2 * SECOND]
        for out in (first, second)
    ]
    for coin in ("BTC", "ETH"):
        pairs = zip(*([m for m in out if m.coin == coin] for out in before), strict=False)
        assert all(a == b for a, b in pairs)
