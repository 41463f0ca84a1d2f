"""Every fault that may be asked for, as data: what it strikes, when, how often, and what it does."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

Ms = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Ending = Literal["hang", "cut"]
"""A connection without an answer stays open until the client gives up, or is cut at once."""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Strikes from `at_ms` after it was armed, for `for_ms` (None: until cleared), `most` times (None: no limit).

    `share` is the chance that one opportunity is struck.
    """

    at_ms: Ms = 0
    for_ms: Ms | None = None
    share: Share = 1.0
    most: Annotated[int, Meta(ge=1)] | None = None


class RequestFault(Fault, frozen=True, kw_only=True):
    """Strikes requests over `transport` whose `type` (of the action, or of the question) is `asked`; None: any."""

    path: Literal["/exchange", "/info"] | None = "/exchange"
    transport: Literal["http", "ws"] | None = None
    asked: str | None = None


class LoseAnswer(RequestFault, frozen=True, tag="lose_answer"):
    """The request is accepted and done; the answer never comes."""

    ending: Ending = "hang"


class DropRequest(RequestFault, frozen=True, tag="drop_request"):
    """The request never arrives; no answer comes."""

    ending: Ending = "hang"


class BadGateway(RequestFault, frozen=True, tag="bad_gateway"):
    """The proxy answers with `status`; the request was done before if `is_done`."""

    status: Annotated[int, Meta(ge=500, le=599)] = 502
    is_done: bool = True


class Garbage(RequestFault, frozen=True, tag="garbage"):
    """The request is done; the answer is 200 with bytes that are no JSON."""


class DelayAnswer(RequestFault, frozen=True, tag="delay_answer"):
    """The answer comes `delay_ms` late, and up to `jitter_ms` later, so that answers overtake each other."""

    delay_ms: Ms
    jitter_ms: Ms = 0


class Duplicate(RequestFault, frozen=True, tag="duplicate"):
    """The request arrives twice; the client sees the first answer."""


class TooManyRequests(RequestFault, frozen=True, tag="too_many_requests"):
    """Refused with 429 before it is read."""

    path: Literal["/exchange", "/info"] | None = None


class FrameFault(Fault, frozen=True, kw_only=True):
    """Strikes WebSocket frames of `channel` (None: of every channel but pong)."""

    channel: str | None = None


class FreezeFeed(FrameFault, frozen=True, tag="freeze_feed"):
    """No frame leaves; pings are still answered, and nothing is made up for afterwards."""


class DropFrames(FrameFault, frozen=True, tag="drop_frames"):
    """A frame is lost."""


class DelayFrames(FrameFault, frozen=True, tag="delay_frames"):
    """A frame comes `delay_ms` late and up to `jitter_ms` later; later ones may overtake it."""

    delay_ms: Ms
    jitter_ms: Ms = 0


class DuplicateFrames(FrameFault, frozen=True, tag="duplicate_frames"):
    """A frame comes twice."""


class ReorderFrames(FrameFault, frozen=True, tag="reorder_frames"):
    """A frame waits until the next one to the same client has passed it."""


class WrongBook(FrameFault, frozen=True, kw_only=True, tag="wrong_book"):
    """An l2Book frame tells what can't be."""

    channel: str | None = "l2Book"
    how: Literal["crossed", "empty", "stale", "not_a_number", "negative", "one_sided"]


class CutSockets(Fault, frozen=True, tag="cut_sockets"):
    """Every `every_ms` each WebSocket is ended with chance `share`: with a close frame of `code`, or without one.

    `is_mid_frame` sends half of a frame first, as a proxy that dies does.
    """

    every_ms: Annotated[int, Meta(ge=1)] = 1_000
    code: int | None = None
    is_mid_frame: bool = False


class MarketFault(Fault, frozen=True, kw_only=True):
    """Happens once to a coin, at `at_ms`; what can end ends after `for_ms`."""

    coin: str


class HaltTrading(MarketFault, frozen=True, tag="halt"):
    """Orders of the coin are refused."""


class DelistCoin(MarketFault, frozen=True, tag="delist"):
    """The coin is delisted and its positions are settled; this does not end."""


class ChangeMeta(MarketFault, frozen=True, kw_only=True, tag="change_meta"):
    """The coin's maximum leverage is another one."""

    max_leverage: Annotated[int, Meta(ge=1, le=1_000)]


class FundingSpike(MarketFault, frozen=True, kw_only=True, tag="funding_spike"):
    """Every premium sample of the coin is `premium` (1.0 is 100 %)."""

    premium: Annotated[float, Meta(ge=-10.0, le=10.0)]


class UserFault(Fault, frozen=True, kw_only=True):
    """Happens once to a user, at `at_ms`."""

    user: str


class ForceLiquidation(UserFault, frozen=True, kw_only=True, tag="force_liquidation"):
    """The user's positions are liquidated whatever their margin: on the book, or by handing them to the vault."""

    method: Literal["market", "backstop"] = "market"


class AutoDeleverage(UserFault, frozen=True, tag="auto_deleverage"):
    """The user's positions are closed against the counterparties that deleveraging ranks first."""


class ExpireAgents(UserFault, frozen=True, tag="expire_agents"):
    """All agents of the user are at their end."""


AnyFault = (
    LoseAnswer
    | DropRequest
    | BadGateway
    | Garbage
    | DelayAnswer
    | Duplicate
    | TooManyRequests
    | FreezeFeed
    | DropFrames
    | DelayFrames
    | DuplicateFrames
    | ReorderFrames
    | WrongBook
    | CutSockets
    | HaltTrading
    | DelistCoin
    | ChangeMeta
    | FundingSpike
    | ForceLiquidation
    | AutoDeleverage
    | ExpireAgents
)


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML file: a seed, and `[[faults]]` with their times after the start."""

    faults: tuple[AnyFault, ...] = ()
    seed: int = 0


KINDS: Final[tuple[type[Fault], ...]] = AnyFault.__args__
"""Every kind, in the order of this page."""
