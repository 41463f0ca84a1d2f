"""Named days that hurt, as moves of each coin: history as it was reported, and shapes it has not shown yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hats.risk_oversight_officer.history import RETURN_SCALE

PERCENT: Final = RETURN_SCALE // 100


class Scenario(msgspec.Struct, frozen=True):
    """How far each coin moves (percent), `others` for those not named, and where the figures are from.

    `is_deleveraged`: the winning legs are taken away before they win, so only losses count.
    """

    name: str
    percents: Mapping[str, int]
    others: int
    source: str
    is_deleveraged: bool = False

    def move(self, coin: str) -> int:
        """The coin's move, 10^-6."""
        return self.percents.get(coin, self.others) * PERCENT


_OCTOBER: Final = {"BTC": -17, "ETH": -18, "SOL": -30, "DOGE": -62, "AVAX": -70}

SCENARIOS: Final = (
    Scenario(
        "2025-10-10 tariff crash",
        _OCTOBER,
        -58,
        "BTC 123 to 102 thousand, ETH 4,346 to 3,574, SOL -30 % (Blockscope); DOGE -62 %, AVAX -70 % (press); the "
        "mean of the hundred largest, -58 % (CoinDesk Data); each rounded away from zero",
    ),
    Scenario(
        "2025-10-10 with the winning legs deleveraged",
        _OCTOBER,
        -58,
        "the same day: 34,983 auto-deleveragings of 162 assets in eleven minutes closed the winners of hedged pairs",
        is_deleveraged=True,
    ),
    Scenario("2021-05-19 crash", {}, -41, "mean of CoinDesk Data's universe, -41 %"),
    Scenario("2020-03-12 black thursday", {}, -50, "BTC and ETH lost half of their value within a day"),
    Scenario("squeeze", {"BTC": 20, "ETH": 25}, 60, "not history: the October crash upwards, for those who are short"),
    Scenario("majors up, others down", {"BTC": 10, "ETH": 10}, -30, "not history: what breaks a hedge with majors"),
    Scenario("majors down, others up", {"BTC": -10, "ETH": -10}, 30, "not history: the same the other way"),
)
