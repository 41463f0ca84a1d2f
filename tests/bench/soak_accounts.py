"""Trading accounts for a soak: each does, at random times, anything that a client may ask of the exchange."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from shared.units import SECOND, USD, Ns, Rounding, Sz, Usd
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    Grouping,
    ModifyOrders,
    ModifySpec,
    OrderSpec,
    PlaceOrders,
    Tif,
    TriggerSpec,
    UpdateIsolatedMargin,
    UpdateLeverage,
)
from shared.venue.core.dealings import (
    CreateSubAccount,
    Mode,
    MoveClass,
    MoveSubUsd,
    SendAsset,
    SendUsd,
    SetMode,
    Withdraw,
)
from shared.venue.core.exchange import Exchange
from shared.venue.core.timed_commands import CancelTwap, PlaceTwap, ScheduleCancel, TwapSpec
from shared.venue.flow.mix import address_of
from shared.venue.flow.synthetic import Applies

LOOK_S: Final = 20.0
"""How often an account acts, on average."""
LEAST_USD: Final = 20 * USD
_TICK: Final = 0.0005
"""Distances from the market are multiples of this share of the price."""


class Account:
    """One account with its own means, its own chance and no plan."""

    def __init__(self, number: int, seed: int) -> None:
        self.user = address_of(f"account-{number}")
        self.chance = Random(f"{seed}/account-{number}")
        self.stake = Usd(int(10 ** self.chance.uniform(2.5, 6.0)) * USD)

    def act(self, exchange: Exchange, others: list[str], nonce: int) -> Iterable[Command]:
        """What it does now; new money first if it has lost the old."""
        chance, user = self.chance, self.user
        if exchange.account(user).value_usd < LEAST_USD:
            yield Deposit(user, self.stake)
        dexs = range(len(exchange.dexs) + 1)
        positions = [position for dex in dexs for position in exchange.perp_state(user, dex).positions]
        if positions and chance.random() < 0.3:
            position = chance.choice(positions)
            if chance.random() < 0.5:
                yield from self._close(exchange, position.asset, position.net_sz)
            else:
                yield from self._protect(exchange, position.asset, position.net_sz)
            return
        make = chance.choice(_HABITS)
        yield from make(self, exchange, others, nonce)

    def spec(self, exchange: Exchange, asset: int, is_buy: bool, away: int, usd: float, tif: Tif) -> OrderSpec | None:
        """An order `away` ticks behind the market (ahead, if negative); None while there is no price."""
        instrument = exchange.listings[asset].instrument
        px = exchange.mark(asset)
        if not px:
            return None
        limit = instrument.px_float(px) * (1.0 - away * _TICK if is_buy else 1.0 + away * _TICK)
        sz = Sz(max(instrument.sz_in_lots(usd / limit), 1))
        return OrderSpec(asset, is_buy, instrument.px_on_tick(limit, Rounding.NEAREST), sz, False, tif)

    def trigger(self, exchange: Exchange, asset: int, is_buy: bool, away: int, sz: Sz, is_tp: bool) -> OrderSpec:
        """A reduce-only trigger `away` ticks above (below, if negative) the mark."""
        instrument = exchange.listings[asset].instrument
        at = instrument.px_float(exchange.mark(asset)) * (1.0 + away * _TICK)
        px = instrument.px_on_tick(at, Rounding.NEAREST)
        limit = instrument.px_on_tick(at * (1.05 if is_buy else 0.95), Rounding.NEAREST)
        is_market = self.chance.random() < 0.5
        spec = TriggerSpec(px, is_market, is_tp)
        return OrderSpec(asset, is_buy, limit, sz, True, Tif.IOC if is_market else Tif.GTC, trigger=spec)

    def _close(self, exchange: Exchange, asset: int, net_sz: int) -> Iterable[Command]:
        spec = self.spec(exchange, asset, net_sz < 0, -40, 1.0, Tif.IOC)
        if spec is not None:
            yield PlaceOrders(self.user, (OrderSpec(asset, net_sz < 0, spec.px, Sz(abs(net_sz)), True, Tif.IOC),))

    def _protect(self, exchange: Exchange, asset: int, net_sz: int) -> Iterable[Command]:
        far, sz, sign = self.chance.randint(2, 40), Sz(abs(net_sz)), 1 if net_sz > 0 else -1
        take = self.trigger(exchange, asset, net_sz < 0, sign * far, sz, True)
        stop = self.trigger(exchange, asset, net_sz < 0, -sign * far, sz, False)
        yield PlaceOrders(self.user, (take, stop), Grouping.POSITION_TPSL)


def _usd(account: Account) -> float:
    """A size that suits the account's means."""
    return max(account.stake / USD * account.chance.uniform(0.02, 1.5), 12.0)


def _asset(account: Account, exchange: Exchange) -> int:
    return account.chance.choice(tuple(exchange.listings))


def _perp(account: Account, exchange: Exchange) -> int:
    return account.chance.choice([asset for asset, one in exchange.listings.items() if one.spot is None])


