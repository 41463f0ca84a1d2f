"""A venue with a known history for the feed's campaigns, and a proxy before it that cuts sockets in four ways."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterable
from typing import Final, Literal

from shared.clock import WallClock
from shared.instrument import Instrument
from shared.units import MS, USD, Ns, Usd
from shared.venue.core.commands import Command, Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.events import FillHappened, TradeHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings

COINS: Final = tuple(Instrument(name, number, 2, 20) for number, name in enumerate(("BTC", "ETH", "SOL", "DOGE")))
USER: Final = "0x" + "ab" * 20
MAKER: Final = "0x" + "ee" * 20
OTHER: Final = "0x" + "cd" * 20
PX: Final = 1_000
Cut = Literal["reset", "half_open", "mid_frame", "close_1000"]
CUTS: Final[tuple[Cut, ...]] = ("reset", "half_open", "mid_frame", "close_1000")
_STEP_NS: Final = 100 * MS
_HALF_A_FRAME: Final = b'\x81\x7e\x04\x00{"channel":"l2Book","data":{"coin":"BTC","ti'
_CLOSE_1000: Final = b"\x88\x02\x03\xe8"


def _order(coin: Instrument, is_buy: bool, px: float, size: str, tif: Tif) -> OrderSpec:
    return OrderSpec(coin.asset, is_buy, coin.px(f"{px:g}"), coin.sz(size), False, tif)


def make_door(now: Ns) -> Door:
    """Four coins, each with a deep book around PX, and money for who trades on them."""
    exchange = Exchange([list_perp(coin) for coin in COINS], start_ns=now)
    fund = {USER: Usd(1_000_000 * USD), OTHER: Usd(1_000_000 * USD)}
    door = Door(exchange, DoorSettings(fund=fund), now)
    door.apply(Deposit(MAKER, Usd(1_000_000_000 * USD)), now)
    for user, usd in fund.items():
        door.apply(Deposit(user, usd), now)
    for coin in COINS:
        door.apply(SetPrices(coin.asset, coin.px(str(PX))), now)
        levels = [(sign < 0, PX + sign * step) for step in range(1, 11) for sign in (-1, 1)]
        orders = [_order(coin, is_buy, px, "2000", Tif.ALO) for is_buy, px in levels]
        door.apply(PlaceOrders(MAKER, tuple(orders)), now)
    return door


class Tape:
    """A driver: ten times a second somebody trades, every other time our user; what happened is remembered."""

    def __init__(self) -> None:
        self.is_running = threading.Event()
        self.fills: dict[int, int] = {}
        self.trades: dict[tuple[str, int], int] = {}
        self._count = 0

    def step(self, door: Door, now: Ns) -> Ns:
        """One trade on the next coin; buys and sells in turn, so that positions stay small."""
        if self.is_running.is_set():
            self._count += 1
            coin = COINS[self._count // 2 % len(COINS)]
            is_buy = self._count // 8 % 2 == 0
            order = _order(coin, is_buy, PX + (5 if is_buy else -5), "0.05", Tif.IOC)
            self._apply(door, PlaceOrders(USER if self._count % 2 else OTHER, (order,)), now)
        return Ns(now + _STEP_NS)

    def _apply(self, door: Door, command: Command, now: Ns) -> None:
        for event in door.apply(command, now).events:
            match event:
                case FillHappened(user=user, tid=tid, time_ms=time_ms) if user == USER:
                    self.fills[tid] = time_ms
                case TradeHappened(asset=asset, tid=tid, time_ms=time_ms):
                    self.trades[COINS[asset].coin, tid] = time_ms


class _Link:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, venue: asyncio.StreamWriter) -> None:
        self.client, self.venue = client, venue
        self.is_frozen = False
        self.is_socket = False


class CuttingVenue:
    """Venue and proxy in a thread of their own; `url` is the proxy's."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.url = ""
        self.connections_ns: list[Ns] = []
        self._clock = WallClock()
        self._links: list[_Link] = []
        self._visits: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), name="venue")
        self._thread.start()
        assert self._ready.wait(30), "the venue did not start"

    def close(self) -> None:
        """Nothing of it runs any more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    def cut(self, kind: Cut, choice: float) -> Ns | None:
        """Cut one of the open WebSockets, chosen by a number from 0 to 1; when, or None if there is none."""
        return asyncio.run_coroutine_threadsafe(self._cut(kind, choice), self._loop).result(10)

    async def _cut(self, kind: Cut, choice: float) -> Ns | None:
        open_links = [link for link in self._links if link.is_socket and not link.is_frozen]
        if not open_links:
            return None
        link = open_links[int(choice * len(open_links))]
        now = self._clock.now()
        transport = link.client.transport
        match kind:
            case "half_open":
                link.is_frozen = True
                return now
            case "mid_frame":
                link.client.write(_HALF_A_FRAME)
            case "close_1000":
                link.client.write(_CLOSE_1000)
                link.is_frozen = True
                await asyncio.sleep(0.05)
            case "reset":
                raw: socket.socket = transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return now

    async def _run(self) -> None:
        port: asyncio.Future[int] = self._loop.create_future()
        stop = asyncio.Event()
        door = make_door(self._clock.now())
        serving = self._loop.create_task(
            serve(door, clock=self._clock, drivers=(self.tape,), ready=port.set_result, stop=stop)
        )
        upstream = await port
        proxy = await asyncio.start_server(lambda r, w: self._pass_on(r, w, upstream), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        proxy.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        stop.set()
        await serving

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        ends, ways = [writer], list[asyncio.Task[None]]()
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", port)
            ends.append(forth)
            link = _Link(writer, forth)
            self._links.append(link)
            ways += [self._loop.create_task(self._pipe(link, *way)) for way in ((reader, forth), (back, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            self._links.remove(link)
        finally:
            # whoever came while we close is let go too; a half-open socket shows nothing to the client: only he ends it
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)
            self._visits.discard(visit)

    async def _pipe(self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if data.startswith(b"GET /ws"):
                    link.is_socket = True
                    self.connections_ns.append(self._clock.now())
                if not link.is_frozen:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            return


def most_within(times_ns: Iterable[Ns], window_ns: int) -> int:
    """The most events in any window."""
    times = sorted(times_ns)
    return max((sum(begin <= one < begin + window_ns for one in times) for begin in times), default=0)
