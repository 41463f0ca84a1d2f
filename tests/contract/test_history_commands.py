"""`hats data fetch`, `import` and `audit` against the local exchange over its sockets, as people use them."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from shared.clock import WallClock
from shared.instrument import Instrument
from shared.units import HOUR, MINUTE, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.server import serve
from shared.venue.door.settings import DoorSettings
from shared.warehouse.reading import Warehouse

COINS = (Instrument("BTC", 0, 5, 40), Instrument("ETH", 1, 5, 40))
MAKER, TAKER = "0x" + "aa" * 20, "0x" + "bb" * 20
HOURS = 3


def past(begin: Ns) -> Door:
    """An exchange on which somebody traded once a minute for three hours, until lately."""
    door = Door(Exchange([list_perp(coin) for coin in COINS], start_ns=begin), DoorSettings(), begin)
    for user in (MAKER, TAKER):
        door.apply(Deposit(user, Usd(10**10 * USD)), begin)
    for coin in COINS:
        door.apply(SetPrices(coin.asset, Px(500_000)), begin)
        door.apply(PlaceOrders(MAKER, (OrderSpec(coin.asset, False, Px(500_010), Sz(10**8), False, Tif.ALO),)), begin)
    for minute in range(HOURS * 60):
        for coin in COINS:
            taken = OrderSpec(coin.asset, True, Px(500_010), Sz(1_000 + minute), False, Tif.IOC)
            door.apply(PlaceOrders(TAKER, (taken,)), Ns(begin + minute * MINUTE + 1))
    return door


@pytest.fixture(scope="module")
def begin() -> Ns:
    """A whole hour, so long ago that all three are over."""
    return Ns((WallClock().now() // HOUR - HOURS - 1) * HOUR)


@pytest.fixture(scope="module")
def url(begin: Ns) -> Iterator[str]:
    """That exchange on a port."""
    ports: queue.Queue[int] = queue.Queue()
    control: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def work() -> None:
        control.append((asyncio.get_running_loop(), asyncio.Event()))
        await serve(past(begin), clock=WallClock(), ready=ports.put, stop=control[0][1])

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    yield f"http://127.0.0.1:{ports.get(timeout=60)}"
    control[0][0].call_soon_threadsafe(control[0][1].set)
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own; variables and signals as they were."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = Exit.OK) -> Any:
    """The JSON object that `hats data ...` writes, on stderr if it fails."""
    capsys.readouterr()
    assert run(app, "hats", ["data", *words, "--json"]) == code
    out, err = capsys.readouterr()
    return json.loads(out or err.splitlines()[-1])


def test_candles_and_funding_are_fetched_once(
    url: str, begin: Ns, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All coins unless named; the second time nothing is asked; what verify looks at is sound."""
    span = ("--since", str(int(begin)), "--until", str(int(begin + HOURS * HOUR)), "--url", url)
    told = said(capsys, "fetch", "candles", *span)
    assert [(one["subject"], one["rows"]) for one in told["fetched"]] == [
        ("candle:BTC:1m", 180),
        ("candle:ETH:1m", 180),
    ]
    again = said(capsys, "fetch", "candles", *span, "--coin", "BTC")
    assert [(one["requests"], one["rows"]) for one in again["fetched"]] == [(0, 0)]
    hourly = said(capsys, "fetch", "candles", *span, "--coin", "BTC", "--interval", "1h")
    assert [one["rows"] for one in hourly["fetched"]] == [3]
    funding = said(capsys, "fetch", "funding", *span, "--coin", "ETH")
    assert [one["rows"] for one in funding["fetched"]] == [2]
    assert said(capsys, "verify")["sound"] is True
    minutes = Warehouse(home / "warehouse").arrow("candles", ["ETH"])
    assert minutes["traded_sz"].to_pylist() == [1_000 + minute for minute in range(180)]


def test_what_can_not_be_is_said_before_anything_is_asked(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A coin that is not listed, an interval that is none, an exchange that is not there."""
    since = ("--since", "2024-01-01")
    for wrong in (("--coin", "DOGE"), ("--interval", "7m")):
        told = said(capsys, "fetch", "candles", *since, "--url", url, *wrong, code=Exit.USAGE)
        assert wrong[1] in told["message"]
    said(capsys, "fetch", "candles", *since, "--url", "http://127.0.0.1:9", code=Exit.UNAVAILABLE)


def test_files_are_imported_with_the_units_of_the_exchange(
    url: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Good lines are rows, a bad one is exit code 6 and named; the second time the file is known."""
    good = {"coin": "ETH", "side": "A", "time": "2025-03-22T10:50:22.5", "px": "50000.0", "sz": "0.001"}
    folder = tmp_path / "node_trades"
    folder.mkdir()
    (folder / "10").write_text(json.dumps(good) + "\nrubbish\n")
    (folder / "11").write_text(json.dumps(good | {"sz": "0.002"}) + "\n")
    told = said(capsys, "import", "trades", str(folder), "--url", url, code=Exit.PROBLEMS)
    assert [(one["state"], one["rows"].get("trades")) for one in told["files"]] == [("imported", 1), ("imported", 1)]
    assert [len(one["problems"]) for one in told["files"]] == [1, 0]
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"universe": [{"name": "ETH", "szDecimals": 5, "maxLeverage": 40}]}))
    again = said(capsys, "import", "trades", str(folder), "--meta", str(meta))
    assert [one["state"] for one in again["files"]] == ["known", "known"]
    (folder / "12.lz4").write_bytes(b"no lz4 at all")
    refused = said(capsys, "import", "trades", str(folder / "12.lz4"), "--meta", str(meta), code=Exit.PROBLEMS)
    assert refused["files"][0]["state"] == "refused"
    assert sorted(Warehouse(home / "warehouse").arrow("trades")["sz"].to_pylist()) == [100, 200]
    said(capsys, "import", "trades", str(tmp_path / "nowhere"), "--meta", str(meta), code=Exit.NOT_FOUND)


def test_an_audit_without_a_capture_is_not_sound(url: str, begin: Ns, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was captured, so nothing is proven: exit code 6, never a silent success."""
    said(capsys, "fetch", "candles", "--since", str(int(begin)), "--url", url, "--coin", "BTC")
    told = said(capsys, "audit", code=Exit.PROBLEMS)
    assert told["sound"] is False
    assert told["audited"]["minutes"] == 0
