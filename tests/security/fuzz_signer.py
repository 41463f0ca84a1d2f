"""A signer process under fire: `python -m tests.security.fuzz_signer --requests 50000`.

Requests are right ones, right ones with one thing wrong, right bytes with wrong bits, and noise; prices come and stop.
Every signature is held against a second opinion (`signer_referee.py`). Exit code 0 if no signature was outside the
policy, the process that began is the one that ended, no answer took longer than a second and it still signs; 1 if not.
"""

from __future__ import annotations

import argparse
import random
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import track

from hats.security_architect import keystore
from hats.security_architect.signer import frames
from hats.security_architect.signer.oracle import OracleKey
from shared.approval import Ticket
from shared.approval_file import read_key
from shared.bus.framing import framed
from shared.errors import BusError
from shared.ids import Cloid
from shared.order import Tif
from shared.private_files import SECRET_BYTES, read_private
from shared.units import SECOND, Ns
from tests.security.signer_process import NOOP, Process, furnish, now_ms, read
from tests.security.signer_referee import Law, Referee

ANSWER_S_MAX: Final = 1.0
COLLAR: Final = ("--collar-bps", "500", "--oracle-age-ms", "30000")
WINDOW: Final = ("--window-orders", "5000", "--window-notional-usd", "100000")
LAW: Final = Law({0: "2", 1: None}, 1_000, 5_000, 100_000)
PXS: Final = {0: Fraction(100), 1: Fraction(5)}
_HIGHEST: Final = re.compile(r"highest (\d+)\)")
PRICED_FROM: Final = 0.05
"""So much of the campaign passes before the first price is told."""
_ODD: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1 << 31, 1 << 63, 1 << 70, 1.5, "", "0", "-1", "1e3", "NaN", "٣", "9" * 33, "0.10", [], {},
    "x" * 5_000, "Gtc", "withdraw3", "usdSend", "order", "0x" + "A" * 32,
)  # fmt: skip


