"""All that the Risk Oversight Officer remembers."""

from __future__ import annotations

import msgspec

from hats.risk_oversight_officer.exposure import Exposure
from hats.risk_oversight_officer.kill_switch import Switch
from hats.risk_oversight_officer.market import Market
from shared.ids import Cloid
from shared.scorecard import Samples
from shared.units import Ns


class State(msgspec.Struct):
    """Positions, open orders, prices, equity, the trading state and what was approved lately.

    `order_coins` finds an open order's coin. `last_intents` is the highest intent number approved for each strategy
    number. `approved_ns` are the approvals within the rate's window. `equity_usd` is None until the ledger spoke.
    """

    run: int = 0
    switch: Switch = msgspec.field(default_factory=Switch)
    market: Market = msgspec.field(default_factory=Market)
    exposures: dict[str, Exposure] = {}
    order_coins: dict[Cloid, str] = {}
    is_opened: bool = False
    equity_usd: int | None = None
    equity_ns: Ns = Ns(0)
    peak_usd: int = 0
    last_approval_id: int = 0
    last_intents: dict[str, int] = {}
    approved_ns: list[int] = []
    samples: Samples = msgspec.field(default_factory=Samples)

    def exposure(self, coin: str) -> Exposure:
        """The coin's exposure, begun flat when first asked for."""
        return self.exposures.setdefault(coin, Exposure())

    def worst_gross_usd(self, besides: str | None = None) -> tuple[int, str | None]:
        """Sum of the coins' worst positions in micro-USDC, and a coin that could not be valued (None: all could)."""
        worst = {coin: e.worst().sz for coin, e in self.exposures.items() if coin != besides}
        prices = {coin: self.market.reference_px(coin) for coin, sz in worst.items() if sz}
        unpriced = min((coin for coin, px in prices.items() if not px), default=None)
        return sum(worst[coin] * px for coin, px in prices.items()), unpriced

    def drawdown_usd(self) -> int:
        """How far equity is below its peak, in micro-USDC; 0 while unknown."""
        return self.peak_usd - self.equity_usd if self.equity_usd is not None else 0
