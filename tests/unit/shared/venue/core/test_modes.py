"""How an account's money is kept: what answers for positions in each mode, and how one mode becomes another."""

from __future__ import annotations

from typing import Any

import pytest

from shared.instrument import Instrument
from shared.units import USD, Ns, Px, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    IssueToken,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.dealings import CreateSubAccount, Mode, MoveClass, SendAsset, SendToken, SendUsd, SetMode
from shared.venue.core.dex import list_deployed
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import SpotPair, list_perp, list_spot
from shared.venue.core.outcomes import Outcome, Refused
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.rulings import SetOracle
from shared.venue.core.tokens import USDC, Token
from tests.property.whole.laws import check_state
from tests.unit.shared.venue.core.dex_floor import GOLD, XYZ

ETH = Instrument("ETH", 0, 2, 25)
HYPE = Token("HYPE", 150, 2, 8, "0x02")
HYPE_USDC = 10_107


class Desk:
    """ETH on the first dex, GOLD on `xyz`, both at 100, HYPE/USDC at 10; "m" is rich, "a" has 1,000 + 200 of spot."""

    def __init__(self, **policy: Any) -> None:
        listings = [
            list_perp(ETH),
            list_deployed(XYZ, 1, 0, "GOLD", 2, 20),
            list_spot(SpotPair(107, HYPE, USDC)),
        ]
        chosen = VenuePolicy(sub_account_volume_usd=Usd(0), **policy)
        self.exchange = Exchange(listings, start_ns=0, policy=chosen, dexs=[XYZ])
        self.issued: dict[int, int] = {}
        for user, usd in (("m", 10_000_000), ("a", 1_000)):
            self.do(Deposit(user, Usd(usd * USD)))
        self.do(SendAsset("m", "m", "", "xyz", "USDC", "5000000", 1))
        self.give("a", USDC, "200")
        self.give("m", HYPE, "100000")
        self.price("100", "100")
        self.do(SetPrices(HYPE_USDC, self.px(HYPE_USDC, "10")))
        self.place("m", HYPE_USDC, False, "10", "1000")

    def do(self, command: Command) -> Outcome:
        """The outcome, after which every law of the state holds."""
        outcome = self.exchange.apply(command, Ns(self.exchange.now_ns))
        check_state(self.exchange, self.issued)
        return outcome

    def give(self, user: str, token: Token, amount: str) -> None:
        """Tokens from outside."""
        self.issued[token.index] = self.issued.get(token.index, 0) + token.wei(amount)
        self.do(IssueToken(user, token.index, token.wei(amount)))

    def price(self, eth: str, gold: str) -> None:
        """The oracles, and the maker's quotes for a thousand a side around them, the old ones gone."""
        mine = tuple(
            CancelOrder(one.asset, oid=one.oid) for one in self.exchange.open_orders("m") if one.asset != HYPE_USDC
        )
        if mine:
            self.do(CancelOrders("m", mine))
        self.do(SetPrices(0, self.px(0, eth)))
        gold_px = ((GOLD, self.px(GOLD, gold)),)
        assert (
            self.exchange.apply(SetOracle(1, gold_px, (gold_px,)), Ns(self.exchange.now_ns + 3 * 10**9)).error is None
        )
        for asset, px in ((0, eth), (GOLD, gold)):
            self.place("m", asset, True, px, "1000")
            self.place("m", asset, False, str(float(px) + 1), "1000")

    def px(self, asset: int, text: str) -> Px:
        """A price."""
        return self.exchange.listings[asset].instrument.px(text)

    def place(self, user: str, asset: int, is_buy: bool, px: str, sz: str, tif: Tif = Tif.GTC) -> Any:
        """The status of one order."""
        instrument = self.exchange.listings[asset].instrument
        spec = OrderSpec(asset, is_buy, instrument.px(px), instrument.sz(sz), False, tif)
        return self.do(PlaceOrders(user, (spec,))).statuses[0]

    def buy(self, asset: int, sz: str) -> str | None:
        """Why "a" could not buy at the market."""
        status = self.place("a", asset, True, "101" if asset != HYPE_USDC else "10", sz, Tif.IOC)
        return status.error if isinstance(status, Refused) else None

    def mode(self, mode: Mode, user: str = "a", owner: str | None = None, *, is_first: bool = False) -> str | None:
        """Why the mode was not changed."""
        return self.do(SetMode(user, owner or user, mode, is_first)).error

    def usdc(self) -> tuple[float, float]:
        """(total, hold) of "a" as the spot state tells them."""
        row = next(one for one in self.exchange.spot_balances("a") if one.token == USDC)
        return row.total_wei / 10**8, row.hold_wei / 10**8


NO_MARGIN = "Insufficient margin to place order. asset="


