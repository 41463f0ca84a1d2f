"""The exact ledger: what every strategy holds and earned on every coin, and the cash that must agree with it.

Two sides are kept apart. The earnings side: equity = start + transfers + realised + unrealised - fees + funding, by
strategy and coin. The cash side: equity = cash + signed positions at their marks, where cash is what the venue calls
raw USD. `residual_usd` is their difference and is always 0. All money is in micro-USDC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from hats.performance_quant_analyst import handover
from shared.ids import FOREIGN, HOUSE, StrategyId
from shared.messages.account import (
    AccountLiquidated,
    AccountSnapshot,
    AttributionLine,
    BalanceChanged,
    FundingPayment,
    PositionLine,
)
from shared.messages.order import Fill, FillBooked
from shared.position import Position
from shared.units import Px, Sz, Usd, notional, truncate_ratio

MOVES_KEPT: Final = 8192
"""Newest changes of cash and positions that can be unwound; older ones are settled."""


class Account(msgspec.Struct):
    """What one strategy holds and earned on one coin. `trip_usd` is the net PnL since it was last flat."""

    position: Position = msgspec.field(default_factory=Position)
    realised_usd: int = 0
    fees_usd: int = 0
    funding_usd: int = 0
    traded_usd: int = 0
    fills: int = 0
    trip_usd: int = 0


class Move(msgspec.Struct, array_like=True):
    """One change of cash and of a position, at the venue's time."""

    exch_ns: int
    coin: str
    strategy: StrategyId
    net_sz: int
    cash_usd: int


