"""A client of a soak that speaks the door's protocol: its sockets are cut, the answers to its signed orders lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec

from shared.units import MS, SECOND, USD, Ns, Rounding, Usd
from shared.venue.core.commands import Deposit
from shared.venue.door.door import Door
from shared.venue.door.mischief import Mischief
from tests.bench.bench_venue_http import USER, signed

ACTS_S: Final = 4.0
"""How often it acts, on average."""
ASSET: Final = 0
START_USD: Final = Usd(1_000_000 * USD)


class _Frame(msgspec.Struct):
    """What every frame has, true or false."""

    channel: str


_FRAME: Final = msgspec.json.Decoder(_Frame)


class WireClient:
    """One key and one WebSocket. Whatever reaches it must be of the venue's kinds.

    In process a socket has no bytes in flight: it is cut between two frames, never inside one, and a request whose
    answer is withheld is given up at once.
    """

    def __init__(self, door: Door, mischief: Mischief, asked: Sequence[dict[str, str]], seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._door = door
        self._mischief = mischief
        self._asked = [*asked, *({"type": kind, "user": USER} for kind in ("orderUpdates", "userFills"))]
        self._chance = Random(f"{seed}/wire")
        self._due = Ns(0)
        self._nonce = 0
        self._connection: int | None = None

    def step(self, door: Door, now: Ns) -> Ns:
        """Act if it is time; when it is again."""
        if self._connection is None:
            self._connect(now)
        if not self._due:
            door.apply(Deposit(USER, START_USD), now)
        if self._due <= now:
            self._act(now)
            self._due = Ns(now + max(int(self._chance.expovariate(1.0 / ACTS_S) * SECOND), 1))
        return self._due

    def hear(self, now: Ns) -> None:
        """Take in what the door sends, less what faults keep from it; be cut, or hung up on, and come back."""
        for connection, frame in self._mischief.passed(self._door.drain_outbox(), now):
            if connection == self._connection:  # a late one may be for a socket that is gone
                assert _FRAME.decode(frame).channel, frame
                self.counts["frames"] += 1
        gone = [number for number, _ in self._door.drain_hangups()]
        gone += [
            number for number, _ in self._mischief.cuts([] if self._connection is None else [self._connection], now)
        ]
        if self._connection in gone:
            self.counts["cuts"] += 1
            self._mischief.forget(self._connection)
            self._door.disconnect(self._connection)
            self._connect(now)

    def _connect(self, now: Ns) -> None:
        self._connection = self._door.connect(now)
        for one in self._asked:
            self._door.receive(self._connection, json.dumps({"method": "subscribe", "subscription": one}), now)

    def _act(self, now: Ns) -> None:
        """Place or cancel, by request or by post; say that the socket is alive."""
        open_orders = self._door.exchange.open_orders(USER)
        if open_orders and self._chance.random() < 0.5:
            oid = self._chance.choice(open_orders).oid
            action: dict[str, Any] = {"type": "cancel", "cancels": [{"a": ASSET, "o": oid}]}
        else:
            action = {"type": "order", "orders": [self._order()], "grouping": "na"}
        self._nonce = max(self._nonce + 1, now // MS)
        body = signed(action, self._nonce)
        if self._chance.random() < 0.5:
            self._post(body, now)
        else:
            self._request(json.dumps(body).encode(), now)

    def _order(self) -> dict[str, Any]:
        """A small order near the mark."""
        instrument, chance = self._door.exchange.listings[ASSET].instrument, self._chance
        is_buy, mark = chance.random() < 0.5, self._door.exchange.mark(ASSET)
        near = instrument.px_float(mark) * chance.uniform(0.99, 1.01)
        px = instrument.px_text(instrument.px_on_tick(near, Rounding.NEAREST))
        tif = chance.choice(("Gtc", "Ioc", "Alo"))
        wire = {"a": ASSET, "b": is_buy, "p": px, "s": instrument.sz_text(instrument.sz_in_lots(50.0 / float(px)))}
        return wire | {"r": False, "t": {"limit": {"tif": tif}}}

    def _request(self, body: bytes, now: Ns) -> None:
        """Over HTTP: lost, doubled or answered by a proxy as faults will."""
        fate = self._mischief.fate_of_body("/exchange", body, now)
        answers = [self._door.http("/exchange", "application/json", body, now) for _ in range(fate.times)]
        if fate.ending != "answer":
            self.counts["unanswered"] += 1
        elif fate.answer is not None:
            self.counts[f"http_{fate.answer[0]}"] += 1
        else:
            self._take(msgspec.json.decode(answers[0][2]))
        for _status, _kind, again in answers[1:]:
            assert b"duplicate nonce" in again, again

    def _post(self, body: dict[str, Any], now: Ns) -> None:
        """Over the WebSocket; the answer comes as a frame."""
        assert self._connection is not None
        frame = json.dumps({"method": "post", "id": 1, "request": {"type": "action", "payload": body}})
        for _ in range(self._mischief.arrivals(self._connection, frame, now)):
            self._door.receive(self._connection, frame, now)
        self.counts["posts"] += 1

    def _take(self, reply: Any) -> None:
        """An answer is an `ok` with statuses or an `err` with words."""
        assert reply["status"] in ("ok", "err"), reply
        self.counts[reply["status"]] += 1
