"""The /info schemas that several subjects share. Unknown fields are ignored, known ones must fit."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.venue.door.actions import U64, Address, CloidText

MOST_ROWS: Final = 500
MOST_FILLS: Final = 2_000

DexName = Annotated[str, Meta(max_length=64)]
"""Name of a perp dex; the first one's is empty. Deployed ones have at most six letters."""


class Question(Struct, frozen=True, rename="camel"):
    """One /info request."""


class Nothing(Question, frozen=True):
    """Asks without naming anything."""


class AboutDex(Question, frozen=True):
    """Asks about a dex, the first one if none is named."""

    dex: DexName | None = None


class AboutCoin(Question, frozen=True):
    """Asks about one coin."""

    coin: str


class AboutBook(Question, frozen=True):
    """Asks for a book."""

    coin: str
    n_sig_figs: int | None = None
    mantissa: int | None = None


class CandleSpan(Question, frozen=True):
    """Which candles."""

    coin: str
    interval: str
    start_time: U64
    end_time: U64 | None = None


class AboutCandles(Question, frozen=True):
    """Asks for candles."""

    req: CandleSpan


class AboutCoinSpan(Question, frozen=True):
    """Asks about one coin in a span of time, both ends included."""

    coin: str
    start_time: U64
    end_time: U64 | None = None


class AboutUser(Question, frozen=True):
    """Asks about one user."""

    user: Address
    dex: DexName | None = None


class AboutUserCoin(Question, frozen=True):
    """Asks about one user and one coin."""

    user: Address
    coin: str


class AboutOrder(Question, frozen=True):
    """Asks about one order by either id."""

    user: Address
    oid: U64 | CloidText


class AboutFills(Question, frozen=True):
    """Asks for the latest fills."""

    user: Address
    aggregate_by_time: bool | None = None


class AboutFillSpan(Question, frozen=True):
    """Asks for fills in a span of time."""

    user: Address
    start_time: U64
    end_time: U64 | None = None
    aggregate_by_time: bool | None = None
    reversed: bool | None = None


class AboutUserSpan(Question, frozen=True):
    """Asks about one user in a span of time."""

    user: Address
    start_time: U64 = 0
    end_time: U64 | None = None