class Ledger(msgspec.Struct):
    """The books of one run. Accounts are by coin, then strategy; `positions` are the desk's, as the venue nets them."""

    is_open: bool = False
    opened_ns: int = 0
    start_equity_usd: int = 0
    transfers_usd: int = 0
    cash_usd: int = 0
    accounts: dict[str, dict[StrategyId, Account]] = {}
    positions: dict[str, Position] = {}
    marks: dict[str, int] = {}
    moves: list[Move] = []
    funding_seen: dict[str, list[int]] = {}
    handovers: handover.Handovers = msgspec.field(default_factory=handover.Handovers)
    fills: int = 0
    trips: int = 0
    wins: int = 0

    def account(self, strategy: StrategyId, coin: str) -> Account:
        """The account of `strategy` on `coin`, made if it is new."""
        return self.accounts.setdefault(coin, {}).setdefault(strategy, Account())

    def can_open(self, snapshot: AccountSnapshot) -> bool:
        """Can the value of what is already held be told apart by coin? One coin always; more need their marks."""
        held = [position.coin for position in snapshot.positions if position.net_sz]
        return len(held) <= 1 or all(coin in self.marks for coin in held)

    def open(self, snapshot: AccountSnapshot) -> None:
        """Begin at the venue's own word. What is held already starts on the foreign line at the value it has now."""
        self.is_open, self.opened_ns = True, snapshot.exch_ns
        self.cash_usd = snapshot.cash_usd
        value_left = snapshot.equity_usd - snapshot.cash_usd
        held = sorted((position.coin, position.net_sz) for position in snapshot.positions if position.net_sz)
        self.start_equity_usd = snapshot.equity_usd if held else snapshot.cash_usd
        for n, (coin, net_sz) in enumerate(held):
            # the last takes what rounding left, so that the costs sum to the venue's value
            cost = value_left if n == len(held) - 1 else net_sz * self.marks[coin]
            value_left -= cost
            self.account(FOREIGN, coin).position = Position(net_sz, cost)
            self.positions[coin] = Position(net_sz, cost)
            self.marks.setdefault(coin, max(truncate_ratio(cost * (1 if net_sz > 0 else -1), abs(net_sz)), 1))

    def book(self, booked: FillBooked) -> None:
        """Take one fill in, on both sides of the ledger. Fills that the opening already contains change nothing.

        A fill that flattens the desk closes what the strategies hold, pro rata; only the rest is a line of its own.
        """
        fill = booked.fill
        if fill.exch_ns <= self.opened_ns:
            return
        lots = {booked.strategy: int(fill.sz)}
        if booked.strategy in HOUSE:
            lots = self._closed_by(fill, booked.strategy)
        for strategy, fee in split(fill.fee_usd, lots, fill.sz).items():
            self._book_part(fill, strategy, Sz(lots[strategy]), fee)
        self.account(max(lots, key=lambda each: (lots[each], each)), fill.coin).fills += 1
        self.fills += 1
        self.positions.setdefault(fill.coin, Position()).apply(fill.side, fill.px, fill.sz)
        self.marks.setdefault(fill.coin, fill.px)
        if fill.backstop_mark_px is not None:
            self.handovers.take(fill, fill.backstop_mark_px)
            self._book_handovers()

    def _closed_by(self, fill: Fill, closing: StrategyId) -> dict[StrategyId, int]:
        """Lots of the fill by the strategy whose position they close; the rest is the closer's own."""
        held = {
            strategy: abs(account.position.net_sz)
            for strategy, account in sorted(self.accounts.get(fill.coin, {}).items())
            if account.position.net_sz * fill.side.value < 0
        }
        lots = apportion(min(fill.sz, sum(held.values())), held)
        rest = fill.sz - sum(lots.values())
        return lots | {closing: lots.get(closing, 0) + rest} if rest else lots

    def _book_part(self, fill: Fill, strategy: StrategyId, sz: Sz, fee_usd: int) -> None:
        """`sz` lots of the fill into one strategy's account, and the cash they moved."""
        account = self.account(strategy, fill.coin)
        was, traded = account.position.net_sz, notional(fill.px, sz)
        realised = account.position.apply(fill.side, fill.px, sz)
        account.realised_usd += realised
        account.fees_usd += fee_usd
        account.traded_usd += traded
        account.trip_usd += realised - fee_usd
        self._end_trip(account, was)
        sign = fill.side.value
        self._add_move(Move(fill.exch_ns, fill.coin, strategy, sign * sz, -sign * traded - fee_usd))

    def _end_trip(self, account: Account, was: int) -> None:
        """Count the round trip if this fill brought the account to zero or through it."""
        if was == 0 or was * account.position.net_sz > 0:
            return
        self.trips += 1
        self.wins += account.trip_usd > 0
        account.trip_usd = 0

    def _add_move(self, move: Move) -> None:
        self.cash_usd += move.cash_usd
        self.moves.append(move)
        if len(self.moves) > MOVES_KEPT:
            del self.moves[: MOVES_KEPT // 2]

    def book_funding(self, payment: FundingPayment) -> bool:
        """Whether the payment was new; each (coin, exchange time) is booked once.

        It is split over what each strategy held at that instant, pro rata and signed: who was short while the desk was
        long earned what the others paid. Position that nobody of ours accounts for is the foreign line's.
        """
        seen = self.funding_seen.setdefault(payment.coin, [])
        if payment.exch_ns <= self.opened_ns or payment.exch_ns in seen:
            return False
        seen.append(payment.exch_ns)
        held = self.holdings_at(payment.coin, payment.exch_ns)
        for strategy, usd in split(payment.usd, held, payment.net_sz).items():
            account = self.account(strategy, payment.coin)
            account.funding_usd += usd
            if account.position.net_sz:
                account.trip_usd += usd
            self._add_move(Move(payment.exch_ns, payment.coin, strategy, 0, usd))
        return True

    def book_transfer(self, change: BalanceChanged) -> bool:
        """Whether the change is booked: nobody earned it, so it is in no account. The opening contains earlier ones."""
        if change.exch_ns <= self.opened_ns:
            return False
        self.transfers_usd += change.usd
        self._add_move(Move(change.exch_ns, "", FOREIGN, 0, change.usd))
        return True

    def book_liquidation(self, told: AccountLiquidated) -> bool:
        """Whether cash is booked that went with positions which the backstop took; the opening has earlier ones.

        It waits until the fills of all of them are booked. Nothing is left to tell by where the book took them.
        """
        if told.exch_ns <= self.opened_ns:
            return False
        self.handovers.hear(told)
        return self._book_handovers()

    def _book_handovers(self) -> bool:
        """A loss of the foreign line's, as the fills are, over the coins by their value."""
        parts = self.handovers.settle()
        for exch_ns, coin, usd in parts:
            account = self.account(FOREIGN, coin)
            account.realised_usd -= usd
            if account.position.net_sz:
                account.trip_usd -= usd
            self._add_move(Move(exch_ns, coin, FOREIGN, 0, -usd))
        return bool(parts)

    def holdings_at(self, coin: str, ns: int) -> dict[StrategyId, int]:
        """Signed lots that each strategy held of `coin` after everything up to `ns`."""
        held = {strategy: account.position.net_sz for strategy, account in self.accounts.get(coin, {}).items()}
        for move in self.moves:
            if move.coin == coin and move.exch_ns > ns:
                held[move.strategy] -= move.net_sz
        return held

    def as_of(self, ns: int) -> tuple[int, dict[str, int]]:
        """Cash and signed lots by coin as they stood at `ns`: every later move unwound."""
        cash, nets = self.cash_usd, {coin: position.net_sz for coin, position in self.positions.items()}
        for move in self.moves:
            if move.exch_ns > ns:
                cash -= move.cash_usd
                if not move.net_sz:
                    continue
                nets[move.coin] = nets.get(move.coin, 0) - move.net_sz
        return cash, nets

    def lines(self) -> tuple[AttributionLine, ...]:
        """What every strategy earned on every coin, ordered by strategy, then coin."""
        return tuple(
            AttributionLine(
                strategy,
                coin,
                Usd(account.realised_usd),
                account.position.unrealised_usd(Px(self.marks[coin])) if account.position.net_sz else Usd(0),
                Usd(account.fees_usd),
                Usd(account.funding_usd),
                account.fills,
                Usd(account.traded_usd),
            )
            for strategy, coin in sorted((s, c) for c, accounts in self.accounts.items() for s in accounts)
            for account in (self.accounts[coin][strategy],)
        )

    def position_lines(self) -> tuple[PositionLine, ...]:
        """What the desk holds, netted over strategies as the venue nets it; flat coins are left out."""
        return tuple(
            PositionLine(
                coin,
                position.net_sz,
                Usd(position.cost_usd),
                Px(self.marks[coin]),
                position.unrealised_usd(Px(self.marks[coin])),
            )
            for coin, position in sorted(self.positions.items())
            if position.net_sz
        )

    def equity_usd(self) -> Usd:
        """The cash side's equity: cash and every position at its mark."""
        held = (position.net_sz * self.marks[coin] for coin, position in self.positions.items() if position.net_sz)
        return Usd(self.cash_usd + sum(held))

    def residual_usd(self, lines: Iterable[AttributionLine]) -> int:
        """Cash side minus earnings side; anything but 0 is our own bug."""
        earned = sum(line.realised_usd + line.unrealised_usd - line.fees_usd + line.funding_usd for line in lines)
        return self.equity_usd() - self.start_equity_usd - self.transfers_usd - earned


def split(usd: int, held: Mapping[StrategyId, int], net_sz: int) -> dict[StrategyId, int]:
    """`usd` divided over signed holdings of a position of `net_sz` lots; the parts sum to it exactly.

    Lots of `net_sz` that `held` does not explain belong to the foreign line. Each part is truncated toward zero and
    the remainder goes to the largest holder, the first by name among equals.
    """
    shares = {strategy: lots for strategy, lots in sorted(held.items()) if lots}
    unexplained = net_sz - sum(shares.values())
    if unexplained:
        shares[FOREIGN] = shares.get(FOREIGN, 0) + unexplained
    if not net_sz:
        return {FOREIGN: usd} if usd else {}
    sign = 1 if net_sz > 0 else -1
    parts = {strategy: truncate_ratio(usd * lots * sign, abs(net_sz)) for strategy, lots in shares.items()}
    largest = min(shares, key=lambda strategy: (-abs(shares[strategy]), strategy))
    parts[largest] += usd - sum(parts.values())
    return parts


def apportion(total: int, held: Mapping[StrategyId, int]) -> dict[StrategyId, int]:
    """`total` lots over positive holdings, pro rata and never more than held; `total` is at most their sum.

    Odd lots go one by one to the largest holders, by name among equals. Holders who get none are left out.
    """
    whole = sum(held.values())
    assert 0 <= total <= whole, f"{total} lots of {whole}"
    parts = {strategy: total * lots // whole for strategy, lots in held.items()}
    odd = total - sum(parts.values())
    for strategy in sorted(held, key=lambda each: (-held[each], each)):
        if odd and parts[strategy] < held[strategy]:
            parts[strategy] += 1
            odd -= 1
    return {strategy: lots for strategy, lots in parts.items() if lots}
