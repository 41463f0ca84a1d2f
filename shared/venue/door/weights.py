"""What each client may ask for in a minute, by its address, and what each request weighs."""

from __future__ import annotations

from typing import Any, Final

_MINUTE_MS: Final = 60_000


class MinuteBudgets:
    """A weight that each client may spend in each minute of the clock; `per_minute` None means any.

    Clients are remembered for the minute only, so that many of them cost nothing for long.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._minute = 0
        self._spent: dict[str, int] = {}

    def spend(self, client: str, weight: int, now_ms: int) -> bool:
        """Was there enough left? A refused attempt spends nothing."""
        if self._per_minute is None:
            return True
        spent = self._spent_by(client, now_ms)
        if spent + weight > self._per_minute:
            return False
        self._spent[client] = spent + weight
        return True

    def owe(self, client: str, weight: int, now_ms: int) -> None:
        """Count what is known only after the answer, even beyond the budget."""
        if self._per_minute is not None and weight:
            self._spent[client] = self._spent_by(client, now_ms) + weight

    def _spent_by(self, client: str, now_ms: int) -> int:
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._spent.clear()
        return self._spent.get(client, 0)


LIGHT_INFO: Final = frozenset(
    {"l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus"}
)
HEAVY_INFO: Final[dict[str, int]] = {"userRole": 60}
ITEMS_PER_WEIGHT: Final[dict[str, int]] = {
    "recentTrades": 20,
    "historicalOrders": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
    "userFunding": 20,
    "nonUserFundingUpdates": 20,
    "userNonFundingLedgerUpdates": 20,
    "twapHistory": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
    "delegatorHistory": 20,
    "delegatorRewards": 20,
    "candleSnapshot": 60,
}
"""Items in an answer that weigh one more. Source: fact sheet 8.1."""


def info_weight(name: str) -> int:
    """Weight of one /info request before its answer is known. Source: fact sheet 8.1."""
    return HEAVY_INFO.get(name, 2 if name in LIGHT_INFO else 20)


def answer_weight(name: str, answer: Any) -> int:
    """What a long answer weighs on top."""
    per_weight = ITEMS_PER_WEIGHT.get(name)
    return len(answer) // per_weight if per_weight is not None and isinstance(answer, list) else 0


def exchange_weight(entries: int) -> int:
    """Weight of one /exchange request with a batch of so many."""
    return 1 + entries // 40
