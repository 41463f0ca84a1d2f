"""What mainnet said of its dexs, listings and contexts, said again here; recordings that are absent are skipped."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.instrument import Instrument
from shared.rules.funding import FundingTerms, deployed_premium_e10, hourly_rate_e10, premium_e10
from shared.units import USD, Ns, Usd
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.catalogue import WELL_KNOWN, listings_from_meta
from tests.unit.shared.venue.door.wire_client import post

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "hyperliquid" / "go_hyperliquid_testdata"


def recorded(name: str) -> list[tuple[Any, Any]]:
    """(request, reply) of each interaction of a cassette."""
    path = DATA / f"{name}.yaml"
    if not path.exists():
        pytest.skip(f"the recording {name} is not here")
    interactions = yaml.safe_load(path.read_text())["interactions"]
    return [(json.loads(one["request"]["body"]), json.loads(one["response"]["body"])) for one in interactions]


def door_of(exchange: Exchange) -> Door:
    """A door in front of it."""
    return Door(exchange, DoorSettings(), Ns(1))


def contexts() -> list[tuple[Any, list[Any], list[Any]]]:
    """(request, universe, contexts) of every recorded metaAndAssetCtxs."""
    replies = recorded("MetaAndAssetCtxs")
    return [(asked, told[0]["universe"], told[1]) for asked, told in replies if asked["type"] == "metaAndAssetCtxs"]


def test_mainnets_meta_is_told_again() -> None:
    """Two hundred perps, the delisted among them, and the margin tables: equal, key by key, in order."""
    told = recorded("Meta_WithDex")[0][1]
    door = door_of(Exchange(listings_from_meta(told), start_ns=1))
    ours = post(door, "/info", {"type": "meta"}, Ns(1))
    assert json.dumps(ours) == json.dumps(told)


def test_a_deployed_dexs_meta_is_told_again() -> None:
    """Isolated perps and growth mode."""
    told = next(reply[0] for asked, reply in recorded("MetaAndAssetCtxs") if asked.get("dex") == "xyz")
    dex = Dex(name="xyz", full_name="XYZ", deployer="0x" + "88" * 20)
    door = door_of(Exchange(listings_from_meta(told, dex=1), start_ns=1, dexs=[dex]))
    assert json.dumps(post(door, "/info", {"type": "meta", "dex": "xyz"}, Ns(1))) == json.dumps(told)


def test_every_recorded_premium_follows_from_its_impact_prices() -> None:
    """The two formulas of fact sheet 6 on some four hundred contexts, to the last digit."""
    checked = 0
    for asked, universe, ctxs in contexts():
        formula = deployed_premium_e10 if asked.get("dex") else premium_e10
        for perp, ctx in zip(universe, ctxs, strict=True):
            if ctx["premium"] is None:
                assert (ctx["funding"], ctx["impactPxs"]) == ("0.0", None)
                continue
            coin = Instrument(perp["name"], 0, perp["szDecimals"], perp["maxLeverage"])
            bid, ask = (Fraction(coin.px(text)) for text in ctx["impactPxs"])
            assert formula(coin.px(ctx["oraclePx"]), bid, ask) == round(float(ctx["premium"]) * 10**10)
            checked += 1
    assert checked > 300


def test_the_floor_of_recorded_fundings() -> None:
    """0.00125 % an hour on the first dex; half of it on xyz, whose deployer halves every rate."""
    floors = {"": hourly_rate_e10(0), "xyz": hourly_rate_e10(0, FundingTerms(multiplier_e6=500_000))}
    for asked, _, ctxs in contexts():
        rates = [round(float(ctx["funding"]) * 10**10) for ctx in ctxs if ctx["premium"] is not None]
        assert max(rates, key=rates.count) == floors[asked.get("dex", "")]


def test_dexs_and_their_limits_have_the_recorded_shape() -> None:
    """Same keys in the same order and same spelling of numbers; the interest rates came after the recording."""
    told = recorded("PerpDexs")[0][1][1]
    caps = {coin.split(":")[1]: cap for coin, cap in told["assetToStreamingOiCap"]}
    dex = Dex(
        name=told["name"],
        full_name=told["fullName"],
        deployer=told["deployer"],
        fee_recipient=told["feeRecipient"],
        sub_deployers=tuple((action, tuple(addresses)) for action, addresses in told["subDeployers"]),
    )
    listed = [
        list_deployed(dex, 1, index, coin, 2, 10, oi_cap_usd=Usd(int(float(cap)) * USD))
        for index, (coin, cap) in enumerate(caps.items())
    ]
    door = door_of(Exchange([list_perp(Instrument("BTC", 0, 5, 40)), *listed], start_ns=1, dexs=[dex]))
    none, ours = post(door, "/info", {"type": "perpDexs"}, Ns(1))
    assert none is None
    assert ours.pop("assetToFundingInterestRate") == []
    assert json.dumps(ours) == json.dumps(told)
    limits = recorded("PerpDexLimits")[0][1]
    assert json.dumps(post(door, "/info", {"type": "perpDexLimits", "dex": "xyz"}, Ns(1))) == json.dumps(limits)
    status = recorded("PerpDexStatus_WithDex")[0][1]
    assert list(post(door, "/info", {"type": "perpDexStatus", "dex": "xyz"}, Ns(1))) == list(status)


def test_the_well_known_coins_are_as_recorded() -> None:
    """Size decimals, leverage and margin table of each."""
    listed = {one.instrument.coin: one for one in listings_from_meta(recorded("Meta_WithDex")[0][1])}
    for coin in WELL_KNOWN:
        one = listed[coin.name]
        real = one.instrument.sz_decimals, one.instrument.max_leverage, one.tiers
        assert (coin.sz_decimals, coin.max_leverage, coin.tiers) == real
