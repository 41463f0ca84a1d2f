"""What the officer reports: exposure and the tail against their limits, and raw measurements of its own work."""

from __future__ import annotations

from hats.risk_oversight_officer.controls.exposure import position_limit_usd
from hats.risk_oversight_officer.measures import EQUITY_AGE, LIMIT_BREACHES, RESERVATION_DRIFT
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from hats.risk_oversight_officer.tail import Tail, box_of
from shared.messages.risk import RiskReport
from shared.units import BPS, MS, USD, Ns, Usd


def measure(state: State, settings: Settings, now: Ns) -> None:
    """Sample what is looked at from time to time: breaches found afterwards, drift of the sums, age of equity."""
    breaches = 0
    for coin, exposure in state.exposures.items():
        held_usd = abs(exposure.net_sz) * state.market.reference_px(coin)
        breaches += held_usd > position_limit_usd(state, settings, coin) and exposure.is_beyond_allowed()
    state.samples.add(LIMIT_BREACHES.name, float(breaches))
    state.samples.add(RESERVATION_DRIFT.name, float(sum(e.drift() for e in state.exposures.values())))
    state.samples.add(EQUITY_AGE.name, (now - state.equity_ns) / MS)


def report(state: State, settings: Settings, tail: Tail) -> RiskReport:
    """Where we stand now."""
    values = [e.net_sz * state.market.reference_px(coin) for coin, e in state.exposures.items()]
    corners, _ = state.corners()
    box = box_of(corners)
    found = tail.losses(box)
    losses = None if found is None or found.is_thin else found
    return RiskReport(
        equity_usd=Usd(state.equity_usd or 0),
        peak_equity_usd=Usd(state.peak_usd),
        gross_usd=Usd(sum(map(abs, values))),
        net_usd=Usd(sum(values)),
        worst_gross_usd=Usd(sum(corner.worst_usd for corner in corners)),
        gross_limit_usd=Usd(settings.gross_limit_usd * USD),
        drawdown_ratio=state.drawdown_usd() / state.peak_usd if state.peak_usd > 0 else 0.0,
        drawdown_limit_ratio=settings.drawdown_limit_bps / BPS,
        open_orders=len(state.order_coins),
        state=state.switch.trading,
        value_at_risk_usd=None if losses is None else Usd(losses.var_usd),
        expected_shortfall_usd=None if losses is None else Usd(losses.shortfall_usd),
        stress_usd=Usd(tail.stress(box).usd),
        value_at_risk_model=None if losses is None else losses.var_model,
        expected_shortfall_model=None if losses is None else losses.shortfall_model,
        unheard="" if losses is None else losses.unheard,
        day=state.day.number,
        day_open_usd=None if state.day.open_usd is None else Usd(state.day.open_usd),
        fitted=dict(state.returns.weights),
        day_approved_usd=Usd(state.day.approved_usd),
        disabled=tuple(sorted(name for name, record in state.strategies.items() if record.is_disabled)),
    )
