"""Settings of the Exchange Architect: where the venue is, what to follow, and how long to wait for anything."""

from __future__ import annotations

from pydantic import Field, field_validator

from shared.config import Section
from shared.warehouse.capture.settings import CaptureSettings


class Settings(Section):
    """The `[exchange_architect]` section."""

    base_url: str = Field(
        default="http://127.0.0.1:3001", description="Root of the venue's HTTP API; the WebSocket is at /ws below it."
    )
    user_address: str | None = Field(
        default=None,
        description="MASTER (or sub-account) address whose orders are read, never the agent's. None: data only.",
    )
    coins: tuple[str, ...] = Field(default=("BTC",), min_length=1, description="Perps to follow, by the venue's name.")
    fast_books: bool = Field(default=False, description="Ask for 5 levels every 0.5 s instead of 20 every 5 s.")

    book_silence_ms: int = Field(default=12_000, gt=0, description="Oldest book that still counts as fresh.")
    context_silence_ms: int = Field(default=60_000, gt=0, description="Longest silence of mark and oracle prices.")
    link_silence_ms: int = Field(default=30_000, gt=0, description="Longest silence of the whole connection.")
    ping_ms: int = Field(default=10_000, gt=0, description="A ping is sent after this long without one.")
    ack_ms: int = Field(default=5_000, gt=0, description="Subscriptions must be confirmed within this time.")
    catch_up_retry_ms: int = Field(default=5_000, gt=0, description="Pause between attempts to read the account again.")
    catch_up_overlap_ms: int = Field(default=60_000, ge=0, description="Fills are re-read from before the cut.")
    tick_ms: int = Field(default=50, gt=0, description="How often the feed looks at its deadlines.")

    connect_ms: int = Field(default=2_000, gt=0, description="Deadline for opening a connection.")
    answer_ms: int = Field(default=5_000, gt=0, description="Deadline for a whole answer.")
    read_attempts: int = Field(default=3, gt=0, description="How often a failed read is tried; actions are never.")
    read_pause_ms: int = Field(default=250, ge=0, description="Pause before a read is tried again; doubles each time.")
    warm_connections: int = Field(default=2, ge=1, le=8, description="Connections kept open for actions.")
    most_connections: int = Field(default=6, ge=1, le=8, description="Actions under way at once; the venue allows 10.")
    refresh_s: int = Field(default=300, gt=0, description="How often instruments and fees are read again.")

    backoff_first_ms: int = Field(default=250, gt=0, description="First pause before reconnecting.")
    backoff_most_ms: int = Field(default=20_000, gt=0, description="Longest pause before reconnecting.")
    connections_per_minute: int = Field(default=30, gt=0, description="Most new feed connections in any minute.")

    weight_per_minute: int = Field(default=1_200, ge=100, description="The venue's weight budget of one IP address.")
    address_requests: int | None = Field(
        default=None, description="Actions that the address may still make; None: only the venue knows, do not count."
    )
    account_pause_ms: int = Field(default=500, ge=0, description="Account reads closer than this become one.")
    measures_ms: int = Field(default=1_000, gt=0, description="How often samples are reported.")
    start_grace_ms: int = Field(default=10_000, ge=0, description="How long the feed may take to come up unpunished.")

    capture: CaptureSettings = CaptureSettings()

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
