"""The unmodified official SDK moves money, opens sub-accounts and approves builders, as its own examples do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from hyperliquid.exchange import Exchange as SdkExchange
from hyperliquid.info import Info as SdkInfo

from shared.clock import Clock, WallClock
from shared.instrument import Instrument
from shared.rules.fees import HYPE
from shared.units import USD, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.dealings import RegisterReferrer
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.tokens import USDC
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.contract.sdk_venue import served

BTC = Instrument("BTC", 0, 5, 40)
MAKER = "0x" + "ee" * 20
BUILDER = "0x8c967e73e7b15087c42a10d344cff4c96d877f1d"
STAKER = Account.from_key((30).to_bytes(32, "big"))
POLICY = VenuePolicy(sub_account_volume_usd=Usd(0), referral_code_volume_usd=Usd(0))
OK = {"status": "ok", "response": {"type": "default"}}


def _door(clock: Clock) -> Door:
    """One book by one maker, who also owns the referral code ASDFASDF."""
    exchange = Exchange([list_perp(BTC)], start_ns=clock.now(), policy=POLICY)
    fund = {Account.from_key(number.to_bytes(32, "big")).address.lower(): Usd(100_000 * USD) for number in range(1, 31)}
    settings = DoorSettings(fund=fund, stakes={STAKER.address: 200_000 * HYPE}, vault_quirk="taken")
    door = Door(exchange, settings, clock.now())
    for user in (MAKER, BUILDER):
        door.apply(Deposit(user, Usd(50_000_000 * USD)), clock.now())
    door.apply(RegisterReferrer(MAKER, "ASDFASDF"), clock.now())
    door.apply(SetPrices(0, BTC.px("50000")), clock.now())
    asks = tuple(OrderSpec(0, False, BTC.px(px), BTC.sz("5"), False, Tif.ALO) for px in ("50050", "50100"))
    door.apply(PlaceOrders(MAKER, asks), clock.now())
    return door


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running local exchange."""
    with served(_door, WallClock()) as address:
        yield address


def key(number: int) -> LocalAccount:
    """A funded key."""
    wallet: LocalAccount = Account.from_key(number.to_bytes(32, "big"))
    return wallet


def value(info: SdkInfo, user: str) -> float:
    """Account value on perps."""
    return float(info.user_state(user)["marginSummary"]["accountValue"])


def asked(info: SdkInfo, kind: str, user: str, **rest: Any) -> Any:
    """An /info type that the SDK has no method for."""
    return info.post("/info", {"type": kind, "user": user, **rest})


def test_basic_transfer(url: str) -> None:
    """`basic_transfer.py`: USDC to another address; both ledgers have the same entry."""
    info, exchange = SdkInfo(url, skip_ws=True), SdkExchange(key(1), url)
    two = key(2).address.lower()
    assert exchange.usd_transfer(1.5, two) == OK
    assert (value(info, key(1).address), value(info, two)) == (99_998.5, 100_001.5)
    mine, theirs = (info.user_non_funding_ledger_updates(user, 0)[-1] for user in (key(1).address, two))
    assert mine == theirs
    ends = {"user": key(1).address.lower(), "destination": two}
    assert mine["delta"] == {"type": "internalTransfer", "usdc": "1.5", **ends, "fee": "0.0"}
    assert exchange.usd_transfer(1_000_000, two)["response"] == "Insufficient balance for withdrawal"
    fresh = "0x" + "0f" * 20
    assert asked(info, "preTransferCheck", fresh)["fee"] == "1.0"
    assert exchange.usd_transfer(1, fresh) == OK
    check = {"fee": "0.0", "isSanctioned": False, "userExists": True, "userHasSentTx": False}
    assert asked(info, "preTransferCheck", fresh) == check


def test_usd_class_transfer_and_spot_transfer(url: str) -> None:
    """`usd_class_transfer.py` and `basic_spot_transfer.py`: to spot, to somebody else, and `send_asset` back."""
    info, exchange = SdkInfo(url, skip_ws=True), SdkExchange(key(3), url)
    assert exchange.usd_class_transfer(23.45, False) == OK
    assert exchange.spot_transfer(3, key(4).address, USDC.wire_name) == OK
    assert value(info, key(3).address) == 99_976.55
    other = SdkExchange(key(4), url)
    assert other.send_asset(key(4).address, "spot", "", USDC.wire_name, 3) == OK
    assert value(info, key(4).address) == 100_003
    assert exchange.usd_class_transfer(23.45, True)["response"] == "Insufficient balance for token transfer"
    kinds = [row["delta"]["type"] for row in info.user_non_funding_ledger_updates(key(4).address, 0)]
    assert kinds == ["deposit", "spotTransfer", "send"]


def test_basic_withdraw(url: str) -> None:
    """`basic_withdraw.py`: ten go off; one of them is the fee."""
    info, exchange = SdkInfo(url, skip_ws=True), SdkExchange(key(5), url)
    assert exchange.withdraw_from_bridge(10, key(5).address) == OK
    assert value(info, key(5).address) == 99_990
    delta = info.user_non_funding_ledger_updates(key(5).address, 0)[-1]["delta"]
    assert (delta["type"], delta["usdc"], delta["fee"]) == ("withdraw", "9.0", "1.0")