def _take(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    spec = account.spec(exchange, _asset(account, exchange), account.chance.random() < 0.5, -20, _usd(account), Tif.IOC)
    if spec is not None:
        yield PlaceOrders(account.user, (spec,))


def _rest(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    asset, chance = _asset(account, exchange), account.chance
    far, usd, tif = chance.randint(0, 30), _usd(account), chance.choice((Tif.GTC, Tif.ALO))
    specs = [
        account.spec(exchange, asset, chance.random() < 0.5, far + n, usd, tif) for n in range(chance.randint(1, 3))
    ]
    yield PlaceOrders(account.user, tuple(spec for spec in specs if spec is not None))


def _bracket(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    asset, is_buy = _perp(account, exchange), account.chance.random() < 0.5
    parent = account.spec(exchange, asset, is_buy, account.chance.randint(-5, 10), _usd(account), Tif.GTC)
    if parent is not None:
        far, sign = account.chance.randint(12, 40), 1 if is_buy else -1
        take = account.trigger(exchange, asset, not is_buy, sign * far, parent.sz, True)
        stop = account.trigger(exchange, asset, not is_buy, -sign * far, parent.sz, False)
        yield PlaceOrders(account.user, (parent, take, stop), Grouping.NORMAL_TPSL)


def _cancel(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    mine = exchange.open_orders(account.user)
    picked = mine[: account.chance.randint(1, 5)] if len(mine) < 100 else mine[:500]
    if picked:
        yield CancelOrders(account.user, tuple(CancelOrder(order.asset, order.oid) for order in picked))


def _modify(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    mine = [order for order in exchange.open_orders(account.user) if order.trigger is None]
    if mine:
        old = account.chance.choice(mine)
        new = account.spec(exchange, old.asset, old.is_buy, account.chance.randint(0, 30), _usd(account), Tif.GTC)
        if new is not None:
            yield ModifyOrders(account.user, (ModifySpec(old.oid, new),), account.chance.random() < 0.5)


def _margin(account: Account, exchange: Exchange, _: list[str], __: int) -> Iterable[Command]:
    asset, chance = _perp(account, exchange), account.chance
    most = exchange.listings[asset].instrument.max_leverage
    yield UpdateLeverage(account.user, asset, chance.randint(1, most), chance.random() < 0.6)
    yield UpdateIsolatedMargin(account.user, asset, chance.choice((1, -1)) * int(account.stake * chance.random() / 5))


def _elsewhere(account: Account, exchange: Exchange, others: list[str], nonce: int) -> Iterable[Command]:
    """To the other dex or back, or another way of keeping the money."""
    chance, user = account.chance, account.user
    amount = f"{account.stake / USD * chance.random() / 3:.6f}"
    ways = ("", "xyz") if chance.random() < 0.6 else ("xyz", "")
    yield SendAsset(user, user, *ways, "USDC", amount, nonce)
    if chance.random() < 0.1:
        yield SetMode(user, user, chance.choice((Mode.UNIFIED, Mode.DEX, Mode.DISABLED)))


def _later(account: Account, exchange: Exchange, _: list[str], nonce: int) -> Iterable[Command]:
    """A TWAP order, the end of one, or a scheduled cancel."""
    chance, user, asset = account.chance, account.user, _asset(account, exchange)
    running = exchange.twaps(user)
    spec = account.spec(exchange, asset, chance.random() < 0.5, 0, max(_usd(account), 150.0), Tif.IOC)
    if len(running) > 2:
        yield CancelTwap(user, running[0].asset, running[0].twap_id)
    elif spec is not None and chance.random() < 0.7:
        minutes = chance.randint(5, 40)
        yield PlaceTwap(user, TwapSpec(asset, spec.is_buy, spec.sz, False, minutes, chance.random() < 0.5))
    else:
        yield ScheduleCancel(user, nonce + chance.randint(5_000, 120_000) if chance.random() < 0.7 else None)


def _move(account: Account, exchange: Exchange, others: list[str], nonce: int) -> Iterable[Command]:
    chance, user = account.chance, account.user
    amount = f"{account.stake / USD * chance.random() / 10:.6f}"
    subs = exchange.sub_accounts(user)
    if not subs:
        yield CreateSubAccount(user, "soak")
    else:
        yield MoveSubUsd(user, subs[0], chance.random() < 0.5, int(account.stake * chance.random() / 10) + 1)
    yield chance.choice(
        (
            MoveClass(user, amount, chance.random() < 0.4),
            SendUsd(user, chance.choice(others), amount),
            Withdraw(user, amount, nonce),
        )
    )


_Habit = Callable[[Account, Exchange, list[str], int], Iterable[Command]]
_HABITS: Final[tuple[_Habit, ...]] = (
    _take, _take, _take, _rest, _rest, _rest, _bracket, _bracket, _cancel, _cancel, _modify, _modify, _margin, _move,
    _elsewhere, _later,
)  # fmt: skip


class Accounts:
    """Drives them all; same seed, same exchange: same commands."""

    def __init__(self, exchange: Exchange, count: int, seed: int) -> None:
        self._exchange = exchange
        self.accounts = [Account(number, seed) for number in range(count)]
        self.users = [account.user for account in self.accounts]
        self._due: list[tuple[int, int]] = []

    def step(self, door: Applies, now: Ns) -> Ns:
        """Let everybody act whose time has come; when the next one's does."""
        if not self._due:
            for number, account in enumerate(self.accounts):
                door.apply(Deposit(account.user, account.stake), now)
                self._later(number, now)
        while self._due and self._due[0][0] <= now:
            ns, number = heapq.heappop(self._due)
            account = self.accounts[number]
            at = Ns(max(ns, self._exchange.now_ns))
            for command in account.act(self._exchange, self.users, at // 10**6):
                door.apply(command, at)
            self._later(number, ns)
        return Ns(self._due[0][0])

    def _later(self, number: int, ns: int) -> None:
        wait_s = self.accounts[number].chance.expovariate(1.0 / LOOK_S)
        heapq.heappush(self._due, (ns + max(int(wait_s * SECOND), 1), number))
