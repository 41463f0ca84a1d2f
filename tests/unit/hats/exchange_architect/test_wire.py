"""Frames become exact messages; what can't be read becomes BadData and takes nothing else with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hats.exchange_architect.channels import FILLS
from hats.exchange_architect.wire import BAD, GREETING, Decoder, Heard
from hats.exchange_architect.wire_frames import ACK, ERROR, PONG
from shared.book import Level
from shared.messages.account import FundingPayment
from shared.messages.market import AssetContext, BadData, BookUpdate, Trade
from shared.messages.order import Fill, VenueOrder, VenueOrderStatus
from shared.order import Side
from shared.units import MS
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0, T0_MS

RECORDED = Path(__file__).parents[5] / "shared/data/market/hyperliquid_btc_20250126.ws.gz"


def heard(frame: bytes) -> Heard:
    """What the decoder makes of a frame received at T0."""
    return Decoder(scene.universe()).decode(frame, T0)


def only(frame: bytes) -> Any:
    """The one message in a frame."""
    messages = heard(frame).messages
    assert len(messages) == 1
    return messages[0]


def test_a_book_is_read_exactly() -> None:
    """Prices, sizes and order counts arrive as exact integers, milliseconds as nanoseconds."""
    bids, asks = (Level(1133770, 766990, 17),), (Level(1133970, 11543, 3),)  # type: ignore[arg-type]
    assert only(scene.book()) == BookUpdate("BTC", T0_MS * MS, T0, bids, asks)  # type: ignore[arg-type]


def test_unknown_fields_are_ignored() -> None:
    """`spread` and `fast` on a book, or anything new, change nothing."""
    data = json.loads(scene.book())
    data["data"] |= {"spread": "20.0", "fast": True, "new": [1, {"a": None}]}
    assert isinstance(only(json.dumps(data).encode()), BookUpdate)


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        ("113397.0", "113377.0", "crossed"),
        ("113377.0", "113377.0", "locked"),
        ("0.0", "113377.0", "non-positive"),
        ("NaN", "113377.0", "plain decimal"),
        ("113377.05", "113378.0", "decimals"),
        ("-113377.0", "113378.0", "non-positive"),
        ("1e5", "113378.0", "plain decimal"),
        ("9" * 5_000, "113378.0", "characters"),
        ("9" * 30, "113378.0", "2^62"),
    ],
)
def test_a_book_that_cannot_be_decided_on_is_set_aside(bid: str, ask: str, reason: str) -> None:
    """Crossed, locked, non-positive and unreadable books become BadData that says why."""
    message = only(scene.book(bid=bid, ask=ask))
    assert isinstance(message, BadData)
    assert reason in message.reason


def test_a_one_sided_book_is_set_aside() -> None:
    """An empty side is BadData."""
    message = only(scene.frame("l2Book", {"coin": "BTC", "time": 1, "levels": [[], []]}))
    assert (message.channel, message.coin, message.reason) == ("l2Book", "BTC", "one-sided")


def test_a_bad_trade_leaves_its_neighbours() -> None:
    """One unreadable entry becomes BadData; the others of the batch arrive."""
    batch = [scene.trade(1), scene.trade(2, sz="0.000001"), scene.trade(3, coin="@107"), scene.trade(4, side="A")]
    messages = heard(scene.frame("trades", batch)).messages
    assert [type(message) for message in messages] == [Trade, BadData, BadData, Trade]
    assert messages[0] == Trade("BTC", Side.BUY, 1133900, 1000, 1, T0, T0)  # type: ignore[arg-type]


def test_impossible_numbers_are_set_aside() -> None:
    """A trade without size, a mark of zero, a fee in another currency, a side that is neither: BadData."""
    ctx = {"funding": "0.0", "openInterest": "0.0", "oraclePx": "0.0", "markPx": "1.0"}
    for frame in (
        scene.frame("trades", [scene.trade(1, sz="0.0")]),
        scene.frame("activeAssetCtx", {"coin": "ETH", "ctx": ctx}),
        scene.fills(scene.fill(1, feeToken="HYPE")),
        scene.fills(scene.fill(1, side="X")),
    ):
        assert isinstance(only(frame), BadData)


def test_a_context_rounds_only_open_interest() -> None:
    """Open interest with f64 noise goes to the nearest lot; mark and oracle are exact; the rate is in 10^-10."""
    ctx = {"funding": "-0.000003688", "openInterest": "1082156.5716000001", "oraclePx": "3000.1", "markPx": "3000.2"}
    more = {"premium": None, "midPx": None, "impactPxs": None, "prevDayPx": "1.0", "dayNtlVlm": "0.0"}
    message = only(scene.frame("activeAssetCtx", {"coin": "ETH", "ctx": ctx | more}))
    assert message == AssetContext("ETH", 300020, 300010, 10821565716, -36880, T0)  # type: ignore[arg-type]
    message = only(scene.frame("activeAssetCtx", {"coin": "ETH", "ctx": ctx | more | {"premium": "0.00031774"}}))
    assert isinstance(message, AssetContext)
    assert message.premium_e10 == 3177400


def test_a_fill_is_read_exactly() -> None:
    """The recorded fill of fact sheet 1.4, to the micro-USDC."""
    fill = scene.fill(1070455675927460, closedPnl="-0.00925", cloid="0xAB" + "0" * 30)
    message = only(scene.fills(fill))
    assert isinstance(message, Fill)
    assert (message.px, message.sz, message.fee_usd, message.closed_pnl_usd) == (430740, 25, 4845, -9250)
    assert (message.side, message.is_taker, message.start_net_sz) == (Side.BUY, True, 0)
    assert message.cloid == "0xab" + "0" * 30


def test_a_fill_of_less_than_nothing_is_no_fill() -> None:
    """It would move the position the other way."""
    assert isinstance(only(scene.fills(scene.fill(1, sz="-0.0025"))), BadData)


def test_a_snapshot_is_marked() -> None:
    """isSnapshot true, false and absent are told apart as the venue means them."""
    assert heard(scene.fills(snapshot=True)).is_snapshot
    assert not heard(scene.fills()).is_snapshot
    assert not heard(scene.frame(FILLS, {"user": "0x", "fills": [], "isSnapshot": False})).is_snapshot


def test_funding_keeps_the_venues_sign() -> None:
    """Negative usdc is what we paid."""
    entry = {"time": T0_MS, "coin": "ETH", "usdc": "-3.625312", "szi": "49.1477", "fundingRate": "0.0000417"}
    message = only(scene.frame("userFundings", {"user": "0x", "fundings": [entry | {"nSamples": None}]}))
    assert message == FundingPayment("ETH", -3625312, 491477, 417000, T0, T0)  # type: ignore[arg-type]


def test_a_new_status_word_is_kept_and_called_other() -> None:
    """An undocumented status does not lose the order: OTHER, with the venue's word."""
    entry = {"order": scene.order(), "status": "somethingNewCanceled", "statusTimestamp": T0_MS}
    message = only(scene.frame("orderUpdates", [entry]))
    assert isinstance(message, VenueOrder)
    assert (message.status, message.said) == (VenueOrderStatus.OTHER, "somethingNewCanceled")


