"""`hats data`: a captured log becomes tables that are listed, checked, frozen, asked, exported and let go."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.data_options import ns_from_text
from orchestrator.cli.data_reference import reference
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from orchestrator.history.warehouse import AUDIT, keep_listed
from shared.codec import encode
from shared.ids import Role
from shared.journal import Journal
from shared.messages.market import UniverseUpdate
from shared.record import Entry
from shared.units import Ns
from shared.warehouse.capture.reader import segments, verify_log
from tests.house.sources import ROOT
from tests.unit.shared.warehouse.logs import LISTED, story, write_log

META_REPLY = {
    "universe": [
        {"name": coin.coin, "szDecimals": coin.sz_decimals, "maxLeverage": coin.max_leverage} for coin in LISTED
    ]
}


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
def log(tmp_path: Path) -> Path:
    """A capture log with what was listed beside it."""
    made = write_log(tmp_path / "log", story(200))
    keep_listed(made, LISTED)
    return made


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = Exit.OK) -> Any:
    """The JSON object that `hats data ...` writes, on stderr if it fails."""
    capsys.readouterr()
    assert run(app, "hats", ["data", *words, "--json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out or err)


def test_from_log_to_answer(log: Path, home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Compact, list, check, freeze and export: each says what it did, and the rows are those of the log."""
    made = said(capsys, "compact", str(log))
    assert made["warehouse"] == str(home / "warehouse")
    assert made["rows"]["frames"] == 198
    assert said(capsys, "compact", str(log))["batches"] == []
    listed = said(capsys, "ls")
    trades = next(table for table in listed["tables"] if table["table"] == "trades")
    assert (trades["rows"], trades["coins"]) == (made["rows"]["trades"], ["BTC", "ETH"])
    checked = said(capsys, "verify")
    assert checked["sound"]
    assert checked["checked"]["connections"] == 2
    taken = said(capsys, "snapshot", "--note", "first")
    assert said(capsys, "snapshot", "--note", "first")["id"] == taken["id"]
    assert [one["id"] for one in said(capsys, "ls", "--snapshot", taken["id"])["snapshots"]] == [taken["id"]]
    target = tmp_path / "trades.csv"
    wrote = said(capsys, "export", "trades", str(target), "--coin", "BTC", "--snapshot", "latest")
    assert wrote["rows"] == target.read_text().count("\n") - 1 > 0
    assert said(capsys, "export", "trades", str(target), code=Exit.FAILED)["code"] == "failed"


