"""The /info schemas: what may be asked. Unknown fields are ignored, known ones must fit."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from shared.venue.door.actions import U64, Address, CloidText, canonical_address
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused, repeated_keys

FirstDex = Annotated[str, Meta(max_length=0)]
"""There is one dex here, and its name is empty."""


class Question(Struct, frozen=True, rename="camel"):
    """One /info request."""


class Nothing(Question, frozen=True):
    """Asks without naming anything."""


class AboutDex(Question, frozen=True):
    """Asks about the first dex."""

    dex: FirstDex | None = None


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
    dex: FirstDex | None = None


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


SCHEMAS: Final[dict[str, type[Question]]] = {
    "meta": AboutDex,
    "metaAndAssetCtxs": AboutDex,
    "allMids": AboutDex,
    "allPerpMetas": Nothing,
    "perpDexs": Nothing,
    "perpsAtOpenInterestCap": AboutDex,
    "exchangeStatus": Nothing,
    "spotMeta": Nothing,
    "spotMetaAndAssetCtxs": Nothing,
    "predictedFundings": Nothing,
    "l2Book": AboutBook,
    "recentTrades": AboutCoin,
    "candleSnapshot": AboutCandles,
    "fundingHistory": AboutCoinSpan,
    "openOrders": AboutUser,
    "frontendOpenOrders": AboutUser,
    "orderStatus": AboutOrder,
    "historicalOrders": AboutUser,
    "userFills": AboutFills,
    "userFillsByTime": AboutFillSpan,
    "userFunding": AboutUserSpan,
    "userTwapSliceFills": AboutUser,
    "clearinghouseState": AboutUser,
    "spotClearinghouseState": AboutUser,
    "activeAssetData": AboutUserCoin,
    "userRateLimit": AboutUser,
    "userRole": AboutUser,
    "userFees": AboutUser,
    "subAccounts": AboutUser,
    "extraAgents": AboutUser,
    "userVaultEquities": AboutUser,
    "userToMultiSigSigners": AboutUser,
}


def read_question(value: Any) -> tuple[str, Question]:
    """The type and the request; BodyRefused 422 for what is not asked here. `["userRole", "0x..."]` is read too."""
    if isinstance(value, list) and value and isinstance(value[0], str) and value[0] in SCHEMAS:
        names = SCHEMAS[value[0]].__struct_encode_fields__
        value = dict(zip(("type", *names), value, strict=False))
    name = value.get("type") if isinstance(value, dict) else None
    schema = SCHEMAS.get(name) if isinstance(name, str) else None
    if schema is None or repeated_keys(value) & {"type", *schema.__struct_encode_fields__}:
        raise BodyRefused(422, BAD_SHAPE)
    try:
        question = msgspec.convert(value, schema)
    except msgspec.ValidationError as error:
        raise BodyRefused(422, BAD_SHAPE) from error
    assert isinstance(name, str)
    user = getattr(question, "user", None)
    return name, question if user is None else msgspec.structs.replace(question, user=canonical_address(user))
