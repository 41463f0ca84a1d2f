"""The only door to the venue: market data in, signed actions and reads out, every answer proven or called unknown.

In: SignedAction, QueryOrder, QueryTwap, QueryAccount, QueryCandles, and from its own edges UniverseUpdate,
AssetContext, FeedStatus, AccountReadBegun. Out: PostAction, ReadOrder, ReadTwaps, ReadAccount, ReadCandles,
FundingClock; by its edges market data, history, orders, fills, answers and the account.
"""

from __future__ import annotations

from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.measures import MEASURES
from hats.exchange_architect.settings import Settings

__all__ = ["MEASURES", "ExchangeArchitect", "Settings"]
