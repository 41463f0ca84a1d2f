"""The official SDK's own examples that move money or give it away, with the unmodified SDK.

docs/venue.md has the table of all examples and the tests that hold them; `test_sdk_money.py` follows the money further.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hyperliquid.utils.signing import get_timestamp_ms, sign_l1_action

from shared.clock import WallClock
from tests.contract.example_venue import DEX, HLP, MAKER, REFERRAL_CODE, TESTNET_PURR, make_door
from tests.contract.sdk_venue import DONE, Client, Clients, clients_of, only, served

KEYS = iter(range(1, 60))
ZERO = "0x" + "00" * 20
BUILDER = "0x8c967E73E7B15087c42A10D344cFf4c96D877f1D"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a running exchange with all that the examples need."""
    with served(make_door, WallClock()) as address:
        yield address


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Makes clients with funded keys of their own."""
    with clients_of(url, KEYS) as make:
        yield make


def on_perps(client: Client, user: str, dex: str = "") -> float:
    """Account value on one dex."""
    return float(client.info.user_state(user, dex)["marginSummary"]["accountValue"])


def on_spot(client: Client, user: str) -> dict[str, float]:
    """Spot balances by coin."""
    return {row["coin"]: float(row["total"]) for row in client.info.spot_user_state(user)["balances"]}


def test_basic_transfer(make_client: Clients) -> None:
    """`basic_transfer.py`: one dollar to the zero address, whose account costs another one to open."""
    client = make_client()
    had = on_perps(client, ZERO)
    assert client.exchange.usd_transfer(1, ZERO) == DONE
    assert on_perps(client, ZERO) == had + 1
    delta = client.info.user_non_funding_ledger_updates(client.address, 0)[-1]["delta"]
    assert (delta["type"], delta["usdc"], delta["destination"]) == ("internalTransfer", "1.0", ZERO)
    assert on_perps(client, client.address) == 100_000 - 1 - float(delta["fee"])


def test_basic_spot_to_perp(make_client: Clients) -> None:
    """`basic_spot_to_perp.py`: 1.23 from perps to spot and back leave everything as it was."""
    client = make_client()
    assert client.exchange.usd_class_transfer(1.23, False) == DONE
    assert (on_perps(client, client.address), on_spot(client, client.address)["USDC"]) == (99_998.77, 1_001.23)
    assert client.exchange.usd_class_transfer(1.23, True) == DONE
    assert (on_perps(client, client.address), on_spot(client, client.address)["USDC"]) == (100_000, 1_000)


def test_basic_spot_transfer(make_client: Clients) -> None:
    """`basic_spot_transfer.py`: one PURR, named with the test network's token id, to the zero address."""
    client = make_client()
    had = on_spot(client, ZERO).get("PURR", 0)
    assert client.exchange.spot_transfer(1, ZERO, TESTNET_PURR.wire_name) == DONE
    assert on_spot(client, ZERO)["PURR"] == had + 1
    assert on_spot(client, client.address)["PURR"] == 99
    unknown = client.exchange.spot_transfer(1, ZERO, "PURR:0x" + "12" * 16)
    assert unknown["status"] == "err"


def test_basic_spot_to_builder_deployed_perp_dex(make_client: Clients) -> None:
    """`basic_spot_to_builder_deployed_perp_dex.py`: 1.23 USDC from spot to the deployed dex and back."""
    client = make_client()
    assert client.exchange.send_asset(client.address, "spot", DEX.name, "USDC", 1.23) == DONE
    assert on_perps(client, client.address, DEX.name) == 1.23
    assert client.exchange.send_asset(client.address, DEX.name, "spot", "USDC", 1.23) == DONE
    assert on_perps(client, client.address, DEX.name) == 0
    assert on_spot(client, client.address)["USDC"] == 1_000


def test_basic_send_asset(make_client: Clients) -> None:
    """`basic_send_asset.py`: 1.23 USDC from the first dex to the zero address on the deployed one."""
    client = make_client()
    had = on_perps(client, ZERO, DEX.name)
    assert client.exchange.send_asset(ZERO, "", DEX.name, "USDC", 1.23) == DONE
    assert on_perps(client, ZERO, DEX.name) == pytest.approx(had + 1.23)