def test_apart_each_dex_and_spot_have_their_own() -> None:
    """The mode that nobody chose, and `disabled`: nothing on the deployed dex, nothing for spot beyond spot's own."""
    for desk in (Desk(), Desk()):
        assert desk.buy(GOLD, "1") == f"{NO_MARGIN}{GOLD}"
        assert desk.buy(HYPE_USDC, "21") == f"Insufficient spot balance asset={HYPE_USDC}"
        assert desk.mode(Mode.DISABLED) is None
    assert desk.buy(GOLD, "1") == f"{NO_MARGIN}{GOLD}"


def test_unified_one_balance_answers_for_everything() -> None:
    """1,200 USDC are margin on both dexs and pay for tokens, each only for what the others leave."""
    desk = Desk()
    assert desk.mode(Mode.UNIFIED) is None
    assert desk.usdc() == (1_200, 0)
    assert desk.buy(GOLD, "60") is None  # 6,000 at 20x, bought 60 too dear
    assert desk.buy(0, "60") is None
    total, hold = desk.usdc()
    assert 1_190 < total < 1_200, "fees are gone"
    assert 720 <= hold < 730, "600 of margin, and 120 that are lost at the marks"
    assert desk.buy(HYPE_USDC, "50") == f"Insufficient spot balance asset={HYPE_USDC}"
    assert desk.buy(0, "100") == f"{NO_MARGIN}0"
    assert desk.buy(HYPE_USDC, "40") is None


def test_unified_spot_orders_draw_and_give_back() -> None:
    """A resting bid locks what it would spend; cancelled, it is margin again; what tokens are sold for is margin."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    oid = desk.place("a", HYPE_USDC, True, "9", "100").oid
    assert desk.usdc() == (1_200, 900)
    assert desk.buy(0, "100") == f"{NO_MARGIN}0"
    desk.do(CancelOrders("a", (CancelOrder(HYPE_USDC, oid=oid),)))
    assert desk.usdc() == (1_200, 0)
    assert desk.buy(HYPE_USDC, "100") is None
    assert desk.usdc() == (200, 0)
    desk.place("m", HYPE_USDC, True, "9.9", "100")
    desk.place("a", HYPE_USDC, False, "9.9", "50", Tif.IOC)
    assert 690 < desk.usdc()[0] < 695
    assert desk.exchange.account("a").collateral_usd > 690 * USD


def test_unified_cross_positions_answer_for_each_other() -> None:
    """A loss on one dex that its own margin could not bear is borne by the gain on the other; without it, not."""
    for is_hedged in (True, False):
        desk = Desk()
        desk.mode(Mode.UNIFIED)
        assert desk.buy(0, "100") is None
        if is_hedged:
            assert not isinstance(desk.place("a", GOLD, False, "100", "100", Tif.IOC), Refused)
        for px in range(99, 88, -1):
            desk.price(str(px), str(px))
        assert bool(desk.exchange.net_sz("a", 0)) == is_hedged


def test_a_dex_shows_what_its_positions_hold() -> None:
    """Perp states of a unified account are not its money: none without positions, else the margin in use."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    assert desk.exchange.perp_state("a").value_usd == 0
    desk.buy(GOLD, "100")
    shown, other = desk.exchange.perp_state("a", 1), desk.exchange.perp_state("a", 0)
    assert [one.asset for one in shown.positions] == [GOLD]
    assert (shown.value_usd, shown.withdrawable_usd) == (shown.margin_used_usd, 0)
    assert (other.positions, other.value_usd) == ((), 0)
    whole = desk.exchange.account("a", 1).positions[0]
    assert shown.positions[0].liquidation_px_text == whole.liquidation_px_text


@pytest.mark.parametrize(("choice", "counted"), [("settled", 0), ("with_unrealised", 100)])
def test_whether_the_total_counts_what_is_not_realised_is_a_switch(choice: str, counted: int) -> None:
    """Ten ETH that rose by ten since the purchase at 101; what is free is the same under both."""
    desk = Desk(unified_total=choice)
    desk.mode(Mode.UNIFIED)
    desk.buy(0, "10")
    settled = desk.exchange.account("a").collateral_usd / USD
    desk.price("111", "100")
    total, hold = desk.usdc()
    assert total == pytest.approx(settled + counted)
    assert total - hold == pytest.approx(min(total, desk.exchange.account("a").available_usd / USD))


