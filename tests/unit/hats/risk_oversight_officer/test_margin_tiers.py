"""Margin and liquidation distance by the venue's tiers, with the documents' own numbers."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest

from hats.risk_oversight_officer import RiskOversightOfficer
from hats.risk_oversight_officer.market import Market
from shared.instrument import Instrument
from shared.messages.market import UniverseUpdate
from shared.messages.risk import DenyReason, OrderDenied
from shared.order import Side
from shared.rules.margin import MAINNET_TABLES, MarginTiers, liquidation_px, maintenance_usd, single_tier
from shared.units import USD
from tests.unit.hats.risk_oversight_officer.scene import NOW, PX, features, intent, judged, officer, say

BTC_TIERS = MAINNET_TABLES[56]
"""40x up to 150 million USDC, 20x above (venue documentation, "Margin tiers", 2026-08; recorded `marginTables`)."""
MILLION = 10**6


def _rich(equity_usd: int, tiers: MarginTiers | None, **limits: object) -> RiskOversightOfficer:
    """An officer without other limits, for whom a lot of AAA costs one USDC and has these tiers."""
    far = dict.fromkeys(
        (
            "order_limit_usd", "position_limit_usd", "gross_limit_usd", "net_limit_usd", "cluster_limit_usd",
            "strategy_limit_usd", "fat_finger_limit_usd", "daily_volume_limit_usd",
        ),
        10**12,
    )  # fmt: skip
    hat = officer(equity_usd, **(far | limits))
    listed = (Instrument("AAA", 0, 0, 40),)
    say(hat, UniverseUpdate(listed, 4500, 1500, NOW, {} if tiers is None else {"AAA": tiers}))
    say(hat, msgspec.structs.replace(features("AAA"), bid_depth_usd=1e12, ask_depth_usd=1e12))
    return hat


def test_the_documents_example_of_maintenance() -> None:
    """A BTC long of 200 million: 2.5 % less the deduction of 1.875 million is 3.125 million; 40x alone says 2.5."""
    market = Market(instruments={"BTC": Instrument("BTC", 0, 5, 40)}, margin_tiers={"BTC": BTC_TIERS})
    assert maintenance_usd(market.tiers("BTC"), 200 * MILLION * USD) == 3_125_000 * USD
    assert maintenance_usd(single_tier(40), 200 * MILLION * USD) == 2_500_000 * USD


@pytest.mark.parametrize(
    ("tiers", "equity_usd", "is_approved"),
    [
        (BTC_TIERS, 6_250_000, True),
        (BTC_TIERS, 6_249_999, False),
        (None, 5_000_000, True),
        (None, 4_999_999, False),
        ((), 200 * MILLION, True),
        ((), 200 * MILLION - 1, False),
    ],
)
def test_margin_use_counts_by_the_tiers(tiers: MarginTiers | None, equity_usd: int, is_approved: bool) -> None:
    """200 million are bought with twice the maintenance that their tier asks; an untold table asks for half of all."""
    hat = _rich(equity_usd, tiers, margin_use_limit_percent=50)
    answer = judged(hat, intent(1, Side.BUY, 200 * MILLION))
    assert isinstance(answer, OrderDenied) is not is_approved
    if isinstance(answer, OrderDenied):
        assert answer.reason is DenyReason.MARGIN_USE


def test_the_liquidation_price_is_nearer_above_the_first_tier() -> None:
    """10 million of equity under 200 million long: by the documents' formula liquidated at 0.9647, not at 0.9615.

    At p the long is worth 200p million, and asks for 200p x 2.5 % - 1.875 million: 10 - 200(1 - p) = 5p - 1.875 gives
    p = 188.125/195. With 40x throughout: 10 - 200(1 - p) = 2.5p, p = 190/197.5.
    """
    at = {tiers: liquidation_px(tiers, 200 * MILLION, PX, 10 * MILLION * USD) for tiers in (BTC_TIERS, single_tier(40))}
    assert at[BTC_TIERS] == Fraction(188_125, 195_000) * PX
    assert at[single_tier(40)] == Fraction(1900, 1975) * PX
    for tiers, is_approved in ((BTC_TIERS, False), (None, True)):
        hat = _rich(10 * MILLION, tiers, liquidation_distance_bps=360)
        answer = judged(hat, intent(1, Side.BUY, 200 * MILLION))
        assert isinstance(answer, OrderDenied) is not is_approved
        if isinstance(answer, OrderDenied):
            assert (answer.reason, answer.found) == (DenyReason.LIQUIDATION_DISTANCE, 352)
