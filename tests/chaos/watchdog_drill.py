"""The watchdog against a venue that loses answers: every order cancelled, every position closed, each round.

`python -m tests.chaos.watchdog_drill --rounds 50` raises a local exchange and, each round, an account with positions
and resting orders on ten coins and a watchdog process of its own. Rounds take turns: heartbeats stop, or the operator
says flatten. Measured from the outside, by asking the exchange; exit 1 if a round missed its limits. The last
risk-adding action is not this drill's to measure, for nobody trades meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from hats.security_architect import keystore
from hats.security_architect.actions import (
    Limit,
    Order,
    OrderEntry,
    OrderType,
    Signature,
    post_body,
    to_json,
)
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator.accounts.onboarding import address_of, approval_body
from orchestrator.watchdog.guard import Beat, Phase
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.words import Flatten, Look
from shared.ids import cloid_for
from shared.order import Tif
from shared.units import Ns
from tests.contract.serving import venue_process

COINS: Final = "BTC,ETH,SOL,XRP,DOGE,AVAX,LINK,SUI,HYPE,LTC"
CANCELLED_S: Final = 5.0
FLAT_S: Final = 15.0
SILENCE_MS: Final = 3_000
WAIT_S: Final = 60.0
PASSWORD: Final = "correct horse battery"
FAULTS: Final = """seed = 3
[[faults]]
kind = "lose_answer"
asked = "cancel"
share = {share}
[[faults]]
kind = "bad_gateway"
asked = "order"
share = {share}
"""
"""Answers that never come, and orders that were taken and answered with an error."""


class Round(NamedTuple):
    """Seconds from the silence (or the word) until no order was open and until nothing was held; None: never."""

    cause: str
    orders: int
    positions: int
    cancelled_s: float | None
    flat_s: float | None

    @property
    def is_good(self) -> bool:
        """Within the limits. Silence has to last before anybody may act on it, so its time is not counted."""
        lead_s = SILENCE_MS / 1_000 if self.cause == "silence" else 0.0
        in_time = self.cancelled_s is not None and self.cancelled_s - lead_s <= CANCELLED_S
        return in_time and self.flat_s is not None and self.flat_s - lead_s <= FLAT_S


class Trader:
    """An account with a key of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secret = secrets.token_bytes(32)
        self.address = address_of(self.secret)
        self._key = AgentKey(self.secret, Network.TESTNET)
        self._nonce = time.time_ns() // 1_000_000

    def post(self, path: str, body: bytes) -> Any:
        """The venue's answer."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())

    def ask(self, kind: str, **fields: Any) -> Any:
        """The answer to a question."""
        return self.post("/info", json.dumps({"type": kind, **fields}).encode())

    def order(self, entries: Sequence[OrderEntry]) -> None:
        """Place orders."""
        self._nonce += 1
        action = to_json(Order(tuple(entries), "na"))
        r, s, v = self._key.sign(self._key.digest(action, self._nonce, 0))
        with contextlib.suppress(urllib.error.HTTPError):  # a fault of ours: done all the same
            self.post("/exchange", post_body(action, self._nonce, 0, Signature(r, s, v)))

    def approve(self, agent: str) -> None:
        """Let the agent trade for us."""
        self._nonce += 1
        reply = self.post("/exchange", approval_body(self.secret, agent, "watchdog", self._nonce))
        assert reply["status"] == "ok", reply

    def open_orders(self) -> int:
        """How many rest."""
        return len(self.ask("openOrders", user=self.address))

    def positions(self) -> int:
        """How many are held."""
        held = self.ask("clearinghouseState", user=self.address)["assetPositions"]
        return sum(float(each["position"]["szi"]) != 0 for each in held)


def load_up(trader: Trader, resting_each: int) -> None:
    """A position and resting bids in every coin."""
    universe = trader.ask("meta")["universe"]
    mids = trader.ask("allMids")
    for asset, perp in enumerate(universe):
        mid, decimals = float(mids[perp["name"]]), perp["szDecimals"]
        sz = f"{round(max(60 / mid, 10.0**-decimals), decimals):.{decimals}f}"
        sz = sz.rstrip("0").rstrip(".") if "." in sz else sz
        entries = [_entry(asset, f"{mid * 1.05:.4g}", sz, Tif.IOC, 0)]
        entries += [_entry(asset, f"{mid * (0.9 - n / 200):.4g}", sz, Tif.GTC, n + 1) for n in range(resting_each)]
        trader.order(entries)


def _entry(asset: int, px: str, sz: str, tif: Tif, number: int) -> OrderEntry:
    plain = f"{float(px):.6f}".rstrip("0").rstrip(".")
    cloid = cloid_for(1, asset, secrets.randbits(32) * 64 + number)
    return OrderEntry(asset, is_buy=True, px=plain, sz=sz, reduce_only=False, kind=OrderType(Limit(tif)), cloid=cloid)


@contextlib.contextmanager
def watchdog_of(trader: Trader, folder: Path, *options: str) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Its socket and its process, standing guard."""
    files = folder / "keys"
    if not keystore.keystore_path(files, "watchdog").exists():
        info = keystore.new_agent(files, "watchdog", PASSWORD, "testnet", Ns(1), is_weak_allowed=True)
        trader.approve(info.address)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
    socket = folder / "s" / "watchdog.sock"
    process = subprocess.Popen([
        sys.executable, "-m", "orchestrator.watchdog", "--base-url", trader.url, "--user", trader.address,
        "--keystore", str(keystore.keystore_path(files, "watchdog")), "--password-file", str(folder / "password"),
        "--network", "testnet", "--socket", str(socket), "--latch", str(folder / "latch.json"),
        "--silence-ms", str(SILENCE_MS), "--log", str(folder / "watchdog.jsonl"), "--allow-weak-keystore", *options,
    ])  # fmt: skip
    try:
        until = time.monotonic() + WAIT_S
        while not socket.exists():
            assert time.monotonic() < until, "the watchdog did not come up"
            assert process.poll() is None, "the watchdog ended"
            time.sleep(0.02)
        yield socket, process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        socket.unlink(missing_ok=True)


