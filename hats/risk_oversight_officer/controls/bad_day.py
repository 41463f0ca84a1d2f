"""The veto on the marginal effect of an order: what a bad hour and a bad day may cost with it, against without it."""

from __future__ import annotations

from hats.risk_oversight_officer.case import Breach, Case
from hats.risk_oversight_officer.tail import Losses
from shared.messages.risk import DenyReason, RiskModel
from shared.units import BPS


def check_value_at_risk(case: Case) -> Breach | None:
    """The value at risk stays within its share of equity, or the order does not raise it."""
    after, limit = case.losses, case.settings.var_limit_bps
    if after is None:
        return _unknown(case, DenyReason.VALUE_AT_RISK, limit)
    if after.var_usd * BPS <= limit * case.equity_usd:
        return None
    before = case.losses_before
    if before is not None and after.var_usd <= before.var_usd:
        return None
    detail = f"bps of equity at 99 %, {_said_by(after.var_model, after)}"
    return _breach(case, DenyReason.VALUE_AT_RISK, limit, after.var_usd, detail, after.var_model)


def check_expected_shortfall(case: Case) -> Breach | None:
    """The expected shortfall stays within its share of equity, or the order does not raise it."""
    after, limit = case.losses, case.settings.shortfall_limit_bps
    if after is None:
        return _unknown(case, DenyReason.EXPECTED_SHORTFALL, limit)
    if after.shortfall_usd * BPS <= limit * case.equity_usd:
        return None
    before = case.losses_before
    if before is not None and after.shortfall_usd <= before.shortfall_usd:
        return None
    detail = f"bps of equity beyond 97.5 %, {_said_by(after.shortfall_model, after)}"
    return _breach(case, DenyReason.EXPECTED_SHORTFALL, limit, after.shortfall_usd, detail, after.shortfall_model)


def check_stress(case: Case) -> Breach | None:
    """The loss in the worst named scenario stays within its share of equity, or the order does not raise it."""
    after, limit = case.tail.stress(case.box), case.settings.stress_limit_bps
    if after.usd * BPS <= limit * case.equity_usd:
        return None
    if after.usd <= case.tail.stress(case.box_before).usd:
        return None
    return _breach(case, DenyReason.STRESS, limit, after.usd, f"bps of equity in {after.name}", RiskModel.SCENARIO)


def _unknown(case: Case, reason: DenyReason, limit: int) -> Breach | None:
    """Nothing while the tail may be unknown; else the order is denied."""
    if not case.settings.var_required:
        return None
    return Breach(
        reason, limit, 0, f"unknown: the coins have fewer than {case.settings.var_samples_min} returns in common"
    )


def _said_by(model: RiskModel, losses: Losses) -> str:
    return f"{model}; {losses.unheard}" if losses.unheard else str(model)


def _breach(case: Case, reason: DenyReason, limit: int, usd: int, detail: str, model: RiskModel) -> Breach:
    return Breach(reason, limit, -(-usd * BPS // case.equity_usd), detail, model)
