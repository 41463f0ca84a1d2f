"""Every hour of a warehouse: predicted by the last context before it, paid by the history, ours judged by the law."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from orchestrator.history.funding_monitor import FundingHour, hours
from shared.rules.funding import HOURLY_CAP_E10, payment_usd
from shared.units import HOUR, MS, SECOND
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from shared.warehouse.tables import AssetContextRow, FundingPaymentRow, FundingRateRow, Row
from tests.unit.shared.warehouse.rows import publish

AT = 472_000 * HOUR
ORACLE, LOTS, RATE = 300_010, 50_000, 125_000
LAW = payment_usd(LOTS, ORACLE, RATE)


def context(ns: int, rate: int = RATE, oracle: int = ORACLE) -> AssetContextRow:
    """What the feed heard."""
    return AssetContextRow("ETH", None, ns, 2, 4, oracle + 10, oracle, None, 77, rate, 5)


def rate(value: int = RATE) -> FundingRateRow:
    """What the venue's history says."""
    return FundingRateRow("ETH", AT + 48 * MS, None, value, 3_177_400)


def payment(usd: int = LAW, value: int = RATE) -> FundingPaymentRow:
    """What came."""
    return FundingPaymentRow("ETH", AT + 48 * MS, AT + SECOND, 4, usd, LOTS, value)


def of(tmp_path: Path, *rows: Row) -> list[FundingHour]:
    """The hours of a warehouse with these rows."""
    publish(Store(tmp_path), "batch", list(rows))
    return hours(Warehouse(tmp_path))


def test_the_last_context_before_the_hour_is_what_was_predicted(tmp_path: Path) -> None:
    """Neither an older one nor the one of the very instant, in whatever order they lie."""
    contexts = (context(AT, 9), context(AT - 2 * SECOND), context(AT - 50 * SECOND, 8))
    (one,) = of(tmp_path, *contexts, rate(RATE + 7), payment(LAW, RATE + 7))
    assert (one.predicted_e10, one.paid_e10, one.premium_e10) == (RATE, RATE + 7, 3_177_400)
    assert (one.context_age_ns, one.open_interest, one.oracle_px, one.mark_px) == (2 * SECOND, 77, ORACLE, ORACLE + 10)
    assert (one.net_sz, one.paid_usd, one.law_usd) == (LOTS, LAW, payment_usd(LOTS, ORACLE, RATE + 7))
    assert one.problems == ()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((rate(), payment(-LAW)), "20000 bps"),
        ((rate(), payment(8 * LAW)), "70000 bps"),
        ((rate(RATE + 1), payment()), "history says"),
        ((rate(HOURLY_CAP_E10 + 1),), "cap"),
    ],
    ids=["wrong sign", "eight hours", "another rate", "beyond the cap"],
)
def test_what_breaks_the_law_is_said(tmp_path: Path, rows: tuple[Row, ...], said: str) -> None:
    """By its kind and its size."""
    (one,) = of(tmp_path, context(AT - 2 * SECOND), *rows)
    assert said in " ".join(one.problems)


@pytest.mark.parametrize("rows", [(), (context(AT - 61 * SECOND),), (context(AT),)], ids=["none", "old", "after"])
def test_without_a_fresh_oracle_nothing_is_judged(tmp_path: Path, rows: tuple[Row, ...]) -> None:
    """Unknown is not lawful and not unlawful."""
    (one,) = of(tmp_path, *rows, payment(-LAW))
    assert (one.law_usd, one.problems, one.paid_e10) == (None, (), None)


def test_the_command_shows_it_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 6 and the problem for an unlawful payment; a table for people."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    publish(Store(tmp_path / "warehouse"), "batch", [context(AT - 2 * SECOND), rate(), payment(-LAW)])
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run(app, "hats", ["data", "funding", "--json"]) == Exit.PROBLEMS
        told = json.loads(capsys.readouterr().out)
        assert run(app, "hats", ["data", "funding"]) == Exit.PROBLEMS
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told["sound"] is False
    assert told["hours"][0]["law_usd"] == LAW
    out = capsys.readouterr().out
    assert "0.001250" in out
    assert "PROBLEM  ETH 2023-" in out
