"""Market data as the feed saw it. `exch_ns` is the venue's clock, `recv_ns` when the bytes left our socket."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.book import Level
from shared.instrument import Instrument
from shared.messages.message import Lane, Message
from shared.order import Side
from shared.rules.margin import MarginTiers
from shared.units import Ns, Px, Sz


class UniverseUpdate(Message, frozen=True):
    """The instruments that may be traded, with the fees we pay (in 10^-7 of notional; 4500 is 4.5 bps).

    `margin_tiers` are those of the coins whose margin is more than one tier of their greatest leverage, by coin; empty
    for a coin whose table the venue did not tell.
    """

    instruments: tuple[Instrument, ...]
    taker_fee_e7: int
    maker_fee_e7: int
    recv_ns: Ns
    margin_tiers: dict[str, MarginTiers] = {}


class QueryCandles(Message, frozen=True):
    """Ask the venue for the ended candles of one coin that begin from `since_ns` to `until_ns`, exclusively."""

    lane: ClassVar[Lane] = Lane.ORDER

    coin: str
    interval: str
    since_ns: Ns
    until_ns: Ns


class ReadCandles(Message, frozen=True):
    """To our own gateway: read what the query asks for now."""

    lane: ClassVar[Lane] = Lane.ORDER

    query: QueryCandles


class Close(msgspec.Struct, frozen=True, array_like=True):
    """When a candle began, and the price of its last trade."""

    open_ns: Ns
    px: Px


class CandlesTold(Message, frozen=True):
    """What the venue has of a query: the closes, oldest first. It may leave out intervals without trades."""

    lane: ClassVar[Lane] = Lane.ORDER

    query: QueryCandles
    closes: tuple[Close, ...]
    recv_ns: Ns


class BookUpdate(Message, frozen=True):
    """The whole visible book of one coin, best level first on both sides."""

    lane: ClassVar[Lane] = Lane.MARKET

    coin: str
    exch_ns: Ns
    recv_ns: Ns
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def conflation_key(self) -> str | None:
        """Only the latest book of a coin matters."""
        return self.coin


class Trade(Message, frozen=True):
    """A public print; `side` is the aggressor's."""

    lane: ClassVar[Lane] = Lane.MARKET

    coin: str
    side: Side
    px: Px
    sz: Sz
    tid: int
    exch_ns: Ns
    recv_ns: Ns


class AssetContext(Message, frozen=True):
    """Mark, oracle, open interest (lots), the running hourly funding rate and the premium (both 10^-10) of one coin.

    `premium_e10` is None where the venue has none: its book is too thin for impact prices.
    """

    lane: ClassVar[Lane] = Lane.MARKET

    coin: str
    mark_px: Px
    oracle_px: Px
    open_interest: int
    funding_rate_e10: int
    recv_ns: Ns
    premium_e10: int | None = None

    def conflation_key(self) -> str | None:
        """Only the latest context of a coin matters."""
        return self.coin


class FeedState(StrEnum):
    """What the feed can be relied on for."""

    UP = "up"
    STALE = "stale"
    DOWN = "down"


class FeedStatus(Message, frozen=True):
    """The feed changed state; `reason` says why in words.

    UP holds for every coin but `stale_coins`, whose data can't be relied on while the others' can. `epoch` counts the
    connections that tell of the account (all, if none is followed), `reconnections` all after the first of each socket.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    state: FeedState
    epoch: int
    reason: str
    recv_ns: Ns
    stale_coins: tuple[str, ...] = ()
    reconnections: int = 0

    def covers(self, coin: str) -> bool:
        """May decisions rest on this coin's data?"""
        return self.state is FeedState.UP and coin not in self.stale_coins


class VenueClockTold(Message, frozen=True):
    """The venue's clock minus ours, by its fastest book and half of its fastest ping; told when it moved, and often.

    The venue's own delay counts as part of the way, so the truth is this or a little more. `round_trip_ns` is 0 while
    no ping was answered.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    offset_ns: int
    round_trip_ns: int
    ns: Ns


class BadKind(StrEnum):
    """Why something was set aside, in one word that can be counted."""

    UNREADABLE = "unreadable"
    """No JSON, or not even a channel."""
    DRIFT = "drift"
    """A channel, field or type that is not as documented."""
    NUMBER = "number"
    """A number that is none, does not fit or is out of its range."""
    UNLISTED = "unlisted"
    EMPTY = "empty"
    ONE_SIDED = "one_sided"
    CROSSED = "crossed"
    DISORDERED = "disordered"
    """Levels that are not in the order of their prices."""
    REVERSED = "reversed"
    """Older than what came before."""
    STALE = "stale"
    FUTURE = "future"
    FROZEN = "frozen"
    """New frames, but the venue's time stands still."""
    UNDOCUMENTED = "undocumented"
    """A refusal in words that the venue never wrote down: it proves no more than it has to, and people should know."""
    ABSURD = "absurd"
    """Far from both the last price and the mark."""
    FILL_CHAIN = "fill_chain"
    """A fill that does not begin where the last one ended: one was missed."""
    INCOMPLETE = "incomplete"
    """Fewer trades were heard than the venue's candle counts, or it dropped fills of ours before they were read."""
    REFUSED = "refused"
    """The venue complained."""
    UNANSWERED = "unanswered"
    """A read that failed."""
    OTHER = "other"


class BadData(Message, frozen=True):
    """A frame or book that was set aside: why, and the start of what came. Counted, never decided on."""

    channel: str
    coin: str
    reason: str
    excerpt: str
    recv_ns: Ns
    kind: BadKind = BadKind.OTHER


class FundingClock(Message, frozen=True):
    """The hourly funding instant drew near or passed: when it is, and the rate (10^-10) each coin would pay."""

    next_funding_ns: Ns
    rates_e10: dict[str, int]


class CaptureState(StrEnum):
    """What can be said of the log of frames."""

    ON = "on"
    OFF = "off"
    LOW = "low"
    FULL = "full"
    DEAD = "dead"


class CaptureStatus(Message, frozen=True):
    """How the log of frames stands: said when its state changes, and now and then.

    LOW: the disk is nearly full; FULL: frames become declared gaps; DEAD: nothing is written any more. In these three
    no entry is made. `frames` came so far; `lost` of them are not in the log, as it declares (or came after its death).
    `free_bytes` -1: unknown.
    """

    lane: ClassVar[Lane] = Lane.ORDER

    state: CaptureState
    reason: str
    frames: int
    lost: int
    free_bytes: int
    ns: Ns
