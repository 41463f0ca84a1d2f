"""Who has how much of each token: a user's balances, and what the house took and gave out."""

from __future__ import annotations

from collections.abc import MutableMapping


class Balance:
    """One user's amount of one token in wei. `hold_wei` of it is locked by resting orders.

    `entry_e8` is what the amount cost, x 10^-8 of the quote. It leaves in proportion when tokens leave, and what
    stays is truncated. Source: recorded, 0.5 HYPE bought at 100, then 0.25 sold: 0.24965 left, entryNtl 24.982487.
    """

    __slots__ = ("entry_e8", "hold_wei", "total_wei")

    def __init__(self) -> None:
        self.total_wei = 0
        self.hold_wei = 0
        self.entry_e8 = 0

    @property
    def available_wei(self) -> int:
        """What no resting order locks."""
        return self.total_wei - self.hold_wei

    def credit(self, wei: int, entry_e8: int = 0) -> None:
        """Add tokens that cost `entry_e8`."""
        assert wei >= 0
        self.total_wei += wei
        self.entry_e8 += entry_e8

    def debit(self, wei: int) -> int:
        """Take available tokens away; the part of the entry notional that goes with them."""
        assert 0 <= wei <= self.available_wei, "more tokens than are free"
        stays = self.entry_e8 * (self.total_wei - wei) // self.total_wei if self.total_wei else 0
        leaves = self.entry_e8 - stays
        self.total_wei -= wei
        self.entry_e8 = stays
        return leaves

    def hold(self, wei: int) -> None:
        """Lock available tokens."""
        assert 0 <= wei <= self.available_wei, "more tokens than are free"
        self.hold_wei += wei

    def release(self, wei: int) -> None:
        """Unlock held tokens."""
        assert 0 <= wei <= self.hold_wei, "more tokens than are held"
        self.hold_wei -= wei

    def state(self) -> tuple[int, int, int]:
        """Everything, for digests."""
        return self.total_wei, self.hold_wei, self.entry_e8


Balances = MutableMapping[int, Balance]
"""One user's balances by token index. A token never held has none; one that was keeps its row of zeros."""


def balance_of(balances: Balances, token: int) -> Balance:
    """The user's balance of a token, made at first touch."""
    balance = balances.get(token)
    if balance is None:
        balance = balances[token] = Balance()
    return balance


def available_wei(balances: Balances, token: int) -> int:
    """What is free of a token; 0 of one never held."""
    balance = balances.get(token)
    return 0 if balance is None else balance.available_wei


class Treasury:
    """The house's side of every token. Law, to the wei: issued = all users' totals + fees + rewards, for each token.

    `issued_wei` is what came to the spot side from outside (deposits, and perp collateral moved over) minus what left.
    """

    __slots__ = ("fees_wei", "issued_wei", "rewards_wei")

    def __init__(self) -> None:
        self.issued_wei: dict[int, int] = {}
        self.fees_wei: dict[int, int] = {}
        self.rewards_wei: dict[int, int] = {}
        """Parts of fees that builders and referrers have not claimed yet."""

    def issue(self, balances: Balances, token: int, wei: int, entry_e8: int = 0) -> None:
        """Tokens come to a user from outside."""
        balance_of(balances, token).credit(wei, entry_e8)
        self.issued_wei[token] = self.issued_wei.get(token, 0) + wei

    def redeem(self, balances: Balances, token: int, wei: int) -> int:
        """A user's free tokens leave; the entry notional that goes with them."""
        leaves = balance_of(balances, token).debit(wei)
        self.issued_wei[token] = self.issued_wei.get(token, 0) - wei
        return leaves

    def keep_fee(self, token: int, wei: int) -> None:
        """Take what was withheld from a user into the house (negative: a rebate paid)."""
        self.fees_wei[token] = self.fees_wei.get(token, 0) + wei

    def pass_on(self, token: int, wei: int) -> None:
        """Owe a part of the fees kept to somebody who may claim it."""
        self.fees_wei[token] = self.fees_wei.get(token, 0) - wei
        self.rewards_wei[token] = self.rewards_wei.get(token, 0) + wei

    def pay_out(self, balances: Balances, token: int, wei: int) -> None:
        """Credit what was owed."""
        self.rewards_wei[token] -= wei
        balance_of(balances, token).credit(wei)

    def state(self) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
        """Everything, for digests."""
        return self.issued_wei, self.fees_wei, self.rewards_wei


def move(sender: Balances, receiver: Balances, token: int, wei: int, entry_e8: int | None = None) -> None:
    """Free tokens go from one user to another; they cost the receiver `entry_e8`, or what they had cost the sender."""
    leaves = balance_of(sender, token).debit(wei)
    balance_of(receiver, token).credit(wei, leaves if entry_e8 is None else entry_e8)
