"""Send the feed ten thousand hostile frames: nothing may come of one but its record, of the kind that it is.

`python -m tests.bench.feed_hostile --frames 10000` plays them from a seed, sound frames in between, to the Session (the
whole feed but its sockets) and on to the Hat that makes features of books, and prints one JSON object. Exit 1 if one
was believed, miscounted or fatal, or if a sound book in between was not believed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

from hats.exchange_architect.line import Line
from hats.exchange_architect.session import Session
from hats.exchange_architect.settings import Settings
from hats.exchange_architect.subscriptions import plan
from hats.exchange_architect.universe import Universe
from hats.microstructure_analyst.logic import MicrostructureAnalyst
from hats.microstructure_analyst.settings import Settings as AnalystSettings
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.market import BadData, BadKind, BookUpdate, FeedStatus, UniverseUpdate, VenueClockTold
from shared.messages.signal import FeatureUpdate
from shared.units import MS, SECOND, Ns

START: Final = Ns(1_790_000_000 * SECOND)
COINS: Final = (Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 4, 25))
USER: Final = "0x" + "ab" * 20
PRIVATE, MARKET = 0, 1
Level = dict[str, Any]


def frame(channel: str, data: Any) -> bytes:
    """A frame as the venue writes it."""
    return json.dumps({"channel": channel, "data": data}).encode()


class Enemy:
    """Writes frames, sound and hostile, around a venue time that goes on."""

    def __init__(self, seed: int) -> None:
        self.now = START
        self._rng = Random(seed)
        self._tid = 0
        self.newest_ms = 0

    def pick(self, choices: tuple[Any, ...]) -> Any:
        """One of them."""
        return self._rng.choice(choices)

    def levels(self, mid: float = 50_000.0) -> list[list[Level]]:
        """Three sound levels a side."""
        return [
            [
                {"px": f"{mid + sign * step:g}", "sz": f"{self._rng.randint(1, 900) / 100:g}", "n": 1}
                for step in (1, 2, 3)
            ]
            for sign in (-1, 1)
        ]

    def book(self, levels: Any = None, coin: str = "BTC", shift_ms: int = 0) -> bytes:
        """A book of now, or `shift_ms` beside it."""
        time_ms = self.now // MS - 20
        self.newest_ms = time_ms if not shift_ms else self.newest_ms
        levels = self.levels() if levels is None else levels
        return frame("l2Book", {"coin": coin, "time": time_ms + shift_ms, "levels": levels})

    def trade(self, **changes: Any) -> bytes:
        """A print."""
        self._tid += 1
        plain = {"coin": "BTC", "side": "B", "px": "50000", "sz": "0.1", "time": self.now // MS, "tid": self._tid}
        return frame("trades", [plain | changes])

    def fill(self, **changes: Any) -> bytes:
        """One of our fills."""
        self._tid += 1
        plain = {
            "coin": "ETH", "px": "2000", "sz": "0.1", "side": "B", "time": self.now // MS, "startPosition": "0.0",
            "closedPnl": "0.0", "oid": self._tid, "crossed": True, "fee": "0.01", "tid": self._tid, "feeToken": "USDC",
        }  # fmt: skip
        return frame("userFills", {"user": USER, "fills": [plain | changes]})

    def context(self, **changes: Any) -> bytes:
        """Mark, oracle and the rest."""
        plain = {"markPx": "50000", "oraclePx": "50000", "openInterest": "1.0", "funding": "0.0000125"}
        return frame("activeAssetCtx", {"coin": "BTC", "ctx": plain | changes})

    def unreadable(self) -> bytes:
        """Cut short, or noise."""
        sound = self.book()
        return bytes(
            self.pick(
                (
                    sound[: self._rng.randint(0, len(sound) - 2)],
                    b"\xfe" + self._rng.randbytes(self._rng.randint(1, 200)),
                    b'{"channel":"trades","data":[{"coin":"\xff\xfe"}]}',
                    b"",
                )
            )
        )

    def drift(self) -> bytes:
        """Channels, fields and types that are not as documented."""
        return bytes(
            self.pick(
                (
                    frame("l3Book", {}),
                    frame("l2Book", {"coin": "BTC", "levels": self.levels()}),
                    frame("l2Book", {"coin": "BTC", "time": "now", "levels": self.levels()}),
                    self.book({"bids": [], "asks": []}),
                    self.book([[{"px": 50_000, "sz": 1, "n": 1}], []]),
                    self.trade(side="X"),
                    self.trade(tid=2**70),
                    self.trade(coin=None),
                    self.fill(feeToken="HYPE"),
                    self.fill(tid=None),
                    frame("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1"}}),
                    frame("orderUpdates", [{"order": {}, "status": 7}]),
                    b'{"channel":"l2Book","data":' + b"[" * 20_000,
                    b"[]",
                    b"null",
                )
            )
        )

    def number(self) -> bytes:
        """Numbers that are none, do not fit or can't be."""
        wrong = self.pick(("NaN", "Infinity", "-Infinity", "1e400", "", "0x10", "1,5", "9" * 60, "0.123456789", "--1"))
        negative = [[level | {"sz": f"-{level['sz']}"} for level in side] for side in self.levels()]
        books = [[level | {"px": wrong} for level in self.levels()[0]], self.levels()[1]]
        makers = (self.book(books), self.trade(px=wrong), self.fill(sz=wrong), self.context(markPx=wrong))
        return bytes(self.pick((*makers, self.book(negative), self.trade(px="0"), self.context(oraclePx="0"))))

    def unlisted(self) -> bytes:
        """A coin that is not there."""
        return bytes(self.pick((self.book(coin="NOPE"), self.trade(coin="NOPE"), self.fill(coin="@1"))))

    def one_sided(self) -> bytes:
        """Nothing to buy, or nobody to sell to."""
        bids, asks = self.levels()
        return self.book(self.pick(([bids, []], [[], asks])))

    def crossed(self) -> bytes:
        """Bids above asks, or at them."""
        bids, asks = self.levels()
        return self.book(self.pick(([asks, bids], [asks, asks])))

    def disordered(self) -> bytes:
        """The best level is not the first."""
        bids, asks = self.levels()
        return self.book(self.pick(([[bids[0], bids[2], bids[1]], asks], [bids, [asks[0], asks[0], asks[1]]])))

    def reversed(self) -> bytes:
        """Older than the last sound one, by less than would make it stale."""
        return self.book(shift_ms=self.newest_ms - self.now // MS + 20 - self._rng.randint(1, 3_000))

    def frozen(self) -> bytes:
        """The venue's time has not moved for longer than a book may be old."""
        self.now = Ns(self.now + 4 * SECOND)
        return self.book(shift_ms=self.newest_ms - self.now // MS + 20)

    def absurd(self) -> bytes:
        """Ten times the price, or a tenth."""
        return self.book(self.levels(self.pick((500_000.0, 5_000.0))))


KINDS: Final[dict[BadKind, Callable[[Enemy], bytes]]] = {
    BadKind.UNREADABLE: Enemy.unreadable,
    BadKind.DRIFT: Enemy.drift,
    BadKind.NUMBER: Enemy.number,
    BadKind.UNLISTED: Enemy.unlisted,
    BadKind.EMPTY: lambda enemy: enemy.book([[], []]),
    BadKind.ONE_SIDED: Enemy.one_sided,
    BadKind.CROSSED: Enemy.crossed,
    BadKind.DISORDERED: Enemy.disordered,
    BadKind.REVERSED: Enemy.reversed,
    BadKind.STALE: lambda enemy: enemy.book(shift_ms=-3_600_000),
    BadKind.FUTURE: lambda enemy: enemy.book(shift_ms=3_600_000),
    BadKind.FROZEN: Enemy.frozen,
    BadKind.ABSURD: Enemy.absurd,
    BadKind.REFUSED: lambda enemy: frame("error", f"Invalid subscription {enemy.newest_ms}"),
}


class Front:
    """A feed without sockets, the analyst behind it, and the count of what went wrong."""

    def __init__(self, seed: int) -> None:
        settings = Settings(coins=tuple(coin.coin for coin in COINS), user_address=USER, fast_books=True)
        listed = UniverseUpdate(COINS, 4_500, 1_500, START)
        universe = Universe()
        universe.learn(listed)
        lines = [Line(topics, settings, START) for topics in plan(settings)]
        self.enemy = Enemy(seed)
        self.session = Session(settings, universe, START, lines)
        self.analyst = MicrostructureAnalyst(AnalystSettings(coins=settings.coins))
        self.sent: Counter[BadKind] = Counter()
        self.counted: Counter[BadKind] = Counter()
        self.believed: list[str] = []
        self.doubted: list[str] = []
        self.features = 0
        list(self.analyst.handle(listed, START))
        for socket in (PRIVATE, MARKET):
            self.session.connected(START, socket)

    def strike(self, kind: BadKind) -> None:
        """One hostile frame; it may be answered by records of that kind alone."""
        sent = KINDS[kind](self.enemy)
        self.sent[kind] += 1
        said = self._hear(sent)
        self.counted.update(message.kind for message in said if isinstance(message, BadData))
        if not said or any(not isinstance(message, BadData) or message.kind is not kind for message in said):
            what = [message.kind.value if isinstance(message, BadData) else type(message).__name__ for message in said]
            self.believed.append(f"{kind.value} taken as {what}: {sent[:120]!r}")

    def sound(self) -> None:
        """A good book; it must be believed. The first tells the venue's time, too."""
        said = self._hear(self.enemy.book())
        if [type(message) for message in said if not isinstance(message, VenueClockTold)] != [BookUpdate]:
            self.doubted.append(repr(said)[:300])

    def _hear(self, sent: bytes) -> list[Message]:
        enemy = self.enemy
        enemy.now = Ns(enemy.now + 5 * MS)
        said = [m for m in self.session.received(sent, enemy.now, MARKET) if not isinstance(m, FeedStatus)]
        for message in said:
            if isinstance(message, BookUpdate):
                answers = self.analyst.handle(message, enemy.now)
                self.features += sum(isinstance(answer, FeatureUpdate) for answer in answers)
        return said


def run(frames: int, seed: int) -> dict[str, Any]:
    """All figures of a campaign."""
    front, rng, sound = Front(seed), Random(seed), 40
    for _ in range(sound):
        front.sound()
    kinds = [kind for number in range(frames) for kind in (tuple(KINDS)[number % len(KINDS)],)]
    rng.shuffle(kinds)
    for kind in kinds:
        # what is late, reversed or frozen is so beside a sound book of just now
        front.sound()
        sound += 1
        front.strike(kind)
    return {
        "frames": frames,
        "sound_between": sound,
        "sent": {kind.value: count for kind, count in sorted(front.sent.items())},
        "counted": {kind.value: count for kind, count in sorted(front.counted.items())},
        "counted_by_the_feed": {kind.value: count for kind, count in sorted(front.session.counts.bad.items())},
        "believed": front.believed[:10],
        "believed_count": len(front.believed),
        "sound_doubted": front.doubted[:10],
        "sound_doubted_count": len(front.doubted),
        "features": front.features,
    }


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that were not kept."""
    promises = {
        "nothing hostile was believed": found["believed_count"] == 0,
        "each was counted by its kind": found["sent"] == found["counted"] == found["counted_by_the_feed"],
        "every sound book was believed": found["sound_doubted_count"] == 0,
        "decided on sound books alone": found["features"] == found["sound_between"],
    }
    return [promise for promise, is_kept in promises.items() if not is_kept]


def main() -> None:
    """Print the figures; exit 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    found = run(chosen.frames, chosen.seed)
    missed = broken(found)
    print(json.dumps(found | {"broken": missed}, indent=1))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