def test_isolated_margin_is_taken_from_the_pool() -> None:
    """It is in the total and on hold."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    desk.do(UpdateLeverage("a", GOLD, 10, False))
    desk.buy(GOLD, "50")
    desk.do(UpdateIsolatedMargin("a", GOLD, 100 * USD))
    total, hold = desk.usdc()
    assert 1_190 < total < 1_200
    assert 600 < hold < 610


def test_money_leaves_a_unified_account_by_spot_only() -> None:
    """Class transfers and dex transfers are refused in the venue's words; sends to others are not."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    disabled = "Action disabled when unified account is active"
    assert desk.do(MoveClass("a", "1", True)).error == disabled
    assert desk.do(SendAsset("a", "a", "", "xyz", "USDC", "1", 1)).error == disabled
    assert desk.do(SendAsset("a", "m", "spot", "spot", "USDC", "700", 1)).error is None
    assert desk.do(SendToken("a", "m", USDC.wire_name, "300", 1)).error is None
    assert desk.do(SendUsd("a", "m", "200")).error is None
    assert desk.usdc() == (0, 0)
    assert desk.do(SendUsd("a", "m", "0.000001")).error == "Insufficient balance for withdrawal"


def test_what_comes_is_margin_at_once() -> None:
    """From outside or from others, to spot or to any dex."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    desk.give("a", USDC, "10")
    desk.do(SendToken("m", "a", HYPE.wire_name, "1", 1))
    desk.do(SendAsset("m", "a", "xyz", "xyz", "USDC", "5", 1))
    desk.do(SendUsd("m", "a", "7"))
    assert desk.usdc() == (1_222, 0)
    assert desk.exchange.account("a").collateral_usd == 1_222 * USD


def test_dex_abstraction_shares_the_first_dexs_margin() -> None:
    """1,000 on the first dex answer for the deployed one; spot keeps its own, and it can be undone when flat."""
    desk = Desk()
    assert desk.mode(Mode.DEX) is None
    assert desk.usdc() == (200, 0)
    assert desk.buy(GOLD, "100") is None
    assert desk.buy(HYPE_USDC, "21") == f"Insufficient spot balance asset={HYPE_USDC}"
    busy = "Cannot disable abstraction with open positions or orders on another perp DEX"
    assert desk.mode(Mode.DISABLED) == busy
    desk.place("a", GOLD, False, "100", "100", Tif.IOC)
    assert desk.mode(Mode.DISABLED) is None
    assert desk.exchange.account("a", 1).value_usd == 0
    assert desk.buy(GOLD, "1") == f"{NO_MARGIN}{GOLD}"
    assert desk.buy(0, "1") is None


def test_money_that_was_on_the_dex_joins_the_pool_with_its_positions() -> None:
    """A position opened before goes on, now backed by all; nothing is made or lost."""
    desk = Desk()
    desk.do(SendAsset("a", "a", "", "xyz", "USDC", "100", 1))
    desk.buy(GOLD, "10")
    before = desk.exchange.account("a").value_usd + desk.exchange.account("a", 1).value_usd
    assert desk.mode(Mode.UNIFIED) is None
    assert desk.exchange.account("a").value_usd == before + 200 * USD
    assert desk.buy(GOLD, "100") is None


@pytest.mark.parametrize("choice", ["refused", "taken"])
def test_whether_a_unified_account_can_be_undone_is_a_switch(choice: str) -> None:
    """Clients say that the venue refuses it."""
    desk = Desk(unified_to_disabled=choice)
    desk.mode(Mode.UNIFIED)
    refused = "Cannot disable a unified account"
    assert desk.mode(Mode.DISABLED) == (refused if choice == "refused" else None)
    assert desk.exchange.mode_of("a") is (Mode.UNIFIED if choice == "refused" else Mode.DISABLED)


def test_who_may_choose() -> None:
    """The account itself, its master, and an agent once, before anybody chose; portfolio margin is not played."""
    desk = Desk()
    sub = desk.do(CreateSubAccount("a", "s")).statuses[0].user  # type: ignore[union-attr]
    assert desk.mode(Mode.UNIFIED, "m", "a") == "Cannot set the abstraction of another user"
    assert desk.mode(Mode.UNIFIED, "a", sub) is None
    assert desk.mode(Mode.UNIFIED, sub, "a") == "Cannot set the abstraction of another user"
    assert desk.mode(Mode.UNIFIED, is_first=True) is None
    assert desk.mode(Mode.UNIFIED, is_first=True) == "Abstraction was already set"
    assert "portfolio margin" in (desk.mode(Mode.PORTFOLIO) or "")
    assert desk.mode(Mode.UNIFIED, "nobody") == "Must deposit before performing actions. User: nobody"


def test_a_pool_in_ruin_is_liquidated_once_as_one() -> None:
    """Long on both dexs; when both fall, all of it goes, and nobody but the vault pays."""
    desk = Desk()
    desk.mode(Mode.UNIFIED)
    desk.buy(0, "100")
    desk.buy(GOLD, "100")
    desk.price("80", "80")
    assert (desk.exchange.net_sz("a", 0), desk.exchange.net_sz("a", GOLD)) == (0, 0)
    assert desk.exchange.account("a").value_usd >= 0