def test_basic_withdraw(make_client: Clients) -> None:
    """`basic_withdraw.py`: the example's one dollar is all fee and refused; of two, one arrives."""
    client = make_client()
    assert client.exchange.withdraw_from_bridge(1, client.address)["response"] == "Insufficient balance for withdrawal"
    assert client.exchange.withdraw_from_bridge(2, client.address) == DONE
    assert on_perps(client, client.address) == 99_998


def test_basic_sub_account(make_client: Clients) -> None:
    """`basic_sub_account.py`: made, found by its name, given ten micro-dollars; `basic_vault.py` trades as it."""
    client = make_client()
    assert client.info.query_sub_accounts(client.address) is None
    assert client.exchange.create_sub_account("example123")["response"]["type"] == "createSubAccount"
    found = [row for row in client.info.query_sub_accounts(client.address) if row["name"] == "example123"]
    sub = found[0]["subAccountUser"]
    assert client.exchange.sub_account_transfer(sub, True, 10) == DONE
    assert on_perps(client, sub) == 0.00001
    assert client.exchange.sub_account_transfer(sub, True, 100_000_000) == DONE
    trader = make_client(client.wallet, vault_address=sub)
    oid = only(trader.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}))["resting"]["oid"]
    assert only(trader.exchange.cancel("ETH", oid)) == "success"


def test_basic_builder_fee(make_client: Clients) -> None:
    """`basic_builder_fee.py`: approved in checksum spelling, then a market order that pays the builder on top."""
    client = make_client()
    assert client.exchange.usd_transfer(200, BUILDER) == DONE
    assert client.exchange.approve_builder_fee(BUILDER, "0.001%") == DONE
    builder = {"b": BUILDER, "f": 1}
    assert "filled" in only(client.exchange.market_open("ETH", True, 0.05, None, 0.01, builder=builder))
    assert client.info.user_fills(client.address)[0]["builderFee"] == "0.001001"


def test_basic_set_referrer(make_client: Clients) -> None:
    """`basic_set_referrer.py`: a code that somebody registered is set, and the state tells whose it is."""
    client = make_client()
    assert client.exchange.set_referrer(REFERRAL_CODE) == DONE
    referred = client.info.query_referral_state(client.address)["referredBy"]
    assert referred == {"referrer": MAKER, "code": REFERRAL_CODE}


REFUSED = "This local exchange does not support the action "
VAULT = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"


def refusal(text: str) -> Any:
    """The reply of an action that is refused as a whole."""
    return {"status": "err", "response": text}


def test_basic_vault(make_client: Clients) -> None:
    """`basic_vault.py`: the leader trades with the vault's address; somebody else's is refused in the venue's words."""
    client = make_client()
    action = {"type": "createVault", "name": "Example", "description": "an example of a vault", "initialUsd": 10**9}
    opened = signed_l1(client, action)
    assert opened["response"]["type"] == "createVault"
    vault = opened["response"]["data"]
    assert client.info.post("/info", {"type": "userRole", "user": vault}) == {"role": "vault"}
    trader = make_client(client.wallet, vault_address=vault)
    oid = only(trader.exchange.order("ETH", True, 0.2, 1100, {"limit": {"tif": "Gtc"}}))["resting"]["oid"]
    assert [one["oid"] for one in client.info.open_orders(vault)] == [oid]
    assert only(trader.exchange.cancel("ETH", oid)) == "success"
    assert "filled" in only(trader.exchange.market_open("ETH", True, 0.05))
    other = make_client(vault_address=vault)
    reply = other.exchange.order("ETH", True, 0.2, 100, {"limit": {"tif": "Gtc"}})
    assert reply == refusal(f"Vault not registered: {vault}")


def signed_l1(client: Client, action: dict[str, Any]) -> Any:
    """The reply to an action that the SDK has no method for, signed by its functions."""
    nonce = get_timestamp_ms()
    action = action | {"nonce": nonce}
    signature = sign_l1_action(client.wallet, action, None, nonce, None, False)
    return client.exchange._post_action(action, signature, nonce)


