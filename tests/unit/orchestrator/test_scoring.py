"""Scores follow the published formula, need evidence, can be bad, and are capped by the worst critical dimension."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scoring import UPTIME, Scores, nearest_rank
from shared.ids import HATS, Role, Seq
from shared.messages import Envelope
from shared.messages.control import Measured
from shared.scorecard import SAMPLES_PER_REPORT, Dimension, Measure, Samples, Scorecard, Statistic, score_of, total_of
from shared.units import SECOND, Ns

QS = Role.QUANT_STRATEGIST
EDGE = Measure(
    name="edge_bps", unit="bps", meaning="x", statistic=Statistic.MEAN, floor=-2, target=2, min_samples=3, window_s=60
)


def _report(seq: int, ts_s: int, *samples: float, name: str = "edge_bps") -> Envelope:
    return Envelope(Seq(seq), Ns(ts_s * SECOND), QS, Seq(0), Ns(0), Measured(QS, name, samples))


def _card(scores: Scores, now_s: int) -> Scorecard:
    return next(card for card in scores.cards(now_s * SECOND) if card.role is QS)


def _edge(scores: Scores, now_s: int) -> Dimension:
    return next(d for d in _card(scores, now_s).dimensions if d.measure is EDGE)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_formula_is_monotone_bounded_and_anchored(a: float, b: float) -> None:
    """0 at the floor, 10 at the target, never outside, and never better for a worse value."""
    assert score_of(EDGE, -2) == 0
    assert score_of(EDGE, 2) == 10
    assert score_of(EDGE, 0) == 5
    low, high = sorted((a, b))
    assert 0 <= score_of(EDGE, low) <= score_of(EDGE, high) <= 10


def test_less_can_be_better() -> None:
    """With the target below the floor small values score high."""
    latency = Measure(name="x", unit="ms", meaning="x", statistic=Statistic.P99, floor=100, target=10, min_samples=1)
    assert [score_of(latency, value) for value in (5, 10, 55, 100, 900)] == [10, 10, 5, 0, 0]


def test_too_few_samples_are_insufficient_evidence() -> None:
    """Below the minimum there is neither value nor score, and no total is made up."""
    scores = Scores({QS: (EDGE,)})
    scores.add(_report(1, 1, 9.0, 9.0))
    assert (_edge(scores, 1).score, _edge(scores, 1).n, _card(scores, 1).total) == (None, 2, None)
    scores.add(_report(2, 2, 9.0))
    assert _edge(scores, 2).score == 10


def test_old_samples_leave_the_window() -> None:
    """What lies before the window does not count any more."""
    scores = Scores({QS: (EDGE,)})
    scores.add(_report(1, 0, -2, -2, -2))
    scores.add(_report(2, 50, 2, 2, 2))
    assert _edge(scores, 55).score == 5
    assert _edge(scores, 70).score == 10


def test_evidence_are_the_newest_reports() -> None:
    """A dimension names the journal numbers behind it."""
    scores = Scores({QS: (EDGE,)})
    for seq in range(1, 9):
        scores.add(_report(seq, seq, 1.0))
    assert _edge(scores, 9).evidence == (4, 5, 6, 7, 8)


def test_trend_is_against_the_card_that_was_marked() -> None:
    """The trend is the change of the score since the last marked card, unknown before."""
    scores = Scores({QS: (EDGE,)})
    scores.add(_report(1, 1, 0, 0, 0))
    assert _edge(scores, 1).trend is None
    scores.mark(scores.cards(1 * SECOND))
    scores.add(_report(2, 2, 2, 2, 2))
    assert _edge(scores, 2).trend == pytest.approx(2.5)


def test_a_bad_critical_dimension_caps_the_total() -> None:
    """Nothing good elsewhere hides a bad critical dimension, and the card says which it is."""
    scores = Scores({QS: (EDGE,)})
    scores.add(_report(1, 1, 2, 2, 2))
    scores.add(_report(2, 1, *[0.0] * 20, name=UPTIME.name))
    card = _card(scores, 1)
    assert (card.total, card.capped_by) == (0.0, "uptime")


def test_a_weight_of_nothing_is_shown_and_not_counted() -> None:
    """It has a score but moves no total and caps none, and alone it makes none."""
    shown = Measure(
        name="x",
        unit="x",
        meaning="x",
        statistic=Statistic.MEAN,
        floor=1,
        target=0,
        min_samples=1,
        weight=0,
        critical=True,
    )
    bad = Dimension(measure=shown, value=1.0, score=0.0, n=1, evidence=(), trend=None)
    good = Dimension(measure=EDGE, value=2.0, score=10.0, n=3, evidence=(), trend=None)
    assert total_of((bad, good)) == (10.0, None)
    assert total_of((bad,)) == (None, None)


def test_samples_that_are_not_numbers_do_not_count() -> None:
    """NaN and infinity are no evidence."""
    scores = Scores({QS: (EDGE,)})
    scores.add(_report(1, 1, float("nan"), float("inf"), 1.0, 1.0, 1.0))
    assert (_edge(scores, 1).n, _edge(scores, 1).value) == (3, 1.0)


def test_a_measure_that_nobody_declared_is_a_bug() -> None:
    """A report without a catalogue entry is not quietly ignored."""
    with pytest.raises(KeyError):
        Scores({}).add(_report(1, 1, 1.0))


def test_all_nine_have_a_card() -> None:
    """Nine cards, also before anything was measured, all without a total."""
    cards = Scores({}).cards(0)
    assert [card.role for card in cards] == list(HATS)
    assert {card.total for card in cards} == {None}


def test_nothing_scored_has_no_total() -> None:
    """No dimension, no number."""
    assert total_of(()) == (None, None)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_occurred(samples: list[float], share: float) -> None:
    """Nearest rank: at least the share of samples lies at or below it, and it is one of them."""
    value = nearest_rank(samples, share)
    assert value in samples
    assert sum(sample <= value for sample in samples) >= share * len(samples)


@given(st.integers(0, 5_000))
def test_reports_are_bounded_and_thinned_evenly(count: int) -> None:
    """However many samples come, a report is short, in order, and spans all of them."""
    samples = Samples()
    for i in range(count):
        samples.add("x", float(i))
    reports = samples.report(QS)
    if not count:
        assert reports == []
        return
    (report,) = reports
    assert isinstance(report, Measured)
    values = report.samples
    assert len(values) <= SAMPLES_PER_REPORT
    assert values[0] == 0
    steps = {b - a for a, b in itertools.pairwise(values)}
    assert len(steps) <= 1
    assert count - 1 - values[-1] < (steps.pop() if steps else 1)
    assert samples.report(QS) == []
