"""EDGE: a throw-away account on the local exchange: a master that lives for one signature, and its agent's keystore."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple

from hats.security_architect import keystore
from orchestrator.accounts.agents import submit_approval
from orchestrator.accounts.onboarding import address_of, approval_body
from orchestrator.machine.runfiles import RunFiles
from shared.private_files import write_private
from shared.units import Ns

AGENT_NAME: Final = "desk"
WATCHDOG_NAME: Final = "watchdog"


class Agent(NamedTuple):
    """Where an agent's key lies, and its address."""

    address: str
    keystore: Path
    password_file: Path


class Account(NamedTuple):
    """What a run trades with: whose account it is, and its two agents."""

    master: str
    desk: Agent
    watchdog: Agent


def throw_away_account(base_url: str, files: RunFiles) -> Account:
    """A funded account whose agents are approved and whose master key is gone when this returns."""
    master = secrets.token_bytes(32)
    desk, watchdog = (_agent(base_url, files, master, name) for name in (AGENT_NAME, WATCHDOG_NAME))
    return Account(address_of(master), desk, watchdog)


def _agent(base_url: str, files: RunFiles, master: bytes, name: str) -> Agent:
    password = secrets.token_urlsafe(24)
    password_file = files.password(name)
    write_private(password_file, password.encode())
    info = keystore.new_agent(files.keys, name, password, "testnet", Ns(time.time_ns()))
    submit_approval(base_url, approval_body(master, info.address, name, time.time_ns() // 1_000_000))
    return Agent(info.address, keystore.keystore_path(files.keys, name), password_file)