def test_confirmations_name_their_subscription() -> None:
    """An acknowledgement (or "Already subscribed") is told as method and key."""
    assert heard(scene.ack("l2Book", coin="BTC", nSigFigs=None)) == Heard(ACK, "", text="subscribe l2Book:BTC")
    assert heard(scene.ack("orderUpdates", user="0x")).text == "subscribe orderUpdates"
    text = 'Already subscribed: {"type":"trades","coin":"BTC"}'
    assert heard(scene.frame("error", text)) == Heard(ACK, "", text="subscribe trades:BTC")
    assert heard(scene.frame("error", "Invalid subscription {x}")).channel == ERROR


@pytest.mark.parametrize(
    ("said", "is_grave"),
    [
        ({"liquidation": {"lid": 1, "liquidator": "0x0", "liquidated_user": "0x1"}}, True),
        ({"nonUserCancel": [{"coin": "BTC", "oid": 7}]}, True),
        ({"fills": []}, False),
        ({"liquidation": None}, False),
    ],
)
def test_what_was_done_to_the_account_is_grave(said: dict[str, Any], is_grave: bool) -> None:
    """A liquidation, or a cancel that nobody asked for, is heard as such; other events of the account are not."""
    event = heard(json.dumps({"channel": "user", "data": said}).encode())
    assert (event.is_grave, event.messages) == (is_grave, ())


def test_pong_and_greeting_are_known() -> None:
    """Neither is an error."""
    assert heard(b'{"channel":"pong"}').channel == PONG
    assert heard(b"Websocket connection established.").channel == GREETING


@pytest.mark.parametrize(
    "frame",
    [b"", b"null", b"[]", b"{", b'{"channel":"l2Book"}', b'{"channel":7,"data":1}', b"\xff\xfe", b"[" * 100_000,
     b'{"channel":"surprise","data":{}}', b'{"channel":"l2Book","data":{"coin":"BTC","time":-1,"levels":[[],[]]}}'],
)  # fmt: skip
def test_garbage_is_bad_data(frame: bytes) -> None:
    """No bytes crash the decoder; they are BadData with an excerpt."""
    result = heard(frame)
    assert result.channel == BAD
    assert isinstance(result.messages[0], BadData)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded frames are not on this machine")
def test_recorded_frames_are_read_without_loss() -> None:
    """All 55 real frames decode; the levels spell the very texts that came."""
    decoder, instrument = Decoder(scene.universe()), scene.BTC
    books = trades = 0
    for line in gzip.decompress(RECORDED.read_bytes()).splitlines():
        stamp, _, raw = line.partition(b" ")
        sent = json.loads(raw)
        messages = decoder.decode(raw, int(stamp)).messages  # type: ignore[arg-type]
        assert not [message for message in messages if isinstance(message, BadData)]
        if sent["channel"] == "l2Book":
            (book,) = messages
            assert isinstance(book, BookUpdate)
            for side, levels in zip((book.bids, book.asks), sent["data"]["levels"], strict=True):
                assert [float(instrument.px_text(level.px)) for level in side] == [float(one["px"]) for one in levels]
                assert [float(instrument.sz_text(level.sz)) for level in side] == [float(one["sz"]) for one in levels]
                assert [level.n for level in side] == [one["n"] for one in levels]
            books += 1
        trades += sum(isinstance(message, Trade) for message in messages)
    assert (books, trades > 0) == (46, True)
