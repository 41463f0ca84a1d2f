"""The spot leg: a maker and a taker for each pair, around the oracle of the perp that the pair belongs to.

Everything follows from one seed. A pair's price is the perp's oracle times a small basis that reverts to zero, so
that what perp and spot are apart can be traded; a pair without a perp has a price of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from shared.units import DAY, SECOND, Ns, Px, Rounding
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    IssueToken,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
)
from shared.venue.core.exchange import Exchange
from shared.venue.flow.mix import address_of
from shared.venue.flow.spot_coins import SPOT_COINS, SpotCoin
from shared.venue.flow.synthetic import Applies

INTERVAL_NS: Final = SECOND // 2
LAYERS: Final = 5
WEALTH_USD: Final = 20_000_000.0
"""What maker and taker each own of both tokens of a pair."""
TAKER_CHANCE: Final = 0.15
"""Of a taker's order in one interval."""
SIZE_SIGMA: Final = 0.8
BASIS_TAU_S: Final = 1_800.0
LEAN_BPS: Final = 20.0
"""How far the maker leans at most; so far when it has given, or got, this many of a taker's median trades."""
LEAN_TRADES: Final = 60.0
MIN_TRADE_USD: Final = 12.0
MAX_SLIPPAGE: Final = 0.02
_YEAR_S: Final = 365 * DAY / SECOND


class _Pair:
    """One pair, its two traders and its price."""

    __slots__ = ("asset", "basis", "chance", "coin", "instrument", "maker", "own_px", "perp", "taker", "wealth_wei")

    def __init__(self, coin: SpotCoin, exchange: Exchange, seed: int) -> None:
        listed = {one.instrument.coin: asset for asset, one in exchange.listings.items()}
        name = coin.pair.name
        self.coin = coin
        self.asset = listed[name]
        self.instrument = exchange.listings[self.asset].instrument
        self.perp = None if coin.perp is None else listed.get(coin.perp)
        self.maker, self.taker = address_of(f"{name}/spot-maker"), address_of(f"{name}/spot-taker")
        self.chance = Random(f"{seed}/{name}/spot")
        self.own_px = coin.start
        self.basis = 0.0
        self.wealth_wei = 0

    def move(self, span_s: float) -> None:
        """Let the price that is the pair's alone go on for a while."""
        step = self.chance.gauss(0.0, self.coin.sigma_annual * math.sqrt(span_s / _YEAR_S))
        if self.perp is None:
            self.own_px *= math.exp(step)
        else:
            self.basis += step - self.basis * span_s / BASIS_TAU_S

    def fair(self, exchange: Exchange) -> float:
        """What the base token is worth now, in the quote."""
        oracle = 0 if self.perp is None else exchange.oracle(self.perp)
        if self.perp is None or not oracle:
            return self.own_px
        return exchange.listings[self.perp].instrument.px_float(oracle) * math.exp(self.basis)


class SpotMarket:
    """Drives the pairs of an exchange that lists them; reads its books and acts through the door only."""

    def __init__(self, exchange: Exchange, seed: int, coins: Sequence[SpotCoin] = SPOT_COINS) -> None:
        self._exchange = exchange
        self._pairs = [_Pair(coin, exchange, seed) for coin in coins]
        self._due_ns = 0

    @property
    def users(self) -> tuple[str, ...]:
        """Addresses of all makers and takers."""
        return tuple(user for pair in self._pairs for user in (pair.maker, pair.taker))

    def step(self, door: Applies, now: Ns) -> Ns:
        """Let everything happen that falls due up to `now`; the result is when the next thing does."""
        if not self._due_ns:
            for pair in self._pairs:
                for command in self._beginning(pair):
                    door.apply(command, now)
            self._due_ns = now
        while self._due_ns <= now:
            # a client's command may have reached the core since this fell due; time never goes back there
            at = Ns(max(self._due_ns, self._exchange.now_ns))
            for pair in self._pairs:
                for command in self._acts(pair):
                    door.apply(command, at)
            self._due_ns += INTERVAL_NS
        return Ns(self._due_ns)

    def _beginning(self, pair: _Pair) -> Iterator[Command]:
        """Tokens for both traders and a first price."""
        fair, tokens = pair.fair(self._exchange), pair.coin.pair
        pair.wealth_wei = tokens.base.wei_from_lots(pair.instrument.sz_in_lots(WEALTH_USD / fair))
        for user in (pair.maker, pair.taker):
            yield IssueToken(user, tokens.base.index, pair.wealth_wei)
            yield IssueToken(user, tokens.quote.index, tokens.quote.wei(f"{WEALTH_USD:.0f}"))
        yield SetPrices(pair.asset, self._px(pair, fair, Rounding.NEAREST))

    def _acts(self, pair: _Pair) -> Iterator[Command]:
        """New quotes, and now and then an order that takes."""
        pair.move(INTERVAL_NS / SECOND)
        fair = pair.fair(self._exchange)
        old = self._exchange.open_orders(pair.maker)
        if old:
            yield CancelOrders(pair.maker, tuple(CancelOrder(order.asset, oid=order.oid) for order in old))
        yield PlaceOrders(pair.maker, tuple(self._quotes(pair, fair)))
        if pair.chance.random() < TAKER_CHANCE:
            yield PlaceOrders(pair.taker, (self._taking(pair, fair),))

    def _quotes(self, pair: _Pair, fair: float) -> Iterator[OrderSpec]:
        """Both sides, wider and larger layer by layer, leaning against what the maker holds."""
        centre = fair * (1 - self._lean(pair) * LEAN_BPS / 10_000)
        for layer in range(LAYERS):
            away = pair.coin.spread_bps * (0.5 + layer) / 10_000
            sz = pair.instrument.sz_in_lots(max(pair.coin.trade_usd * (1 + layer), MIN_TRADE_USD) / fair)
            bid = self._px(pair, centre * (1 - away), Rounding.DOWN)
            ask = self._px(pair, centre * (1 + away), Rounding.UP)
            yield OrderSpec(pair.asset, True, bid, sz, False, Tif.GTC)
            yield OrderSpec(pair.asset, False, ask, sz, False, Tif.GTC)

    def _taking(self, pair: _Pair, fair: float) -> OrderSpec:
        """An order that takes what is there within two percent."""
        is_buy = pair.chance.random() < 0.5
        usd = max(pair.coin.trade_usd * math.exp(pair.chance.gauss(0.0, SIZE_SIGMA)), MIN_TRADE_USD)
        limit = fair * (1 + MAX_SLIPPAGE if is_buy else 1 - MAX_SLIPPAGE)
        px = self._px(pair, limit, Rounding.DOWN if is_buy else Rounding.UP)
        return OrderSpec(pair.asset, is_buy, px, pair.instrument.sz_in_lots(usd / fair), False, Tif.IOC)

    def _lean(self, pair: _Pair) -> float:
        """What the maker holds too much of the base token, as a share of LEAN_TRADES trades, between -1 and 1."""
        base = pair.coin.pair.base
        held = next((view.total_wei for view in self._exchange.spot_balances(pair.maker) if view.token == base), 0)
        trades = (held / pair.wealth_wei - 1) * WEALTH_USD / pair.coin.trade_usd
        return max(-1.0, min(1.0, trades / LEAN_TRADES))

    @staticmethod
    def _px(pair: _Pair, value: float, rounding: Rounding) -> Px:
        return pair.instrument.px_on_tick(value, rounding)
