"""Holds each foretold sigma against the return that came."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

from hats.ml_research_scientist.volatility import log_density

INSIDE_ONE_SIGMA: Final = math.erf(math.sqrt(0.5))
"""Share of Gaussian draws within one sigma, 0.683."""
_BASELINE_MIN: Final = 20
_SKILL_MAX_NATS: Final = 2.0
"""One shock must not outweigh a minute of ordinary bars."""
_CALIBRATION_WEIGHT_MIN: Final = 0.01


class Verdict(NamedTuple):
    """How one forecast did: nats won on a constant sigma, within 2 (None: too early), and the calibration gap."""

    skill_nats: float | None
    calibration_gap: float


class Judge(msgspec.Struct):
    """What is needed to judge one coin's forecasts: past returns' variance and the recent share inside one sigma."""

    returns: int = 0
    square_sum: float = 0.0
    judged: int = 0
    inside_share: float = INSIDE_ONE_SIGMA

    def take(self, return_bps: float, sigma_bps: float | None) -> Verdict | None:
        """The verdict on the sigma that was foretold for this return, if one was. The baseline knows only the past."""
        verdict = None if sigma_bps is None else self._verdict(return_bps, sigma_bps)
        self.returns += 1
        self.square_sum += return_bps * return_bps
        return verdict

    def _verdict(self, return_bps: float, sigma_bps: float) -> Verdict:
        self.judged += 1
        weight = max(1.0 / (self.judged + 10), _CALIBRATION_WEIGHT_MIN)
        self.inside_share += weight * (float(abs(return_bps) < sigma_bps) - self.inside_share)
        skill = None
        if self.returns >= _BASELINE_MIN and self.square_sum > 0.0:
            constant_bps = math.sqrt(self.square_sum / self.returns)
            won = log_density(return_bps, sigma_bps) - log_density(return_bps, constant_bps)
            skill = min(max(won, -_SKILL_MAX_NATS), _SKILL_MAX_NATS)
        return Verdict(skill, abs(self.inside_share - INSIDE_ONE_SIGMA))
