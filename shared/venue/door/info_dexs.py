"""/info about perpetual dexs: what they list, its contexts and its limits."""

from __future__ import annotations

from typing import Any, Final

from shared.units import MS, Ns
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutDex, Nothing
from shared.venue.door.render import Json


def meta(desk: Desk, _: AboutDex, __: Ns) -> Json:
    """`meta`: universe in order of asset ids, margin tables, collateral."""
    return desk.answers.meta()


def meta_and_ctxs(desk: Desk, _: AboutDex, now: Ns) -> list[Any]:
    """`metaAndAssetCtxs`: contexts in the order of the universe."""
    return [desk.answers.meta(), [desk.answers.asset_ctx(asset, now) for asset in sorted(desk.answers.perps)]]


def all_metas(desk: Desk, _: Nothing, __: Ns) -> list[Json]:
    """`allPerpMetas`: one meta a dex."""
    return [desk.answers.meta()]


def dexs(_: Desk, __: Nothing, ___: Ns) -> list[Json | None]:
    """`perpDexs`: null stands for the first dex, the only one here."""
    return [None]


def at_cap(_: Desk, __: AboutDex, ___: Ns) -> list[str]:
    """`perpsAtOpenInterestCap`: none."""
    return []


def status(_: Desk, __: Nothing, now: Ns) -> Json:
    """`exchangeStatus`."""
    return {"time": now // MS, "specialStatuses": None}


TYPES: Final[dict[str, InfoType]] = {
    "meta": (AboutDex, meta),
    "metaAndAssetCtxs": (AboutDex, meta_and_ctxs),
    "allPerpMetas": (Nothing, all_metas),
    "perpDexs": (Nothing, dexs),
    "perpsAtOpenInterestCap": (AboutDex, at_cap),
    "exchangeStatus": (Nothing, status),
}
