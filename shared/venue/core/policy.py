"""What nobody outside knows about the venue, or what may be asked of it in two ways: one switch for each."""

from __future__ import annotations

from typing import Literal

import msgspec


class VenuePolicy(msgspec.Struct, frozen=True):
    """Choices where the venue's behaviour is not established; `docs/venue.md` has a row for each.

    `band_percent`, `spot_band_percent`: how far a limit may be from the reference price, and the number in the
    refusal's text (95 or 80 were seen on perps, 80 on spot). `oracle_distance_percent`: beyond it an order is refused
    at its turn with "Order price too far from oracle"; None never refuses. `gtc_partial_ack`: the answer to a GTC order
    of which a part filled at once and the rest rests. `modify_without_a`: "alo_only" takes post-only and resting
    GTC orders and turns the latter into ALO (since June 2026), "classic" places whatever is asked.
    `priority_grouping`: "refused" for want of staked HYPE, or "accepted" and without effect.
    """

    band_percent: int = 95
    spot_band_percent: int = 80
    oracle_distance_percent: int | None = None
    gtc_partial_ack: Literal["resting", "filled"] = "resting"
    modify_without_a: Literal["alo_only", "classic"] = "alo_only"
    priority_grouping: Literal["refused", "accepted"] = "refused"


DEFAULT_POLICY = VenuePolicy()
