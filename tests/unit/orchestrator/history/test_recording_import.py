"""A recording becomes a capture: the venue's own frames byte by byte, another's through the local exchange."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from orchestrator.history.capture_replay import KNOWN
from orchestrator.history.recording_import import rendered, verbatim
from orchestrator.settings import Settings
from shared.errors import DataError
from shared.units import MS, SECOND
from shared.venue.flow.recording import BookKind, BookRecord, OtherRecord, Record, TradeRecord
from shared.warehouse.capture.completeness import Completeness
from shared.warehouse.capture.playback import label_of
from shared.warehouse.capture.records import AnyRecord, Frame, SocketClosed, SocketOpened

START = 1_700_000_000 * SECOND
E8 = 10**8
BOOK = b'{"channel":"l2Book","data":{"coin":"BTC","time":1,"levels":[[],[]]}}'
TRADE = b'{"channel":"trades","data":[{"coin":"BTC","side":"B","px":"1","sz":"1","time":1,"tid":1}]}'


def book(at_ms: int, bid: int, ask: int) -> BookRecord:
    """A whole BTC book of one level a side, one coin each."""
    ns = START + at_ms * MS
    return BookRecord("BTC", BookKind.WHOLE, ((bid * E8, E8),), ((ask * E8, E8),), 0, 0, ns, ns)


def trade(at_ms: int, px: int) -> TradeRecord:
    """Somebody bought half a coin."""
    return TradeRecord("BTC", True, px * E8, E8 // 2, START + at_ms * MS, START + at_ms * MS)


def is_complete(records: Iterable[AnyRecord]) -> bool:
    """Is every frame of the connection there, up to its end?"""
    fold = Completeness()
    fold.extend(records)
    return fold.is_complete


def test_the_venues_own_frames_stay_as_they_are() -> None:
    """Frames with their times, after one confirmation of each subscription that they belong to; nothing is missing."""
    frames = [(START, BOOK), (START + 5, TRADE), (START + 9, BOOK)]
    records = list(verbatim(frames))
    inside = [record for record in records if isinstance(record, Frame)]
    assert [(frame.recv_ns, frame.data) for frame in inside[2:]] == frames
    assert [label_of(frame.data).channel for frame in inside[:2]] == ["subscriptionResponse"] * 2
    assert isinstance(records[0], SocketOpened)
    assert isinstance(records[-1], SocketClosed)
    assert is_complete(records)
    with pytest.raises(DataError, match="empty"):
        list(verbatim([]))


def test_another_venues_books_and_trades_are_rendered() -> None:
    """The client connects once there is a book; prices, sizes and times are the recording's, trades are printed."""
    source: list[Record] = [
        OtherRecord("hello", START),
        book(500, 60_000, 60_010),
        trade(900, 60_010),
        book(1_200, 60_000, 60_020),
        book(3_000, 60_000, 60_020),
    ]
    records = list(rendered(lambda: source, (KNOWN["BTC"],), Settings()))
    assert is_complete(records)
    assert isinstance(records[0], SocketOpened)
    assert records[0].ns == START + 500 * MS
    frames = [json.loads(record.data) | {"at": record.recv_ns} for record in records if isinstance(record, Frame)]
    (printed,) = [each for frame in frames if frame["channel"] == "trades" for each in frame["data"]]
    assert (printed["px"], printed["sz"], printed["side"]) == ("60010.0", "0.5", "B")
    books = [frame for frame in frames if frame["channel"] == "l2Book"]
    (bid,), (ask,) = books[-1]["data"]["levels"]
    assert (bid["px"], bid["sz"], ask["px"]) == ("60000.0", "1.0", "60020.0")
    assert START + 2_000 * MS <= books[-1]["at"] <= START + 3_000 * MS
    assert {frame["channel"] for frame in frames} == {"subscriptionResponse", "l2Book", "trades", "activeAssetCtx"}


def test_a_recording_without_a_book_is_refused() -> None:
    """Of a coin that is never quoted nothing can be rendered."""
    with pytest.raises(DataError, match="never shows books of BTC, ETH at one time"):
        list(rendered(lambda: [book(0, 1_000, 1_001)], (KNOWN["BTC"], KNOWN["ETH"]), Settings()))
    with pytest.raises(DataError, match="empty"):
        list(rendered(list, (KNOWN["BTC"],), Settings()))
