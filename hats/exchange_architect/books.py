"""Which books may be decided on: each newer than the last, on time, moving, and near what the market said before."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from hats.exchange_architect.settings import Settings
from hats.exchange_architect.venue_clock import VenueClock
from shared.messages.market import AssetContext, BadKind, BookUpdate
from shared.units import MS, Ns

_NEVER: Final = Ns(0)


class Objection(NamedTuple):
    """Why a book is set aside."""

    kind: BadKind
    reason: str


class _Coin(msgspec.Struct):
    """`heard_ns`: receipt of the newest sound book whose venue time had moved on."""

    exch_ns: Ns = _NEVER
    heard_ns: Ns = _NEVER
    twice_mid: int = 0
    mark_px: int = 0


class Books:
    """The newest sound book of each coin, as much as judging the next one takes."""

    def __init__(self, settings: Settings, clock: VenueClock) -> None:
        self._deadline_ns = settings.book_deadline_ms * MS
        self._late_ns = settings.book_late_ms * MS
        self._move = 1.0 + settings.absurd_move_share
        self._clock = clock
        self._coins = {coin: _Coin() for coin in settings.coins}

    def take(self, book: BookUpdate) -> Objection | None:
        """None if the book may be decided on, and is the newest from here on; else what is wrong with it."""
        coin = self._coins.setdefault(book.coin, _Coin())
        delay_ns = book.recv_ns - book.exch_ns
        self._clock.delayed(delay_ns)
        twice_mid = book.bids[0].px + book.asks[0].px
        objection = self._untimely(book, coin, delay_ns) or self._absurd(coin, twice_mid)
        if objection is not None:
            return objection
        if book.exch_ns != coin.exch_ns or coin.heard_ns == _NEVER:
            coin.heard_ns = book.recv_ns
        coin.exch_ns, coin.twice_mid = book.exch_ns, twice_mid
        return None

    def hear_context(self, context: AssetContext) -> None:
        """The mark, for comparison."""
        self._coins.setdefault(context.coin, _Coin()).mark_px = context.mark_px

    def restart(self, coins: frozenset[str]) -> None:
        """A new connection: what these coins said before does not make them fresh."""
        for name in coins:
            self._coins[name].heard_ns = _NEVER

    def doubt(self, name: str, now: Ns) -> str | None:
        """Why the coin's newest book can't be relied on, if so."""
        coin = self._coins[name]
        if coin.heard_ns == _NEVER:
            return f"no book of {name} yet"
        age_ns = now - coin.heard_ns
        return f"no sound book of {name} for {age_ns // MS} ms" if age_ns > self._deadline_ns else None

    def age_ns(self, name: str, now: Ns, since_ns: Ns) -> int:
        """Age of the newest sound book of this connection; since the beginning, if there is none."""
        return now - (self._coins[name].heard_ns or since_ns)

    def _untimely(self, book: BookUpdate, coin: _Coin, delay_ns: int) -> Objection | None:
        late_ns = self._clock.lateness_ns(delay_ns)
        if late_ns > self._late_ns:
            return Objection(BadKind.STALE, f"{late_ns // MS} ms later than books usually are")
        if late_ns < -self._late_ns:
            return Objection(BadKind.FUTURE, f"{-late_ns // MS} ms earlier than books usually are")
        if book.exch_ns < coin.exch_ns:
            if self._clock.lateness_ns(book.recv_ns - coin.exch_ns) < -self._late_ns:
                return None  # it is the one before that was from the future
            return Objection(BadKind.REVERSED, f"{(coin.exch_ns - book.exch_ns) // MS} ms older than the one before")
        is_still = book.exch_ns == coin.exch_ns and coin.heard_ns != _NEVER
        if is_still and book.recv_ns - coin.heard_ns > self._deadline_ns:
            return Objection(
                BadKind.FROZEN, f"the venue's time stands still for {(book.recv_ns - coin.heard_ns) // MS} ms"
            )
        return None

    def _absurd(self, coin: _Coin, twice_mid: int) -> Objection | None:
        known = [twice for twice in (coin.twice_mid, 2 * coin.mark_px) if twice]
        if not known or any(twice / self._move <= twice_mid <= twice * self._move for twice in known):
            return None
        return Objection(BadKind.ABSURD, f"the mid is beyond {self._move:g} times the last one and the mark")
