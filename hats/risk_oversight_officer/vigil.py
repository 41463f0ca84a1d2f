"""What the officer watches by itself: causes that tighten trading once confirmed, some only if nobody answers.

A cause is confirmed once it held at every look for its time, so that one bad report moves nothing; meanwhile the
control of the same cause denies whatever adds. An alert that was acknowledged stays quiet until its cause is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from hats.risk_oversight_officer.case import Breach
from hats.risk_oversight_officer.concern import Concern, Vigil
from hats.risk_oversight_officer.controls import data, money
from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State, since
from shared.messages.risk import DenyReason, RiskAlert, TradingState
from shared.rules.margin import maintenance_usd
from shared.units import BPS, MINUTE, MS, Ns


class Cause(NamedTuple):
    """One thing that goes wrong: how it is seen, what it tightens to, and whether the operator is asked first."""

    name: str
    look: Callable[[State, Settings, Ns], Breach | None]
    tightens_to: TradingState
    asks_first: bool


class Finding(NamedTuple):
    """What a look led to: an alert to raise, or a state to tighten to."""

    cause: Cause
    breach: Breach
    alert: RiskAlert | None


def look(vigil: Vigil, state: State, settings: Settings, now: Ns) -> Iterator[Finding]:
    """Look at every cause; what was confirmed, and what waited too long for an acknowledgement."""
    for cause in CAUSES:
        breach = cause.look(state, settings, now)
        if breach is None:
            vigil.concerns.pop(cause.name, None)
            continue
        concern = vigil.concerns.setdefault(cause.name, Concern(now))
        if now - concern.since_ns < settings.confirm_ms * MS:
            continue
        if not concern.told_ns:
            concern.told_ns = now
            until_ns = Ns(now + settings.acknowledge_ms * MS) if cause.asks_first else now
            alert = RiskAlert(cause.name, cause.tightens_to, until_ns, breach.limit, breach.found, breach.detail)
            yield Finding(cause, breach, alert)
        late = now - concern.told_ns >= settings.acknowledge_ms * MS
        if not cause.asks_first or (late and not concern.is_acknowledged):
            yield Finding(cause, breach, None)


def obstacle(state: State, settings: Settings, now: Ns) -> str | None:
    """What would tighten again at once if trading was loosened now; None if nothing."""
    for cause in CAUSES:
        breach = None if cause.asks_first else cause.look(state, settings, now)
        if breach is not None:
            return f"{cause.name} {breach.found}, limit {breach.limit} {breach.detail}"
    return None


def _drawdown(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001 - causes look alike
    return money.drawdown_breach(state, settings)


def _daily_loss(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    return money.daily_loss_breach(state, settings)


def _beyond_approved(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    beyond = sorted(coin for coin, exposure in state.exposures.items() if exposure.is_beyond_allowed())
    if not beyond:
        return None
    found = max(abs(state.exposures[coin].net_sz) for coin in beyond)
    return Breach(DenyReason.POSITION_LIMIT, 0, found, f"lots held of {beyond[0]} beyond everything approved")


def _margin_use(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    corners, _ = state.corners()
    needed_usd = sum(maintenance_usd(state.market.tiers(c.coin), c.worst_usd) for c in corners)
    limit = settings.margin_use_limit_percent
    if state.equity_usd is None or needed_usd * 100 <= limit * state.equity_usd:
        return None
    found = -(-needed_usd * 100 // state.equity_usd) if state.equity_usd > 0 else BPS
    return Breach(DenyReason.MARGIN_USE, limit, found, "percent of equity as maintenance margin")


def _in_doubt(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    found, limit = state.in_doubt(), settings.in_doubt_limit
    return None if found < limit else Breach(DenyReason.IN_DOUBT, limit - 1, found, "orders without a definite answer")


def _equity_age(state: State, settings: Settings, now: Ns) -> Breach | None:
    limit, age_ns = settings.equity_age_limit_ms, now - state.equity_ns
    is_flat = not any(exposure.net_sz for exposure in state.exposures.values())
    if is_flat or age_ns <= limit * MS:
        return money.mark_age_breach(state, settings, now, state.begun_ns)
    return Breach(DenyReason.NO_EQUITY, limit, age_ns // MS, "ms old is the equity of the positions held")


def _clock(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    return data.clock_breach(state.market, settings)


def _cash_gap(state: State, settings: Settings, now: Ns) -> Breach | None:  # noqa: ARG001
    return money.cash_breach(state, settings)


def _denials(state: State, settings: Settings, now: Ns) -> Breach | None:
    found, limit = since(state.denied_ns, now - MINUTE), settings.denials_limit
    return None if found <= limit else Breach(DenyReason.ORDER_RATE, limit, found, "intents denied within a minute")


def _not_flat(state: State, settings: Settings, now: Ns) -> Breach | None:
    held = sorted(coin for coin, exposure in state.exposures.items() if exposure.net_sz)
    age_ms, limit = (now - state.switch.flatten_ns) // MS, settings.flatten_alarm_ms
    if not held or not state.switch.flatten_ns or age_ms <= limit:
        return None
    return Breach(DenyReason.HALTED, limit, age_ms, f"ms ago all was to be closed, and held is still {', '.join(held)}")


CAUSES: Final = (
    Cause("drawdown", _drawdown, TradingState.HALTED, asks_first=False),
    Cause("daily_loss", _daily_loss, TradingState.REDUCING, asks_first=False),
    Cause("beyond_approved", _beyond_approved, TradingState.REDUCING, asks_first=True),
    Cause("margin_use", _margin_use, TradingState.REDUCING, asks_first=True),
    Cause("in_doubt", _in_doubt, TradingState.REDUCING, asks_first=True),
    Cause("equity_age", _equity_age, TradingState.REDUCING, asks_first=True),
    Cause("clock", _clock, TradingState.REDUCING, asks_first=True),
    Cause("cash_gap", _cash_gap, TradingState.REDUCING, asks_first=True),
    Cause("denials", _denials, TradingState.REDUCING, asks_first=True),
    Cause("not_flat", _not_flat, TradingState.HALTED, asks_first=True),
)
