"""Vaults: who owns how much, what comes and goes, what the leader keeps and gets, and what is refused."""

from __future__ import annotations

import pytest

from shared.units import DAY, USD
from shared.venue.core.commands import Tif
from shared.venue.core.dealings import CreateVault, DistributeVault, ModifyVault, MoveVaultUsd
from shared.venue.core.exchange import Exchange
from shared.venue.core.ledger_entries import LedgerChanged, VaultWithdrawn
from shared.venue.core.outcomes import Opened
from tests.property.whole.laws import check_state
from tests.unit.shared.venue.core.floor import Floor


class Fund(Floor):
    """The floor with a vault that "a" leads with 1,000 USDC."""

    def __init__(self) -> None:
        super().__init__()
        made = self.do(CreateVault("a", "A vault", "for those who follow", 1_000 * USD))
        (opened,) = made.statuses
        assert isinstance(opened, Opened)
        self.vault = opened.user

    def put(self, user: str, usd: float, *, is_in: bool = True, span_ns: int = 0) -> str | None:
        """Why a move between the user and the vault was refused."""
        error = self.do(MoveVaultUsd(user, self.vault, is_in, round(usd * USD)), span_ns).error
        check_state(self.exchange, {})
        return error

    def has(self, user: str) -> float:
        """What the user's part is worth."""
        view = self.exchange.vault(self.vault)
        assert view is not None
        return next((part.equity_usd / USD for part in view.parts if part.user == user), 0.0)

    def earn(self, to: str) -> None:
        """The vault buys 100 ETH at 100 from "c" and the price goes to `to`; then it sells them there, fees apart."""
        self.buy(self.vault, "100", "10")
        self.sell("c", "100", "10", Tif.IOC)
        self.oracle(to)
        self.buy("c", to, "10")
        self.sell(self.vault, to, "10", Tif.IOC)

    def worth(self, user: str) -> float:
        """Account value on the first dex."""
        return self.exchange.account(user).value_usd / USD


def test_a_vault_is_opened_for_a_fee_with_the_leaders_money() -> None:
    """100 USDC are gone, the rest is the leader's part; the address is nobody's key and has a role."""
    fund = Fund()
    assert fund.worth("a") == 100_000 - 1_100
    assert (fund.worth(fund.vault), fund.has("a")) == (1_000, 1_000)
    assert fund.exchange.leader_of(fund.vault) == "a"
    assert fund.exchange.house().gas_usd == 100 * USD


def test_parts_follow_the_value_of_the_account() -> None:
    """Three quarters and one quarter, before and after a gain; who comes later pays the higher price."""
    fund = Fund()
    assert fund.put("b", 3_000) is None
    fund.earn("120")
    total = fund.worth(fund.vault)
    assert 4_190 < total < 4_200
    assert fund.has("b") == pytest.approx(total * 3 / 4, abs=1e-5)
    assert fund.put("c", total) is None
    assert fund.has("c") == pytest.approx(total, abs=1e-5)
    assert fund.has("a") == pytest.approx(total / 4, abs=1e-5)


def test_a_tenth_of_a_followers_gain_is_the_leaders() -> None:
    """The ledger has what was asked, what it had cost, and the share; of a loss nothing is taken."""
    fund = Fund()
    fund.put("b", 3_000)
    fund.earn("120")
    equity, led = fund.has("b"), fund.worth("a")
    assert fund.put("b", equity, is_in=False, span_ns=DAY) is None
    gain = equity - 3_000
    assert fund.worth("b") == pytest.approx(100_000 + gain * 0.9, abs=1e-5)
    assert fund.worth("a") == pytest.approx(led + gain * 0.1, abs=1e-5)
    entry = next(e.entry for e in fund.events if isinstance(e, LedgerChanged) and isinstance(e.entry, VaultWithdrawn))
    assert entry.basis_usd == 3_000 * USD
    assert entry.commission_usd == pytest.approx(gain * USD / 10, abs=1)


def test_a_loss_is_shared_without_a_share() -> None:
    """Each bears their part; a part taken out has its part of the cost."""
    fund = Fund()
    fund.put("b", 1_000)
    fund.earn("90")
    equity = fund.has("b")
    assert 945 < equity < 951
    led = fund.worth("a")
    assert fund.put("b", equity / 2, is_in=False, span_ns=DAY) is None
    assert fund.worth("a") == led
    assert fund.has("b") == pytest.approx(equity / 2, abs=1e-5)


