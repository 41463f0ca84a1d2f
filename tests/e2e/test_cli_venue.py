"""`hats venue` as a process: the official SDK trades against it, and it ends when it is told to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

from tests.house.sources import ROOT

KEY = Account.from_key((4242).to_bytes(32, "big"))
POOR = Account.from_key((4343).to_bytes(32, "big"))


@contextmanager
def serving(*args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process and what it said when it was ready."""
    command = [sys.executable, "-m", "orchestrator.cli", "venue", "--port", "0", "--json", *args]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_the_official_sdk_trades() -> None:
    """An unmodified client with money from --fund-all fills against the synthetic market; --coins set the universe."""
    with serving("--fund-all", "100000", "--coins", "ETH,BTC", "--seed", "3") as (process, facts):
        info = Info(facts["url"], skip_ws=True, timeout=10)
        assert [asset["name"] for asset in info.meta()["universe"]] == ["ETH", "BTC"] == facts["coins"]
        exchange = Exchange(KEY, facts["url"], timeout=10, meta=info.meta(), spot_meta={"universe": [], "tokens": []})
        mid = float(info.all_mids()["BTC"])
        answer = exchange.order("BTC", True, 0.01, round(mid * 1.01), {"limit": {"tif": "Ioc"}})
        assert "filled" in answer["response"]["data"]["statuses"][0], answer
        state = info.user_state(KEY.address)
        assert state["assetPositions"][0]["position"]["szi"] == "0.01"
        process.terminate()
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, ""), err


def test_only_the_funded_have_money() -> None:
    """--fund gives one address money and nobody else; without a market the book is empty."""
    with serving("--fund", f"{KEY.address}=12.5", "--no-market") as (process, facts):
        info = Info(facts["url"], skip_ws=True, timeout=10)
        assert info.user_state(KEY.address)["marginSummary"]["accountValue"] == "12.5"
        assert float(info.user_state(POOR.address)["marginSummary"]["accountValue"]) == 0
        assert info.l2_snapshot("BTC")["levels"] == [[], []]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("args", "code"),
    [(["--port", "x"], 2), (["--coins", "NOSUCH"], 2), (["--fund", "0x12=5"], 3), (["--host", "1.2.3.4"], 3)],
)
def test_what_it_refuses(args: list[str], code: int) -> None:
    """A command line that makes no sense is 2, an address that is none or not ours to listen on 3."""
    command = [sys.executable, "-m", "orchestrator.cli", "venue", "--port", "0", "--json", *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert json.loads(done.stderr)["code"] == {2: "usage", 3: "config"}[code]


def test_a_taken_port_is_said() -> None:
    """Two exchanges on one port: the second ends with 3 and says how to go on."""
    with serving("--no-market") as (_, facts):
        command = [sys.executable, "-m", "orchestrator.cli", "venue", "--port", str(facts["port"])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 3
        assert "--port 0" in done.stderr
