"""Compares the ledger with what others say: the venue's account, the orders' filled sizes."""

from __future__ import annotations

from typing import Final

import msgspec

from hats.performance_quant_analyst.ledger import Ledger
from shared.ids import Cloid
from shared.messages.account import AccountSnapshot

SNAPSHOTS_KEPT: Final = 16
ORDERS_KEPT: Final = 20_000


class VenueBooks(msgspec.Struct, array_like=True):
    """What the venue said, to be compared once fills that it contains have arrived.

    `excess_usd` is how far its equity lies beyond tolerance from its own cash and positions at our marks.
    """

    exch_ns: int
    due_ns: int
    cash_usd: int
    nets: dict[str, int]
    excess_usd: int


def venue_books(snapshot: AccountSnapshot, marks: dict[str, int], tolerance_bps: float, due_ns: int) -> VenueBooks:
    """The snapshot reduced to what is compared. Equity is left out while a mark is missing."""
    nets = {position.coin: position.net_sz for position in snapshot.positions if position.net_sz}
    excess = 0
    if all(coin in marks for coin in nets):
        values = [net_sz * marks[coin] for coin, net_sz in sorted(nets.items())]
        gap = abs(snapshot.equity_usd - snapshot.cash_usd - sum(values))
        excess = max(gap - int(sum(map(abs, values)) * tolerance_bps / 10_000), 0)
    return VenueBooks(snapshot.exch_ns, due_ns, snapshot.cash_usd, nets, excess)


def difference_usd(ledger: Ledger, venue: VenueBooks) -> int:
    """Micro-USDC between the ledger and the venue at the venue's moment: cash, positions at marks, excess equity.

    The venue's clock ticks in milliseconds: a fill of that very one may or may not be in its answer, so the nearer of
    both readings counts.
    """
    return venue.excess_usd + min(_gap_usd(ledger, venue, ns) for ns in (venue.exch_ns, venue.exch_ns - 1))


def cash_gap_usd(ledger: Ledger, venue: VenueBooks) -> int:
    """Micro-USDC between both sides' cash at the venue's moment, by the nearer of both readings of it."""
    return min(abs(ledger.as_of(ns)[0] - venue.cash_usd) for ns in (venue.exch_ns, venue.exch_ns - 1))


def _gap_usd(ledger: Ledger, venue: VenueBooks, ns: int) -> int:
    cash, nets = ledger.as_of(ns)
    gap = abs(cash - venue.cash_usd)
    for coin in nets.keys() | venue.nets.keys():
        gap += abs(nets.get(coin, 0) - venue.nets.get(coin, 0)) * ledger.marks.get(coin, 1)
    return gap


class Booked(msgspec.Struct, array_like=True):
    """Lots that the ledger booked for one order, and when last."""

    sz: int
    last_ns: int


class Ended(msgspec.Struct, array_like=True):
    """An order that is said to have ended with `filled_sz`; compared at `due_ns`."""

    filled_sz: int
    due_ns: int


class OrderBooks(msgspec.Struct):
    """Filled sizes of orders: as booked here and as the order's own record says."""

    booked: dict[Cloid, Booked] = {}
    ended: dict[Cloid, Ended] = {}

    def book(self, cloid: Cloid, sz: int, now: int) -> None:
        """Count a booked fill for its order; the longest untouched orders are forgotten beyond the limit."""
        booked = self.booked.setdefault(cloid, Booked(0, now))
        booked.sz, booked.last_ns = booked.sz + sz, now
        if len(self.booked) > ORDERS_KEPT:
            oldest = sorted(self.booked, key=lambda each: (self.booked[each].last_ns, each))
            for each in oldest[: ORDERS_KEPT // 2]:
                del self.booked[each]

    def judge(self, now: int) -> list[bool]:
        """For each order whose time has come: do its booked fills sum to what it filled?"""
        due = sorted(cloid for cloid, ended in self.ended.items() if ended.due_ns <= now)
        verdicts = []
        for cloid in due:
            filled_sz = self.ended.pop(cloid).filled_sz
            booked = self.booked.get(cloid)
            verdicts.append((booked.sz if booked else 0) == filled_sz)
        return verdicts
