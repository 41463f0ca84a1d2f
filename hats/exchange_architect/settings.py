"""Settings of the Exchange Architect: where the venue is, what to follow, and how long to wait for anything."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from hats.exchange_architect.channels import Channel, subscriptions_of
from shared.config import Section
from shared.warehouse.capture.settings import CaptureSettings

MOST_SUBSCRIPTIONS = 1_000
"""The venue's limit for one address."""
_FAST_SILENCE_MS, _SLOW_SILENCE_MS = 3_000, 12_000


class Settings(Section):
    """The `[exchange_architect]` section."""

    ASCENDING: ClassVar = (
        ("breaker_pause_ms", "breaker_pause_max_ms"),
        ("backoff_first_ms", "backoff_most_ms"),
        ("warm_connections", "most_connections"),
        ("ping_ms", "link_silence_ms"),
    )

    base_url: str = Field(
        default="http://127.0.0.1:3001", description="Root of the venue's HTTP API; the WebSocket is at /ws below it."
    )
    user_address: str | None = Field(
        default=None,
        description="MASTER (or sub-account) address whose orders are read, never the agent's. None: data only.",
    )
    coins: tuple[str, ...] = Field(default=("BTC",), min_length=1, description="Perps to follow, by the venue's name.")
    fast_books: bool = Field(default=False, description="Ask for 5 levels every 0.5 s instead of 20 every 5 s.")

    channels: tuple[Channel, ...] = Field(
        default=(Channel.CANDLE,),
        description="Followed too, for the capture log; `candle` also measures whether every trade was heard.",
    )
    coins_per_socket: int = Field(
        default=25, ge=1, description="Coins on one socket (more when 8 are not enough); the user has one to himself."
    )

    book_silence_ms: int | None = Field(
        default=None,
        gt=0,
        description="Oldest book that still counts as fresh. None: 3000 with fast_books, else 12000.",
    )
    book_late_ms: int = Field(
        default=10_000, gt=0, description="A book so much later or earlier than books usually are is set aside."
    )
    absurd_move_share: float = Field(
        default=0.5, gt=0, description="A mid so far from both the last one and the mark is set aside."
    )
    context_silence_ms: int = Field(default=60_000, gt=0, description="Longest silence of mark and oracle prices.")
    user_silence_ms: int = Field(
        default=2_400,
        gt=0,
        description="Longest silence of allMids on the user's socket; asked again once, then it is given up.",
    )
    link_silence_ms: int = Field(default=4_500, gt=0, description="Longest silence of the whole connection.")
    ping_ms: int = Field(default=1_500, gt=0, description="A ping is sent after this long without one.")
    ack_ms: int = Field(default=5_000, gt=0, description="Subscriptions must be confirmed within this time.")
    catch_up_retry_ms: int = Field(default=5_000, gt=0, description="Pause between attempts to read the account again.")
    doubt_pause_ms: int = Field(
        default=15_000,
        gt=0,
        description="Least pause before the account is read for a word on it that could not be read or may be missing.",
    )
    catch_up_overlap_ms: int = Field(default=60_000, ge=0, description="Fills are re-read from before the cut.")
    tick_ms: int = Field(default=50, gt=0, description="How often the feed looks at its deadlines.")

    connect_ms: int = Field(default=2_000, gt=0, description="Deadline for opening a connection.")
    answer_ms: int = Field(default=5_000, gt=0, description="Deadline for a whole answer.")
    read_attempts: int = Field(default=3, gt=0, description="How often a failed read is tried; actions are never.")
    read_pause_ms: int = Field(default=250, ge=0, description="Pause before a read is tried again; doubles each time.")
    breaker_failures: int = Field(
        default=6, gt=0, description="Attempts to read that fail in a row until none is made."
    )
    breaker_pause_ms: int = Field(
        default=1_000, gt=0, description="For so long none is made, then one tries; doubles each time that one fails."
    )
    breaker_pause_max_ms: int = Field(default=10_000, gt=0, description="Longest such pause.")
    warm_connections: int = Field(default=2, ge=1, le=8, description="Connections kept open for actions.")
    most_connections: int = Field(default=6, ge=1, le=8, description="Actions of any sort under way at once.")
    reserved_connections: int = Field(
        default=4, ge=0, le=16, description="Further connections, opened when needed, for what cancels or reduces only."
    )
    crowded_ms: int = Field(
        default=1_000,
        gt=0,
        description="An answer is waited for no longer than this while other actions wait for its connection.",
    )
    refresh_s: int = Field(default=60, gt=0, description="How often instruments and fees are read again.")

    backoff_first_ms: int = Field(default=250, gt=0, description="First pause before reconnecting.")
    backoff_most_ms: int = Field(default=20_000, gt=0, description="Longest pause before reconnecting.")
    connections_per_minute: int = Field(
        default=30, gt=0, description="Most new WebSockets in any minute, over all sockets."
    )
    frames_per_minute: int = Field(default=2_000, gt=0, description="Most WebSocket frames sent in any minute.")

    weight_per_minute: int = Field(default=1_200, ge=100, description="The venue's weight budget of one IP address.")
    weight_elsewhere: int = Field(
        default=0,
        ge=0,
        description="Of it, what other processes need; a launch counts the oracle's feeder.",
    )
    address_requests: int | None = Field(
        default=None,
        ge=0,
        description="Actions that the address may make until the venue has told; None: no limit till then.",
    )
    flatten_reserve: int = Field(
        default=200, ge=0, description="Actions of the address that entries leave for reducing and closing."
    )
    allowance_s: int = Field(default=300, gt=0, description="How often the venue's count of our actions is read.")
    account_pause_ms: int = Field(
        default=500, ge=0, description="Reads of the account, or of its TWAPs, closer than this become one."
    )
    measures_ms: int = Field(default=1_000, gt=0, description="How often samples are reported.")
    start_grace_ms: int = Field(default=10_000, ge=0, description="How long the feed may take to come up unpunished.")

    capture: CaptureSettings = CaptureSettings()

    @property
    def book_deadline_ms(self) -> int:
        """Oldest book that still counts as fresh, as set or as the venue's pace asks for."""
        if self.book_silence_ms is not None:
            return self.book_silence_ms
        return _FAST_SILENCE_MS if self.fast_books else _SLOW_SILENCE_MS

    @model_validator(mode="after")
    def _leaves_some_weight(self) -> Self:
        if self.weight_elsewhere >= self.weight_per_minute:
            raise ValueError(
                f"weight_elsewhere is {self.weight_elsewhere}, expected less than the {self.weight_per_minute} of "
                "weight_per_minute"
            )
        return self

    @model_validator(mode="after")
    def _within_the_venues_limit(self) -> Self:
        wanted = subscriptions_of(len(self.coins), self.user_address is not None, self.channels)
        if wanted > MOST_SUBSCRIPTIONS:
            raise ValueError(f"coins and channels take {wanted} subscriptions, the venue allows {MOST_SUBSCRIPTIONS}")
        return self

    @field_validator("base_url")
    @classmethod
    def _plain_root(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"expected http:// or https://, got {value!r}")
        return value.rstrip("/")

    @field_validator("user_address")
    @classmethod
    def _lower_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        digits = value.lower().removeprefix("0x")
        if len(digits) != 40 or not set(digits) <= set("0123456789abcdef"):
            raise ValueError(f"expected 0x and 40 hex digits, got {value!r}")
        return f"0x{digits}"
