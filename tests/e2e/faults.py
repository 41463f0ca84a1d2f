"""The faults of the sabotage suite: what can go wrong in each Hat's own work, and the dimension that must tell."""

from __future__ import annotations

import random
from typing import Any, Final

import msgspec

from hats.microstructure_analyst.logic import Residual
from hats.quant_strategist.logic import QuantStrategist
from hats.quant_strategist.mandate import Mandate
from hats.quant_strategist.quotes import Place, Withdraw
from hats.risk_oversight_officer.logic import RiskOversightOfficer
from hats.security_architect import SecurityArchitect
from hats.security_architect import Settings as SecuritySettings
from hats.security_architect.packing import Pack
from orchestrator.rehearsal import START_NS, Rehearsal
from shared.ids import HATS, Role
from shared.messages import AnyMessage
from shared.messages.control import HopTimings, LatencyReport
from shared.messages.market import BookUpdate, Trade
from shared.messages.order import (
    ActionAnswered,
    CancelOrder,
    FillBooked,
    OrderChanged,
    SignRequest,
    SubmitOrder,
    VenueOrder,
)
from shared.messages.risk import SizeBudget
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent
from shared.order import Side, Tif, is_open
from shared.units import SECOND, Ns, Sz
from tests.e2e.sabotage import (
    Desk,
    Meddle,
    Sabotage,
    broken,
    crashing,
    every,
    instead,
    number_of,
    slow,
    subclassed,
    without,
)

EA, QS, MA = Role.EXCHANGE_ARCHITECT, Role.QUANT_STRATEGIST, Role.MICROSTRUCTURE_ANALYST
LE, EM, RO = Role.LOW_LATENCY_ENGINEER, Role.EXECUTION_MANAGER, Role.RISK_OVERSIGHT_OFFICER
SA, PA, ML = Role.SECURITY_ARCHITECT, Role.PERFORMANCE_QUANT_ANALYST, Role.ML_RESEARCH_SCIENTIST

LATE_NS: Final = START_NS + 3 * SECOND


# ------------------------------------------------------------------------------------------------ Exchange Architect


def _drop_feed(rehearsal: Rehearsal) -> None:
    """No frame arrives for 25 s, though the connection stands."""
    venue, stage = rehearsal.venue, rehearsal.stage

    def restore(_: Ns) -> None:
        venue.is_feed_dropped = False

    venue.is_feed_dropped = True
    stage.at(stage.clock.now() + 25 * SECOND, restore)


def _delay_frames(rehearsal: Rehearsal) -> None:
    """Every frame is four seconds late."""
    rehearsal.venue.frame_delay_ns = 4 * SECOND


