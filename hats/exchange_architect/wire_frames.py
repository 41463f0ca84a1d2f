"""The venue's frames as types: what each has to look like to be read. Pure; sources are in fact sheet 2.4 and 3.4."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hats.exchange_architect.channels import BOOK, CANDLE, CONTEXT, FILLS, FUNDINGS, LEDGER, ORDERS, TRADES, Channel
from hats.exchange_architect.numbers import Id, Ms

ACK, PONG, ERROR = "subscriptionResponse", "pong", "error"


class LevelEntry(msgspec.Struct, gc=False):
    """A price of a book, its size, and how many orders rest there."""

    px: str
    sz: str
    n: Id


class BookData(msgspec.Struct):
    """A whole visible book: bids and asks, best first."""

    coin: str
    time: Ms
    levels: tuple[list[LevelEntry], list[LevelEntry]]


class TradeEntry(msgspec.Struct):
    """One trade."""

    coin: str
    side: str
    px: str
    sz: str
    time: Ms
    tid: Id


class ContextData(msgspec.Struct, rename="camel"):
    """The state of a market. The last three no Hat decides on, so whatever they are, the rest is read."""

    mark_px: str
    oracle_px: str
    open_interest: str
    funding: str
    premium: str | None = None
    mid_px: Any = None
    prev_day_px: Any = None
    day_ntl_vlm: Any = None


class CoinContextData(msgspec.Struct):
    """The state of one coin's market."""

    coin: str
    ctx: ContextData


class FillsData(msgspec.Struct, rename="camel"):
    """Our fills, each read by itself."""

    fills: list[msgspec.Raw]
    is_snapshot: bool = False


class FundingsData(msgspec.Struct, rename="camel"):
    """Our funding payments, each read by itself."""

    fundings: list[msgspec.Raw]
    is_snapshot: bool = False


class LedgerData(msgspec.Struct, rename="camel"):
    """What moved our money other than by trading, each read by itself."""

    user: str
    non_funding_ledger_updates: list[msgspec.Raw]
    is_snapshot: bool = False


class CandleData(msgspec.Struct):
    """What is needed of a candle: its minute, its volume, its trades."""

    t: Ms
    s: str
    i: str
    v: str
    n: Id


class EventsData(msgspec.Struct, rename="camel"):
    """What happened to the user; anything here is grave."""

    liquidation: Any = None
    non_user_cancel: Any = None


class TopicData(msgspec.Struct):
    """A subscription."""

    type: str
    coin: str = ""


class AnswerData(msgspec.Struct):
    """What was asked, and of which subscription."""

    method: str
    subscription: TopicData


class BookFrame(msgspec.Struct, tag_field="channel", tag=BOOK):
    """`l2Book`."""

    data: BookData


class TradesFrame(msgspec.Struct, tag_field="channel", tag=TRADES):
    """`trades`, each read by itself."""

    data: list[msgspec.Raw]


class ContextFrame(msgspec.Struct, tag_field="channel", tag=CONTEXT):
    """`activeAssetCtx`."""

    data: CoinContextData


class OrdersFrame(msgspec.Struct, tag_field="channel", tag=ORDERS):
    """`orderUpdates`, each read by itself."""

    data: list[msgspec.Raw]


class FillsFrame(msgspec.Struct, tag_field="channel", tag=FILLS):
    """`userFills`."""

    data: FillsData


class FundingsFrame(msgspec.Struct, tag_field="channel", tag=FUNDINGS):
    """`userFundings`."""

    data: FundingsData


class LedgerFrame(msgspec.Struct, tag_field="channel", tag=LEDGER):
    """`userNonFundingLedgerUpdates`."""

    data: LedgerData


class CandleFrame(msgspec.Struct, tag_field="channel", tag=CANDLE):
    """`candle`."""

    data: CandleData


class EventsFrame(msgspec.Struct, tag_field="channel", tag=Channel.USER_EVENTS.spoken):
    """`userEvents`, which calls itself otherwise."""

    data: EventsData


class AckFrame(msgspec.Struct, tag_field="channel", tag=ACK):
    """`subscriptionResponse`."""

    data: AnswerData


class PongFrame(msgspec.Struct, tag_field="channel", tag=PONG):
    """`pong`."""


class ErrorFrame(msgspec.Struct, tag_field="channel", tag=ERROR):
    """`error`: a sentence."""

    data: str


class AnyFrame(msgspec.Struct):
    """Any frame's channel."""

    channel: str


Frame = (
    BookFrame
    | TradesFrame
    | ContextFrame
    | OrdersFrame
    | FillsFrame
    | FundingsFrame
    | LedgerFrame
    | CandleFrame
    | EventsFrame
    | AckFrame
    | PongFrame
    | ErrorFrame
)
READ: Final = frozenset(one.__struct_config__.tag for one in Frame.__args__)
