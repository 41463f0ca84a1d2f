"""EDGE: `python -m hats.security_architect.signer`: unlock one agent key, prove the signing code, serve until SIGTERM.

Exit codes: 0 stopped as told; 1 something is configured wrongly (said in one line); 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hats.security_architect import keystore
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.hardening import become
from hats.security_architect.signer.oracle import OracleKey
from hats.security_architect.signer.process import Log, run
from hats.security_architect.signer.rotation import Keys, Place
from hats.security_architect.signer.server import AdminDoor, FeederDoor, SignerServer
from hats.security_architect.signer.spelling import add_options, policy_of
from hats.security_architect.signer.tickets import TicketBook
from shared.approval_file import read_key
from shared.clock import WallClock
from shared.errors import ConfigError
from shared.private_files import SECRET_BYTES, read_private
from shared.units import MS


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    return run("signer", options.log, lambda say: _serve(options, say))


def _serve(options: argparse.Namespace, say: Log) -> None:
    policy = policy_of(options)
    network = policy.network
    if (policy.limits.collar is None) is not (options.oracle_socket is None):
        raise ConfigError(["--collar-bps and --oracle-socket go together"])
    approval_key = read_key(options.approval_key_file)
    now_ms = WallClock().now() // MS
    keys = Keys(
        network,
        options.keyring,
        Place(str(options.keystore), str(options.password_file or "")),
        lambda: _password(options),
        is_weak_allowed=options.allow_weak_keystore,
        until_ms=now_ms + policy.expires_ahead_ms_max,
        nonces=options.nonces,
    )
    feeder = None
    if options.oracle_socket is not None:
        feeder = FeederDoor(options.oracle_socket, OracleKey(read_private(options.oracle_key_file, SECRET_BYTES)))
    checkpoints = None
    try:
        checkpoints = Checkpoints(
            options.checkpoints or options.keystore.with_suffix(".checkpoints.jsonl"), keys.checkpoint_key
        )
        tickets = TicketBook(approval_key, keys.approvals(approval_key.name))
        up_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // MS
        signer = Signer(policy, keys.ring, keys.book(), tickets, keys.added(policy.limits, now_ms, up_ms))
        admin = AdminDoor(options.admin_socket, keys) if options.admin_socket is not None else None
        server = SignerServer(
            signer, keys.store, network, options.socket, options.client_uid, say, checkpoints, feeder, admin
        )
        say("checkpoints", {"public_key": checkpoints.public_key})
        signal.set_wakeup_fd(server.doorbell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # the wake-up byte ends the loop
        if options.user is not None:
            become(options.user)
        # where another uid may ask, the key is out of reach of those who ask; else only a process stands between
        say(
            "identity",
            {"uid": os.getuid(), "client_uid": options.client_uid, "is_own_user": os.getuid() != options.client_uid},
        )
        server.run()
    finally:
        signal.set_wakeup_fd(-1)
        keys.close()
        if checkpoints is not None:
            checkpoints.close()


def _password(options: argparse.Namespace) -> str:
    if options.password_file is not None:
        return keystore.password_from_file(options.password_file)
    return keystore.password_from_descriptor(options.password_fd)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hats.security_architect.signer", description="Sign by policy.")
    parser.add_argument("--keystore", type=Path, required=True, help="NAME.keystore.json, with NAME.json beside it")
    password = parser.add_mutually_exclusive_group(required=True)
    password.add_argument("--password-file", type=Path, help="a 0600 file")
    password.add_argument("--password-fd", type=int, help="an open descriptor; read to its end")
    parser.add_argument("--approval-key-file", type=Path, required=True, help="the Risk Officer's seal, a 0600 file")
    parser.add_argument("--socket", type=Path, required=True, help="made 0600, in a directory that must be 0700")
    add_options(parser)
    parser.add_argument("--oracle-socket", type=Path, help="where the oracle's feeder comes in, made like the other")
    parser.add_argument("--oracle-key-file", type=Path, help="what its readings are sealed with, a 0600 file")
    parser.add_argument("--admin-socket", type=Path, help="where the operator comes in, made like the other")
    parser.add_argument("--keyring", type=Path, help="file that remembers which key took over while it ran")
    parser.add_argument("--nonces", type=Path, help="spent nonces; default: beside the keystore")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints of audit logs; default: beside the keystore")
    parser.add_argument("--client-uid", type=int, default=os.getuid(), help="the one user that may connect")
    parser.add_argument(
        "--user", help="become this user once all is open (root only); --nonces must lie in a folder of that user's"
    )
    parser.add_argument("--log", type=Path, help="JSON lines of every question and answer; default: stderr")
    parser.add_argument("--allow-weak-keystore", action="store_true", help="tests only: take a quick scrypt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
