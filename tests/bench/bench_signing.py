"""Time of a signature: ours beside the official SDK's, with and without a native secp256k1, and the signer process.

The process is asked over its socket with everything on: policy, collar, window, approvals and nonces on file; first as
fast as it goes, then at a steady pace. Exit code 0 if it kept 200 a second at a p99 under 10 ms; 1 if not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from eth_account import Account
from eth_keys.main import KeyAPI
from hyperliquid.utils.signing import sign_l1_action

from hats.security_architect import keystore
from hats.security_architect.actions import Limit, Order, OrderEntry, OrderType, Signature, post_body, to_json
from hats.security_architect.signer import frames
from hats.security_architect.signer.oracle import OracleKey
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey, Ticket
from shared.approval_file import read_key
from shared.bus.framing import FrameBuffer, framed
from shared.ids import Cloid
from shared.order import Tif
from shared.private_files import SECRET_BYTES, make_secret, read_private
from shared.units import MINUTE, Ns

ROOT: Final = Path(__file__).resolve().parents[2]
SECRET: Final = bytes.fromhex("0123456789012345678901234567890123456789012345678901234567890123")
NONCE: Final = 1_700_000_000_000
PER_S: Final = 200
P99_US_MAX: Final = 10_000
ENTRY: Final = OrderEntry(0, True, "50000", "0.001", False, OrderType(Limit(Tif.ALO)), f"0x{1:032x}")
ACTION: Final = to_json(Order((ENTRY,), "na"))


def us_each(work: Callable[[int], object], n: int) -> float:
    """Microseconds of one call, the median of `n` after a few to warm up."""
    took = []
    for number in range(-3, n):
        began = time.perf_counter_ns()
        work(number)
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took[3:]) / 1_000


def sdk_us(n: int) -> None:
    """Print microseconds of one of the SDK's signatures, its curve's name and its signature of the first action."""
    wallet, action = Account.from_key(SECRET), json.loads(ACTION)

    def sign(number: int) -> dict[str, Any]:
        signed: dict[str, Any] = sign_l1_action(wallet, action, None, NONCE + number, NONCE + 10_000, False)
        return signed

    curve = type(KeyAPI.PrivateKey(SECRET).backend).__name__
    print(json.dumps({"us": us_each(sign, n), "curve": curve, "signature": sign(0)}))


def sdk_apart(n: int, curve: str) -> tuple[float, Signature]:
    """(microseconds, signature of the first action) of the SDK in its own process: the curve is chosen at import."""
    ended = subprocess.run(
        [sys.executable, __file__, "--sdk", str(n)],
        env={**os.environ, "ECC_BACKEND_CLASS": f"eth_keys.backends.{curve}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(ended.stdout)
    if said["curve"] != curve:
        raise SystemExit(f"expected the SDK to use {curve}, it used {said['curve']}")
    signature = said["signature"]
    return said["us"], Signature(int(signature["r"], 16), int(signature["s"], 16), signature["v"])


def ours_us(n: int) -> tuple[float, Signature]:
    """(microseconds from an action's JSON to the body to post, our signature of the first action)."""
    key = AgentKey(SECRET, Network.TESTNET)

    def sign(number: int) -> bytes:
        nonce = NONCE + number
        return post_body(ACTION, nonce, NONCE + 10_000, key.sign(key.digest(ACTION, nonce, NONCE + 10_000)))

    return us_each(sign, n), key.sign(key.digest(ACTION, NONCE, NONCE + 10_000))


class Served(NamedTuple):
    """Microseconds of a question to the signer process, at full speed and at the pace, and the pace that was kept."""

    p50: float
    p99: float
    paced_p99: float
    per_s: float


def process_us(n: int) -> Served:
    """What the signer process takes for a question: policy, bounds, nonce on file, signature, and back."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keystore.new_agent(folder, "bench", "bench", "testnet", Ns(0), scrypt_n=1_024, is_weak_allowed=True)
        approvals = folder / "approvals.key"
        make_secret(approvals)
        make_secret(folder / "oracle.key")
        read, write = os.pipe()
        os.write(write, b"bench")
        os.close(write)
        child = subprocess.Popen(
            [
                sys.executable, "-m", "hats.security_architect.signer", "--password-fd", str(read),
                "--network", "testnet",
                "--keystore", str(keystore.keystore_path(folder, "bench")), "--socket", str(folder / "s" / "x"),
                "--assets", "0", "--max-notional-usd", "1000", "--log", str(folder / "log"), "--allow-weak-keystore",
                "--approval-key-file", str(approvals),
                "--window-orders", "1000000", "--window-notional-usd", "1000000000", "--collar-bps", "500",
                "--oracle-age-ms", "3600000", "--oracle-socket", str(folder / "s" / "oracle"),
                "--oracle-key-file", str(folder / "oracle.key"),
            ],
            pass_fds=[read],
            cwd=ROOT,
        )  # fmt: skip
        os.close(read)
        try:
            sock = called(folder / "s" / "x", child)
            tell_price(folder / "s" / "oracle", OracleKey(read_private(folder / "oracle.key", SECRET_BYTES)))
            nonces = itertools.count(time.time_ns() // 1_000_000)
            with sock:
                sock.recv(65_536)  # its greeting
                took = asked_us(sock, n, read_key(approvals), nonces)
                began = time.monotonic()
                paced = asked_us(sock, n, read_key(approvals), nonces, pace_s=1 / PER_S)
                per_s = n / (time.monotonic() - began)
        finally:
            child.terminate()
            child.wait(30)
    took.sort()
    paced.sort()
    return Served(took[len(took) // 2], took[len(took) * 99 // 100], paced[len(paced) * 99 // 100], per_s)


def tell_price(path: Path, key: OracleKey) -> None:
    """Tell the signer what the order's asset costs, and wait until it has heard."""
    with socket.socket(socket.AF_UNIX) as feeder:
        feeder.connect(str(path))
        feeder.sendall(framed(key.frame(time.time_ns() // 1_000_000, {ENTRY.asset: 50_000 * 10**8})))
        feeder.shutdown(socket.SHUT_WR)
        feeder.recv(1)


def approved(key: ApprovalKey, number: int) -> Ticket:
    """A sealed approval of the order in ACTION."""
    until_ns = Ns(time.time_ns() + MINUTE)
    ticket = Ticket(
        number, until_ns, Cloid(ENTRY.cloid), "BTC", ENTRY.asset, ENTRY.is_buy, ENTRY.px, ENTRY.sz,
        Tif.ALO, ENTRY.reduce_only, None,
    )  # fmt: skip
    return msgspec.structs.replace(ticket, mac=key.seal(ticket))


def called(path: Path, child: subprocess.Popen[bytes]) -> socket.socket:
    """A connection to the signer once it listens."""
    while child.poll() is None:
        sock = socket.socket(socket.AF_UNIX)
        if sock.connect_ex(str(path)) == 0:
            return sock
        sock.close()
        time.sleep(0.02)
    raise SystemExit("the signer did not start")


def asked_us(sock: socket.socket, n: int, key: ApprovalKey, nonces: Iterator[int], pace_s: float = 0.0) -> list[float]:
    """Microseconds of each of `n` questions, each on its own approval: one after the other, or one every `pace_s`.

    At a pace a question counts from when it was due, so that one that had to wait is not flattered.
    """
    buffer, took, first_ns = FrameBuffer(), [], time.perf_counter_ns()
    for number in range(n):
        nonce = next(nonces)
        ticket = approved(key, nonce)
        began = time.perf_counter_ns()
        if pace_s:
            began = first_ns + int(number * pace_s * 1e9)
            time.sleep(max(began - time.perf_counter_ns(), 0) / 1e9)
        ask = frames.Ask(number, ACTION, nonce, time.time_ns() // 1_000_000 + 10_000, (ticket,))
        sock.sendall(framed(frames.encode(ask)))
        answer = frames.decode_answer(buffer.feed(sock.recv(65_536))[0])
        took.append((time.perf_counter_ns() - began) / 1_000)
        if not isinstance(answer, frames.Signed):
            raise SystemExit(f"not signed: {answer}")
    return took


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of one run, in words or as one JSON object; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--signatures", type=int, default=2_000)
    parser.add_argument("--sdk", type=int, metavar="N", help="only time N of the SDK's signatures in this process")
    options = parser.parse_args(arguments)
    if options.sdk:
        sdk_us(options.sdk)
        return 0
    n = options.signatures
    ours, our_signature = ours_us(n)
    native, native_signature = sdk_apart(max(n // 5, 10), "CoinCurveECCBackend")
    pure, pure_signature = sdk_apart(max(n // 20, 10), "NativeECCBackend")
    if not our_signature == native_signature == pure_signature:
        raise SystemExit("the three do not sign the same")
    served = process_us(n)
    result = {
        "ours_us": round(ours, 1),
        "sdk_native_us": round(native, 1),
        "sdk_pure_python_us": round(pure, 1),
        "times_faster_than_sdk_native": round(native / ours, 1),
        "times_faster_than_sdk_pure_python": round(pure / ours, 1),
        "signer_process_p50_us": round(served.p50, 1),
        "signer_process_p99_us": round(served.p99, 1),
        "paced_per_s": round(served.per_s, 1),
        "paced_p99_us": round(served.paced_p99, 1),
        "signatures": n,
    }
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0 if served.per_s >= 0.99 * PER_S and served.paced_p99 <= P99_US_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
