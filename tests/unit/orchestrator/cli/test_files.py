"""Commands that read a run's files: found, missing, whole or tampered with."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hats.security_architect import audit
from hats.security_architect.audit_log import AuditLog
from orchestrator.cli.app import app
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from orchestrator.machine.runfiles import RunFiles
from shared.codec import encode
from shared.ids import FOREIGN, Cloid, Role, StrategyId
from shared.instrument import Instrument
from shared.journal import Journal
from shared.messages import Message
from shared.messages.market import UniverseUpdate
from shared.messages.order import Fill, FillBooked, OrderChanged
from shared.order import OrderState, Side
from shared.record import Entry
from shared.units import USD, Ns, Sz, Usd
from tests.chaos.second_instance import holder

BTC = Instrument("BTC", 0, 5, 40)
CLOID = Cloid("0x4a7500006b00fca3000000000000003b")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own; variables and signals as they were."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def files(home: Path) -> RunFiles:
    """A finished run with a journal of one order and one fill, and an audit log of three records."""
    made = RunFiles(home / "runs" / "demo-1")
    made.create()
    journal = Journal(made.journal, now_ns=1)
    px, sz = BTC.px("100026.5"), BTC.sz("0.0125")
    sold = OrderChanged(
        CLOID, StrategyId("mm_btc"), "BTC", Side.SELL, px, sz, sz, False, OrderState.FILLED, "filled"
    )  # fmt: skip
    fill = Fill(
        "BTC", Side.SELL, px, sz, 7, None, 9, True, Usd(56_265), Usd(-USD), 0, Ns(10**18), Ns(2)
    )  # fmt: skip
    messages: tuple[Message, ...] = (
        UniverseUpdate((BTC,), 4_500, 1_500, Ns(1)),
        msgspec.structs.replace(sold, state=OrderState.RESTING, filled_sz=Sz(0)),
        sold,
        FillBooked(fill, FOREIGN),
    )
    for seq, message in enumerate(messages, start=1):
        kind = type(message).__name__
        journal.append(Entry(seq, seq, Role.EXECUTION_MANAGER, kind, 0, 0, encode(message)), durable=True)
    journal.close()
    log = AuditLog(made.audit, 1_000)
    log.open()
    head = log.head
    for number in range(3):
        record = audit.append(head, audit.body_of("test", Ns(number), {}))
        log.append(record)
        head = audit.head_of(record)
    log.close()
    return made


def answer(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> Any:
    """The one JSON object that the command wrote on stdout."""
    assert run(app, "hats", [*args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_orders_of_a_finished_run(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """The last word on each order, in people's units."""
    (order,) = answer(capsys, "orders", "--run", "demo-1")["orders"]
    assert (order["state"], order["px"], order["sz"], order["filled_sz"]) == ("filled", 100_026.5, 0.0125, 0.0125)


def test_fills_of_a_finished_run(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fill that was booked, with its fee in USDC and its place in the journal."""
    (fill,) = answer(capsys, "fills", "--run", str(files.dir))["fills"]
    assert (fill["px"], fill["sz"], fill["fee_usd"], fill["closed_pnl_usd"]) == (100_026.5, 0.0125, 0.056265, -1.0)
    assert (fill["seq"], fill["strategy"], fill["side"]) == (4, "foreign", "sell")
    assert run(app, "hats", ["fills", "--run", "demo-1"]) == 0
    text = capsys.readouterr().out
    assert "2001-09-09T01:46:40.000Z" in text
    assert "100,026.5" in text


def test_unknown_positions_are_null(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a ledger nobody knows the positions: null, not an empty list."""
    assert answer(capsys, "positions", "--run", "demo-1") == {"positions": None}


@pytest.mark.parametrize("command", ["status", "orders", "fills", "positions", "scorecard", "kill", "down"])
def test_without_a_run_it_is_not_found(command: str, files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """With no current run the code is 4, and the message names the last one."""
    assert run(app, "hats", [command]) == 4
    assert "--run demo-1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["orders", "fills", "positions", "scorecard"])
def test_a_run_that_is_not_there(command: str) -> None:
    """A folder that does not exist is not found."""
    assert run(app, "hats", [command, "--run", "nowhere"]) == 4


def test_scorecards_of_a_run_that_was_not_judged(files: RunFiles) -> None:
    """A run that ended before its verdict has no scorecards."""
    assert run(app, "hats", ["scorecard", "--run", "demo-1"]) == 4


def test_a_wrong_hat_gets_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelled Hat is a usage fault that names the right one."""
    assert run(app, "hats", ["scorecard", "risk_officer"]) == 2
    assert "did you mean risk_oversight_officer?" in " ".join(capsys.readouterr().err.split())


def test_an_intact_audit_log(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """An untouched chain ends with 0; without --run the last run is checked."""
    assert answer(capsys, "audit", "verify")["records"] == 3
    assert run(app, "hats", ["audit", "verify"]) == 0


@pytest.mark.parametrize("harm", ["changed", "cut"])
def test_a_tampered_audit_log(harm: str, files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed record, and a log that lost its end, end with 1 and name the line."""
    lines = files.audit.read_bytes().splitlines(keepends=True)
    lines = lines[:2] if harm == "cut" else [lines[0], lines[1].replace(b'"ns":1', b'"ns":2'), lines[2]]
    files.audit.write_bytes(b"".join(lines))
    found = answer(capsys, "audit", "verify", "--run", "demo-1", code=1)
    assert not found["intact"]
    assert found["fault_line"] == {"cut": 3, "changed": 2}[harm]


def test_an_unreadable_audit_log(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """No log, and no run, end with 2."""
    assert run(app, "hats", ["audit", "verify", "--run", "nowhere"]) == 2
    files.audit.unlink()
    assert run(app, "hats", ["audit", "verify", "--run", "demo-1", "--json"]) == 2
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["code"] == "unreadable"


def test_a_second_desk_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While a desk holds the home folder `hats up` starts no other."""
    with holder(home, ""):
        assert run(app, "hats", ["up"]) == Exit.OCCUPIED
    assert "already runs" in capsys.readouterr().err