class Fuzzed(msgspec.Struct, frozen=True):
    """What a campaign came to."""

    requests: int
    signed: int
    refused: int
    hung_up: int
    outside_policy: int
    crashes: int
    slowest_ms: float
    seconds: float
    breaches: tuple[str, ...]
    reasons: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Nothing outside the policy, no crash, nothing slow, and something of each kind happened."""
        happened = self.signed and self.refused and self.hung_up
        return bool(happened) and not (self.outside_policy or self.crashes) and self.slowest_ms <= ANSWER_S_MAX * 1_000


class Campaign:
    """One signer process, one seed."""

    def __init__(self, folder: Path, seed: int, law: Law = LAW) -> None:
        furnish(folder)
        self._draw = random.Random(seed)
        self._key = read_key(folder / "approvals.key")
        self._oracle_key = OracleKey(read_private(folder / "oracle.key", SECRET_BYTES))
        self._oracle = folder / "s" / "oracle.sock"
        self.process = Process(
            folder, "--oracle-socket", str(self._oracle), "--oracle-key-file", str(folder / "oracle.key"),
            *COLLAR, *WINDOW,
        )  # fmt: skip
        info = keystore.read_info(keystore.keystore_path(folder / "keys", "trader"))
        self.referee = Referee(law, info.address, self._key)
        self._line = self._call()
        self._nonce, self._approval = now_ms(), 0
        self._past: list[frames.Ask] = []
        self._priced: dict[int, Fraction] = {}
        self.told: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.slowest_s = 0.0

    def _call(self) -> socket.socket:
        line = self.process.call()
        read(line)
        return line

    def step(self, share: float) -> None:
        """One request, and a look at its answer. `share`: how much of the campaign has passed."""
        if share >= PRICED_FROM and (not self._priced or self._draw.random() < 0.002):
            self._tell_prices()
        ask = self._right() if self._draw.random() < 0.9 or not self._past else self._draw.choice(self._past)
        kind = self._draw.choices(("right", "wrong value", "wrong bits", "noise"), (35, 45, 15, 5))[0]
        if kind == "wrong value":
            ask = self._with_one_thing_wrong(ask)
        frame = frames.encode(ask)
        if kind == "wrong bits":
            frame = self._flipped(frame)
        elif kind == "noise":
            frame = self._draw.randbytes(self._draw.choice((0, 1, 40, 3_000, frames.FRAME_BYTES_MAX + 1)))
        self._ask(frame)

    def _ask(self, frame: bytes) -> None:
        began = time.perf_counter()
        try:
            self._line.sendall(framed(frame))
            answer = read(self._line)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        if not answer:
            self.told["hung up"] += 1
            self._line.close()
            self._line = self._call()
            return
        decoded = frames.decode_answer(answer)
        self.told[type(decoded).__name__] += 1
        if isinstance(decoded, frames.Refused):
            # a flipped bit may have spent a nonce of the coming day; as the venue would, the signer goes on from there
            highest = _HIGHEST.search(decoded.reason)
            self._nonce = max(self._nonce, int(highest[1])) if highest is not None else self._nonce
            self.reasons[" ".join(decoded.reason.split(" ")[:3])[:40]] += 1
        elif isinstance(decoded, frames.Signed):
            try:
                asked = frames.decode_question(frame)
            except BusError as error:
                self.referee.breaches.append(f"signed what is no question: {error}")
                return
            assert isinstance(asked, frames.Ask)
            self._past = [*self._past[-200:], asked]
            self.referee.look(asked, decoded, now_ms(), self._priced)

    def hang_up(self) -> None:
        """Close the line."""
        self._line.close()

    def still_signs(self) -> bool:
        """Is a noop signed after all that?"""
        before = self.told["Signed"]
        for _ in range(2):  # the first answer may tell the nonce to go on from
            self._ask(frames.encode(frames.Ask(1, NOOP, max(self._nonce, now_ms()) + 1, 0)))
        return self.told["Signed"] > before

    def _right(self) -> frames.Ask:
        """A request that may be signed, if the caps have room for it and prices were told."""
        draw = self._draw
        self._nonce = max(self._nonce + 1, now_ms())
        expires_ms = now_ms() + draw.randint(2_000, 29_000)
        kind = draw.choices(
            ("order", "batchModify", "cancel", "cancelByCloid", "scheduleCancel", "noop"), (50, 15, 10, 10, 5, 10)
        )[0]
        match kind:
            case "order" | "batchModify":
                entries = [self._entry() for _ in range(draw.choice((1, 1, 1, 2, 5)))]
                targets: list[Any] = [None] * len(entries)
                action: dict[str, Any] = {"type": "order", "orders": entries, "grouping": "na"}
                if kind == "batchModify":
                    targets = [f"0x{draw.getrandbits(128):032x}" for _ in entries]
                    modifies = [{"oid": target, "order": entry} for target, entry in zip(targets, entries, strict=True)]
                    action = {"type": "batchModify", "modifies": modifies}
                tickets = tuple(self._ticket(entry, target) for entry, target in zip(entries, targets, strict=True))
                return self._asked(action, expires_ms, tickets)
            case "cancel":
                return self._asked({"type": kind, "cancels": [{"a": 1, "o": draw.randint(1, 10**9)}]}, expires_ms)
            case "cancelByCloid":
                return self._asked(
                    {"type": kind, "cancels": [{"asset": 0, "cloid": f"0x{draw.getrandbits(128):032x}"}]}, 0
                )
            case "scheduleCancel":
                return self._asked({"type": kind, "time": now_ms() + 9_000}, 0)
        return self._asked({"type": kind}, 0)

    def _asked(self, action: Any, expires_ms: int, tickets: tuple[Ticket, ...] = ()) -> frames.Ask:
        return frames.Ask(self._draw.getrandbits(40), msgspec.json.encode(action), self._nonce, expires_ms, tickets)

    def _entry(self) -> dict[str, Any]:
        draw = self._draw
        asset = draw.randint(0, 1)
        px = (95, 98, 100, 102, 105)[draw.randint(0, 4)] if asset == 0 else (4, 5)[draw.randint(0, 1)]
        return {
            "a": asset, "b": draw.random() < 0.5, "p": str(px), "s": draw.choice(("0.01", "0.5", "1", "2")),
            "r": draw.random() < 0.3, "t": {"limit": {"tif": draw.choice(list(Tif)).value}},
            "c": f"0x{draw.getrandbits(128):032x}",
        }  # fmt: skip

    def _ticket(self, entry: dict[str, Any], target: str | None) -> Ticket:
        self._approval += 1
        bare = Ticket(
            self._approval, Ns(time.time_ns() + 40 * SECOND), Cloid(entry["c"]), "BTC", entry["a"], entry["b"],
            entry["p"], entry["s"], Tif(entry["t"]["limit"]["tif"]), entry["r"],
            None if target is None else Cloid(target),
        )  # fmt: skip
        return msgspec.structs.replace(bare, mac=self._key.seal(bare))

    def _with_one_thing_wrong(self, ask: frames.Ask) -> frames.Ask:
        draw = self._draw
        part = draw.choice(("action", "action", "action", "nonce", "expiry", "ticket", "tickets"))
        if part == "nonce":
            return msgspec.structs.replace(
                ask, nonce=draw.choice((0, 1, self._nonce - 1, self._nonce + 10**9, (1 << 63) - 1))
            )
        if part == "expiry":
            return msgspec.structs.replace(
                ask, expires_after_ms=draw.choice((0, 1, now_ms() - 5, now_ms() + 31_000, (1 << 63) - 1))
            )
        if part == "tickets" or (part == "ticket" and not ask.tickets):
            spare = self._ticket(self._entry(), None)
            return msgspec.structs.replace(
                ask, tickets=draw.choice(((), (*ask.tickets, spare), ask.tickets * 2, (spare,)))
            )
        if part == "ticket":
            first = ask.tickets[0]
            field, value = draw.choice(
                (("sz", "2000"), ("px", "1"), ("asset", 1 - first.asset), ("is_buy", not first.is_buy),
                 ("expires_ns", Ns(1 << 62)), ("mac", b"\0" * 32), ("approval_id", 1 << 40),
                 ("replaces", Cloid("0x" + "0" * 32)))
            )  # fmt: skip
            changed = msgspec.structs.replace(ask.tickets[0], **{field: value})
            return msgspec.structs.replace(ask, tickets=(changed, *ask.tickets[1:]))
        action = msgspec.json.decode(ask.action)
        self._spoil(action)
        data = msgspec.json.encode(action)
        if draw.random() < 0.1:
            data = draw.choice(
                (data.replace(b'"', b' "', 1), data[:-1], data + data, data.replace(b'"type"', b'"\\u0074ype"'))
            )
        return msgspec.structs.replace(ask, action=data)

    def _spoil(self, action: Any) -> None:
        """Change, add or take away one thing somewhere in the action."""
        draw, at = self._draw, action
        while True:
            key = draw.choice(list(at.keys())) if isinstance(at, dict) else draw.randrange(len(at))
            if not isinstance(at[key], dict | list) or not at[key] or draw.random() < 0.2:
                break
            at = at[key]
        deed = draw.random()
        if deed < 0.7:
            at[key] = draw.choice(_ODD)
        elif deed < 0.85 and isinstance(at, dict):
            at[draw.choice(("builder", "vaultAddress", "x", "type", "b", "destination"))] = draw.choice(_ODD)
        else:
            del at[key]

    def _flipped(self, frame: bytes) -> bytes:
        data = bytearray(frame)
        for _ in range(self._draw.randint(1, 8)):
            data[self._draw.randrange(len(data))] = self._draw.getrandbits(8)
        return bytes(data[: self._draw.randint(1, len(data))] if self._draw.random() < 0.3 else data)

    def _tell_prices(self) -> None:
        """Tell the prices on the feeder's line, after noise and a forgery; they were heard when this returns."""
        good = self._oracle_key.frame(now_ms(), {asset: int(px * 10**8) for asset, px in PXS.items()})
        forged = OracleKey(b"\x01" * 32).frame(now_ms() + 500, {0: 10**12, 1: 10**12})
        for frame in (self._draw.randbytes(60), forged, good):
            with socket.socket(socket.AF_UNIX) as feeder:
                feeder.settimeout(30)
                feeder.connect(str(self._oracle))
                feeder.sendall(framed(frame))
                feeder.shutdown(socket.SHUT_WR)
                try:
                    while feeder.recv(1):
                        pass
                except ConnectionResetError:
                    continue
        self._priced = PXS


