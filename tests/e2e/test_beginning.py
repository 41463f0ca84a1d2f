"""A desk that begins with the venue's candles: the tail of its returns is known, and vetoes, from the first minute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator import compose
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.telling.reproduction import replay_hat
from shared.codec import decode
from shared.ids import Role
from shared.messages.market import CandlesTold, ReadCandles
from shared.messages.risk import DenyReason, OrderDenied, RiskReport
from shared.units import MINUTE, MS

pytestmark = pytest.mark.slow
STEP = MINUTE // MS


def said(desk: Rehearsal, kind: type[Any]) -> list[Any]:
    """Every message of a kind in the journal."""
    return [decode(entry.body) for entry in desk.journal.reader.messages(kind=kind.__name__)]


def with_history(desk: Rehearsal) -> None:
    """The exchange tells candles of the hours before the run: calm, but for a fall by a tenth in every fiftieth."""
    http = desk.venue.http

    def answered(path: str, body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body) if path == "/info" else {}
        if asked.get("type") != "candleSnapshot":
            return http(path, body)
        span = asked["req"]
        return 200, json.dumps(
            [
                {
                    "t": t, "T": t + STEP - 1, "s": span["coin"], "i": "1m", "o": "100.0", "h": "100.0", "l": "90.0",
                    "c": "90.0" if (t // STEP) % 50 == 0 else "100.0", "v": "1.0", "n": 1,
                }
                for t in range(span["startTime"], span["endTime"], STEP)
            ]
        ).encode()  # fmt: skip

    desk.venue.http = answered  # type: ignore[method-assign]


def test_the_tail_is_known_and_vetoes_within_the_first_minute(tmp_path: Path) -> None:
    """Half a minute after the start orders are denied for their value at risk; a replay says the same again."""
    settings = Settings.model_validate({"hats": {"risk_oversight_officer": {"var_limit_bps": 1}}})
    desk = rehearse(settings, tmp_path / "journal.sqlite", seed=7)
    with_history(desk)
    try:
        desk.run_for(30)
        told = said(desk, CandlesTold)
        assert {one.query.coin for one in told} == {one.query.coin for one in said(desk, ReadCandles)}
        assert all(len(one.closes) == settings.hats.risk_oversight_officer.var_samples + 1 for one in told)
        assert said(desk, RiskReport)[-1].value_at_risk_usd is not None
        assert DenyReason.VALUE_AT_RISK in {denied.reason for denied in said(desk, OrderDenied)}
        for role in (Role.RISK_OVERSIGHT_OFFICER, Role.EXCHANGE_ARCHITECT):
            hat = compose.make_hat(desk.settings, role, desk.approval_key)
            assert replay_hat(desk.journal.reader, hat).difference is None
    finally:
        desk.close()


def test_an_exchange_without_a_past_leaves_it_unknown(tmp_path: Path) -> None:
    """The local exchange has only the candles that it lived through: nothing is made up, the scenarios hold alone."""
    desk = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    try:
        desk.run_for(30)
        assert all(not one.closes for one in said(desk, CandlesTold))
        report = said(desk, RiskReport)[-1]
        assert report.value_at_risk_usd is None or not report.worst_gross_usd
        assert report.stress_usd is not None
    finally:
        desk.close()