def test_basic_vault_transfer(make_client: Clients) -> None:
    """`basic_vault_transfer.py`: five dollars to the house's vault, which tells whose they are and until when."""
    client = make_client()
    assert client.exchange.vault_usd_transfer(HLP, True, 5_000_000) == DONE
    assert on_perps(client, client.address) == 99_995
    (row,) = client.info.user_vault_equities(client.address)
    assert row["vaultAddress"] == HLP
    assert float(row["equity"]) == pytest.approx(5, abs=1e-5)
    details = client.info.post("/info", {"type": "vaultDetails", "vaultAddress": HLP, "user": client.address})
    assert details["followerState"]["lockupUntil"] == row["lockedUntilTimestamp"] > get_timestamp_ms()
    assert [one["user"] for one in details["followers"]] == ["Leader", client.address]
    delta = client.info.user_non_funding_ledger_updates(client.address, 0)[-1]["delta"]
    assert delta == {"type": "vaultDeposit", "vault": HLP, "usdc": "5.0"}
    assert client.exchange.vault_usd_transfer(HLP, False, 1_000_000) == refusal("Vault deposit is still locked")
    assert client.exchange.vault_usd_transfer(VAULT, True, 5_000_000) == refusal(f"Vault not registered: {VAULT}")


def test_dex_abstraction(make_client: Clients) -> None:
    """`dex_abstraction.py`: chosen by agent once, undone by the user; a sub-account's on and off; it backs the dex."""
    client = make_client(perp_dexs=["", DEX.name])
    exchange, info = client.exchange, client.info
    state = info.query_user_dex_abstraction_state
    assert state(client.address) is None
    assert exchange.agent_enable_dex_abstraction() == DONE
    assert state(client.address) is True
    order = ("test:ABC", True, 100, 1.1, {"limit": {"tif": "Gtc"}})
    oid = only(exchange.order(*order))["resting"]["oid"]
    assert only(exchange.cancel("test:ABC", oid)) == "success"
    assert exchange.user_dex_abstraction(client.address, False) == DONE
    assert state(client.address) is False
    assert "Insufficient margin" in only(exchange.order(*order))["error"]
    assert exchange.agent_enable_dex_abstraction()["status"] == "err"
    sub = exchange.create_sub_account("One")["response"]["data"]
    trader = make_client(client.wallet, vault_address=sub)
    assert trader.exchange.agent_enable_dex_abstraction() == DONE
    for enabled in (True, False):
        assert exchange.user_dex_abstraction(sub, enabled) == DONE
        assert state(sub) is enabled


def test_user_abstraction(make_client: Clients) -> None:
    """`user_abstraction.py`: unified by agent and by user, a sub-account too; spot's USDC then backs perps."""
    client = make_client(perp_dexs=["", DEX.name])
    exchange, info = client.exchange, client.info
    state = info.query_user_abstraction_state
    assert state(client.address) == "default"
    assert exchange.agent_set_abstraction("u") == DONE
    assert exchange.user_set_abstraction(client.address, "unifiedAccount") == DONE
    assert state(client.address) == "unifiedAccount"
    assert (on_perps(client, client.address), on_spot(client, client.address)["USDC"]) == (0, 101_000)
    assert "filled" in only(exchange.market_open("ETH", True, 0.05))
    assert on_perps(client, client.address) > 0
    assert exchange.usd_class_transfer(1, False) == refusal("Action disabled when unified account is active")
    sub = exchange.create_sub_account("unified")["response"]["data"]
    trader = make_client(client.wallet, vault_address=sub)
    assert trader.exchange.agent_set_abstraction("u") == DONE
    assert state(sub) == "unifiedAccount"
    assert exchange.user_set_abstraction(sub, "disabled") == refusal("Cannot disable a unified account")
    assert "portfolio margin" in exchange.user_set_abstraction(sub, "portfolioMargin")["response"]


def test_priority_fees(make_client: Clients) -> None:
    """`priority_fees.py`: no auction for gossip slots here; an order with a priority fee needs staked HYPE."""
    client = make_client(perp_dexs=[DEX.name])
    assert client.exchange.gossip_priority_bid(0, "8.8.8.8", 1) == refusal(REFUSED + "gossipPriorityBid.")
    order = {
        "coin": "test:ABC",
        "is_buy": True,
        "sz": 100,
        "limit_px": 0.9,
        "order_type": {"limit": {"tif": "Ioc"}},
        "reduce_only": False,
    }
    reply = client.exchange.bulk_orders([order], grouping={"p": 12345})
    assert reply == refusal("Insufficient delegatable balance for priority order")
