"""The benchmark's own arithmetic: what counts as a sample, percentiles, the ratio's verdict and the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.codec import encode
from shared.ids import Cloid, Role
from shared.journal import Journal, JournalReader
from shared.messages import Message
from shared.messages.control import Armed
from shared.messages.order import ActionSent
from shared.record import Entry
from shared.units import SECOND, US, Ns
from tests.bench.bench_tick_to_wire import BOOKS_PER_COMMAND, COINS, commands_per_s
from tests.bench.tick_to_wire import (
    RATIO_MIN,
    SAMPLES_MIN,
    Comparison,
    Figures,
    Window,
    armed_ns,
    as_lines,
    as_object,
    figures_of,
    verdict,
    window_of,
)

FIGURES = Figures(p50_us=2_000.0, p99_us=9_000.0, n=SAMPLES_MIN, books_per_s=200.0)


def times(factor: float, n: int = SAMPLES_MIN) -> Comparison:
    """A comparison in which plain Ray's median is `factor` times the desk's."""
    return Comparison(200, FIGURES, Figures(2_000.0 * factor, 50_000.0, n, 190.0))


def test_percentiles_are_of_all_runs_together() -> None:
    """p50 and p99 are nearest ranks over every run's samples, and the rate is over every run's time."""
    odd, even = (Window(tuple(float(n) for n in range(start, 101, 2)), 300, 2.0) for start in (1, 2))
    assert figures_of([even, odd]) == Figures(p50_us=50.0, p99_us=99.0, n=100, books_per_s=150.0)


def test_no_sample_is_no_figure() -> None:
    """Without an order on the wire the percentiles are unknown, not zero."""
    assert figures_of([Window((), 300, 2.0)]) == Figures(None, None, 0, 150.0)
    assert figures_of([]) == Figures(None, None, 0, 0.0)


@pytest.mark.parametrize(
    ("comparisons", "code"),
    [
        ([times(RATIO_MIN)], 0),
        ([times(RATIO_MIN - 0.01)], 1),
        ([times(9.0), times(4.0)], 1),
        ([times(9.0, n=SAMPLES_MIN - 1)], 1),
        ([Comparison(200, Figures(None, None, 0, 200.0), FIGURES)], 1),
        ([], 1),
    ],
)
def test_the_verdict_needs_every_rate(comparisons: list[Comparison], code: int) -> None:
    """It is met only if at each rate the ratio is known, from enough samples, and large enough."""
    assert verdict(comparisons) == code


def test_samples_are_orders_with_a_book_at_their_root(tmp_path: Path) -> None:
    """Only what left within the window and came from a book counts, as sent minus received."""
    said: list[tuple[int, int, Message]] = [
        (5 * SECOND, 0, Armed("ready")),
        (6 * SECOND, 6 * SECOND - 3_000 * US, _sent(6 * SECOND)),
        (7 * SECOND, 0, _sent(7 * SECOND)),
        (9 * SECOND, 9 * SECOND - 500 * US, _sent(9 * SECOND)),
    ]
    journal = Journal(tmp_path / "journal.sqlite", now_ns=1, is_durable=False)
    for seq, (ts, origin_ns, message) in enumerate(said, 1):
        entry = Entry(seq, ts, Role.EXCHANGE_ARCHITECT, type(message).__name__, 0, origin_ns, encode(message))
        journal.append(entry, durable=False)
    journal.close()
    reader = JournalReader.open(tmp_path / "journal.sqlite")
    assert armed_ns(reader) == 5 * SECOND
    assert window_of(reader, 5 * SECOND, 9 * SECOND) == Window((3_000.0,), 0, 4.0)
    reader.close()


def test_the_json_says_all_that_the_words_say() -> None:
    """One object: the bar, the verdict, the load, and for each rate both ways and their ratio."""
    told = json.loads(json.dumps(as_object([times(6.0)], [1.5, 2.0])))
    assert (told["ratio_min"], told["is_met"], told["load_average"]) == (RATIO_MIN, True, [1.5, 2.0])
    (rate,) = told["rates"]
    assert rate["events_per_s"] == 200
    assert rate["desk"] == {"p50_us": 2_000.0, "p99_us": 9_000.0, "n": SAMPLES_MIN, "books_per_s": 200.0}
    assert (rate["plain_ray"]["p50_us"], rate["p50_ratio"], rate["is_met"]) == (12_000.0, 6.0, True)
    words = "\n".join(as_lines([times(4.0), times(9.0, n=1)], [1.5]))
    assert "4.0x (at least 5x: MISSED)" in words
    assert "unknown: too few samples" in words


def test_more_books_need_more_than_as_many_commands() -> None:
    """Two commands within one push are one book, so the commands grow faster than the books that are asked for."""
    few, many = commands_per_s(200), commands_per_s(1_000)
    assert few * BOOKS_PER_COMMAND > 200 / len(COINS)
    assert many / few > 5


def _sent(ns: int) -> ActionSent:
    return ActionSent(Cloid("0x" + "00" * 16), 1, Ns(ns))
