"""What subscribers are sent, and when: events at once, whole states at their pace. No socket, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from shared.units import DAY, MS, Ns
from shared.venue.core.events import Event
from shared.venue.door import render
from shared.venue.door.answers import BOOK_DEPTH, FAST_DEPTH, Answers
from shared.venue.door.block_digest import BlockDigest
from shared.venue.door.info import MOST_FILLS, MOST_ROWS
from shared.venue.door.render import Json
from shared.venue.door.settings import DoorSettings
from shared.venue.door.subscriptions import (
    ActiveAssetCtx,
    ActiveAssetData,
    AllMids,
    AnySubscription,
    Bbo,
    CandleFeed,
    ClearinghouseState,
    L2Book,
    OpenOrders,
    OrderUpdates,
    Trades,
    UserEvents,
    UserFills,
    UserFundings,
)

NEVER: Final = Ns(2**63 - 1)
SNAPSHOT_TRADES: Final = 10
_ENCODE: Final = msgspec.json.Encoder().encode


def frame(channel: str, data: Any) -> bytes:
    """One message as it goes out."""
    return _ENCODE({"channel": channel, "data": data})


class _Pace:
    """When a whole state was last sent, and whether it changed since."""

    __slots__ = ("interval_ns", "is_dirty", "refresh_ns", "sent_ns")

    def __init__(self, interval_ms: int, refresh_ms: int | None, now: Ns) -> None:
        self.interval_ns = interval_ms * MS
        self.refresh_ns = None if refresh_ms is None else max(refresh_ms, interval_ms) * MS
        self.sent_ns: int = now
        self.is_dirty = False

    def due_ns(self) -> int:
        """When it is to be sent next."""
        if self.is_dirty:
            return self.sent_ns + self.interval_ns
        return NEVER if self.refresh_ns is None else self.sent_ns + self.refresh_ns


class Feeds:
    """Subscribers by feed. Frames go to `outbox` as (connection, bytes), in the order they are to be sent."""

    def __init__(self, answers: Answers, settings: DoorSettings, outbox: list[tuple[int, bytes]]) -> None:
        self.outbox = outbox
        self._answers = answers
        self._settings = settings
        self._readers: dict[AnySubscription, dict[int, None]] = {}
        self._paces: dict[AnySubscription, _Pace] = {}
        self._bbos: dict[str, list[Json | None]] = {}

    def subscribe(self, connection: int, asked: AnySubscription, now: Ns) -> None:
        """Add a reader and send it the present, if the feed begins with that."""
        self._readers.setdefault(asked, {})[connection] = None
        if asked.is_paced and asked not in self._paces:
            self._paces[asked] = self._new_pace(asked, now)
        if isinstance(asked, Bbo) and asked.coin not in self._bbos:
            self._bbos[asked.coin] = self._bbo(asked, now)["bbo"]
        for channel, data in self._snapshot(asked, now):
            self.outbox.append((connection, frame(channel, data)))

    def unsubscribe(self, connection: int, asked: AnySubscription) -> None:
        """Remove a reader; a feed without readers costs nothing."""
        readers = self._readers[asked]
        del readers[connection]
        if not readers:
            del self._readers[asked]
            self._paces.pop(asked, None)
            if isinstance(asked, Bbo):
                del self._bbos[asked.coin]

    def tell(self, events: Iterable[Event], now: Ns) -> None:
        """Send what the events of one command demand, and mark what changed for its next turn."""
        if not self._readers:
            return
        block = BlockDigest(events, self._answers.instruments, self._readers)
        for user, updates in block.updates.items():
            self._send(OrderUpdates(user), "orderUpdates", updates)
        for user, fills in block.fills.items():
            self._send(UserFills(user), "userFills", {"user": user, "fills": fills})
            self._send(UserEvents(user), "user", {"fills": fills})
        for user, paid in block.fundings.items():
            self._send(UserFundings(user), "userFundings", {"user": user, "fundings": paid})
            for one in paid:
                self._send(UserEvents(user), "user", {"funding": one})
        for coin, trades in block.trades.items():
            self._send(Trades(coin), "trades", trades)
        self._tell_candles(block, now)
        self._tell_bbos(block, now)
        self._mark(block)
        self.due(now)

    def due(self, now: Ns) -> Ns:
        """Send every state whose turn it is; when the next one's is, if nothing more happens."""
        next_ns: int = NEVER
        for asked, pace in self._paces.items():
            if pace.due_ns() <= now:
                channel, data = self._state(asked, now)
                self._send(asked, channel, data)
                pace.sent_ns, pace.is_dirty = now, False
            next_ns = min(next_ns, pace.due_ns())
        return Ns(next_ns)

    # --- events

    def _send(self, asked: AnySubscription, channel: str, data: Any) -> None:
        readers = self._readers.get(asked)
        if readers:
            sent = frame(channel, data)
            self.outbox.extend((connection, sent) for connection in readers)

    def _tell_candles(self, block: BlockDigest, now: Ns) -> None:
        if not block.traded:
            return
        for asked in self._readers:
            if isinstance(asked, CandleFeed) and asked.coin in block.traded:
                for channel, data in self._snapshot(asked, now):
                    self._send(asked, channel, data)

    def _tell_bbos(self, block: BlockDigest, now: Ns) -> None:
        for coin in block.touched:
            if coin in self._bbos:
                data = self._bbo(Bbo(coin), now)
                if data["bbo"] != self._bbos[coin]:
                    self._bbos[coin] = data["bbo"]
                    self._send(Bbo(coin), "bbo", data)

    def _mark(self, block: BlockDigest) -> None:
        """Note which states are no longer what was sent."""
        for asked, pace in self._paces.items():
            match asked:
                case L2Book(coin=coin):
                    pace.is_dirty |= coin in block.touched
                case ActiveAssetCtx(coin=coin):
                    pace.is_dirty |= coin in block.touched or coin in block.repriced
                case AllMids():
                    pace.is_dirty |= bool(block.touched)
                case OpenOrders(user=user):
                    pace.is_dirty |= user in block.users
                case ClearinghouseState(user=user) | ActiveAssetData(user=user):
                    pace.is_dirty |= user in block.users

    # --- states

    def _new_pace(self, asked: AnySubscription, now: Ns) -> _Pace:
        settings = self._settings
        match asked:
            case L2Book():
                return _Pace(settings.l2_interval_ms, settings.l2_refresh_ms, now)
            case AllMids():
                return _Pace(settings.mids_interval_ms, None, now)
            case ClearinghouseState() | ActiveAssetData():
                return _Pace(settings.state_interval_ms, settings.state_refresh_ms, now)
            case _:
                return _Pace(settings.state_interval_ms, None, now)

    def _state(self, asked: AnySubscription, now: Ns) -> tuple[str, Json]:
        """Channel and data of a paced feed."""
        answers = self._answers
        match asked:
            case L2Book(coin=coin, fast=fast):
                book = answers.l2_book(answers.assets[coin], now, FAST_DEPTH if fast is True else BOOK_DEPTH)
                return "l2Book", book | ({"fast": True} if fast is True else {})
            case AllMids():
                return "allMids", {"mids": answers.all_mids()}
            case ActiveAssetCtx(coin=coin):
                return "activeAssetCtx", {"coin": coin, "ctx": answers.asset_ctx(answers.assets[coin], now)}
            case OpenOrders(user=user):
                return "openOrders", {"dex": "", "user": user, "orders": answers.full_open_orders(user)}
            case ClearinghouseState(user=user):
                state = answers.clearinghouse_state(user, now)
                return "clearinghouseState", {"dex": "", "user": user, "clearinghouseState": state}
            case ActiveAssetData(user=user, coin=coin):
                return "activeAssetData", answers.active_asset_data(user, answers.assets[coin])
            case _:
                raise TypeError(f"{asked} is not a paced feed")

    def _snapshot(self, asked: AnySubscription, now: Ns) -> Iterator[tuple[str, Any]]:
        """What a feed begins with; nothing for feeds of events."""
        answers = self._answers
        match asked:
            case OrderUpdates() | UserEvents():
                return
            case Trades(coin=coin):
                yield "trades", answers.trades(answers.assets[coin], SNAPSHOT_TRADES)
            case Bbo():
                yield "bbo", self._bbo(asked, now)
            case CandleFeed(coin=coin, interval=interval):
                rows = answers.candles(answers.assets[coin], interval, (now - DAY) // MS, None)
                yield from (("candle", row) for row in rows[-1:])
            case UserFills(user=user):
                yield "userFills", {"user": user, "fills": self._fills(user), "isSnapshot": True}
            case UserFundings(user=user):
                yield "userFundings", {"user": user, "fundings": self._fundings(user), "isSnapshot": True}
            case _:
                yield self._state(asked, now)

    def _bbo(self, asked: Bbo, now: Ns) -> Json:
        return self._answers.bbo(self._answers.assets[asked.coin], now)

    def _fills(self, user: str) -> list[Json]:
        fills = reversed(self._answers.exchange.fills(user)[-MOST_FILLS:])
        return [render.fill(self._answers.instruments[fill.asset], fill) for fill in fills]

    def _fundings(self, user: str) -> list[Json]:
        fundings: Iterable[Any] = self._answers.exchange.fundings(user)[-MOST_ROWS:]
        return [render.funding_event(self._answers.instruments[paid.asset], paid) for paid in fundings]
