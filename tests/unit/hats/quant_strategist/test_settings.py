"""The section's own faults are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hats.quant_strategist.settings import Settings

MM: dict[str, Any] = {"kind": "avellaneda_stoikov", "id": "mm", "coin": "BTC", "capital_share": 0.6}
TREND: dict[str, Any] = {"kind": "trend", "id": "trend", "coin": "ETH", "capital_share": 0.4}


def test_two_strategies_from_plain_data() -> None:
    """The kind chooses the model; the defaults run both kinds."""
    assert [s.kind for s in Settings.model_validate({"strategies": [MM, TREND]}).strategies] == [MM["kind"], "trend"]
    assert [s.kind for s in Settings().strategies] == [MM["kind"], "trend"]


@pytest.mark.parametrize(
    "strategies",
    [
        [MM, MM | {"capital_share": 0.1}],
        [MM, TREND | {"capital_share": 0.5}],
        [MM | {"id": "flatten"}],
        [MM | {"id": "foreign"}],
        [MM | {"kind": "martingale"}],
        [MM | {"half_spread_min_bps": 60.0}],
        [TREND | {"fast_s": 50.0}],
        [TREND | {"exit_z": 1.5}],
        [TREND | {"quote_share": 0.1}],
    ],
)
def test_nonsense_is_refused(strategies: list[dict[str, Any]]) -> None:
    """Equal ids, shares beyond one, the house's names, unknown kinds and keys, thresholds in the wrong order."""
    with pytest.raises(ValidationError):
        Settings.model_validate({"strategies": strategies})