def fuzz(folder: Path, *, requests: int, seed: int, show: bool = False, law: Law = LAW) -> Fuzzed:
    """Fire so many requests at a signer process; `law` is what its signatures are held against."""
    campaign, began = Campaign(folder, seed, law), time.monotonic()
    process = campaign.process
    crashes = 0
    try:
        for number in track(range(requests), "fuzzing", console=Console(stderr=True), disable=not show):
            campaign.step(number / requests)
        crashes = int(process.child.poll() is not None)
        crashes += not campaign.still_signs()
    finally:
        campaign.hang_up()
        code = process.end()
    referee = campaign.referee
    return Fuzzed(
        requests=requests,
        signed=campaign.told["Signed"],
        refused=campaign.told["Refused"],
        hung_up=campaign.told["hung up"],
        outside_policy=len(referee.breaches),
        crashes=crashes + int(code != 0),
        slowest_ms=round(campaign.slowest_s * 1_000, 1),
        seconds=round(time.monotonic() - began, 1),
        breaches=tuple(referee.breaches[:20]),
        reasons=dict(campaign.reasons.most_common(25)),
    )


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz_signer", description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines to read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = fuzz(Path(folder), requests=options.requests, seed=options.seed, show=sys.stderr.isatty())
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        print(
            f"{found.requests} requests in {found.seconds} s: {found.signed} signed, {found.refused} refused, "
            f"{found.hung_up} hung up on; {found.outside_policy} outside the policy, {found.crashes} crashes, "
            f"slowest answer {found.slowest_ms} ms"
        )
        for reason, count in found.reasons.items():
            print(f"  {count:6} {reason}")
        print("\n".join(found.breaches), end="")
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
