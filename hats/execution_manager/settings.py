"""The Execution Manager's section of the configuration."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from shared.config import Section


class Settings(Section):
    """How long to wait for the venue, what counts as proof, and how hard to try to get flat."""

    ASCENDING: ClassVar = (
        ("query_backoff_ms", "query_backoff_max_ms"),
        ("drain_tick_ms", "drain_timeout_ms"),
        ("flatten_retry_ms", "flatten_retry_max_ms"),
        ("flatten_slippage_bps", "flatten_slippage_max_bps"),
    )

    order_ttl_ms: int = Field(2_000, ge=1, description="The venue refuses an order that reaches it later than this.")
    cancel_ttl_ms: int = Field(5_000, ge=1, description="The same for a cancel.")
    answer_timeout_ms: int = Field(5_000, ge=1, description="Without an answer by then an action's fate is unknown.")
    settle_ms: int = Field(500, ge=1, description="How long an order's last fills may take before they are read.")
    query_backoff_ms: int = Field(200, ge=1, description="Pause before asking about an order again; it doubles.")
    query_backoff_max_ms: int = Field(5_000, ge=1, description="Longest such pause.")
    expiry_margin_ms: int = Field(
        3_000,
        ge=0,
        description="An order may still turn up so long after its expiry, or after its nonce was refused as used: "
        "0.76 s that the venue may hold it back, 1 s until its lookup has it, and the rest for clocks that differ.",
    )
    absences_needed: int = Field(
        2,
        ge=1,
        description="Answers 'unknown order', asked for after expiry and margin, that prove it was never placed.",
    )
    resends_max: int = Field(
        1, ge=0, description="How often the same signed bytes of an unanswered order are sent again before it expires."
    )
    fence_retry_ms: int = Field(500, ge=1, description="A fence without an answer is asked for again after this time.")
    account_lag_ms: int = Field(1_500, ge=0, description="The venue's lists may be behind its order events by so much.")
    account_timeout_ms: int = Field(5_000, ge=1, description="Ask for the account again without an answer.")
    reconcile_every_ms: int = Field(30_000, ge=1, description="How often the books are compared with the venue's.")
    confirm_ms: int = Field(500, ge=1, description="A difference is looked at again after this time.")
    confirm_rounds: int = Field(4, ge=2, description="A difference that is still there in this round is one.")
    tolerate_foreign_orders: bool = Field(
        default=False,
        description="Trade although orders that are not ours are open on the account, and leave TWAPs there alone.",
    )
    foreign_fills: Literal["halt", "adopt"] = Field(
        default="halt",
        description="What follows from a fill of no order of ours (somebody else's, a liquidation, a deleveraging, a "
        "settlement). It is booked; then trading stops until `hats resume`, or goes on.",
    )
    flatten_slippage_bps: int = Field(
        100, ge=0, description="How far through the best price the first closing order of a coin may go."
    )
    flatten_slippage_max_bps: int = Field(
        1_000,
        ge=0,
        lt=10_000,
        description="How far any may go: it doubles with each that came to less than the position for want of orders "
        "to trade with. The Risk Officer's exit_collar_bps should leave room for it.",
    )
    flatten_retry_ms: int = Field(
        1_000, ge=1, description="Pause between two closing orders of one coin; it doubles after some in vain."
    )
    flatten_retry_max_ms: int = Field(
        5_000, ge=1, description="Longest such pause. A position is closed until it is gone or the operator resumes."
    )
    flatten_patience_ms: int = Field(
        4_000, ge=0, description="A coin is closed although an order of it is still in doubt after this time."
    )
    drain_timeout_ms: int = Field(
        30_000, ge=1, description="A drain or kill that has not come to its end says so each time, and goes on."
    )
    drain_tick_ms: int = Field(100, ge=1, description="How often a drain looks at what is left.")
    parent_tick_ms: int = Field(250, ge=1, description="How often a parent order looks at its child and its schedule.")
    child_answer_ms: int = Field(3_000, ge=1, description="A child that nobody judged by then is given up.")
    child_keep_ms: int = Field(500, ge=0, description="A child is not moved sooner than this after it was asked for.")
    child_pause_ms: int = Field(200, ge=1, description="Pause after a child in vain; it doubles with each in a row.")
    child_denials_max: int = Field(10, ge=1, description="Denials in a row after which a parent order is given up.")
    protect_stop_bps: int = Field(
        0,
        ge=0,
        le=5_000,
        description="A stop at the venue closes each position when the mark goes so far against its average entry "
        "price; 0: none.",
    )
    protect_take_bps: int = Field(
        0,
        ge=0,
        le=5_000,
        description="A take-profit at the venue closes each position when the mark goes so far its way from the "
        "average entry price; 0: none.",
    )
    protect_reach_bps: int = Field(
        1_000,
        ge=1,
        le=5_000,
        description="How far beyond its trigger a stop or take-profit may trade once it has fired; the latter never "
        "beyond the entry price.",
    )
    protect_settle_ms: int = Field(
        1_000, ge=0, description="A position must have been without the right stop for so long before that is changed."
    )
    protect_every_ms: int = Field(5_000, ge=1, description="How often the distance of stops is looked at.")
    ended_orders_kept: int = Field(2_000, ge=1, description="Ended orders that are remembered, for late words on them.")
    fills_kept: int = Field(20_000, ge=1, description="Fills that are remembered, so that each is booked once.")
    held_fills_kept: int = Field(10_000, ge=1, description="Most fills held back until the books are open.")
    fills_overlap_ms: int = Field(60_000, ge=0, description="Fills are read again from this long before the last look.")
    measures_every_ms: int = Field(1_000, ge=1, description="How often measurements are reported.")
