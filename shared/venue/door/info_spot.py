"""/info about spot: tokens, pairs, contexts and balances; nothing is listed yet."""

from __future__ import annotations

from typing import Any, Final

from shared.units import Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser, Nothing
from shared.venue.door.render import Json


def spot_meta(_: Desk, __: Nothing, ___: Ns) -> Json:
    """`spotMeta`."""
    return {"universe": [], "tokens": []}


def spot_meta_and_ctxs(desk: Desk, asked: Nothing, now: Ns) -> list[Any]:
    """`spotMetaAndAssetCtxs`."""
    return [spot_meta(desk, asked, now), []]


def spot_state(_: Desk, __: AboutUser, ___: Ns) -> Json:
    """`spotClearinghouseState`."""
    return {"balances": []}


TYPES: Final[dict[str, InfoType]] = {
    "spotMeta": (Nothing, spot_meta),
    "spotMetaAndAssetCtxs": (Nothing, spot_meta_and_ctxs),
    "spotClearinghouseState": (AboutUser, spot_state),
}
