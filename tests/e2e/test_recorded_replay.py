"""Real recorded markets run through all nine Hats and reproduce: the Hyperliquid sample, and the start of Binance's.

The whole of Binance's 5m45s: `hats replay --recording FILE,FILE`, a few minutes.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.running import run
from shared.units import SECOND
from shared.warehouse.capture.reader import verify_log

pytestmark = pytest.mark.slow
MARKET: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "market"
HYPERLIQUID: Final = MARKET / "hyperliquid_btc_20250126.ws.gz"
BINANCE: Final = tuple(MARKET / f"binance_usdm_{symbol}_20240808.ws.gz" for symbol in ("btcusdt", "ethusdt"))
SECONDS: Final = 15
needs_recordings = pytest.mark.skipif(
    not all(path.is_file() for path in (HYPERLIQUID, *BINANCE)), reason=f"the recorded markets are not in {MARKET}"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    return tmp_path


def replayed(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    """What `hats replay` says of a market, all proofs holding."""
    assert run(app, "hats", ["replay", *args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert all(hat["difference"] is None for hat in found["replay"])
    assert min(hat["handled"] for hat in found["replay"]) > 0
    return found


def beginning(path: Path, folder: Path) -> Path:
    """The first seconds of a recording, as a file of its own."""
    short = folder / path.name
    with gzip.open(path, "rb") as whole, gzip.open(short, "wb", compresslevel=1) as part:
        until_ns = None
        for line in whole:
            at_ns = int(line.split(b" ", 1)[0])
            until_ns = at_ns + SECONDS * SECOND if until_ns is None else until_ns
            if at_ns > until_ns:
                break
            part.write(line)
    return short


@needs_recordings
def test_hyperliquids_own_frames(capsys: pytest.CaptureFixture[str]) -> None:
    """Every recorded frame reaches the desk; the capture made of them is complete and replays to the same digest."""
    first = replayed(capsys, "--recording", str(HYPERLIQUID))
    assert first["survey"]["keys"]["l2Book:BTC"]["frames"] + first["survey"]["keys"]["trades:BTC"]["frames"] == 55
    assert first["played"]["not_followed"] == 0
    assert first["summary"]["messages"]["FeatureUpdate"] > 10
    assert verify_log(Path(first["capture"])).is_complete
    assert replayed(capsys, "--capture", first["capture"])["digest"] == first["digest"]


@needs_recordings
def test_binances_market_as_our_exchange_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two coins of real microstructure: books, trades, orders on paper; every word replays and the digest repeats."""
    short = ",".join(str(beginning(path, tmp_path)) for path in BINANCE)
    first = replayed(capsys, "--recording", short)
    assert first["summary"]["messages"]["BookUpdate"] > 200
    assert first["summary"]["messages"]["Trade"] > 500
    assert first["summary"]["orders"]["acked"] > 0
    assert verify_log(Path(first["capture"])).is_complete
    assert replayed(capsys, "--capture", first["capture"])["digest"] == first["digest"]
