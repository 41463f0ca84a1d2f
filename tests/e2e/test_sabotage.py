"""Every Hat's score tells when that Hat is broken, and only then: one fault, one Hat, and nobody else's total falls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final

import pytest

from hats.quant_strategist.settings import AvellanedaStoikovSettings, TrendSettings
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.stage import Stage
from shared.ids import HATS, Role
from shared.messages.control import KillLevel, KillOrdered, ResumeOrdered
from shared.scorecard import Scorecard
from shared.units import SECOND, Ns
from tests.e2e.faults import CONTENT, GENERIC
from tests.e2e.sabotage import Desk, Sabotage

pytestmark = pytest.mark.slow

SEED: Final = 16
HEALTHY_S: Final = 6
"""Every run begins so long without what is thrown at it."""
BROKEN_S: Final = 39
FALL: Final = 2.0
"""At least so much the broken Hat's total falls."""
TOLERANCE: Final = 0.75
"""So much another total may fall by chance. A fault changes which orders trade, and so which prints are seen; then
dimensions that judge forecasts by a few dozen outcomes (the strategist's edge, the scientist's likelihood, the
analyst's microprice) are drawn anew. The most that was seen is 0.71, the edge of 21 fills."""
DEFERRED: Final = frozenset(
    {
        "decode_us",
        "sign_latency_us",
        "chain_verified",
        "secrets_found",
        "exposures_found",
        "funding_booked",
        "funding_error_bps",
        "funding_forecast_bps",
        "unknown_s",
        "cancel_ms",
        "books_conflated",
        "shortfall_bps",
        "fill_rate",
        "prints_answered",
        "recovery_ms",
        "unprotected_s",
        "reads_suspended_share",
        "trades_heard_share",
    }
)
"""What a short run on the stage has no evidence for: a run's own jobs, real time and
sockets, an hour's funding, faults, parent orders,
stops, or hundreds of orders."""

Cards = Mapping[Role, Scorecard]


def _settings(desk: Desk) -> Settings:
    """A market maker on BTC and a hasty trend follower on ETH, so that a minute holds takers, makers and cancels."""
    settings = Settings()
    trend = TrendSettings(
        id="trend_eth",
        coin="ETH",
        capital_share=0.5,
        sample_ms=250,
        fast_s=0.5,
        slow_s=2,
        enter_z=0.3,
        exit_z=0.25,
        full_z=1.5,
        tif="Gtc",
        collar_bps=0,
    )
    maker = AvellanedaStoikovSettings(id="mm_btc", coin="BTC", capital_share=0.5)
    strategist = settings.hats.quant_strategist.model_copy(update={"strategies": (maker, trend)})
    limits = {"position_limits_usd": {"BTC": 4_000}} if desk is Desk.TIGHT else {}
    officer = settings.hats.risk_oversight_officer.model_copy(update=limits)
    sections = {"quant_strategist": strategist, "risk_oversight_officer": officer}
    return settings.model_copy(update={"hats": settings.hats.model_copy(update=sections)})


def _pause_twice(rehearsal: Rehearsal) -> None:
    """The operator pauses trading for four seconds, and does so again."""
    stage, begin_ns = rehearsal.stage, rehearsal.stage.clock.now()
    for after_s in (8, 22):
        pause, resume = KillOrdered(KillLevel.PAUSE, "test"), ResumeOrdered("test")
        for at_s, order in ((after_s, pause), (after_s + 4, resume)):
            stage.at(begin_ns + at_s * SECOND, partial(_say, stage, order))


def _say(stage: Stage, order: KillOrdered | ResumeOrdered, _: Ns) -> None:
    stage.publish(Role.OPERATOR, order)


def _cards(path: Path, desk: Desk, sabotage: Sabotage | None = None) -> Cards:
    """The nine scorecards at the end of a run."""
    hats = {sabotage.role: sabotage.make()} if sabotage and sabotage.make else None
    rehearsal = rehearse(_settings(desk), path, seed=SEED, hats=hats)
    try:
        rehearsal.run_for(HEALTHY_S)
        if desk is Desk.PAUSED:
            _pause_twice(rehearsal)
        if sabotage and sabotage.throw:
            sabotage.throw(rehearsal)
        rehearsal.run_for(BROKEN_S)
        return {card.role: card for card in rehearsal.heart.scores.cards(rehearsal.stage.clock.now())}
    finally:
        rehearsal.close()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Desk], Cards]:
    """The scorecards of each desk with nothing broken."""

    @cache
    def cards(desk: Desk) -> Cards:
        return _cards(tmp_path_factory.mktemp("healthy") / "journal.sqlite", desk)

    return cards


def _total(card: Scorecard) -> float:
    assert card.total is not None, f"{card.role}: nothing could be scored"
    return card.total


def _score(card: Scorecard, name: str) -> float:
    score = next(dimension.score for dimension in card.dimensions if dimension.measure.name == name)
    assert score is not None, f"{card.role}: {name} has no evidence"
    return score


@pytest.mark.parametrize("role", HATS)
def test_a_healthy_hat_is_scored_on_all_its_dimensions(role: Role, healthy: Callable[[Desk], Cards]) -> None:
    """With nothing broken every dimension has evidence, and the total is good."""
    card = healthy(Desk.PLAIN)[role]
    unknown = {dimension.measure.name for dimension in card.dimensions if dimension.score is None}
    assert unknown <= DEFERRED
    assert _total(card) > 9


@pytest.mark.parametrize("sabotage", [*CONTENT, *GENERIC], ids=lambda s: f"{s.role}: {s.name}")
def test_only_the_broken_hat_falls(sabotage: Sabotage, healthy: Callable[[Desk], Cards], tmp_path: Path) -> None:
    """The broken Hat's total falls, by the dimension that knows of such faults; no other total does."""
    before, after = healthy(sabotage.desk), _cards(tmp_path / "journal.sqlite", sabotage.desk, sabotage)
    role, tells = sabotage.role, sabotage.tells
    assert _score(after[role], tells) <= _score(before[role], tells) - FALL
    assert _total(after[role]) <= _total(before[role]) - FALL
    for other in set(HATS) - {role}:
        assert _total(after[other]) >= _total(before[other]) - TOLERANCE, f"{other} fell: {after[other]}"


def test_every_hat_is_sabotaged_in_its_own_work() -> None:
    """Each of the nine has at least two faults that are its own, besides being slow and crashing."""
    for role in HATS:
        assert sum(sabotage.role is role for sabotage in CONTENT) >= 2
