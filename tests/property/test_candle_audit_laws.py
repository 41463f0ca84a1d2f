"""The audit finds every loss that no gap declares, and nothing else, whatever was traded and wherever it was cut."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.units import MINUTE, SECOND
from shared.warehouse.candle_audit import Audited, Count, Gaps, Span, Tape, Verdict, audited, minutes_of

START = 472_000 * 60 * MINUTE
MINUTES = 12
SLACK = 2 * SECOND
Print = tuple[int, int]

prints = st.lists(st.tuples(st.integers(0, MINUTES * MINUTE - 1), st.integers(1, 10**6)), max_size=60)
cuts = st.lists(st.tuples(st.integers(0, MINUTES * MINUTE), st.integers(0, 90 * SECOND)), max_size=4)


def candles(told: list[Print]) -> dict[int, Count]:
    """The exchange's candles of every minute."""
    trades: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    for at, sz in told:
        trades[at // MINUTE] += 1
        sizes[at // MINUTE] += sz
    return {START + minute * MINUTE: Count(trades[minute], sizes[minute]) for minute in range(MINUTES)}


def audit(told: list[Print], kept: list[bool], spans: list[Span], known: dict[int, Count] | None = None) -> Audited:
    """The audit of what was kept of these trades."""
    tape = Tape()
    for tid, ((at, sz), is_kept) in enumerate(zip(told, kept, strict=True)):
        if is_kept:
            tape.add(START + at, sz, tid)
    span = Span(START, START + MINUTES * MINUTE)
    of = candles(told) if known is None else known
    return audited(minutes_of("BTC", span, tape, of, Gaps(spans, SLACK)), tape.repeated)


def spans_of(told: list[tuple[int, int]]) -> list[Span]:
    """Declared gaps."""
    return [Span(START + at, START + at + length) for at, length in told]


@given(prints, cuts)
def test_what_only_gaps_lost_is_explained(told: list[Print], cut: list[tuple[int, int]]) -> None:
    """Everything in a gap lost, everything else kept: sound, and the sums are exactly what was lost."""
    spans = spans_of(cut)
    kept = [not any(span.start_ns <= START + at <= span.end_ns for span in spans) for at, _ in told]
    found = audit(told, kept, spans)
    assert found.is_sound
    assert found.trades_missing == kept.count(False)
    assert found.sz_missing == sum(sz for (_, sz), is_kept in zip(told, kept, strict=True) if not is_kept)
    assert found.equal + found.explained == MINUTES


@given(prints.filter(bool), cuts, st.data())
def test_an_undeclared_loss_is_found(told: list[Print], cut: list[tuple[int, int]], data: st.DataObject) -> None:
    """One trade lost in a minute that no gap touches: that minute alone is unexplained."""
    lost = data.draw(st.integers(0, len(told) - 1))
    minute = START + told[lost][0] // MINUTE * MINUTE
    spans = [span for span in spans_of(cut) if span.end_ns + SLACK < minute or span.start_ns - SLACK >= minute + MINUTE]
    found = audit(told, [number != lost for number in range(len(told))], spans)
    assert not found.is_sound
    assert [one.open_ns for one in found.disagreements] == [minute]
    assert found.disagreements[0].verdict is Verdict.UNEXPLAINED
    assert found.disagreements[0].missing == Count(1, told[lost][1])


@given(prints.filter(bool), st.data())
def test_more_than_the_exchange_knows_is_never_explained(told: list[Print], data: st.DataObject) -> None:
    """A trade that the candle does not count is wrong, gaps or not; so is one of another size."""
    number = data.draw(st.integers(0, len(told) - 1))
    everything = [Span(START, START + MINUTES * MINUTE)]
    without = candles([one for place, one in enumerate(told) if place != number])
    found = audit(told, [True] * len(told), everything, without)
    assert [one.verdict for one in found.disagreements] == [Verdict.UNEXPLAINED]
    smaller = [(at, sz - 1) if place == number else (at, sz) for place, (at, sz) in enumerate(told)]
    assert not audit(told, [True] * len(told), everything, candles(smaller)).is_sound


@given(prints.filter(bool))
def test_a_trade_heard_twice_counts_once(told: list[Print]) -> None:
    """After a reconnect the venue repeats its last trades."""
    tape = Tape()
    for _ in range(2):
        for tid, (at, sz) in enumerate(told):
            tape.add(START + at, sz, tid)
    span = Span(START, START + MINUTES * MINUTE)
    found = audited(minutes_of("BTC", span, tape, candles(told), Gaps([])), tape.repeated)
    assert found.is_sound
    assert found.repeated == len(told)


def test_a_candle_that_nobody_asked_for_is_unknown() -> None:
    """Not equal, not zero: the audit is not sound until the exchange was asked. So is one without a minute."""
    found = audit([(5, 5)], [True], [], {})
    assert (found.unknown, found.is_sound) == (MINUTES, False)
    assert not audited([]).is_sound
    assert list(minutes_of("BTC", Span(START + 1, START + 2 * MINUTE - 1), Tape(), {}, Gaps([]))) == [], (
        "whole minutes only"
    )
