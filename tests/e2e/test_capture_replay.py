"""A captured market on the stage: nine Hats see what was seen, trade on paper, and do it again to the last byte."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.history.warehouse import compact_log, listed_in, take_snapshot
from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.instrument import Instrument
from shared.journal import JournalReader
from shared.messages.market import BookUpdate
from shared.units import SECOND, Ns
from shared.warehouse.capture.reader import segments
from shared.warehouse.store import Store

pytestmark = pytest.mark.slow
BTC = Instrument("BTC", 0, 5, 40)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture and the journal of the desk that it was taken from: twenty seconds with a cut of three in them."""
    folder = tmp_path_factory.mktemp("captured")
    rehearsal = rehearse(Settings(), folder / "journal.sqlite", seed=7, capture=folder / "capture")
    rehearsal.run_for(8)
    rehearsal.venue.cut(3 * SECOND, "a cut by the test")
    rehearsal.run_for(12)
    rehearsal.close()
    return folder


def replayed_snapshot(home: Path, warehouse: Path) -> Any:
    """What `hats replay --snapshot` says in a process of its own, with the warehouse's only capture."""
    args = ("--snapshot", "latest", "--warehouse", str(warehouse), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "replay", *args],
        env={**os.environ, "HATS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def replay(folder: Path, home: Path, *args: str, code: int = 0, **environment: str) -> Any:
    """What `hats replay --capture` says in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "replay", "--capture", str(folder / "capture"), "--json", *args],
        env={**os.environ, "HATS_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def replayed(captured: Path) -> Any:
    """The capture replayed once."""
    return replay(captured, captured / "home", PYTHONHASHSEED="1", TZ="UTC")


def bodies(journal: Path, kind: str) -> list[bytes]:
    """Every message of one kind."""
    reader = JournalReader.open(journal)
    try:
        return [entry.body for entry in reader.messages(kind=kind)]
    finally:
        reader.close()


def test_the_hats_see_what_was_seen(captured: Path, replayed: Any) -> None:
    """Books, trades and contexts are those of the captured desk, times of receipt included, and so is the cut."""
    journal = Path(replayed["run_dir"]) / "journal.sqlite"
    for kind in ("BookUpdate", "Trade", "AssetContext"):
        seen = bodies(captured / "journal.sqlite", kind)
        assert len(seen) > 30
        assert bodies(journal, kind) == seen, kind
    assert (replayed["played"]["connected"], replayed["played"]["cuts"]) == (2, 1)
    assert any(b"as recorded: a cut by the test" in body for body in bodies(journal, "FeedStatus"))


def test_orders_are_filled_on_paper_and_the_books_agree(replayed: Any) -> None:
    """The desk sends orders, the paper venue acknowledges them, positions agree and every word replays equal."""
    assert replayed["problems"] == []
    assert replayed["summary"]["orders"]["sent"] > 5
    assert replayed["summary"]["orders"]["acked"] > 5
    assert replayed["is_flat"]
    assert len(replayed["replay"]) == 9


def test_it_is_the_same_to_the_last_byte(captured: Path, replayed: Any) -> None:
    """Again, under another hash seed and time zone: the same digest. Another seed of the desk's keys: another."""
    again = replay(captured, captured / "again", PYTHONHASHSEED="2", TZ="Asia/Kathmandu")
    assert again["digest"] == replayed["digest"]
    other = replay(captured, captured / "other", "--set", "run.seed=8")
    assert other["digest"] != replayed["digest"]


@pytest.fixture(scope="module")
def warehouse(captured: Path) -> Path:
    """The capture as a snapshot of a warehouse."""
    root = captured / "warehouse"
    store = Store(root)
    log = captured / "capture"
    compact_log(log, store, listed_in(log), lambda _: None)
    take_snapshot(store, "of the test", Ns(1))
    return root


def test_a_snapshot_is_played_as_the_capture_was(captured: Path, replayed: Any, warehouse: Path) -> None:
    """Made of the tables alone, the desk's journal is the same to the last byte: every word, every time, the cut."""
    found = replayed_snapshot(captured / "of_tables", warehouse)
    assert found["played"]["frames"] == replayed["played"]["frames"]
    assert found["survey"]["gaps"] == replayed["survey"]["gaps"]
    assert (found["problems"], found["digest"]) == ([], replayed["digest"])


def test_its_run_is_a_run_like_any_other(
    captured: Path, replayed: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`hats replay RUN` proves it from its folder, and its scorecards are shown."""
    monkeypatch.setenv("HATS_HOME", str(captured / "home"))
    assert run(app, "hats", ["replay", replayed["run_dir"]]) == 0
    assert run(app, "hats", ["scorecard", "--run", replayed["run_dir"], "--json"]) == 0
    assert "scorecards" in capsys.readouterr().out


def test_damage_is_played_around_and_told(captured: Path, tmp_path: Path) -> None:
    """A flipped byte loses its group of frames: the rest is played, the damage is named, and the exit code is 6."""
    (segment, *_) = segments(captured / "capture")
    bad = bytearray(segment.read_bytes())
    bad[len(bad) // 2] ^= 0x40
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / segment.name).write_bytes(bad)
    found = replay(tmp_path, tmp_path / "home", code=6)
    assert found["survey"]["damages"] >= 1
    assert [problem for problem in found["problems"] if problem.startswith("capture: damaged in")]


def test_a_capture_without_our_coins_is_refused(
    captured: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is captured is named; and where there is no log, that is said."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    args = ["replay", "--capture", str(captured / "capture"), "--set", 'venue.coins=["DOGE"]']
    assert run(app, "hats", args) == 1
    assert "expected books of DOGE, the capture has BTC, ETH" in capsys.readouterr().err
    assert run(app, "hats", ["replay", "--capture", str(tmp_path)]) == 1
    assert "there is no capture log" in capsys.readouterr().err


def test_a_capture_moves_the_local_exchange(captured: Path) -> None:
    """`hats venue --replay DIR` stands still until a client listens, then shows the captured prices and cuts it off."""
    command = [sys.executable, "-m", "orchestrator.cli", "venue", "--port", "0", "--json", "--l2-interval-ms", "50"]
    command += ["--replay", str(captured / "capture"), "--replay-speed", "10"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        seen: set[str] = set()
        with contextlib.suppress(ConnectionClosed), connect(facts["ws_url"]) as socket:
            socket.send('{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}')
            while True:
                said = json.loads(socket.recv(timeout=60))
                if said["channel"] == "l2Book" and said["data"]["levels"][0]:
                    seen.add(said["data"]["levels"][0][0]["px"])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "replayed" in err
    finally:
        process.kill()
        process.communicate()
    best = {bid_text(update) for update in updates(captured / "journal.sqlite")}
    assert len(seen & best) > 3


def updates(journal: Path) -> list[BookUpdate]:
    """The BTC books of a run."""
    found = [decode(body) for body in bodies(journal, "BookUpdate")]
    return [book for book in found if isinstance(book, BookUpdate) and book.coin == "BTC" and book.bids]


def bid_text(book: BookUpdate) -> str:
    """The best bid as the exchange writes it."""
    text = BTC.px_text(book.bids[0].px)
    return text if "." in text else f"{text}.0"
