"""The ground on which the whole exchange is tried: its coins, dexs, tokens, users, and policies to choose from."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from shared.instrument import Instrument
from shared.rules.funding import FundingTerms
from shared.rules.margin import MAINNET_TABLES
from shared.units import SECOND, USD, Px, Usd
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing, MarginMode, SpotPair, list_perp, list_spot
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC, Token

START_NS: Final = 1_700_000_000 * SECOND
MID_PX: Final = 1_000_000
TICK: Final = 1_000
ETH, SOL, NEW, PRE = range(4)
GOLD, TSLA = 110_000, 110_001
PURR: Final = Token("PURR", 1, 0, 5, "0x01")
HYPE: Final = Token("HYPE", 150, 2, 8, "0x02")
TOKENS: Final = (USDC, PURR, HYPE)
PAIRS: Final = {10_000: SpotPair(0, PURR, USDC, is_canonical=True), 10_107: SpotPair(107, HYPE, USDC)}
XYZ: Final = Dex(name="xyz", full_name="XYZ", deployer="0x" + "de" * 20, fee_recipient="0x" + "fe" * 20)
PERPS: Final = (ETH, SOL, NEW, PRE, GOLD, TSLA)
DEPLOYED: Final = (GOLD, TSLA)
USERS: Final = tuple(f"0x{number:040x}" for number in range(1, 7))
DEPOSITS: Final = (500_000, 50_000, 5_000, 2_000, 1_000, 300)
CODES: Final = ("ONE", "TWO", "THREE")

_OPEN_TO_ALL: Final = VenuePolicy(
    sub_account_volume_usd=Usd(0), referral_code_volume_usd=Usd(0), schedule_cancel_volume_usd=None
)
POLICIES: Final = (
    _OPEN_TO_ALL,
    replace(
        _OPEN_TO_ALL,
        backstop_px="mark",
        adl_px="mark",
        liquidation_first="worst",
        adl_short_rank="as_written",
        modify_without_a="classic",
        modified_parent="keeps",
        halt_settles="always",
    ),
    replace(
        _OPEN_TO_ALL,
        liquidation_px="anywhere",
        liquidation_partial_above_usd=1_000 * USD,
        liquidation_first="listed",
        closed_position_triggers="all_reduce_only",
        flat_reduce_only_trigger="accepted",
        oi_cap_cancels="increasing",
        twap_first_slice="at_once",
        twap_after_refusal="go_on",
        outside_day_usd=Usd(0),
    ),
    replace(
        _OPEN_TO_ALL,
        liquidator_usd=Usd(USD),
        halt_settles="never",
        whole_position_size="zero",
        unified_to_disabled="taken",
    ),
    replace(
        _OPEN_TO_ALL,
        liquidator_usd=Usd(300 * USD),
        stop_market_limit="anywhere",
        spot_ioc_balance="limit",
        priority_grouping="accepted",
        gtc_partial_ack="filled",
        ioc_counts_as_market=True,
        oracle_distance_percent=50,
    ),
)


class DexMove(msgspec.Struct, frozen=True):
    """Collateral goes from one dex to another; not a command, because the door has other words for it."""

    user: str
    from_dex: int
    to_dex: int
    usd: int


def listings() -> list[Listing]:
    """Perps of every kind on two dexs, and two spot pairs."""
    return [
        list_perp(Instrument("ETH", ETH, 2, 25), MAINNET_TABLES[55]),
        replace(list_perp(Instrument("SOL", SOL, 2, 20)), oi_cap_usd=Usd(200_000 * USD)),
        list_perp(Instrument("NEW", NEW, 2, 10), margin_mode=MarginMode.STRICT_ISOLATED),
        replace(list_perp(Instrument("PRE", PRE, 2, 3)), hyperp_px=Px(MID_PX)),
        list_deployed(XYZ, 1, 0, "GOLD", 2, 20),
        list_deployed(
            XYZ, 1, 1, "TSLA", 2, 10, oi_cap_usd=Usd(50_000 * USD), funding=FundingTerms(0, 2_000_000), is_growth=True
        ),
        *(list_spot(pair) for pair in PAIRS.values()),
    ]


def fresh(policy: VenuePolicy) -> Exchange:
    """The exchange before anybody came."""
    return Exchange(listings(), start_ns=START_NS, policy=policy, dexs=[XYZ])


def spot_tick(asset: int) -> int:
    """A price step on a spot pair: a thousandth of ten quote tokens."""
    return int(10 ** (8 - PAIRS[asset].base.sz_decimals - 2))
