"""/info about perpetual dexs: what they list, its contexts and its limits."""

from __future__ import annotations

from typing import Any, Final

from shared.units import MS, Ns, str_from_scaled
from shared.venue.core.dex import Dex
from shared.venue.core.listing import Listing
from shared.venue.door import render
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.meta_shapes import perps_of
from shared.venue.door.questions import AboutDex, Nothing
from shared.venue.door.render import Json, number


def meta(desk: Desk, asked: AboutDex, _: Ns) -> Json:
    """`meta`: universe in order of asset ids, margin tables, collateral."""
    return desk.answers.meta(desk.dex(asked.dex))


def meta_and_ctxs(desk: Desk, asked: AboutDex, now: Ns) -> list[Any]:
    """`metaAndAssetCtxs`: contexts in the order of the universe."""
    dex = desk.dex(asked.dex)
    return [desk.answers.meta(dex), [desk.answers.asset_ctx(asset, now) for asset in desk.answers.universe(dex)]]


def all_metas(desk: Desk, _: Nothing, __: Ns) -> list[Json]:
    """`allPerpMetas`: one meta a dex, the first dex first."""
    return [desk.answers.meta(number) for number in desk.answers.dexs.values()]


def dexs(desk: Desk, _: Nothing, __: Ns) -> list[Json | None]:
    """`perpDexs`: null stands for the first dex."""
    shown = enumerate(desk.exchange.dexs, start=1)
    return [None, *(_dex(dex, list(perps_of(desk.exchange, number).values())) for number, dex in shown)]


def at_cap(desk: Desk, asked: AboutDex, _: Ns) -> list[str]:
    """`perpsAtOpenInterestCap`: coins whose open interest has reached a cap."""
    return [desk.instruments[asset].coin for asset in desk.exchange.at_oi_cap(desk.dex(asked.dex))]


def limits(desk: Desk, asked: AboutDex, _: Ns) -> Json | None:
    """`perpDexLimits`; null for the first dex."""
    number_ = desk.dex(asked.dex)
    if not number_:
        return None
    dex = desk.exchange.dexs[number_ - 1]
    return {
        "totalOiCap": render.usd(dex.total_oi_cap_usd),
        "oiSzCapPerPerp": f"{dex.oi_cap_per_perp}.0",
        "maxTransferNtl": render.usd(dex.max_transfer_usd),
        "coinToOiCap": _caps(list(perps_of(desk.exchange, number_).values())),
    }


def dex_status(desk: Desk, asked: AboutDex, _: Ns) -> Json:
    """`perpDexStatus`: what users brought to the dex and did not take away; on the first, what is on no other."""
    dex = desk.dex(asked.dex)
    brought = desk.exchange.net_deposit_usd(dex) + (0 if dex else desk.exchange.house().deposits_usd)
    return {"totalNetDeposit": render.usd(brought)}


def status(_: Desk, __: Nothing, now: Ns) -> Json:
    """`exchangeStatus`."""
    return {"time": now // MS, "specialStatuses": None}


def _dex(dex: Dex, listings: list[Listing]) -> Json:
    """One entry of `perpDexs`."""
    terms = [(one.instrument.coin, one.funding) for one in listings if one.funding is not None]
    return {
        "name": dex.name,
        "fullName": dex.full_name,
        "deployer": dex.deployer,
        "oracleUpdater": dex.oracle_updater,
        "feeRecipient": dex.fee_recipient,
        "assetToStreamingOiCap": _caps(listings),
        "subDeployers": [[action, list(addresses)] for action, addresses in dex.sub_deployers],
        "deployerFeeScale": number(str_from_scaled(dex.fee_scale_e4, 4)),
        "lastDeployerFeeScaleChangeTime": dex.fee_scale_changed,
        "assetToFundingMultiplier": [[coin, number(str_from_scaled(one.multiplier_e6, 6))] for coin, one in terms],
        "assetToFundingInterestRate": [[coin, render.rate(one.interest_e10)] for coin, one in terms],
    }


def _caps(listings: list[Listing]) -> list[list[str]]:
    """[coin, cap] of what has its own cap, by name."""
    capped = [(one.instrument.coin, one.oi_cap_usd) for one in listings if one.oi_cap_usd is not None]
    return [[coin, render.usd(cap)] for coin, cap in sorted(capped)]


TYPES: Final[dict[str, InfoType]] = {
    "meta": (AboutDex, meta),
    "metaAndAssetCtxs": (AboutDex, meta_and_ctxs),
    "allPerpMetas": (Nothing, all_metas),
    "perpDexs": (Nothing, dexs),
    "perpDexLimits": (AboutDex, limits),
    "perpDexStatus": (AboutDex, dex_status),
    "perpsAtOpenInterestCap": (AboutDex, at_cap),
    "exchangeStatus": (Nothing, status),
}
