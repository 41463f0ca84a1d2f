"""Listings from recorded metadata, and the built-in coins."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import ConfigError
from shared.rules.margin import MAINNET_TABLES, single_tier
from shared.units import Ns
from shared.venue.core.dex import Dex
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import MarginMode
from shared.venue.door.meta_shapes import describe
from shared.venue.flow.catalogue import WELL_KNOWN, listings_from_meta
from shared.venue.flow.coins import listings

XYZ = Dex(name="xyz", full_name="XYZ", deployer="0x" + "de" * 20)
OLD: dict[str, Any] = {"szDecimals": 1, "name": "MATIC", "maxLeverage": 20, "marginTableId": 20, "isDelisted": True}
DEPLOYED: dict[str, Any] = {
    "szDecimals": 4,
    "name": "xyz:XYZ100",
    "maxLeverage": 25,
    "marginTableId": 25,
    "onlyIsolated": True,
    "marginMode": "noCross",
    "growthMode": "enabled",
    "lastGrowthModeChangeTime": "2025-11-23T17:37:10.033211662",
}
TABLE: list[Any] = [
    77,
    {
        "description": "tiered 30x",
        "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 30}, {"lowerBound": "1000000.0", "maxLeverage": 3}],
    },
]
OWN: dict[str, Any] = {"szDecimals": 2, "name": "OWN", "maxLeverage": 30, "marginTableId": 77}


def test_a_reply_is_listed_and_told_again() -> None:
    """Delisted slots, one-tier ids, tiers of the reply's own, isolated and growing perps: all come back."""
    first = listings_from_meta({"universe": [OLD, OWN], "marginTables": [TABLE], "collateralToken": 0})
    other = listings_from_meta({"universe": [DEPLOYED]}, dex=1)
    exchange = Exchange([*first, *other], start_ns=Ns(1), dexs=[XYZ])
    assert describe(exchange)["universe"][0] == OLD
    assert first[1].tiers[1].lower_bound_usd == 10**12
    assert first[0].tiers == single_tier(20)
    (row,) = describe(exchange, 1)["universe"]
    assert (row, list(row)) == (DEPLOYED, list(DEPLOYED))
    assert (other[0].instrument.asset, other[0].margin_mode) == (110_000, MarginMode.NO_CROSS)
    assert other[0].fees is not None
    assert other[0].fees.is_growth


def test_replies_of_2023_name_no_tables() -> None:
    """Their leverage is the one tier; the old flag of isolated margin is read."""
    old = {"universe": [{"maxLeverage": 50, "name": "BTC", "szDecimals": 5, "onlyIsolated": True}]}
    (listing,) = listings_from_meta(old)
    assert (listing.tiers, listing.margin_mode) == (MAINNET_TABLES[50], MarginMode.STRICT_ISOLATED)


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {"universe": [{"name": "X"}]},
        {"universe": [OWN]},
        {"universe": [], "marginTables": [[51, {"marginTiers": []}]]},
    ],
)
def test_what_is_no_reply_is_refused(reply: Any) -> None:
    """Another shape, a table that nobody tells."""
    with pytest.raises(ConfigError):
        listings_from_meta(reply)


def test_the_well_known_coins_can_be_listed() -> None:
    """More than twenty, no name twice, every start on a price that the venue could show."""
    listed = listings(WELL_KNOWN)
    assert len(listed) >= 20
    assert len({one.instrument.coin for one in listed}) == len(listed)
    for coin, listing in zip(WELL_KNOWN, listed, strict=True):
        assert listing.instrument.px(f"{coin.start:.6f}".rstrip("0").rstrip(".")) > 0
        assert coin.tiers[0].max_leverage == coin.max_leverage
