"""What the Security Architect is measured by."""

from __future__ import annotations

from typing import Final

from hats.security_architect.key_rules import AGE_DAYS_MAX, AGE_DAYS_WARN
from shared.scorecard import Measure, Statistic

SIGN_LATENCY: Final = "sign_latency_us"
WRONG_REFUSALS: Final = "wrong_refusals"
REFUSED_SHARE: Final = "refused_share"
NONCES_UNIQUE: Final = "nonces_unique"
SIGNATURES_TAKEN: Final = "signatures_taken"
CHAIN_INTACT: Final = "chain_intact"
UNSIGNED_AGE: Final = "audit_unsigned_s"
KEY_AGE: Final = "key_age_days"
APPROVALS_UNSPENT: Final = "approvals_unspent"
CHAIN_VERIFIED: Final = "chain_verified"
SECRETS_FOUND: Final = "secrets_found"
EXPOSURES_FOUND: Final = "exposures_found"

MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        name=SIGN_LATENCY,
        unit="us",
        meaning="Time from asking the signer to holding the signature.",
        statistic=Statistic.P99,
        floor=50_000.0,
        target=5_000.0,
        min_samples=20,
    ),
    Measure(
        name=WRONG_REFUSALS,
        unit="share",
        meaning="Requests within the signer's caps that stood on a matching approval and yet were not signed.",
        statistic=Statistic.MEAN,
        floor=0.02,
        target=0.0,
        min_samples=20,
        critical=True,
    ),
    Measure(
        name=REFUSED_SHARE,
        unit="share",
        meaning="Orders and cancels refused for want of a right: somebody forges. Not counted, for refusing is right.",
        statistic=Statistic.MEAN,
        floor=0.2,
        target=0.0,
        min_samples=20,
        weight=0.0,
    ),
    Measure(
        name=NONCES_UNIQUE,
        unit="share",
        meaning="Signatures whose nonce was asked for, once, and lies above every nonce before it.",
        statistic=Statistic.MEAN,
        floor=0.999,
        target=1.0,
        min_samples=20,
        critical=True,
    ),
    Measure(
        name=SIGNATURES_TAKEN,
        unit="share",
        meaning="Definite answers of the venue that do not dispute the signer or the nonce.",
        statistic=Statistic.MEAN,
        floor=0.95,
        target=1.0,
        min_samples=20,
        critical=True,
    ),
    Measure(
        name=CHAIN_INTACT,
        unit="share",
        meaning="Checks of the newest audit records, hashed anew, that found the chain unbroken.",
        statistic=Statistic.MEAN,
        floor=0.99,
        target=1.0,
        min_samples=5,
        critical=True,
    ),
    Measure(
        name=UNSIGNED_AGE,
        unit="s",
        meaning="Age of the oldest audit record that no signed checkpoint covers yet, looked at every report.",
        statistic=Statistic.P99,
        floor=300.0,
        target=75.0,
        min_samples=10,
    ),
    Measure(
        name=CHAIN_VERIFIED,
        unit="share",
        meaning="Verifications of the whole audit log, with both copies of its checkpoints, that found it sound.",
        statistic=Statistic.MEAN,
        floor=0.999,
        target=1.0,
        min_samples=1,
        critical=True,
    ),
    Measure(
        name=SECRETS_FOUND,
        unit="places",
        meaning="Places where the last scan found a secret of the run outside its own file.",
        statistic=Statistic.LAST,
        floor=1.0,
        target=0.0,
        min_samples=1,
        critical=True,
    ),
    Measure(
        name=EXPOSURES_FOUND,
        unit="places",
        meaning="Files that others can read and sockets that other machines can reach, as the last scan found them.",
        statistic=Statistic.LAST,
        floor=1.0,
        target=0.0,
        min_samples=1,
    ),
    Measure(
        name=KEY_AGE,
        unit="days",
        meaning="Age of the agent's key, as the signer tells it; the policy allows 90 days.",
        statistic=Statistic.LAST,
        floor=float(AGE_DAYS_MAX),
        target=float(AGE_DAYS_WARN),
        min_samples=5,
    ),
    Measure(
        name=APPROVALS_UNSPENT,
        unit="share",
        meaning="Approvals that ended without an order; the Execution Manager's doing, so it is not counted.",
        statistic=Statistic.MEAN,
        floor=0.5,
        target=0.02,
        min_samples=20,
        weight=0.0,
    ),
)
