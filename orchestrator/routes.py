"""Who may say what and who hears it: the wiring diagram and the permission matrix, in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from shared.errors import ConfigError, NotAllowedError
from shared.hat import Hat
from shared.ids import HATS, Role
from shared.messages import Message
from shared.messages.account import (
    AccountLiquidated,
    AccountReadBegun,
    AccountSnapshot,
    BalanceChanged,
    FundingPayment,
    FundingSettled,
    LedgerReport,
    Reconciled,
)
from shared.messages.control import (
    Accessed,
    AgentMet,
    Armed,
    AuditCheckpointed,
    AuditRecord,
    Checked,
    Disarmed,
    Drained,
    DrainOrdered,
    HatStateChanged,
    HopTimings,
    JobEnded,
    KillOrdered,
    LatencyReport,
    Measured,
    ResumeOrdered,
    Started,
    Throttle,
    WakeAt,
    Woke,
)
from shared.messages.market import (
    AssetContext,
    BadData,
    BookUpdate,
    CandlesTold,
    CaptureStatus,
    FeedStatus,
    FundingClock,
    QueryCandles,
    ReadCandles,
    Trade,
    UniverseUpdate,
    VenueClockTold,
)
from shared.messages.order import (
    ActionAnswered,
    ActionSent,
    AllowanceTold,
    CancelOrder,
    DropWaiting,
    FenceOrder,
    Fill,
    FillBooked,
    OrderChanged,
    PostAction,
    QueryAccount,
    QueryOrder,
    QueryTwap,
    ReadAccount,
    ReadAllowance,
    ReadOrder,
    ReadTwaps,
    ResendOrder,
    SignatureRefused,
    SignedAction,
    SignRequest,
    SubmitOrder,
    VenueOrder,
)
from shared.messages.parent import ParentChanged, ParentOrder
from shared.messages.risk import (
    AlertAcknowledged,
    MarksKept,
    OrderApproved,
    OrderDenied,
    RiskAlert,
    RiskReport,
    SizeBudget,
    TradingStateChanged,
    VarianceFitted,
    VarianceJudged,
)
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent, RegimeUpdate

EA: Final = Role.EXCHANGE_ARCHITECT
QS: Final = Role.QUANT_STRATEGIST
MA: Final = Role.MICROSTRUCTURE_ANALYST
LE: Final = Role.LOW_LATENCY_ENGINEER
EM: Final = Role.EXECUTION_MANAGER
RO: Final = Role.RISK_OVERSIGHT_OFFICER
SA: Final = Role.SECURITY_ARCHITECT
PA: Final = Role.PERFORMANCE_QUANT_ANALYST
ML: Final = Role.ML_RESEARCH_SCIENTIST
OR: Final = Role.ORCHESTRATOR
OP: Final = Role.OPERATOR


class Route(NamedTuple):
    """Who may say a message and who hears it. `addressed`: only the Hat that the message names hears it.

    No hearer means that the speaker's own edge carries it out; it is journaled all the same.
    """

    said_by: tuple[Role, ...]
    heard_by: tuple[Role, ...]
    addressed: bool = False


ROUTES: Final[Mapping[type[Message], Route]] = {
    # market data
    UniverseUpdate: Route((EA,), (EA, MA, QS, RO, EM, PA, ML, OR)),
    BookUpdate: Route((EA,), (MA,)),
    Trade: Route((EA,), (MA, ML)),
    AssetContext: Route((EA,), (EA, QS, RO, PA)),
    FeedStatus: Route((EA,), (EA, MA, QS, RO, EM, ML, OR)),
    VenueClockTold: Route((EA,), (RO,)),
    CaptureStatus: Route((EA,), (RO, OR)),
    BadData: Route((EA,), (OR,)),
    FundingClock: Route((EA,), (QS, PA)),
    QueryCandles: Route((RO,), (EA,)),
    ReadCandles: Route((EA,), ()),
    CandlesTold: Route((EA,), (RO,)),
    # conclusions
    FeatureUpdate: Route((MA,), (QS, RO, EM)),
    RegimeUpdate: Route((ML,), (QS, RO, MA)),
    # from wish to order
    OrderIntent: Route((QS, EM), (RO, SA)),
    CancelIntent: Route((QS, OP), (EM,)),
    ParentOrder: Route((QS, OP), (EM,)),
    ParentChanged: Route((EM,), (OR,)),
    OrderApproved: Route((RO,), (EM, SA)),
    OrderDenied: Route((RO,), (QS, EM, SA)),
    SubmitOrder: Route((EM,), (SA,)),
    CancelOrder: Route((EM,), (SA,)),
    FenceOrder: Route((EM,), (SA,)),
    ResendOrder: Route((EM,), (EA,)),
    SignRequest: Route((SA,), ()),
    SignedAction: Route((SA,), (EA, SA)),
    SignatureRefused: Route((SA,), (EM, SA)),
    PostAction: Route((EA,), ()),
    DropWaiting: Route((EA,), ()),
    ActionSent: Route((EA,), (EM,)),
    ActionAnswered: Route((EA,), (EM, SA, EA)),
    QueryOrder: Route((EM,), (EA,)),
    QueryTwap: Route((EM,), (EA,)),
    QueryAccount: Route((EM,), (EA,)),
    ReadOrder: Route((EA,), ()),
    ReadTwaps: Route((EA,), ()),
    ReadAccount: Route((EA,), ()),
    AccountReadBegun: Route((EA,), (EA,)),
    ReadAllowance: Route((EA,), ()),
    AllowanceTold: Route((EA,), (EA, EM)),
    # back from the venue
    VenueOrder: Route((EA,), (EM,)),
    Fill: Route((EA,), (EM,)),
    FillBooked: Route((EM,), (QS, RO, PA, MA, SA)),
    OrderChanged: Route((EM,), (QS, RO, PA, SA, OR)),
    AccountSnapshot: Route((EA,), (EM, PA)),
    FundingPayment: Route((EA,), (PA,)),
    BalanceChanged: Route((EA,), (PA,)),
    AccountLiquidated: Route((EA,), (PA,)),
    FundingSettled: Route((PA,), ()),
    Reconciled: Route((EM,), (RO, PA, OR)),
    LedgerReport: Route((PA,), (RO, OR)),
    MarksKept: Route((OR,), (RO,)),
    RiskReport: Route((RO,), (OR,)),
    SizeBudget: Route((RO,), (QS,)),
    VarianceFitted: Route((OP,), (RO,)),
    VarianceJudged: Route((RO,), ()),
    RiskAlert: Route((RO,), (OR,)),
    AlertAcknowledged: Route((OP,), (RO, OR)),
    TradingStateChanged: Route((RO,), (QS, EM, SA, OR)),
    AuditRecord: Route((SA,), ()),
    AgentMet: Route((SA,), (SA,)),
    AuditCheckpointed: Route((SA,), (SA,)),
    Checked: Route((OP,), (SA,)),
    JobEnded: Route((OP,), (OR,)),
    Accessed: Route((OR,), (SA,)),
    # life
    WakeAt: Route(HATS, (OR,)),
    Woke: Route((OR,), HATS, addressed=True),
    Started: Route((OR,), HATS, addressed=True),
    HatStateChanged: Route((OR,), (RO, LE)),
    Armed: Route((OR,), (RO, QS, EM)),
    Disarmed: Route((OR,), (RO, QS, EM)),
    KillOrdered: Route((OP, OR), (RO, EM, SA, EA, OR)),
    ResumeOrdered: Route((OP,), (RO, EM, SA, EA, OR)),
    DrainOrdered: Route((OR, OP), (EM, QS, RO, OR)),
    Drained: Route((EM,), (OR,)),
    # measurement
    Measured: Route((*HATS, OR), (OR,)),
    HopTimings: Route((OR,), (LE, RO)),
    LatencyReport: Route((LE,), (OR,)),
    Throttle: Route((LE,), (QS,)),
}


def hearers(source: Role, message: Message) -> tuple[Role, ...]:
    """Who hears this message; NotAllowedError if `source` may not say it."""
    route = ROUTES[type(message)]
    if source not in route.said_by:
        raise NotAllowedError(f"{source} may not say {type(message).__name__}; only {', '.join(route.said_by)} may")
    if route.addressed:
        return (message.role,)  # type: ignore[attr-defined]
    return route.heard_by


def check(hats: Iterable[Hat], message_types: Iterable[type[Message]]) -> None:
    """Nothing if the table and the Hats agree; ConfigError with every disagreement otherwise."""
    problems = [f"no route for {kind.__name__}" for kind in message_types if kind not in ROUTES]
    for hat in hats:
        routed = {kind for kind, route in ROUTES.items() if hat.role in route.heard_by}
        problems += [f"{hat.role} is sent {k.__name__} but does not hear it" for k in _sorted(routed - set(hat.hears))]
        problems += [f"{hat.role} hears {k.__name__} but is never sent it" for k in _sorted(set(hat.hears) - routed)]
    if problems:
        raise ConfigError(problems)


def _sorted(kinds: Iterable[type[Message]]) -> list[type[Message]]:
    return sorted(kinds, key=lambda kind: kind.__name__)
