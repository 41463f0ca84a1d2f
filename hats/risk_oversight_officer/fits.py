"""Whether a fit of GARCH(1,1) is believed: what comes from outside is held against bounds first."""

from __future__ import annotations

from hats.risk_oversight_officer.settings import Settings
from hats.risk_oversight_officer.state import State
from shared.messages.risk import VarianceFitted, VarianceJudged


def judged(state: State, settings: Settings, fit: VarianceFitted) -> VarianceJudged:
    """Take the coin's weights over, or say why those that it had go on."""
    refusal = fault_in(fit, settings)
    if not refusal:
        state.returns.weigh(fit.coin, fit.alpha, fit.beta)
    alpha, beta = state.returns.weights.get(fit.coin, (settings.var_alpha, settings.var_beta))
    return VarianceJudged(fit.coin, alpha, beta, refusal)


def fault_in(fit: VarianceFitted, settings: Settings) -> str:
    """Why it can't be taken; empty if it can. What is no number is within no bounds."""
    if fit.every_ms != settings.var_every_ms:
        return f"returns of {fit.every_ms} ms, sampled are those of {settings.var_every_ms}"
    if fit.returns < settings.var_samples:
        return f"{fit.returns} returns, fewer than the {settings.var_samples} that it is to weigh"
    if not (0.0 < fit.alpha <= settings.var_alpha_max and 0.0 < fit.beta < 1.0):
        return f"alpha {fit.alpha:.4f}, beta {fit.beta:.4f}: beyond alpha {settings.var_alpha_max}"
    if not settings.var_persistence_min <= fit.alpha + fit.beta < 1.0:
        return f"alpha + beta {fit.alpha + fit.beta:.4f}, expected {settings.var_persistence_min} up to 1, exclusively"
    return ""