def test_people_get_a_table(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the same comes as text."""
    for words in (["compact", str(log)], ["snapshot"], ["ls"], ["verify"], ["gc", "--keep-days", "0"]):
        assert run(app, "hats", ["data", *words]) == Exit.OK
    out = capsys.readouterr().out
    assert "sound: " in out
    assert "snapshot " in out
    assert "would remove" in out


def test_sql_answers(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A question in SQL is answered as rows; one that is none is refused in words."""
    pytest.importorskip("duckdb", reason="DuckDB is not installed (the extra `query`)")
    said(capsys, "compact", str(log))
    found = said(capsys, "query", "SELECT coin, count(*) AS n FROM trades GROUP BY coin ORDER BY coin")
    assert found["columns"] == ["coin", "n"]
    assert [row[0] for row in found["rows"]] == ["BTC", "ETH"]
    assert said(capsys, "query", "DROP VIEW trades", code=Exit.FAILED)["code"] == "failed"


def test_damage_is_exit_code_6(log: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged segment, and then a damaged file, are found, named and end with the code for problems."""
    target = segments(log)[0]
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    assert said(capsys, "compact", str(log), code=Exit.PROBLEMS)["problems"]
    victim = next((home / "warehouse" / "books").rglob("*.parquet"))
    victim.unlink()
    found = said(capsys, "verify", "--quick", code=Exit.PROBLEMS)
    assert [finding["kind"] for finding in found["checked"]["findings"]] == ["missing"]


def test_a_run_explains_its_own_log(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The coins' units come from the run's journal, or from a reply to meta; without both nothing is guessed."""
    folder = home / "runs" / "one"
    log = write_log(folder / "capture", story(100))
    meta = home / "meta.json"
    meta.write_text(json.dumps(META_REPLY))
    assert said(capsys, "compact", str(log), "--meta", str(meta), "-w", str(home / "other"))["rows"]["trades"] > 0
    assert "--meta" in said(capsys, "compact", "one", code=Exit.FAILED)["message"]
    journal = Journal(folder / "journal.sqlite", now_ns=1)
    update = UniverseUpdate(LISTED, 0, 0, Ns(1))
    journal.append(Entry(1, 1, Role.EXCHANGE_ARCHITECT, "UniverseUpdate", 0, 0, encode(update)), durable=True)
    journal.close()
    assert said(capsys, "compact", "one")["rows"]["trades"] > 0


def test_what_goes_is_on_record(log: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """gc only says until it is told to; then each removal has a tombstone and a record in a chain that shows edits."""
    said(capsys, "compact", str(log))
    kept = said(capsys, "snapshot")["id"]
    names = said(capsys, "gc", "--keep-days", "0")
    assert (names["applied"], names["batches"]) == (False, [])
    assert names["needed"]
    (home / "warehouse" / "snapshots" / f"{kept}.json").unlink()
    told = said(capsys, "gc", "--keep-days", "0")
    assert told["batches"]
    assert said(capsys, "verify")["sound"]
    done = said(capsys, "gc", "--keep-days", "0", "--apply")
    assert done["batches"] == told["batches"]
    assert list((home / "warehouse").rglob("*.parquet")) == []
    assert len(list((home / "warehouse" / "tombstones").iterdir())) == len(done["batches"])
    checked = said(capsys, "verify")
    assert checked["sound"]
    assert checked["audit"]["records"] == 1 + len(done["batches"])
    chain = home / "warehouse" / AUDIT
    chain.write_bytes(chain.read_bytes().replace(b"batch_retired", b"batch_renamed", 1))
    assert not said(capsys, "verify", code=Exit.PROBLEMS)["sound"]


def test_raw_segments_go_once_the_tables_have_them(log: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not before there is a snapshot; then all but the last, with tombstones; what is left is whole and goes on."""
    before = segments(log)
    words = ("gc", "--keep-days", "0", "--log", str(log))
    said(capsys, "compact", str(log))
    assert said(capsys, *words)["segments"] == []
    said(capsys, "snapshot")
    told = said(capsys, *words)
    assert told["segments"] == [path.name for path in before[:-1]]
    assert segments(log) == before
    assert said(capsys, *words, "--apply")["segments"] == told["segments"]
    assert segments(log) == before[-1:]
    assert len(list(log.glob("*.gone.json"))) == len(before) - 1 > 0
    report = verify_log(log)
    assert report.is_whole
    assert report.is_complete
    assert said(capsys, "compact", str(log))["problems"] == []
    assert said(capsys, "verify")["sound"]
    assert said(capsys, *words, "--apply")["segments"] == []


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-02", 86_400 * 10**9),
        ("1970-01-01T00:00:01.000001Z", 1_000_001_000),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1790000000000000001", 1_790_000_000_000_000_001),
        ("20261130", 1_795_996_800 * 10**9),
    ],
)
def test_times_are_read_exactly(text: str, ns: int) -> None:
    """Days, ISO times in any zone, and nanoseconds."""
    assert ns_from_text(text, "--since") == ns


def test_the_page_of_tables_is_current() -> None:
    """docs/data.md is what `python -m orchestrator.cli.data_reference` writes."""
    assert (ROOT / "docs" / "data.md").read_text(encoding="utf-8") == reference().rstrip() + "\n"
