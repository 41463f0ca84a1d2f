"""EDGE: `python -m hats.security_architect.signer`: unlock one agent key, prove the signing code, serve until SIGTERM.

Exit codes: 0 stopped as told; 1 something is configured wrongly (said in one line); 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hats.security_architect import keystore
from hats.security_architect.checkpoints import CheckpointKey
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.process import Log, run, unlock
from hats.security_architect.signer.server import SignerServer
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval_file import read_key
from shared.errors import ConfigError, UnitError
from shared.units import usd_from_str


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    return run("signer", options.log, lambda say: _serve(options, say))


def _serve(options: argparse.Namespace, say: Log) -> None:
    network = Network(options.network)
    policy = Policy(network=network, assets=_assets(options.assets), max_notional_usd=_usd(options.max_notional_usd))
    if options.password_file is not None:
        password = keystore.password_from_file(options.password_file)
    else:
        password = keystore.password_from_descriptor(options.password_fd)
    unlocked = unlock(options.keystore, password, network, is_weak_allowed=options.allow_weak_keystore)
    key, checkpoint_key = AgentKey(unlocked.secret, network), CheckpointKey(unlocked.secret)
    unlocked.wipe()
    approval_key = read_key(options.approval_key_file)
    store = NonceStore(options.nonces or options.keystore.with_suffix(".nonces.sqlite"), key.address)
    checkpoints = None
    try:
        checkpoints = Checkpoints(
            options.checkpoints or options.keystore.with_suffix(".checkpoints.jsonl"), checkpoint_key
        )
        tickets = TicketBook(approval_key, store.approvals(approval_key.name))
        server = SignerServer(
            Signer(policy, key, store.book(), tickets),
            store,
            network,
            options.socket,
            options.client_uid,
            say,
            checkpoints,
        )
        say("checkpoints", {"public_key": checkpoints.public_key})
        signal.set_wakeup_fd(server.doorbell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # the wake-up byte ends the loop
        server.run()
    finally:
        signal.set_wakeup_fd(-1)
        store.close()
        if checkpoints is not None:
            checkpoints.close()


def _assets(text: str) -> tuple[AssetRule, ...]:
    """The rules that e.g. "0:1.5,1" spells: asset 0 up to 1.5 coins an order, asset 1 by notional only."""
    try:
        pairs = [entry.partition(":") for entry in text.split(",")]
        return tuple(AssetRule(int(asset), sz_max if colon else None) for asset, colon, sz_max in pairs)
    except ValueError as error:
        raise ConfigError([f"expected assets like 0:1.5,1 and not {text!r}"]) from error


def _usd(text: str) -> int:
    try:
        return usd_from_str(text)
    except UnitError as error:
        raise ConfigError([f"--max-notional-usd: {error}"]) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hats.security_architect.signer", description="Sign by policy.")
    parser.add_argument("--keystore", type=Path, required=True, help="NAME.keystore.json, with NAME.json beside it")
    password = parser.add_mutually_exclusive_group(required=True)
    password.add_argument("--password-file", type=Path, help="a 0600 file")
    password.add_argument("--password-fd", type=int, help="an open descriptor; read to its end")
    parser.add_argument("--approval-key-file", type=Path, required=True, help="the Risk Officer's seal, a 0600 file")
    parser.add_argument("--socket", type=Path, required=True, help="made 0600, in a directory that must be 0700")
    parser.add_argument("--network", choices=[*Network], required=True)
    parser.add_argument("--assets", required=True, help="allowed assets, each with an optional largest size: 0:1.5,1")
    parser.add_argument("--max-notional-usd", required=True, help="largest order that may add exposure")
    parser.add_argument("--nonces", type=Path, help="spent nonces; default: beside the keystore")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints of audit logs; default: beside the keystore")
    parser.add_argument("--client-uid", type=int, default=os.getuid(), help="the one user that may connect")
    parser.add_argument("--log", type=Path, help="JSON lines of every question and answer; default: stderr")
    parser.add_argument("--allow-weak-keystore", action="store_true", help="tests only: take a quick scrypt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
