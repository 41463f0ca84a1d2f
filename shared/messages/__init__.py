"""Everything that can be said in the house: one union, one envelope."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.ids import Role, Seq
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
from shared.messages.message import Lane, Message
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
from shared.units import Ns

AnyMessage = (
    UniverseUpdate
    | BookUpdate
    | Trade
    | AssetContext
    | FeedStatus
    | VenueClockTold
    | CaptureStatus
    | BadData
    | QueryCandles
    | ReadCandles
    | CandlesTold
    | FundingClock
    | FeatureUpdate
    | RegimeUpdate
    | OrderIntent
    | CancelIntent
    | ParentOrder
    | ParentChanged
    | OrderApproved
    | OrderDenied
    | TradingStateChanged
    | RiskAlert
    | AlertAcknowledged
    | MarksKept
    | RiskReport
    | SizeBudget
    | VarianceFitted
    | VarianceJudged
    | SubmitOrder
    | CancelOrder
    | FenceOrder
    | ResendOrder
    | QueryOrder
    | QueryTwap
    | QueryAccount
    | ReadOrder
    | ReadTwaps
    | ReadAccount
    | AccountReadBegun
    | ReadAllowance
    | AllowanceTold
    | SignRequest
    | SignedAction
    | SignatureRefused
    | PostAction
    | DropWaiting
    | ActionSent
    | ActionAnswered
    | VenueOrder
    | Fill
    | FillBooked
    | OrderChanged
    | AccountSnapshot
    | FundingPayment
    | BalanceChanged
    | AccountLiquidated
    | FundingSettled
    | Reconciled
    | LedgerReport
    | WakeAt
    | Woke
    | Started
    | HatStateChanged
    | Armed
    | Disarmed
    | KillOrdered
    | ResumeOrdered
    | DrainOrdered
    | Drained
    | Measured
    | HopTimings
    | LatencyReport
    | Throttle
    | AuditRecord
    | AgentMet
    | AuditCheckpointed
    | Accessed
    | Checked
    | JobEnded
)

MESSAGE_TYPES: Final[dict[str, type[Message]]] = {kind.__name__: kind for kind in AnyMessage.__args__}
"""Every message type by its tag."""


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A message with its place in the one order.

    `ts` is when it was sequenced, `cause` the message that led to it (0: none), `origin_ns` the receive time of the
    market data at the root of that chain (0: none), from which tick-to-wire is measured.
    """

    seq: Seq
    ts: Ns
    source: Role
    cause: Seq
    origin_ns: Ns
    message: AnyMessage


__all__ = ["MESSAGE_TYPES", "AnyMessage", "Envelope", "Lane", "Message"]
