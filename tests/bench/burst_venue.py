"""A lean sender of bursts: 10,000 frames a second on a fraction of a core, where the whole exchange needs five.

It is no exchange: its books and trades were rendered once, by the exchange's own door from real orders, and are sent
again and again with a new time and trade id each. Everything else is the real thing: the door answers every request,
confirms every subscription, and plays the real orders of one user, whose fills are sent as they happen.

Trade ids of the stream count from 1, so that whoever looks for them knows each; the door's own are far larger.
Commands come on standard input, one a line: `rate N` (frames a second from now on), `report`, `end`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from itertools import count
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from shared.clock import WallClock
from shared.units import MS, SECOND, USD, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, Tif
from shared.venue.door.lines import MAX_WAITING_FRAMES
from tests.bench.load_venue import TAKER, instruments, make_door

USER: Final = "0x" + "ab" * 20
STEP_S: Final = 0.002
FILLS_S: Final = 20
_TIME: Final = b'"time":'
_TID: Final = b'"tid":'


class Template:
    """A frame with its numbers left out."""

    def __init__(self, frame: bytes) -> None:
        self.coin = json.loads(frame)["data"]["coin"] if b'"l2Book"' in frame else json.loads(frame)["data"][0]["coin"]
        before, _, rest = frame.partition(_TIME)
        self._head, self._middle = before + _TIME, rest.lstrip(b"0123456789")
        self._tail = b""
        if _TID in self._middle:
            middle, _, rest = self._middle.partition(_TID)
            self._middle, self._tail = middle + _TID, rest.lstrip(b"0123456789")

    def at(self, time_ms: int, tid: int = 0) -> bytes:
        """The frame of that moment."""
        if not self._tail:
            return b"%b%d%b" % (self._head, time_ms, self._middle)
        return b"%b%d%b%d%b" % (self._head, time_ms, self._middle, tid, self._tail)


class Client:
    """One WebSocket: what it subscribed to and what waits for it; a reader that is too slow is cut, as by the venue."""

    def __init__(self, connection: int, writer: asyncio.StreamWriter) -> None:
        self.connection = connection
        self.topics: set[tuple[str, str]] = set()
        self.is_cut = False
        self._writer = writer
        self._written = self._frames = 0
        self._marks: deque[tuple[int, int]] = deque()

    def write(self, frames: list[bytes]) -> None:
        """Hand the frames to the socket, without waiting."""
        data = b"".join(part for frame in frames for part in (_header(len(frame)), frame))
        self._writer.write(data)
        self._written += len(data)
        self._frames += len(frames)
        self._marks.append((self._written, self._frames))
        out = self._written - self._writer.transport.get_write_buffer_size()
        while self._marks and self._marks[0][0] <= out:
            self._marks.popleft()
        if self._marks and self._frames - self._marks[0][1] > MAX_WAITING_FRAMES:
            self.is_cut = True
            self._writer.transport.abort()


def _header(size: int) -> bytes:
    """Of a whole text frame from the server."""
    if size < 126:
        return bytes((0x81, size))
    return b"\x81\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x81\x7f" + size.to_bytes(8, "big")


class BurstVenue:
    """The door, its clients and the stream."""

    def __init__(self, coins: int) -> None:
        self._clock = WallClock()
        self._door = make_door(coins, 1.0)
        self._door.apply(Deposit(USER, Usd(10**8 * USD)), self._clock.now())
        self._listed = instruments(coins)
        self._books, self._trades = self._rendered()
        self._clients: dict[int, Client] = {}
        self._tids = count(1)
        self._turn = 0
        self._is_user_followed = False
        self.rate = 0.0
        self.sent = {"books": 0, "trades": 0, "fills": 0, "unwatched": 0, "cut": 0, "connections": 0}

    def _rendered(self) -> tuple[list[Template], list[Template]]:
        """Book and trade of each coin, as the door renders them for a subscriber."""
        door, now = self._door, self._clock.now()
        listener = door.connect(now, "renderer")
        books, trades = [], []
        for coin in self._listed:
            for channel in ("l2Book", "trades"):
                asked = {"method": "subscribe", "subscription": {"type": channel, "coin": coin.coin}}
                door.receive(listener, json.dumps(asked), now)
            spec = OrderSpec(coin.asset, True, coin.px("1002"), coin.sz("0.011"), False, Tif.IOC)
            door.apply(PlaceOrders(TAKER, (spec,)), now)
            frames = [frame for _, frame in door.drain_outbox()]
            books.append(Template(next(frame for frame in frames if frame.startswith(b'{"channel":"l2Book"'))))
            trades.append(Template(next(frame for frame in reversed(frames) if b'"tid"' in frame)))
        door.disconnect(listener)
        return books, trades

    async def stream(self) -> None:
        """Send what is due, for ever; fills by the way."""
        owed, last, next_fill = 0.0, self._clock.now(), 0
        while True:
            await asyncio.sleep(STEP_S)
            now = self._clock.now()
            owed += (now - last) * self.rate / SECOND
            last = now
            self._send(int(owed), now // MS)
            owed -= int(owed)
            if self.rate and self._is_user_followed and now >= next_fill:
                next_fill = now + SECOND // FILLS_S
                self._fill()
            self._door.due(now)
            self._pump()

    def _send(self, frames: int, time_ms: int) -> None:
        out: dict[int, list[bytes]] = {}
        watchers = {topic: client for client in self._clients.values() for topic in client.topics}
        for _ in range(frames):
            place, is_book = self._turn // 2 % len(self._books), self._turn % 2 == 0
            self._turn += 1
            template = (self._books if is_book else self._trades)[place]
            client = watchers.get(("l2Book" if is_book else "trades", template.coin))
            if client is None or client.is_cut:
                self.sent["unwatched"] += 1
                continue
            frame = template.at(time_ms) if is_book else template.at(time_ms, next(self._tids))
            out.setdefault(client.connection, []).append(frame)
            self.sent["books" if is_book else "trades"] += 1
        for connection, many in out.items():
            self._clients[connection].write(many)

    def _fill(self) -> None:
        """The user takes a little, so that a fill of his is sent."""
        coin, is_buy = self._listed[0], self.sent["fills"] % 2 == 0
        spec = OrderSpec(0, is_buy, coin.px("1002" if is_buy else "998"), coin.sz("0.011"), False, Tif.IOC)
        self._door.apply(PlaceOrders(USER, (spec,)), self._clock.now())

    def _pump(self) -> None:
        """What the door itself says: confirmations, first pictures, the user's fills and what comes of them."""
        for connection, frame in self._door.drain_outbox():
            client = self._clients.get(connection)
            if client is not None:
                self.sent["fills"] += frame.count(b'"startPosition"') if b'"isSnapshot"' not in frame else 0
                client.write([frame])
        self._door.drain_hangups()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests, or a WebSocket."""
        try:
            while head := await _head(reader):
                if head.startswith(b"GET /ws"):
                    await self._talk(head, reader, writer)
                    break
                size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                path = head.split(b" ")[1].decode()
                body = await reader.readexactly(size)
                status, kind, answer = self._door.http(path, "application/json", body, self._clock.now(), "client")
                said = f"HTTP/1.1 {status} OK\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n\r\n"
                writer.write(said.encode() + answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client is gone; what it was sent is counted
        finally:
            writer.close()

    async def _talk(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(head)
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        writer.write(b"".join(protocol.data_to_send()))
        client = Client(self._door.connect(self._clock.now(), "client"), writer)
        self._clients[client.connection] = client
        self.sent["connections"] += 1
        try:
            while data := await reader.read(65_536):
                protocol.receive_data(data)
                for event in protocol.events_received():
                    if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                        self._heard(client, bytes(event.data))
        finally:
            self.sent["cut"] += client.is_cut
            del self._clients[client.connection]
            self._door.disconnect(client.connection)

    def _heard(self, client: Client, text: bytes) -> None:
        self._door.receive(client.connection, text.decode(), self._clock.now())
        match json.loads(text):
            case {"method": "subscribe", "subscription": {"type": str(channel), "coin": str(coin)}}:
                client.topics.add((channel, coin))
            case {"method": "subscribe", "subscription": {"type": "userFills"}}:
                self._is_user_followed = True
        self._pump()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _commands(venue: BurstVenue) -> None:
    """Do what standard input says, until `end`."""
    loop = asyncio.get_running_loop()
    while (line := (await loop.run_in_executor(None, sys.stdin.readline)).split()) not in ([], ["end"]):
        _obey(venue, line)


def _obey(venue: BurstVenue, line: list[str]) -> None:
    if line[0] == "rate":
        venue.rate = float(line[1])
    elif line[0] == "report":
        print(json.dumps(venue.sent), flush=True)


async def main(coins: int) -> None:
    """Serve; one line says where."""
    venue = BurstVenue(coins)
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0, limit=1 << 20)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "user": USER}), flush=True)
    streaming = asyncio.create_task(venue.stream())
    await _commands(venue)
    streaming.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
