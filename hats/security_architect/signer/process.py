"""EDGE: what every process that holds a key does alike: harden itself, log JSON lines, unlock its key and prove it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from hats.security_architect import keystore
from hats.security_architect.keystore import Unlocked
from hats.security_architect.signer import canary
from hats.security_architect.signer.hardening import harden
from hats.security_architect.signer.typed_data import Network
from shared.errors import ConfigError, HatsError

Log = Callable[[str, dict[str, object]], None]
"""Takes an event's name and its fields; never a secret."""


def run(name: str, log: Path | None, work: Callable[[Log], None]) -> int:
    """The exit code of `work`, hardened: 1 if it ended with a HatsError, said in one line. `log` None: to stderr."""
    harden()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else sys.stderr.fileno()

    def say(event: str, fields: dict[str, object]) -> None:
        line = msgspec.json.encode({"ns": time.time_ns(), "event": event, **fields}) + b"\n"
        with contextlib.suppress(OSError):  # a full disk: what it does matters more than that it says so
            os.write(file, line)

    try:
        work(say)
    except HatsError as error:
        say("failed", {"error": type(error).__name__, "reason": str(error)})
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - the launcher shows this line to the operator
        return 1
    return 0


def unlock(path: Path, password: str, network: Network, *, is_weak_allowed: bool) -> Unlocked:
    """The key, made for this network, with signing code that was just proven; ConfigError otherwise."""
    if is_weak_allowed and network is Network.MAINNET:
        raise ConfigError(["--allow-weak-keystore is for tests and never for mainnet"])
    unlocked = keystore.load(path, password, is_weak_allowed=is_weak_allowed)
    if unlocked.info.network != network:
        raise ConfigError([f"{path} is a key for {unlocked.info.network}, not for {network}"])
    canary.check(unlocked.secret, network)
    return unlocked