def test_basic_sub_account(url: str) -> None:
    """`basic_sub_account.py`: opened, fed, traded with, renamed nowhere, emptied; its agent is its master's."""
    info, master = SdkInfo(url, skip_ws=True), SdkExchange(key(6), url)
    reply = master.create_sub_account("example")
    assert reply["response"]["type"] == "createSubAccount"
    sub = reply["response"]["data"]
    assert asked(info, "userRole", sub) == {"role": "subAccount", "data": {"master": key(6).address.lower()}}
    assert master.sub_account_transfer(sub, True, 1_000 * USD) == OK
    row = info.query_sub_accounts(key(6).address)[0]
    assert (row["name"], row["subAccountUser"], row["master"]) == ("example", sub, key(6).address.lower())
    assert row["clearinghouseState"]["marginSummary"]["accountValue"] == "1000.0"
    trader = SdkExchange(key(6), url, vault_address=sub)
    status = trader.order("BTC", True, 0.001, 50_050, {"limit": {"tif": "Ioc"}})["response"]["data"]["statuses"][0]
    assert status["filled"]["totalSz"] == "0.001"
    assert [fill["coin"] for fill in info.user_fills(sub)] == ["BTC"]
    assert info.user_fills(key(6).address) == []
    agent_reply, agent_key = master.approve_agent()
    assert agent_reply == OK
    agent = SdkExchange(Account.from_key(agent_key), url, vault_address=sub)
    assert agent.update_leverage(3, "BTC") == OK
    assert trader.usd_class_transfer(5, False) == OK
    assert trader.sub_account_spot_transfer(sub, False, USDC.wire_name, 5) == OK
    assert master.sub_account_transfer(sub, False, 100 * USD) == OK


def test_strangers_are_no_vaults(url: str) -> None:
    """An address that is not the signer's sub-account can't be traded for."""
    trader = SdkExchange(key(7), url, vault_address=key(1).address)
    reply = trader.order("BTC", True, 0.001, 50_050, {"limit": {"tif": "Ioc"}})
    assert reply == {"status": "err", "response": f"Vault not registered: {key(1).address.lower()}"}


def test_basic_builder_fee(url: str) -> None:
    """`basic_builder_fee.py`: approved, charged on top and shown in the fill."""
    info, exchange = SdkInfo(url, skip_ws=True), SdkExchange(key(8), url)
    builder = {"b": BUILDER, "f": 1}
    refused = exchange.market_open("BTC", True, 0.001, None, 0.01, builder=builder)
    assert refused["response"]["data"]["statuses"] == [{"error": "Builder fee has not been approved."}]
    assert exchange.approve_builder_fee(BUILDER, "0.001%") == OK
    assert asked(info, "maxBuilderFee", key(8).address, builder=BUILDER) == 1
    assert asked(info, "approvedBuilders", key(8).address) == [BUILDER]
    reply = exchange.market_open("BTC", True, 0.001, None, 0.01, builder=builder)
    assert "filled" in reply["response"]["data"]["statuses"][0]
    fill = info.user_fills(key(8).address)[0]
    assert (fill["fee"], fill["builderFee"]) == ("0.023022", "0.0005")
    assert asked(info, "referral", BUILDER)["builderRewards"] == "0.0005"


def test_set_referrer_and_user_fees(url: str) -> None:
    """`basic_set_referrer.py`: four percent off, told apart from the rates; a stake is inside them."""
    info, exchange = SdkInfo(url, skip_ws=True), SdkExchange(key(9), url)
    assert exchange.set_referrer("NOBODY")["response"] == "Referral code not registered"
    assert exchange.set_referrer("ASDFASDF") == OK
    assert exchange.set_referrer("ASDFASDF")["response"] == "Referrer already set"
    fees = info.user_fees(key(9).address)
    assert (fees["userCrossRate"], fees["activeReferralDiscount"], len(fees["dailyUserVlm"])) == ("0.00045", "0.04", 15)
    assert asked(info, "referral", key(9).address)["referredBy"] == {"referrer": MAKER, "code": "ASDFASDF"}
    assert asked(info, "referral", MAKER)["referrerState"]["stage"] == "ready"
    staked = info.user_fees(STAKER.address)
    assert (staked["userCrossRate"], staked["userAddRate"]) == ("0.000315", "0.000105")
    assert staked["activeStakingDiscount"] == {"bpsOfMaxSupply": "2.0", "discount": "0.3"}


def test_agents_do_not_move_money(url: str) -> None:
    """What only a master may sign is refused to its agent in the words for a stranger."""
    _, agent_key = SdkExchange(key(10), url).approve_agent()
    wallet: LocalAccount = Account.from_key(agent_key)
    reply = SdkExchange(wallet, url, account_address=key(10).address).usd_transfer(1, MAKER)
    text = f"Must deposit before performing actions. User: {wallet.address.lower()}"
    assert reply == {"status": "err", "response": text}
