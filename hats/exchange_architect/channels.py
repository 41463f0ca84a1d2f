"""The venue's WebSocket channels: what each is asked for with, and which of them become messages."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

BOOK, TRADES, CONTEXT, CANDLE = "l2Book", "trades", "activeAssetCtx", "candle"
ORDERS, FILLS, FUNDINGS, EVENTS = "orderUpdates", "userFills", "userFundings", "userEvents"
LEDGER: Final = "userNonFundingLedgerUpdates"
CANDLE_INTERVAL: Final = "1m"
OF_COIN: Final = (BOOK, TRADES, CONTEXT)
"""Always followed, for each coin."""
OF_USER: Final = (ORDERS, FILLS, FUNDINGS, LEDGER)
"""Always followed, if there is a user."""


class Channel(StrEnum):
    """What may be followed besides. Only candle and userEvents are read, the others are for the capture log."""

    CANDLE = CANDLE
    BBO = "bbo"
    USER_EVENTS = EVENTS
    ACTIVE_ASSET_DATA = "activeAssetData"
    WEB_DATA = "webData3"
    NOTIFICATION = "notification"
    CLEARINGHOUSE_STATE = "clearinghouseState"
    ALL_CLEARINGHOUSE_STATES = "allDexsClearinghouseState"
    OPEN_ORDERS = "openOrders"
    SPOT_STATE = "spotState"
    TWAP_STATES = "twapStates"
    TWAP_SLICE_FILLS = "userTwapSliceFills"
    TWAP_HISTORY = "userTwapHistory"
    HISTORICAL_ORDERS = "userHistoricalOrders"
    ALL_MIDS = "allMids"
    ASSET_CONTEXTS = "assetCtxs"
    ALL_ASSET_CONTEXTS = "allDexsAssetCtxs"
    SPOT_ASSET_CONTEXTS = "spotAssetCtxs"
    FAST_ASSET_CONTEXTS = "fastAssetCtxs"
    OUTCOME_META = "outcomeMetaUpdates"

    @property
    def has_coin(self) -> bool:
        """Is it asked for by coin?"""
        return self in _BY_COIN

    @property
    def has_user(self) -> bool:
        """Is it asked for by user?"""
        return self not in _OF_ALL and (self not in _BY_COIN or self is Channel.ACTIVE_ASSET_DATA)

    @property
    def spoken(self) -> str:
        """What its frames call it."""
        return "user" if self is Channel.USER_EVENTS else self.value


_BY_COIN: Final = frozenset({Channel.CANDLE, Channel.BBO, Channel.ACTIVE_ASSET_DATA})
_OF_ALL: Final = frozenset(
    {
        Channel.ALL_MIDS,
        Channel.ASSET_CONTEXTS,
        Channel.ALL_ASSET_CONTEXTS,
        Channel.SPOT_ASSET_CONTEXTS,
        Channel.FAST_ASSET_CONTEXTS,
        Channel.OUTCOME_META,
    }
)


def key_of(channel: str, coin: str) -> str:
    """The name of a subscription: the channel, with its coin where it has one."""
    return f"{channel}:{coin}" if coin else channel


def subscriptions_of(coins: int, has_user: bool, others: tuple[Channel, ...]) -> int:
    """How many subscriptions following all this takes."""
    by_coin = len(OF_COIN) + sum(one.has_coin and (has_user or not one.has_user) for one in others)
    rest = sum(not one.has_coin and (has_user or not one.has_user) for one in others)
    return coins * by_coin + rest + has_user * (len(OF_USER) + 1)  # one is the canary of the user's socket
