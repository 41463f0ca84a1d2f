"""Many processes, one signer: 8 callers whose clocks step back ten minutes, and a signer that is started anew."""

from __future__ import annotations

import multiprocessing
import os
import re
import sqlite3
import time
from pathlib import Path
from typing import Final

import msgspec

from hats.security_architect.actions import CancelByCloid, CloidCancelEntry, to_json
from hats.security_architect.signer import frames
from shared.bus.sockets import Connection, connect
from shared.errors import BusError
from shared.ids import cloid_for
from shared.venue.door.nonces import NonceBook
from tests.unit.hats.security_architect.signer.test_server import Door

STEP_MS: Final = 10 * 60 * 1_000
ANSWER_S: Final = 20.0
_HIGHEST: Final = re.compile(r"highest (\d+)")


class Nonces(msgspec.Struct, frozen=True):
    """What was signed: how many actions, how often a nonce was refused first, and every nonce that was given twice.

    `not_admitted`: what the venue would refuse, were the actions sent in the order in which their callers had them.
    """

    processes: int
    actions: int
    refused_first: int
    restarts: int
    repeated: int
    not_admitted: int
    seconds: float


def _call(socket_path: str) -> Connection:
    """A line to the signer; it may be away for a moment."""
    why = "it hung up"
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            line = connect(f"unix:{socket_path}")
            greeting = line.receive(ANSWER_S)
        except BusError as error:
            greeting, why = None, str(error)
        if greeting is not None:
            frames.decode_greeting(greeting)
            return line
        if time.monotonic() > until:
            raise BusError(f"no signer at {socket_path}: {why}")
        time.sleep(0.02)


def caller(socket_path: str, number: int, actions: int) -> list[tuple[int, int, int]]:
    """Have `actions` cancels signed, each under a nonce of its own: (when, nonce, refusals before it) of each.

    When is by the clock that all processes of a machine share and nobody sets.
    """
    line, last, signed = _call(socket_path), 0, []
    for index in range(actions):
        back_ms = STEP_MS if index >= actions // 2 else 0
        action = to_json(CancelByCloid((CloidCancelEntry(0, cloid_for(1, number, index)),)))
        refusals = 0
        while True:
            nonce = max(last + 1, time.time_ns() // 10**6 - back_ms)
            try:
                line.send(frames.encode(frames.Ask(index, action, nonce, 0)))
                data = line.receive(ANSWER_S)
            except BusError:
                data = None
            if data is None:  # it was started anew: the question may have been answered, so the same one is asked
                line.close()
                line = _call(socket_path)
                line.send(frames.encode(frames.Ask(index, action, nonce, 0)))
                data = line.receive(ANSWER_S)
            assert data is not None, "the signer ended twice within one question"
            answer = frames.decode_answer(data)
            if isinstance(answer, frames.Signed):
                signed.append((time.monotonic_ns(), nonce, refusals))
                last = nonce
                break
            assert isinstance(answer, frames.Refused)
            highest = _HIGHEST.search(answer.reason)
            assert highest is not None, answer.reason
            last, refusals = int(highest[1]), refusals + 1
    line.close()
    return signed


def storm(folder: Path, *, processes: int, actions: int, restarts: int) -> Nonces:
    """Let so many processes have so many actions signed in all, while the signer ends and begins so often."""
    began = time.monotonic()
    door = Door(folder, os.getuid())
    jobs = [(str(door.path), number, actions // processes) for number in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        waiting = pool.starmap_async(caller, jobs)
        for _ in range(restarts):
            time.sleep(0.2)
            door.stop()
            door = Door(folder, os.getuid())
        told = waiting.get(600)
    door.stop()
    signed = [entry for entries in told for entry in entries]
    nonces = [nonce for _, nonce, _ in sorted(signed)]
    assert all(entries == sorted(entries) for entries in told), "a caller's nonces did not rise"
    with sqlite3.connect(folder / "nonces.sqlite") as file:
        spent = {nonce for (nonce,) in file.execute("SELECT nonce FROM spent")}
    assert set(nonces) <= spent, "a signature under a nonce that the signer did not write down"
    venue, now_ms = NonceBook(), time.time_ns() // 10**6
    return Nonces(
        processes=processes,
        actions=len(signed),
        refused_first=sum(refusals for *_, refusals in signed),
        restarts=restarts,
        repeated=len(nonces) - len(set(nonces)),
        not_admitted=sum(venue.admit("signer", nonce, now_ms) is not None for nonce in nonces),
        seconds=time.monotonic() - began,
    )
