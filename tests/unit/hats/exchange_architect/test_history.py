"""Replies with history are read exactly, and whatever is wrong in them is set aside entry by entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from hats.exchange_architect import history
from hats.exchange_architect.history import Page, answer, next_page, span_of, subject
from shared.errors import DataError, VenueProtocolError
from shared.instrument import Instrument
from shared.units import HOUR, MINUTE, MS
from shared.warehouse.tables import CandleRow, FundingRateRow
from tests.contract.recordings import FOLDER, MISSING

needs_recordings = pytest.mark.skipif(not FOLDER.exists(), reason=MISSING)
BTC = Instrument("BTC", 0, 5, 40)
T0 = 472_000 * HOUR // MS
MIN = MINUTE // MS
ONE = subject("BTC", "1m")


def candle(minute: int, **changes: Any) -> dict[str, Any]:
    """A candle as the venue spells it."""
    t = T0 + minute * MIN
    told = {"t": t, "T": t + MIN - 1, "s": "BTC", "i": "1m", "o": "100.0", "c": "101.0", "h": "102.0", "l": "99.0"}
    return told | {"v": "0.98639", "n": 189} | changes


def said(*entries: Any, minutes: int = 10) -> history.Answer:
    """What a reply to the first minutes says."""
    return answer(json.dumps(entries).encode(), Page(ONE, T0, T0 + minutes * MIN), BTC)


def test_a_candle_is_read_exactly() -> None:
    """Prices and volume as integers; it closes with its last nanosecond."""
    (row,) = said(candle(3)).rows
    assert isinstance(row, CandleRow)
    assert (row.open_px, row.high_px, row.low_px, row.close_px) == (1000, 1020, 990, 1010)
    assert (row.traded_sz, row.trades, row.interval) == (98_639, 189, "1m")
    assert row.close_ns == row.exch_ns + MINUTE - 1
    assert row.recv_ns is None, "nobody received it while it happened"


def test_noise_of_a_sum_is_rounded() -> None:
    """The volume is a sum of binary floats."""
    (row,) = said(candle(3, v="0.9863900000000001")).rows
    assert isinstance(row, CandleRow)
    assert row.traded_sz == 98_639


@pytest.mark.parametrize(
    "bad",
    [
        {"h": "100.5"},
        {"l": "100.5"},
        {"v": "0.0"},
        {"n": 0},
        {"n": -1},
        {"o": "NaN"},
        {"o": "100.000001"},
        {"s": "ETH"},
        {"i": "5m"},
        {"t": T0 + 5},
        {"T": T0 + 5},
        {"t": None},
    ],
)
def test_an_impossible_candle_is_set_aside_alone(bad: dict[str, Any]) -> None:
    """Its neighbours stay, its minute is a hole, and its bytes are kept with the reason."""
    found = said(candle(0), candle(1, **bad), candle(2), minutes=3)
    assert len(found.rows) == 2
    assert [(hole.start_ns, hole.end_ns) for hole in found.holes] == [((T0 + MIN) * MS, (T0 + 2 * MIN) * MS)]
    ((why, entry),) = found.unread
    assert why
    assert json.loads(entry) == candle(1, **bad)
    assert found.counts == {"entries": 3, "outside": 0, "repeated": 0, "unread": 1}


def test_repeats_and_strangers_are_counted_and_not_kept() -> None:
    """The candle that contains the start, one beyond the end, one twice."""
    found = said(candle(-1), candle(0), candle(0, n=190), candle(10))
    assert [row.trades for row in found.rows if isinstance(row, CandleRow)] == [190]
    assert found.counts == {"entries": 4, "outside": 2, "repeated": 1, "unread": 0}


def test_a_full_reply_holds_only_for_what_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies behind the last row of a full reply is unknown, not empty; a full reply of strangers is nonsense."""
    monkeypatch.setattr(history, "KEPT_CANDLES", 3)
    found = said(candle(0), candle(2), candle(4))
    assert found.until_ms == T0 + 5 * MIN
    assert [(hole.start_ns // MS - T0) // MIN for hole in found.holes] == [1, 3]
    with pytest.raises(VenueProtocolError, match="without anything"):
        said(candle(-1), candle(-2), candle(-3))


@pytest.mark.parametrize("reply", [b"", b"null", b"{", b'{"a":1}', b"[1,2", b"\xff"])
def test_nonsense_is_an_error(reply: bytes) -> None:
    """Nothing is concluded from a reply that is no list."""
    with pytest.raises(VenueProtocolError):
        answer(reply, Page(ONE, T0, T0 + MIN), BTC)


def test_pages_fit_a_reply_and_weigh_what_they_return() -> None:
    """5,000 candles or 500 hours; a request is never larger than what is left, nor heavier than is allowed."""
    page = next_page(ONE, T0, T0 + 12_000 * MIN, 600)
    assert (page.until_ms - page.since_ms) // MIN == 5_000
    assert page.weight == 20 + 84
    assert next_page(ONE, T0, T0 + 60 * MIN, 600).weight == 21
    funding = next_page(subject("BTC", ""), T0, T0 + 1_000 * 60 * MIN, 600)
    assert (funding.until_ms - funding.since_ms) // (60 * MIN) == 500
    assert funding.weight == 20 + 25
    assert next_page(subject("BTC", "1M"), 0, T0, 600).until_ms == T0
    assert next_page(ONE, T0, T0 + 12_000 * MIN, 50).weight == 50


def test_what_is_not_over_is_left_out() -> None:
    """Whole intervals that ended ten seconds ago or more."""
    assert span_of(ONE, T0 + 5, T0 + 10 * MIN + 5, T0 + 60 * MIN) == (T0, T0 + 10 * MIN)
    assert span_of(ONE, T0, T0 + 10 * MIN, T0 + 5 * MIN + 9_999) == (T0, T0 + 4 * MIN)
    assert span_of(ONE, T0, T0 + 10 * MIN, T0 + 5 * MIN + 10_000) == (T0, T0 + 5 * MIN)
    assert span_of(ONE, T0, T0 + MIN, 0) == (T0, T0)


def test_an_interval_that_the_venue_does_not_have_is_refused() -> None:
    """Said before anything is asked."""
    with pytest.raises(DataError, match="1m 3m"):
        subject("BTC", "7m")


@needs_recordings
def test_recorded_candles_are_read_without_loss() -> None:
    """24 hours of kPEPE as the venue gave them: every one a row, no hole, the texts spelled again."""
    entries, coin = _recorded("test_get_candles_snapshot.yaml"), Instrument("kPEPE", 0, 0, 10)
    hours = subject("kPEPE", "1h")
    page = Page(hours, entries[0]["t"], entries[-1]["T"] + 1)
    found = answer(json.dumps(entries).encode(), page, coin)
    assert (len(found.rows), found.unread, found.holes) == (len(entries), [], [])
    for row, entry in zip(found.rows, entries, strict=True):
        assert isinstance(row, CandleRow)
        assert [float(coin.px_text(px)) for px in (row.open_px, row.high_px, row.low_px, row.close_px)] == [  # type: ignore[arg-type]
            float(entry[name]) for name in "ohlc"
        ]
        assert (float(coin.sz_text(row.traded_sz)), row.trades) == (float(entry["v"]), entry["n"])


@needs_recordings
def test_recorded_funding_is_read_without_loss() -> None:
    """Of the days of eight-hourly funding: every entry a row, every other hour declared."""
    entries = _recorded("test_get_funding_history[1684811870000].yaml")
    coin = Instrument(entries[0]["coin"], 0, 2, 10)
    page = Page(subject(coin.coin, ""), entries[0]["time"] // 3_600_000 * 3_600_000, entries[-1]["time"] + 1)
    found = answer(json.dumps(entries).encode(), page, coin)
    assert (len(found.rows), found.unread) == (len(entries), [])
    for row, entry in zip(found.rows, entries, strict=True):
        assert isinstance(row, FundingRateRow)
        assert (row.exch_ns, row.rate_e10) == (entry["time"] * MS, round(float(entry["fundingRate"]) * 1e10))


def _recorded(name: str) -> Any:
    recorded = yaml.safe_load((FOLDER / "python_sdk_cassettes" / name).read_text())
    return json.loads(recorded["interactions"][-1]["response"]["body"]["string"])