def one_round(url: str, folder: Path, cause: str, resting_each: int) -> Round:
    """Load an account up, let the watchdog act, and look from the outside."""
    trader = Trader(url)
    load_up(trader, resting_each)
    with watchdog_of(trader, folder) as (socket, _):
        beats = Heartbeats(socket)
        for _ in range(3):
            beats.beat(Beat(1, True))
            time.sleep(0.3)
        orders, positions = trader.open_orders(), trader.positions()
        assert (orders, positions) == (10 * resting_each, 10), (
            f"{orders} orders and {positions} positions to begin with"
        )
        began = time.monotonic()
        if cause == "silence":
            beats.close()
        else:
            tell(socket, Flatten("drill"))
        cancelled_s = flat_s = None
        while flat_s is None and time.monotonic() - began < WAIT_S:
            if cancelled_s is None and trader.open_orders() == 0:
                cancelled_s = time.monotonic() - began
            if trader.positions() == 0 and cancelled_s is not None:
                flat_s = time.monotonic() - began
            time.sleep(0.05)
        beats.close()
        until = time.monotonic() + WAIT_S
        while tell(socket, Look()).phase is not Phase.SAFE and time.monotonic() < until:
            time.sleep(0.05)
    return Round(cause, orders, positions, cancelled_s, flat_s)


def drill(rounds: int, lost_share: float, resting_each: int) -> list[Round]:
    """So many rounds against one exchange that loses this share of its answers to actions, after doing them."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        script = root / "faults.toml"
        script.write_text(FAULTS.format(share=lost_share))
        args = ["--fund-all", "100000", "--coins", COINS, "--no-spot", "--mix", "light", "--address-budget", "none"]
        done = []
        with venue_process(*args, *(["--faults", str(script)] if lost_share else [])) as venue:
            for number in range(rounds):
                folder = root / str(number)
                folder.mkdir(mode=0o700)
                done.append(one_round(venue["url"], folder, ("silence", "word")[number % 2], resting_each))
                if sys.stderr.isatty():
                    sys.stderr.write(f"\rround {number + 1} of {rounds}")
        return done


def main() -> int:
    """Print the figures; 1 if a round was not good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--lost", type=float, default=0.1, help="share of answers to cancels that are lost")
    parser.add_argument("--resting", type=int, default=9, help="resting orders in each of ten coins")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds = drill(options.rounds, options.lost, options.resting)
    good = sum(each.is_good for each in rounds)
    if options.json:
        sys.stdout.write(msgspec.json.encode({"good": good, "rounds": rounds}).decode() + "\n")
    else:
        for cause in ("silence", "word"):
            mine = [each for each in rounds if each.cause == cause]
            for name in ("cancelled_s", "flat_s"):
                took = [value for each in mine if (value := getattr(each, name)) is not None]
                if took:
                    text = f"median {statistics.median(took):.2f} s, most {max(took):.2f} s"
                    sys.stdout.write(f"{cause:8} {name:12} {len(took)} of {len(mine)}: {text}\n")
        sys.stdout.write(f"{good} of {len(rounds)} rounds within their limits\n")
    return 0 if good == len(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
