"""What equity allows: losses so far, leverage, margin, the distance to liquidation and what holding costs."""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case, over_equity
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from shared.messages.risk import DenyReason
from shared.rules.margin import liquidation_px, maintenance_usd
from shared.units import BPS, MS, USD, Ns

RATE_PER_BPS = 10**6
"""Funding rates are integers of 10^-10 an hour."""


def check_drawdown(case: Case) -> Breach | None:
    """Equity is no further below its peak than allowed."""
    return drawdown_breach(case.state, case.settings)


def check_daily_loss(case: Case) -> Breach | None:
    """Equity is no further below where the UTC day began than allowed."""
    return daily_loss_breach(case.state, case.settings)


def check_equity(case: Case) -> Breach | None:
    """Equity is known, fresh (so are the marks that it counts by) and positive."""
    state, limit_ms = case.state, case.settings.equity_age_limit_ms
    if state.equity_usd is None:
        return Breach(DenyReason.NO_EQUITY, limit_ms, 0, "the ledger has not spoken yet")
    age_ns = case.now - state.equity_ns
    if age_ns > limit_ms * MS:
        return Breach(DenyReason.NO_EQUITY, limit_ms, -(-age_ns // MS), "ms old is the equity")
    if state.equity_usd <= 0:
        return Breach(DenyReason.NO_EQUITY, 1, state.equity_usd, "micro-USDC of equity")
    return mark_age_breach(state, case.settings, case.now)


def check_cash(case: Case) -> Breach | None:
    """The venue's cash and the ledger's are the same but for so much.

    Until they were compared twice nothing is held against it: the ledger begins with the venue's own cash.
    """
    return cash_breach(case.state, case.settings)


def check_leverage(case: Case) -> Breach | None:
    """Equity is large enough for the worst gross exposure."""
    limit = case.settings.leverage_limit_percent
    if case.gross_usd * 100 <= limit * case.equity_usd:
        return None
    found = over_equity(case.gross_usd, case.equity_usd, 100)
    return Breach(DenyReason.LEVERAGE, limit, found, "percent of equity, everything filled")


def check_margin_use(case: Case) -> Breach | None:
    """The worst positions' maintenance margin takes no more of equity than allowed."""
    limit = case.settings.margin_use_limit_percent
    own_usd = case.worst.sz * case.state.market.reference_px(case.intent.coin)
    needed_usd = case.others_maintenance_usd + maintenance_usd(case.state.market.tiers(case.intent.coin), own_usd)
    if needed_usd * 100 <= limit * case.equity_usd:
        return None
    found = over_equity(needed_usd, case.equity_usd, 100)
    return Breach(DenyReason.MARGIN_USE, limit, found, "percent of equity as maintenance margin")


def check_liquidation_distance(case: Case) -> Breach | None:
    """With everything on its side filled, the coin's liquidation price is far enough from its price."""
    limit, coin, side = case.settings.liquidation_distance_bps, case.intent.coin, case.intent.side
    px = case.state.market.reference_px(coin)
    net_sz = side.value * case.worst.on(side)
    tiers = case.state.market.tiers(coin)
    liquidation = liquidation_px(tiers, net_sz, px, case.equity_usd, case.others_maintenance_usd)
    # beyond zero a long can't be liquidated by this coin; a short always has a price above it
    if net_sz * side.value <= 0 or liquidation is None or side.value * (px - liquidation) * BPS >= limit * px:
        return None
    found = side.value * (px - liquidation) * BPS // px
    return Breach(DenyReason.LIQUIDATION_DISTANCE, limit, int(found), "bps from the price to liquidation")


def check_funding(case: Case) -> Breach | None:
    """The position that it adds to does not pay more funding an hour than allowed."""
    if case.context is None:  # `check_context_age` has denied whatever is asked this
        return None
    paid_e10 = case.intent.side.value * case.context.funding_rate_e10
    limit = case.settings.funding_limit_bps
    if paid_e10 <= limit * RATE_PER_BPS:
        return None
    return Breach(DenyReason.FUNDING_COST, limit, -(-paid_e10 // RATE_PER_BPS), "bps an hour to be paid")


def mark_age_breach(state: State, settings: Settings, now: Ns, since_ns: int = 0) -> Breach | None:
    """Is a position's mark older than allowed, so that equity stands still although it may not?

    One that nobody told counts as told at `since_ns`.
    """
    limit = settings.context_age_limit_ms
    held = [coin for coin, exposure in state.exposures.items() if exposure.net_sz]
    marked_ns, coin = min(((state.market.marked_ns(coin), coin) for coin in held), default=(now, ""))
    if now - (marked_ns or since_ns) <= limit * MS:
        return None
    if not marked_ns:
        return Breach(DenyReason.NO_EQUITY, limit, 0, f"{coin} is held, and the venue told no mark of it")
    age_ms = -(-(now - marked_ns) // MS)
    return Breach(DenyReason.NO_EQUITY, limit, age_ms, f"ms old is the mark of {coin}, which is held")


def cash_breach(state: State, settings: Settings) -> Breach | None:
    """Does cash come or go that no fill, fee, funding or transfer explains?"""
    gap, limit = state.cash_gap_usd, settings.cash_gap_limit_usd
    if gap is None or gap <= limit * USD:
        return None
    return Breach(DenyReason.CASH_GAP, limit, -(-gap // USD), "USDC between the venue's cash and the ledger's")


def drawdown_breach(state: State, settings: Settings) -> Breach | None:
    """Is equity further below its peak than allowed?"""
    drawdown, peak = state.drawdown_usd(), state.peak_usd
    if drawdown * BPS <= settings.drawdown_limit_bps * peak:
        return None
    found = -(-drawdown * BPS // peak) if peak > 0 else BPS
    return Breach(DenyReason.DRAWDOWN, settings.drawdown_limit_bps, found, "bps below the highest equity")


def daily_loss_breach(state: State, settings: Settings) -> Breach | None:
    """Is equity further below where the day began than allowed?"""
    loss, open_usd = state.day_loss_usd(), state.day.open_usd or 0
    if loss * BPS <= settings.daily_loss_limit_bps * open_usd:
        return None
    found = -(-loss * BPS // open_usd) if open_usd > 0 else BPS
    return Breach(DenyReason.DAILY_LOSS, settings.daily_loss_limit_bps, found, "bps lost since the UTC day began")
