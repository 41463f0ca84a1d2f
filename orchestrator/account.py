"""EDGE: a throw-away account on the local exchange: a master that lives for one signature, and its agent's keystore."""

from __future__ import annotations

import secrets
import time
import urllib.request
from pathlib import Path
from typing import Final, NamedTuple

from hats.security_architect import keystore
from orchestrator.onboarding import address_of, approval_body
from orchestrator.runfiles import RunFiles, write_private
from shared.errors import VenueError
from shared.units import Ns

AGENT_NAME: Final = "desk"


class Account(NamedTuple):
    """What a run trades with: whose account it is, and where the agent's key lies."""

    master: str
    agent: str
    keystore: Path
    password_file: Path


def throw_away_account(base_url: str, files: RunFiles) -> Account:
    """A funded account whose agent is approved and whose master key is gone when this returns."""
    master = secrets.token_bytes(32)
    password = secrets.token_urlsafe(24)
    password_file = files.password(AGENT_NAME)
    write_private(password_file, password.encode())
    info = keystore.new_agent(files.keys, AGENT_NAME, password, "testnet", Ns(time.time_ns()))
    reply = _post(f"{base_url}/exchange", approval_body(master, info.address, AGENT_NAME, time.time_ns() // 1_000_000))
    if b'"status":"ok"' not in reply:
        raise VenueError("the local exchange did not take our agent", reply[:200].decode())
    return Account(address_of(master), info.address, keystore.keystore_path(files.keys, AGENT_NAME), password_file)


def _post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
        return bytes(reply.read())
