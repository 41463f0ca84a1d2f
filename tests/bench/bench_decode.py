"""Cost of reading a 20 x 20 l2Book frame into an exact BookUpdate, beside what a plain client does with the same bytes
(`json.loads` and a dict of floats a side) and beside a bare msgspec.json.decode.

Also: what stands between a command and its bytes on the socket, beside a bare `sendall` of the same bytes. All are
measured in the same run, taking turns frame by frame.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from hats.exchange_architect.gateway import Gateway
from hats.exchange_architect.session import Session
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import Decoder
from shared.clock import WallClock
from shared.edge import Context
from shared.ids import Cloid
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.market import BookUpdate, UniverseUpdate
from shared.messages.order import ActionAnswered, ActionKind, ActionSent, PostAction
from shared.units import MS, Ns

START_MS = 1_750_000_000_000
BTC = Instrument("BTC", 0, 5, 40)
ANSWER = b'{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":1}}]}}}'


def frames(n: int, seed: int) -> list[bytes]:
    """`n` frames of a book that wanders: its mid moves a tick at times, and a tenth of its sizes change each time."""
    chance = random.Random(seed)
    mid, sizes = 105_000, [[chance.randint(1, 10**6) for _ in range(20)] for _ in range(2)]
    made = []
    for number in range(n):
        mid += chance.choice((0, 0, 0, 1, -1))
        for side in sizes:
            for level in chance.sample(range(20), 2):
                side[level] = chance.randint(1, 10**6)
        levels = [
            [{"px": f"{mid + sign * (level + 1)}.0", "sz": f"{size / 1e5:.5f}", "n": 1 + size % 9}
             for level, size in enumerate(side)]
            for sign, side in zip((-1, 1), sizes, strict=True)
        ]  # fmt: skip
        data = {"coin": "BTC", "time": START_MS + number * 500, "levels": levels}
        made.append(json.dumps({"channel": "l2Book", "data": data}, separators=(",", ":")).encode())
    return made


def plain_book(frame: bytes) -> list[dict[float, float]]:
    """Sizes by price, a dict a side: what a client without types makes of a book."""
    bids, asks = json.loads(frame)["data"]["levels"]
    return [{float(level["px"]): float(level["sz"]) for level in side} for side in (bids, asks)]


def costs_us(readers: dict[str, Callable[[bytes], Any]], sample: list[bytes]) -> dict[str, Any]:
    """p50 and p99 of reading each frame once by each reader, in microseconds."""
    spent: dict[str, list[float]] = {name: [] for name in readers}
    for frame in sample:
        for name, read in readers.items():
            began = time.perf_counter_ns()
            read(frame)
            spent[name].append((time.perf_counter_ns() - began) / 1e3)
    return {name: percentiles(values) for name, values in spent.items()}


def percentiles(spent: list[float]) -> dict[str, float]:
    """p50 and p99."""
    cuts = statistics.quantiles(spent, n=100, method="inclusive")
    return {"p50_us": round(cuts[49], 2), "p99_us": round(cuts[98], 2)}


def decoding(n: int, seed: int) -> dict[str, Any]:
    """Bare JSON, the decoder and the whole session on the same frames."""
    sample = frames(n, seed)
    universe = Universe()
    universe.learn(UniverseUpdate((BTC,), 4_500, 1_500, Ns(0)))
    decoder = Decoder(universe)
    session = Session(Settings(user_address=None), universe, Ns(0))
    session.connected(Ns(0))
    received = (Ns(START_MS * MS + number * 500 * MS) for number in range(n))
    assert isinstance(decoder.decode(sample[0], Ns(1)).messages[0], BookUpdate)
    readers: dict[str, Callable[[bytes], Any]] = {
        "json_and_dict": plain_book,
        "bare_msgspec": msgspec.json.decode,
        "decode": lambda frame: decoder.decode(frame, Ns(1)),
        "session": lambda frame: session.received(frame, next(received)),
    }
    rows = costs_us(readers, sample)
    assert not session.counts.bad, f"sound books were set aside: {session.counts.bad}"
    decode_us = rows["decode"]["p50_us"]
    return rows | {
        "decode_to_json_and_dict_ratio": round(decode_us / rows["json_and_dict"]["p50_us"], 2),
        "decode_to_bare_ratio": round(decode_us / rows["bare_msgspec"]["p50_us"], 2),
    }


def serve(listener: socket.socket) -> None:
    """Answer every request on every connection, until the listener closes."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

    def talk(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65_536):
                connection.sendall(answer)

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def sending(n: int) -> dict[str, Any]:
    """From `carry_out` to the stamp after the write, beside a bare `sendall` and its stamp."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        address = listener.getsockname()
        gateway_us = through_the_gateway(n, f"http://{address[0]}:{address[1]}")
        bare_us = []
        with socket.create_connection(address) as bare:
            for _ in range(n):
                began = time.monotonic_ns()
                bare.sendall(b"x" * 600)
                bare_us.append((time.monotonic_ns() - began) / 1e3)
                bare.recv(65_536)
    rows: dict[str, Any] = {"bare_sendall": percentiles(bare_us), "gateway_send": percentiles(gateway_us)}
    return rows | {"send_to_bare_ratio": round(rows["gateway_send"]["p50_us"] / rows["bare_sendall"]["p50_us"], 2)}


def through_the_gateway(n: int, url: str) -> list[float]:
    """Microseconds from `carry_out` to each ActionSent's stamp; one action at a time, as a quiet desk sends them."""
    sent: list[int] = []
    answered = threading.Semaphore(0)

    def publish(message: Message, context: Context = Context()) -> None:
        if isinstance(message, ActionSent):
            sent.append(message.sent_ns)
        elif isinstance(message, ActionAnswered):
            answered.release()

    clock = WallClock()
    gateway = Gateway(Settings(base_url=url), clock, Universe(), lambda _, __: None)
    gateway.start(publish)
    spent = []
    for nonce in range(n + 10):
        action = PostAction(ActionKind.ORDER, Cloid("0x" + "0" * 32), nonce, b"x" * 450)
        began = clock.now()
        gateway.carry_out(action, Context(), began)
        answered.acquire()
        spent.append((sent[-1] - began) / 1e3)
    gateway.stop()
    return spent[10:]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=5_000)
    parser.add_argument("--actions", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = decoding(chosen.frames, chosen.seed) | sending(chosen.actions)
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, row in figures.items():
        print(f"{name:30} {row}")


if __name__ == "__main__":
    main()
