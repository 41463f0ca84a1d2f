"""What the feed has seen: bounded memory against saying the same trade, fill or payment twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Final, get_args

from shared.messages import Message
from shared.messages.account import AccountLiquidated, BalanceChanged, FundingPayment
from shared.messages.market import Trade
from shared.messages.order import Fill

REMEMBERED: Final = 50_000
Once = Trade | Fill | FundingPayment | BalanceChanged | AccountLiquidated
"""What is said once, however often the venue repeats it."""


class Seen:
    """A set that forgets its oldest members beyond `limit`."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._keys: OrderedDict[Hashable, None] = OrderedDict()
        self._limit = limit

    def is_new(self, key: Hashable) -> bool:
        """Is this the first time? Remembers it."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            self._keys.popitem(last=False)  # of a plain dict the oldest is ever harder to find
        return True


class Memory:
    """What was said already, and of which topics a first batch came."""

    def __init__(self) -> None:
        self._seen: dict[type[Once], Seen] = {kind: Seen() for kind in get_args(Once)}
        self._primed: set[str] = set()

    def is_first_batch(self, key: str) -> bool:
        """Is this the first batch on this topic ever? Later ones fill holes, the first is history."""
        is_first = key not in self._primed
        self._primed.add(key)
        return is_first

    def is_new(self, message: Once) -> bool:
        """Was it never said before? Remembers it."""
        return self._seen[type(message)].is_new(_identity(message))


def _identity(message: Once) -> Hashable:
    """What makes it one: the venue promises (time, coin, tid); both sides of a self-trade are ours, hence the oid."""
    match message:
        case Trade():
            return (message.exch_ns, message.coin, message.tid)
        case Fill():
            return (message.exch_ns, message.coin, message.tid, message.oid)
        case FundingPayment():
            return (message.exch_ns, message.coin)
        case BalanceChanged():
            return (message.exch_ns, message.hash, message.cause, message.usd)
        case AccountLiquidated():
            return (message.exch_ns, message.hash, message.value_usd, message.positions)


def oldest_first(messages: Iterable[Message]) -> list[Message]:
    """A batch in order of time; snapshots come newest first. What has no time goes first."""
    return sorted(messages, key=lambda message: message.exch_ns if isinstance(message, Once) else 0)
