"""Money on its way to dexs and back: the token that a dex takes, how much at once, and the deployer's part of fees."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.errors import UnitError
from shared.units import SECOND, USD, Ns, Px, Usd
from shared.venue.core.commands import Deposit, IssueToken, OrderSpec, PlaceOrders, Tif
from shared.venue.core.dealings import SendAsset
from shared.venue.core.dex import Dex, list_deployed
from shared.venue.core.events import FillHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_spot
from shared.venue.core.rulings import SetOracle
from shared.venue.core.tokens import USDC, Token
from tests.unit.shared.venue.core.dex_floor import DEPLOYER, GOLD, XYZ, DexFloor
from tests.unit.shared.venue.core.floor import ETH

USDH = Token("USDH", 360, 2, 8, "0x03")
ABC = Dex(name="abc", full_name="ABC", deployer="0xd", collateral=USDH)
CORN = 110_000


def send(floor: DexFloor, source: str, target: str, amount: str, token: str = "USDC", to: str = "a") -> str | None:
    """The error of a transfer by "a"."""
    return floor.do(SendAsset("a", to, source, target, token, amount, 1)).error


def test_usdc_goes_between_dexs_and_to_others_there() -> None:
    """A named dex is a place like the others; what nobody holds is not sent."""
    floor = DexFloor()
    assert send(floor, "", "xyz", "10") is None
    assert send(floor, "xyz", "xyz", "5", to="b") is None
    assert send(floor, "xyz", "spot", "5") is None
    assert floor.exchange.account("a", 1).collateral_usd == 50_000 * USD
    assert floor.exchange.account("b", 1).collateral_usd == 50_005 * USD
    assert floor.exchange.net_deposit_usd(1) == 150_005 * USD
    assert floor.exchange.net_deposit_usd(0) == -150_010 * USD
    assert send(floor, "xyz", "", "50000.1") == "Insufficient balance for token transfer"
    assert send(floor, "abc", "", "1") == "Invalid perp DEX"


@pytest.mark.parametrize(("choice", "second"), [("each", None), ("net", "full"), ("none", None)])
def test_what_may_come_to_a_dex_is_limited(choice: str, second: str | None) -> None:
    """By transfer, by what is there already, or not at all."""
    floor = DexFloor(dex=replace(XYZ, max_transfer_usd=Usd(150_006 * USD)), dex_transfer_cap=choice)
    text = "Transfer exceeds the limit of the perp DEX"
    floor.fund("a", "1000000")
    assert send(floor, "", "xyz", "150007") == (None if choice == "none" else text)
    assert send(floor, "", "xyz", "5") is None
    assert send(floor, "", "xyz", "5") == (text if second else None)
    assert send(floor, "xyz", "", "20000") is None


def test_a_dex_takes_its_own_token_only() -> None:
    """USDH is margin on `abc`, comes from spot and goes back there, and fees are paid in it."""
    pair = list_spot(SpotPair(230, USDH, USDC))
    exchange = Exchange([list_deployed(ABC, 1, 0, "CORN", 2, 20), pair], start_ns=0, dexs=[ABC])
    said = []
    for user in ("a", "b"):
        exchange.apply(Deposit(user, Usd(1_000 * USD)), Ns(0))
        exchange.apply(IssueToken(user, 360, USDH.wei("1000")), Ns(0))
        for source, token in (("", "USDC"), ("spot", "USDC"), ("spot", "USDH")):
            said.append(exchange.apply(SendAsset(user, user, source, "abc", token, "500", 1), Ns(0)).error)
    assert said == ["Invalid send", "Invalid send", None] * 2
    exchange.apply(SetOracle(1, ((CORN, Px(1_000_000)),)), Ns(SECOND))
    sz = ETH.sz("10")
    exchange.apply(PlaceOrders("a", (OrderSpec(CORN, True, Px(1_000_000), sz, False, Tif.GTC),)), Ns(SECOND))
    outcome = exchange.apply(PlaceOrders("b", (OrderSpec(CORN, False, Px(1_000_000), sz, False, Tif.IOC),)), Ns(SECOND))
    assert {event.fee_token for event in outcome.events if isinstance(event, FillHappened)} == {"USDH"}
    assert exchange.apply(SendAsset("a", "a", "abc", "", "USDH", "1", 1), Ns(SECOND)).error == "Invalid send"
    assert exchange.apply(SendAsset("a", "a", "abc", "spot", "USDH", "100", 1), Ns(SECOND)).error is None
    total = next(one.total_wei for one in exchange.spot_balances("a") if one.token == USDH)
    assert total == USDH.wei("600")


def test_gas_is_paid_in_the_token_of_the_place() -> None:
    """To an address that nobody has: one USDH from the dex that is settled in it."""
    pair = list_spot(SpotPair(230, USDH, USDC))
    exchange = Exchange([list_deployed(ABC, 1, 0, "CORN", 2, 20), pair], start_ns=0, dexs=[ABC])
    exchange.apply(IssueToken("a", 360, USDH.wei("10")), Ns(0))
    exchange.apply(SendAsset("a", "a", "spot", "abc", "USDH", "10", 1), Ns(0))
    refused = exchange.apply(SendAsset("a", "z", "abc", "spot", "USDH", "9.5", 1), Ns(0)).error
    assert refused == "Insufficient quote token (e.g., 1 USDC or USDT) balance for token transfer gas."
    assert exchange.apply(SendAsset("a", "z", "abc", "spot", "USDH", "9", 1), Ns(0)).error is None
    assert (exchange.account("a", 1).collateral_usd, exchange.house().gas_usd) == (0, USD)


def test_a_collateral_must_be_as_fine_as_usdc() -> None:
    """A token of other decimals is no collateral."""
    coarse = replace(ABC, collateral=replace(USDH, wei_decimals=6))
    with pytest.raises(UnitError):
        Exchange([], dexs=[coarse])


def test_the_deployer_gets_its_part_of_the_fees() -> None:
    """At a scale of one the rates double, and half of what is paid is the deployer's, on its dex."""
    floor = DexFloor()
    floor.sell("b", "100", "10", asset=GOLD)
    floor.buy("a", "100", "10", Tif.IOC, asset=GOLD)
    fees = [fill.fee for fill in floor.fills()]
    assert fees == [900_000, 300_000]
    assert floor.exchange.account(DEPLOYER, 1).collateral_usd == sum(fees) // 2 == floor.exchange.house().fees_usd
    floor.sell("b", "100", "10")
    floor.buy("a", "100", "10", Tif.IOC)
    assert floor.exchange.account(DEPLOYER, 1).collateral_usd == sum(fees) // 2


def test_fees_go_to_the_recipient_that_the_deployer_named() -> None:
    """Whether it ever deposited or not; what it gets is no gain of trading."""
    floor = DexFloor(dex=replace(XYZ, fee_recipient="r"))
    floor.sell("b", "100", "10", asset=GOLD)
    floor.buy("a", "100", "10", Tif.IOC, asset=GOLD)
    assert floor.exchange.account("r", 1).collateral_usd == 600_000
    assert floor.exchange.account(DEPLOYER, 1).collateral_usd == 0
    assert floor.exchange.portfolio("r")[0].samples[-1].perp_pnl_usd == 0
