"""One account's worth over time, as it is kept."""

from __future__ import annotations

from collections import deque

import msgspec


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """Worth and gain at one time, perps and spot apart, and volume so far, spot included; micro-USDC."""

    time_ms: int
    perp_usd: int
    spot_usd: int
    perp_pnl_usd: int
    spot_pnl_usd: int
    volume_usd: int
    spot_volume_usd: int = 0


class Wealth:
    """Samples by window, and what was brought less what was taken: gains are what is there beyond it."""

    __slots__ = ("perp_flow_usd", "samples", "spot_flow_usd", "spot_volume_usd")

    def __init__(self) -> None:
        self.perp_flow_usd = 0
        self.spot_flow_usd = 0
        self.spot_volume_usd = 0
        self.samples: dict[str, deque[Sample]] = {
            "day": deque(maxlen=14),
            "week": deque(maxlen=44),
            "month": deque(maxlen=62),
            "allTime": deque(),
        }
