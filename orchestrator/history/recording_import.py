"""Recordings as a capture log: Hyperliquid's frames as they are, another venue's as our exchange would render them.

Binance speaks another protocol, which the desk does not know and should not. So its recorded books and trades move the
local exchange, by the same rules as `hats venue --replay` (a house account shows the recorded book on Hyperliquid's
ticks and lots, recorded trades are traded again), and what that exchange then sends to a client that follows books,
trades and contexts is the capture: its cadence, depth and trade ids are the local exchange's, its prices, sizes and
times are the recording's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import msgspec

from orchestrator.settings import Settings
from shared.errors import DataError
from shared.units import Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.coins import Coin, listings
from shared.venue.flow.recorded import RecordedMarket
from shared.venue.flow.recording import OtherRecord, Record
from shared.warehouse.capture.playback import is_public, label_of
from shared.warehouse.capture.records import AnyRecord, Frame, SocketClosed, SocketOpened, Subscribed

CHANNELS: Final = ("l2Book", "trades", "activeAssetCtx")
"""What the client of the rendering exchange follows, for each coin."""
_ENCODE: Final = msgspec.json.Encoder().encode
RecordSource = Callable[[], Iterable[Record]]


def verbatim(frames: Sequence[tuple[int, bytes]]) -> Iterator[AnyRecord]:
    """Recorded Hyperliquid frames, (receive ns, bytes), on one connection that acknowledged what they are about."""
    if not frames:
        raise DataError("the recording is empty")
    first_ns = frames[0][0]
    keys = dict.fromkeys(key for _, data in frames if is_public(key := label_of(data).key))
    acks = ((first_ns, _ack(*key.split(":"))) for key in keys)
    yield SocketOpened(0, 1, first_ns, "recording")
    yield from _frames(chain(acks, frames))
    yield Subscribed(0, 1, first_ns, tuple(keys))
    yield SocketClosed(0, 1, frames[-1][0], len(keys) + len(frames), "the recording ended")


def rendered(source: RecordSource, coins: Sequence[Coin], settings: Settings) -> Iterator[AnyRecord]:
    """What the local exchange sends while it is moved by a recording, from the first moment with all books two-sided.

    DataError if there is none.
    """
    first = next(iter(source()), None)
    if first is None:
        raise DataError("the recording is empty")
    start_ns = Ns(first.recv_ns)
    exchange = Exchange(listings(coins), start_ns=start_ns)
    market = RecordedMarket(exchange, lambda: chain((OtherRecord("start", start_ns),), source()))
    interval_ms = settings.local_venue.l2_interval_ms
    door = Door(exchange, DoorSettings(l2_interval_ms=interval_ms, l2_fast_interval_ms=interval_ms), start_ns)
    connection: int | None = None
    opened_ns = last_ns = start_ns
    seq = 0
    for now in _moments(market, door, start_ns):
        if connection is None and all(_is_two_sided(exchange, asset) for asset in range(len(coins))):
            connection = door.connect(now)
            for coin, channel in ((coin, channel) for coin in coins for channel in CHANNELS):
                door.receive(connection, _request(channel, coin.name), now)
            opened_ns = now
            yield SocketOpened(0, 1, opened_ns, "the local exchange, moved by a recording")
        for _, frame in door.drain_outbox():
            seq, last_ns = seq + 1, now
            yield Frame(0, 1, seq, now, now, frame)
    if connection is None:
        raise DataError(f"the recording never shows books of {', '.join(coin.name for coin in coins)} at one time")
    yield SocketClosed(0, 1, last_ns, seq, "the recording ended")


def _moments(market: RecordedMarket, door: Door, start_ns: Ns) -> Iterator[Ns]:
    """The times at which the exchange may have something to say, until the recording is over."""
    now = start_ns
    while True:
        market_ns = market.step(door, now)
        due_ns = door.due(now)
        yield now
        if market.report().is_finished:
            return
        now = Ns(max(min(market_ns, due_ns), now + 1))


def _is_two_sided(exchange: Exchange, asset: int) -> bool:
    return all(exchange.book_levels(asset, 1))


def _frames(frames: Iterable[tuple[int, bytes]]) -> Iterator[Frame]:
    for seq, (ns, data) in enumerate(frames, start=1):
        yield Frame(0, 1, seq, ns, ns, data)


def _request(channel: str, coin: str) -> bytes:
    return _ENCODE({"method": "subscribe", "subscription": {"type": channel, "coin": coin}})


def _ack(channel: str, coin: str) -> bytes:
    data = {"method": "subscribe", "subscription": {"type": channel, "coin": coin}}
    return _ENCODE({"channel": "subscriptionResponse", "data": data})
