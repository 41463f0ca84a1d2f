"""What a user's accounts were worth over time: samples on four grids, of which each keeps a window and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.units import DAY, HOUR, MS, Px, Usd
from shared.venue.core.accounts import Account, Accounts
from shared.venue.core.market import Market
from shared.venue.core.tokens import USD_WEI, USDC, Token
from shared.venue.core.views import account_view
from shared.venue.core.wealth import Sample, Wealth

WINDOWS: Final = ("day", "week", "month", "allTime")
SPAN_MS: Final = {"day": DAY // MS, "week": 7 * DAY // MS, "month": 30 * DAY // MS}
GRID_HOURS: Final = {"day": 2, "week": 4, "month": 12, "allTime": 168}
"""Hours between samples; those of the first three windows are as recorded, the month's was 9 to 22."""
MOST_SAMPLES: Final = 200


class WindowView(msgspec.Struct, frozen=True):
    """One window: samples, oldest first, the last is now; PnL and volume count from `base`."""

    name: str
    base: Sample
    samples: tuple[Sample, ...]


def take_samples(markets: Mapping[int, Market], accounts: Accounts, time_ns: int) -> None:
    """Sample everybody on the grids that a full hour is on."""
    hour = time_ns // HOUR
    due = [name for name in WINDOWS if hour % GRID_HOURS[name] == 0]
    if not due:
        return
    for account in accounts.by_user.values():
        sample = sample_of(markets, account, time_ns // MS)
        for name in due:
            _keep(account.wealth.samples[name], sample)


def _keep(samples: deque[Sample], sample: Sample) -> None:
    """Add a sample; when there are too many, every other one goes."""
    samples.append(sample)
    if len(samples) > MOST_SAMPLES:
        kept = list(samples)[::2]
        samples.clear()
        samples.extend(kept)


def sample_of(markets: Mapping[int, Market], account: Account, time_ms: int) -> Sample:
    """What the account is worth now at the marks, and what it gained beyond what was brought and taken."""
    perp = sum(account_view(account, dex).value_usd for dex, _ in account.distinct_houses())
    spot = sum(
        usd_of_wei(markets, token, account.spot[token.index].total_wei)
        for token in _priced_tokens(markets)
        if token.index in account.spot
    )
    wealth: Wealth = account.wealth
    perp_pnl, spot_pnl = perp - wealth.perp_flow_usd, spot - wealth.spot_flow_usd
    return Sample(time_ms, perp, spot, perp_pnl, spot_pnl, account.volume_usd, wealth.spot_volume_usd)


def windows_of(markets: Mapping[int, Market], account: Account, time_ms: int) -> list[WindowView]:
    """The four windows up to now. One that began before the account did counts from nothing."""
    latest = sample_of(markets, account, time_ms)
    views = []
    for name in WINDOWS:
        samples = account.wealth.samples[name]
        start_ms = time_ms - SPAN_MS.get(name, time_ms)
        inside = [sample for sample in samples if sample.time_ms >= start_ms]
        is_older = len(inside) < len(samples)
        base = inside[0] if is_older and inside else Sample(start_ms, 0, 0, 0, 0, 0)
        views.append(WindowView(name, base, (*inside, latest)))
    return views


def usd_of_wei(markets: Mapping[int, Market], token: Token, wei: int) -> Usd:
    """What an amount is worth at the mark of the token's market against USDC; 0 without such a market."""
    if token == USDC:
        return Usd(wei // USD_WEI)
    for market in markets.values():
        pair = market.listing.spot
        if pair is not None and pair.base == token and pair.quote == USDC:
            px: Px = market.prices.mark_px or market.last_px or Px(0)
            lots = wei // token.wei_from_lots(1)
            return Usd(px * lots // USD_WEI)
    return Usd(0)


def _priced_tokens(markets: Mapping[int, Market]) -> list[Token]:
    """USDC and every token with a market against it."""
    pairs = (market.listing.spot for market in markets.values())
    return [USDC, *(pair.base for pair in pairs if pair is not None and pair.quote == USDC)]
