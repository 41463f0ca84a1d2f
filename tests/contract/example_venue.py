"""What the SDK's examples find on the venue: perps, spot pairs, a deployed dex, and one maker's books on all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.clock import Clock
from shared.instrument import Instrument
from shared.units import USD, Ns, Px, Usd
from shared.venue.core.commands import Deposit, IssueToken, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import CreateVault, RegisterReferrer, SendAsset
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import Listing, SpotPair, list_perp, list_spot
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC, Token
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.flow.spot_coins import PURR, SPOT_PAIRS
from tests.contract.sdk_venue import FUNDED

MAKER: Final = "0x" + "ee" * 20
HLP: Final = "0xa15099a30bbf2e68942d6f4c43d70d04faeab0a0"
"""The vault that the SDK's example puts money into."""
REFERRAL_CODE: Final = "ASDFASDF"
DEX: Final = Dex(name="test", full_name="Test dex", deployer="0x" + "dd" * 20)
POLICY: Final = VenuePolicy(
    sub_account_volume_usd=Usd(0), referral_code_volume_usd=Usd(0), schedule_cancel_volume_usd=None
)
TESTNET_PURR: Final = msgspec.structs.replace(PURR, token_id="0xc4bf3f870c0e9465323c0b6ed28096c2")
"""The examples are written for the test network, where the token has another id."""
PURR_PAIR: Final = msgspec.structs.replace(SPOT_PAIRS[0], base=TESTNET_PURR)
NUMBERED_PAIR: Final = SpotPair(1, Token("HFUN", 2, 2, 8, "0xbaf265ef389da684513d98d68edf4eae"), USDC)
"""What `@1` is."""
COINS: Final = (
    (list_perp(Instrument("BTC", 0, 5, 40)), "50000", "5"),
    (list_perp(Instrument("ETH", 1, 4, 25)), "2000", "50"),
    (list_perp(Instrument("SOL", 2, 2, 20)), "180", "500"),
    (list_perp(Instrument("OP", 3, 1, 10)), "1.3", "50000"),
    (list_deployed(DEX, 1, 0, "ABC", 0, 10), "1.2", "50000"),
    (list_spot(PURR_PAIR), "0.04", "200000"),
    (list_spot(NUMBERED_PAIR), "30", "100"),
)
"""Listing, oracle price, size of each of the maker's levels."""


def make_door(clock: Clock) -> Door:
    """An exchange whose maker quotes three levels a side, 0.1 % apart; feeds are quick."""
    now = clock.now()
    exchange = Exchange([listing for listing, _, _ in COINS], start_ns=now, policy=POLICY, dexs=[DEX])
    settings = DoorSettings(
        fund=FUNDED, l2_interval_ms=20, mids_interval_ms=20, web_data_interval_ms=20, max_connections=100
    )
    door = Door(exchange, settings, now)
    door.apply(Deposit(MAKER, Usd(50_000_000 * USD)), now)
    door.apply(RegisterReferrer(MAKER, REFERRAL_CODE), now)
    hlp = CreateVault(MAKER, "HLP", "the house's own vault", 10_000 * USD, HLP, lock_ms=4 * 86_400_000)
    made = door.apply(msgspec.structs.replace(hlp, profit_share_percent=0), now)
    assert made.error is None, made
    for token, amount in ((USDC, "1000000"), (TESTNET_PURR, "10000000"), (NUMBERED_PAIR.base, "10000")):
        door.apply(IssueToken(MAKER, token.index, token.wei(amount)), now)
    for user in FUNDED:
        for token, amount in ((USDC, "1000"), (TESTNET_PURR, "100")):
            door.apply(IssueToken(user, token.index, token.wei(amount)), now)
    fund_dex(door, MAKER, "1000000", now)
    for listing, px, sz in COINS:
        quote(door, listing, px, sz, now)
    return door


def fund_dex(door: Door, user: str, amount: str, now: Ns) -> None:
    """The user's USDC of the first dex goes to the deployed one."""
    done = door.apply(SendAsset(user, user, "", DEX.name, USDC.wire_name, amount, 1), now)
    assert done.error is None, done


def quote(door: Door, listing: Listing, px: str, sz: str, now: Ns, steps: Sequence[int] = (1, 2, 3)) -> None:
    """The oracle at `px` and levels around it."""
    instrument = listing.instrument
    middle = instrument.px(px)
    door.apply(SetPrices(instrument.asset, middle), now)
    away = middle // 1_000 // instrument.tick(middle) * instrument.tick(middle)
    orders = tuple(
        OrderSpec(instrument.asset, sign < 0, Px(middle + sign * step * away), instrument.sz(sz), False, Tif.ALO)
        for step in steps
        for sign in (-1, 1)
    )
    done = door.apply(PlaceOrders(MAKER, orders), now)
    assert done.error is None, done