def _cut_frames(rehearsal: Rehearsal) -> None:
    """Of every tenth frame only half arrives."""
    is_cut = every(10)
    rehearsal.venue.mangle = lambda frame: frame[: len(frame) // 2] if is_cut(frame) else frame


# ------------------------------------------------------------------------------------------------ Quant Strategist


class OneSided(QuantStrategist):
    """Never offers to sell."""

    def _carry_over(
        self, mandate: Mandate, change: Place | Withdraw, features: FeatureUpdate, now: Ns
    ) -> list[OrderIntent | CancelIntent]:
        if isinstance(change, Place) and change.quote.side is Side.SELL and change.quote.tif is Tif.ALO:
            return []
        return super()._carry_over(mandate, change, features, now)


def _too_large(intent: OrderIntent) -> OrderIntent:
    """Every second wish is for a thousand times its size."""
    return msgspec.structs.replace(intent, sz=Sz(intent.sz * 1_000)) if number_of(intent.cloid) % 2 else intent


def _impatient(intent: OrderIntent) -> OrderIntent:
    """Takes or leaves; nothing is ever left resting."""
    return msgspec.structs.replace(intent, tif=Tif.IOC, replaces=None)


# ------------------------------------------------------------------------------------------------ analysts


def _corrupt_microprice(hat: Any, _: Ns) -> None:
    """The fitted microprice is 15 bps off to one side."""
    for coin in hat.state.coins.values():
        if coin.fit.moves_bps:
            coin.fit.moves_bps = [15.0] * len(coin.fit.moves_bps)


def _bias_slippage(hat: Any, _: Ns) -> None:
    """Ten bps too much are forecast, as if a hundred fills had taught so."""
    for coin in hat.state.coins:
        hat.state.residuals[hat._residual_key(coin)] = Residual(100, 1_000.0)


def _scale_sigma(*factors: float) -> Meddle:
    """The volatility foretold is wrong by one of these factors."""
    dice = random.Random(1)

    def meddle(hat: Any, _: Ns) -> None:
        for coin in hat.state.coins.values():
            if coin.sigma_bps is not None:
                coin.sigma_bps = dice.choice(factors) * coin.volatility.sigma_bps()

    return meddle


def _dearer(booked: FillBooked) -> FillBooked:
    """Each fee is booked as double."""
    fill = msgspec.structs.replace(booked.fill, fee_usd=booked.fill.fee_usd * 2)
    return msgspec.structs.replace(booked, fill=fill)


def _flatter(report: LatencyReport) -> LatencyReport:
    """A third of the median is reported."""
    return msgspec.structs.replace(report, tick_to_wire_p50_us=report.tick_to_wire_p50_us / 3)


# ------------------------------------------------------------------------------------------------ guardians


def _forge(order: SubmitOrder) -> SubmitOrder:
    """Every fourth order is a lot larger than approved."""
    return msgspec.structs.replace(order, sz=Sz(order.sz + 1)) if number_of(order.cloid) % 4 == 0 else order


class Lax(RiskOversightOfficer):
    """Approves whatever is asked, and tells nobody of a limit: a strategist who knows it keeps it by itself."""

    def handle(self, message: AnyMessage, now: Ns) -> list[AnyMessage]:
        """As the officer, but for the budgets."""
        return [said for said in super().handle(message, now) if not isinstance(said, SizeBudget)]

    def _judge(self, intent: OrderIntent, now: Ns) -> list[AnyMessage]:
        return [self._approve(intent, now)]


class Moody(SecurityArchitect):
    """Refuses every third order for no reason."""

    def _order_fault(self, order: SubmitOrder, now: Ns) -> str | None:
        return super()._order_fault(order, now) or ("not today" if number_of(order.cloid) % 3 == 0 else None)


class Forgetful(SecurityArchitect):
    """Signs each order by itself and forgets the last nonce, so that two of one millisecond get the same."""

    def __init__(self, settings: SecuritySettings) -> None:
        super().__init__(settings.model_copy(update={"entries_max": 1}))

    def _ask(self, pack: Pack, now: Ns) -> SignRequest:
        self.state.last_nonce = 0
        return super()._ask(pack, now)


def _rewrite_audit(hat: Any, _: Ns) -> None:
    """A record of the audit chain is changed afterwards."""
    if len(hat.state.recent) > 5:
        hat.state.recent[2] = msgspec.structs.replace(hat.state.recent[2], body="{}")


# ------------------------------------------------------------------------------------------------ the list


def _is_late(message: Any) -> bool:
    """Was it received well after the run began?"""
    return bool(message.recv_ns > LATE_NS)


def _is_late_book(features: FeatureUpdate) -> bool:
    return features.book_recv_ns > LATE_NS


CONTENT: Final = (
    Sabotage(EA, "feed dropped", "feed_availability", throw=_drop_feed),
    Sabotage(EA, "frames late", "feed_delay_ms", throw=_delay_frames),
    Sabotage(EA, "frames cut short", "bad_data_share", throw=_cut_frames),
    Sabotage(QS, "wishes too large", "denied_share", lambda: broken(QS, say=instead(OrderIntent, _too_large))),
    Sabotage(QS, "one-sided", "presence", lambda: subclassed(QS, OneSided)),
    Sabotage(QS, "rests nothing", "presence", lambda: broken(QS, say=instead(OrderIntent, _impatient))),
    Sabotage(MA, "microprice corrupted", "microprice_skill", lambda: broken(MA, meddle=_corrupt_microprice)),
    Sabotage(MA, "slippage biased", "slippage_error_bps", lambda: broken(MA, meddle=_bias_slippage)),
    Sabotage(MA, "books dropped", "books_answered", lambda: broken(MA, hear=without(_is_late, BookUpdate))),
    Sabotage(LE, "timings dropped", "sample_coverage", lambda: broken(LE, hear=without(every(1), HopTimings))),
    Sabotage(LE, "percentiles wrong", "latency_error", lambda: broken(LE, say=instead(LatencyReport, _flatter))),
    Sabotage(EM, "orders forged", "as_approved", lambda: broken(EM, say=instead(SubmitOrder, _forge))),
    Sabotage(
        EM,
        "cancels lost",
        "cancels_heeded",
        lambda: broken(EM, say=without(every(1), CancelOrder)),
        desk=Desk.PAUSED,
    ),
    Sabotage(
        EM,
        "unknowns unresolved",
        "answers_heeded",
        lambda: broken(EM, hear=without(lambda m: number_of(m.cloid) % 5 == 0, ActionAnswered, VenueOrder)),
    ),
    Sabotage(RO, "limits not kept", "over_limit_share", lambda: subclassed(RO, Lax), desk=Desk.TIGHT),
    Sabotage(
        RO,
        "reservations leaked",
        "reserved_difference",
        lambda: broken(RO, hear=without(lambda m: not is_open(m.state), OrderChanged)),
    ),
    Sabotage(RO, "evidence stale", "evidence_age_ms", lambda: broken(RO, hear=without(_is_late_book, FeatureUpdate))),
    Sabotage(SA, "valid orders refused", "verdicts_right", lambda: subclassed(SA, Moody)),
    Sabotage(SA, "audit rewritten", "chain_intact", lambda: broken(SA, meddle=_rewrite_audit)),
    Sabotage(SA, "nonces reused", "nonces_unique", lambda: subclassed(SA, Forgetful)),
    Sabotage(PA, "fills lost", "order_completeness", lambda: broken(PA, hear=without(every(3), FillBooked))),
    Sabotage(PA, "fees doubled", "ledger_difference_usd", lambda: broken(PA, hear=instead(FillBooked, _dearer))),
    Sabotage(ML, "sigma fourfold", "likelihood_skill_nats", lambda: broken(ML, meddle=_scale_sigma(4.0))),
    Sabotage(
        ML,
        "sigma at random",
        "likelihood_skill_nats",
        lambda: broken(ML, meddle=_scale_sigma(0.1, 8.0)),
    ),
    Sabotage(ML, "prints dropped", "coverage", lambda: broken(ML, hear=without(_is_late, Trade))),
)
"""Faults in the work that is a Hat's own."""
_SLOW_MS: Final = {EA: 150, LE: 300, ML: 100}
"""What a message costs the Hats that hear little; the others are overtaxed by 40 ms."""
GENERIC: Final = tuple(
    fault
    for role in HATS
    for fault in (
        Sabotage(role, "slow", "timeliness_ms", throw=slow(role, _SLOW_MS.get(role, 40))),
        Sabotage(role, "crashing", "uptime", throw=crashing(role)),
    )
)
"""Faults that any Hat can have."""
