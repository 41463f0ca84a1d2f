"""EDGE: a running desk changes its agent: another key takes over, the former one is drained, retired and never reused.

The signer does it between two questions, so the desk does not stop. What the former agent signed can be repeated and
fenced until nothing of it can act any more; then it is forgotten, its address goes on the never-reuse list, and its
files are destroyed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from hats.security_architect import key_rules, keystore
from hats.security_architect.key_rules import Severity
from hats.security_architect.retired import refuse_retired, retire
from hats.security_architect.signer import admin_words
from hats.security_architect.signer.admin_words import Agents, Describe, No, Retire, TakeOver, Word
from orchestrator.accounts.agents import agents_at
from orchestrator.machine.runfiles import RunFiles
from shared.bus.sockets import ask
from shared.clock import WallClock
from shared.errors import BusError, ConfigError, NotAllowedError, Unanswered
from shared.units import MS, SECOND, Ns

ANSWER_S: Final = 60.0
"""Unlocking takes a second, and longer on a busy machine."""
MARGIN_MS: Final = 2_000
"""The venue's clock may be behind ours by so much; until then what was signed counts as able to act."""

Step = Callable[[str], None]


class Rotated(msgspec.Struct, frozen=True):
    """What came of it: who signed, who signs, and how long each part took."""

    before: str
    after: str
    keystore: str
    unlocked_s: float
    drained_s: float


def tell_signer(socket: Path, word: Word) -> Agents:
    """The signer's agents after the word. NotRunning if there is none, NotAllowedError with its reason for a no."""
    frame = admin_words.encode(word)
    try:
        reply = admin_words.decode_reply(ask(f"unix:{socket}", frame, "signer", connect_s=5.0, answer_s=ANSWER_S))
    except BusError as error:
        raise Unanswered(f"what answers is no signer of ours: {error}") from error
    if isinstance(reply, No):
        raise NotAllowedError(reply.reason)
    return reply


def rotate(
    files: RunFiles, base_url: str, account: str, path: Path, password_file: Path, home_keys: Path, step: Step
) -> Rotated:
    """The key at `path` signs for the run, and the one before it is gone. ConfigError if it may not take over."""
    info = keystore.checked_info(path)
    for folder in {path.parent, home_keys}:
        refuse_retired(folder, info.address)
    found = key_rules.found_at_venue(info, agents_at(base_url, account).get(info.address), Ns(time.time_ns()))
    problems = [one.text for one in found if one.severity is Severity.PROBLEM]
    if problems:
        raise ConfigError([f"{info.name}: {problem}" for problem in problems])
    before = tell_signer(files.signer_admin, Describe()).held[-1]
    step(f"unlocking {info.name}; {before.address} signs on meanwhile")
    began = time.monotonic()
    held = tell_signer(files.signer_admin, TakeOver(str(path.resolve()), str(password_file.resolve()))).held
    unlocked_s = time.monotonic() - began
    step(f"{held[-1].address} signs")
    former = held[:-1]  # more than one if a change before this one was cut off
    until_ms = max(agent.until_ms for agent in former)
    left_s = max(until_ms + MARGIN_MS - WallClock().now() // MS, 0) * MS / SECOND
    step(f"draining {before.address}: what it signed may act for {left_s:.0f} s more")
    time.sleep(left_s)
    for agent in former:
        tell_signer(files.signer_admin, Retire(agent.address))
        _end(Path(agent.keystore), home_keys, step)
    return Rotated(before.address, info.address, str(path), unlocked_s, left_s)


def _end(path: Path, home_keys: Path, step: Step) -> None:
    """No key of that address is used again, here or from another folder, and this one is destroyed."""
    name = keystore.read_info(path).name
    entry = keystore.retire_agent(path.parent, name, Ns(time.time_ns()), "rotated")
    if home_keys != path.parent:
        home_keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        retire(home_keys, entry)
    step(f"{entry.address} is destroyed and on the never-reuse list; remove the agent on the venue's site too")
