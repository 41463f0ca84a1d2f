"""EDGE: `python -m orchestrator.watchdog`: unlock its agent's key and stand guard until SIGTERM.

Exit codes: 0 stopped as told; 1 something is configured wrongly (said in one line); 2 wrong usage.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hats.security_architect import keystore
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.process import Log, run, unlock
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator.accounts.latch import LatchFile
from orchestrator.watchdog.guard import Aim, Guard
from orchestrator.watchdog.hands import Hands
from orchestrator.watchdog.server import WatchdogServer, read_kept
from shared.bus.sockets import listen
from shared.messages.risk import TradingState, TradingStateChanged
from shared.units import MS


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    return run("watchdog", options.log, lambda say: _guard(options, say))


def _guard(options: argparse.Namespace, say: Log) -> None:
    network = Network(options.network)
    password = keystore.password_from_file(options.password_file)
    unlocked = unlock(options.keystore, password, network, is_weak_allowed=options.allow_weak_keystore)
    key = AgentKey(unlocked.secret, network)
    unlocked.wipe()
    store = NonceStore(options.keystore.with_suffix(".nonces.sqlite"), key.address)
    try:
        options.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        listener = listen(f"unix:{options.socket}")
        aim = Aim(options.aim)
        left = read_kept(options.latch, aim)
        guard = Guard(aim, options.silence_ms * MS, options.dead_man_ms * MS, left, time.monotonic_ns())
        hands = Hands(options.base_url, options.user.lower(), key, store, say)
        server = WatchdogServer(
            guard, hands, listener, options.latch, options.silence_ms, options.dead_man_ms, say,
            operator_public_key=options.operator_public_key,
            halt=None if options.home is None else lambda reason, run: halted(options, reason, run),
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        server.run()
    finally:
        store.close()


def halted(options: argparse.Namespace, reason: str, run: int) -> None:
    """The account's next run begins halted; what it is halted for already stays."""
    latch = LatchFile(options.home, options.user, options.network, run)
    latch.note(TradingStateChanged(TradingState.HALTED, reason))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestrator.watchdog", description="Act when the desk can't.")
    parser.add_argument("--base-url", required=True, help="root of the venue's HTTP API")
    parser.add_argument("--user", required=True, help="the account's address, never the agent's")
    parser.add_argument("--keystore", type=Path, required=True, help="the watchdog's own agent: NAME.keystore.json")
    parser.add_argument("--password-file", type=Path, required=True, help="a 0600 file")
    parser.add_argument("--network", choices=[*Network], required=True)
    parser.add_argument("--socket", type=Path, required=True, help="where heartbeats and commands come in")
    parser.add_argument("--latch", type=Path, required=True, help="file that remembers that it watches or has acted")
    parser.add_argument("--home", type=Path, help="the desk's home folder: once this has acted, its next run is halted")
    parser.add_argument("--operator-public-key", default="", help="whose signature a rearm must carry; default: none")
    parser.add_argument("--aim", choices=[*Aim], default=Aim.FLATTEN, help="what becomes of positions")
    parser.add_argument("--silence-ms", type=int, default=3_000, help="heartbeats missing for so long make it act")
    parser.add_argument("--dead-man-ms", type=int, default=0, help="lead of the venue's scheduled cancel; 0: none")
    parser.add_argument("--log", type=Path, help="JSON lines; default: stderr")
    parser.add_argument("--allow-weak-keystore", action="store_true", help="tests only: take a quick scrypt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