def test_money_is_locked_for_a_day_after_the_last_deposit() -> None:
    """The second deposit begins it anew."""
    fund = Fund()
    fund.put("b", 100)
    assert fund.put("b", 50, is_in=False, span_ns=DAY - 1_000_000) == "Vault deposit is still locked"
    fund.put("b", 100)
    assert fund.put("b", 50, is_in=False, span_ns=DAY - 1_000_000) == "Vault deposit is still locked"
    assert fund.put("b", 50, is_in=False, span_ns=1_000_000) is None


def test_the_leader_keeps_a_twentieth() -> None:
    """Others can't bring more than nineteen times the leader's part, nor can the leader leave with it."""
    fund = Fund()
    keep = "Vault leader must keep at least 5% of the vault"
    assert fund.put("b", 19_000.000001) == keep
    assert fund.put("b", 19_000) is None
    assert fund.put("a", 1, is_in=False, span_ns=DAY) == keep


def test_what_the_positions_need_does_not_leave() -> None:
    """A withdrawal beyond what is free is refused, and the part stays."""
    fund = Fund()
    fund.put("b", 1_000)
    fund.buy(fund.vault, "100", "200")
    fund.sell("c", "100", "200", Tif.IOC)
    assert fund.put("b", 900, is_in=False, span_ns=DAY) == "Insufficient free balance in vault"
    assert fund.has("b") > 990


def test_a_closed_vault_has_paid_everybody() -> None:
    """Not with positions or orders; afterwards nobody trades for it or comes in."""
    fund = Fund()
    fund.put("b", 3_000)
    fund.buy(fund.vault, "90", "1")
    close = DistributeVault("a", fund.vault, 0)
    assert fund.do(close).error == "Cannot close a vault with open positions or orders"
    fund.cancel(fund.vault, fund.exchange.open_orders(fund.vault)[0].oid)
    assert fund.do(DistributeVault("b", fund.vault, 0)).error == f"Vault not registered: {fund.vault}"
    assert fund.do(close).error is None
    check_state(fund.exchange, {})
    assert (fund.worth("a"), fund.worth("b"), fund.worth(fund.vault)) == (99_900, 100_000, 0)
    assert fund.exchange.leader_of(fund.vault) is None
    assert fund.put("b", 10) == f"Vault not registered: {fund.vault}"


def test_a_distribution_pays_by_parts() -> None:
    """A quarter and three quarters of it; the parts stay."""
    fund = Fund()
    fund.put("b", 3_000)
    assert fund.do(DistributeVault("a", fund.vault, 400 * USD)).error is None
    assert (fund.worth("a"), fund.worth("b"), fund.worth(fund.vault)) == (99_000, 97_300, 3_600)
    assert fund.has("b") == 2_700
    assert fund.do(DistributeVault("a", fund.vault, 4_000 * USD)).error == "Insufficient free balance in vault"


@pytest.mark.parametrize(
    ("usd", "name", "said"),
    [
        (99, "A vault", "Insufficient balance to create vault"),
        (99_901, "A vault", "Insufficient balance to create vault"),
        (100, "A", "Invalid vault name or description"),
    ],
)
def test_what_can_not_be_opened(usd: int, name: str, said: str) -> None:
    """Too little, more than there is with the fee, no name."""
    assert Floor().do(CreateVault("a", name, "for those who follow", usd * USD)).error == said


def test_a_vault_shut_to_deposits_still_takes_its_leaders() -> None:
    """The terms are the leader's to change; a small sum is refused."""
    fund = Fund()
    assert fund.put("b", 4) == "Vault deposit is too small"
    assert fund.do(ModifyVault("b", fund.vault, False, None)).error == f"Vault not registered: {fund.vault}"
    assert fund.do(ModifyVault("a", fund.vault, False, None)).error is None
    assert fund.put("b", 10) == "Vault does not allow deposits"
    assert fund.put("a", 10) is None


def test_a_restored_exchange_has_its_vaults() -> None:
    """They are in the snapshot."""
    fund = Fund()
    twin = Exchange.restore(fund.exchange.snapshot())
    assert twin.vault(fund.vault) == fund.exchange.vault(fund.vault)
