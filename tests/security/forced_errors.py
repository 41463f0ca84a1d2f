"""Fifty and some errors, forced on real code paths that have a secret in their hands. None may tell it.

What a venue answers is not among them: its words are no secret of ours, and an error shows them on purpose.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from loguru import logger
from msgspec import MsgspecError

from hats.exchange_architect.logic import ExchangeArchitect
from hats.exchange_architect.settings import Settings as ExchangeSettings
from hats.security_architect import keystore
from hats.security_architect.actions import read_action
from hats.security_architect.signer import frames as signer_frames
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator import compose
from orchestrator.accounts import operator_key
from orchestrator.accounts.account import throw_away_account
from orchestrator.control import Control
from orchestrator.machine import certificates, raylink
from orchestrator.machine.runfiles import RunFiles
from orchestrator.settings import Settings
from orchestrator.upkeep.caretaker import read_state
from orchestrator.watchdog import words
from shared.approval import ApprovalKey
from shared.approval_file import read_key
from shared.bus import frames
from shared.bus.framing import FRAME_BYTES_MAX, FrameBuffer
from shared.bus.sockets import connect
from shared.bus.tls import TlsFiles, client_context
from shared.codec import decode
from shared.config_sources import load, override_from
from shared.errors import HatsError
from shared.hat import restore
from shared.ids import Role
from shared.journal import JournalReader
from shared.units import Ns
from shared.venue.core.snapshot import restored
from shared.venue.faults.script import read_fault, read_script


class World(NamedTuple):
    """Where the errors are made: an empty folder, a keystore of a real key, and the secrets to have in hand."""

    folder: Path
    keystore: Path
    password: str
    key: bytes
    word: str
    """A secret without a form that tells it for one."""

    def file(self, name: str, data: bytes | str, mode: int = 0o600) -> Path:
        """A file with a secret in it."""
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        path.chmod(mode)
        return path


class Forced(NamedTuple):
    """An error and how to have it."""

    name: str
    force: Callable[[World], object]


def _spoilt_keystore(world: World, **changed: object) -> Path:
    folder = world.folder / f"spoilt-{len(list(world.folder.iterdir()))}"
    folder.mkdir()
    path = folder / world.keystore.name
    path.write_text(json.dumps(json.loads(world.keystore.read_text()) | changed))
    path.chmod(0o600)
    note = keystore.info_path(world.keystore)
    (folder / note.name).write_bytes(note.read_bytes())
    (folder / note.name).chmod(0o600)
    return path


def _load(world: World, path: Path, password: str | None = None) -> object:
    return keystore.load(path, world.password if password is None else password, is_weak_allowed=True)


def _new_agent(world: World, folder: Path, name: str) -> object:
    return keystore.new_agent(folder, name, world.password, "testnet", Ns(0))


def _settings(overrides: dict[str, object], environ: dict[str, str] | None = None, path: Path | None = None) -> object:
    return load(Settings, path, overrides, environ={"HATS_HOME": "/nonexistent"} | (environ or {}))


def _with_token(value: str) -> None:
    before = dict(os.environ)
    try:
        os.environ["RAY_AUTH_TOKEN"] = value
        raylink.prepare()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _hello(world: World) -> bytes:
    return msgspec.msgpack.encode(["Hello", "nobody", "hat", world.word, "b", 1])


def _raise_with_locals(world: World) -> object:
    secret, key = world.word, world.key
    raise ValueError(f"a bug, with {len(secret)} characters and {len(key)} bytes in hand")


def _raise_in_chain(world: World) -> object:
    try:
        return json.loads("{" + world.word)
    except ValueError as error:
        raise RuntimeError("the second of two errors") from error


def _raise_with_key(world: World) -> object:
    raise ValueError(f"password={world.word} Authorization: Bearer {world.word} key {world.key.hex()} {world.key!r}")


def _raise_in_library(world: World) -> object:
    return msgspec.json.decode(b'{"role":"x","secret":"' + world.word.encode() + b'"}', type=frames.Hello)


def _occupied(world: World) -> object:
    path = world.folder / "sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        return connect(f"unix:{path}", 0.2)


ERRORS: Final[tuple[Forced, ...]] = (
    # keys and passwords
    Forced("wrong password", lambda w: _load(w, w.keystore, w.word)),
    Forced("empty password", lambda w: _load(w, w.keystore, "")),
    Forced("keystore cut short", lambda w: _load(w, w.file("cut.keystore.json", w.keystore.read_text()[:-40]))),
    Forced("keystore with the key in plain", lambda w: _load(w, _spoilt_keystore(w, crypto={"key": w.key.hex()}))),
    Forced("keystore of another version", lambda w: _load(w, _spoilt_keystore(w, version=1, password=w.password))),
    Forced("keystore open to others", lambda w: _load(w, w.file("o.keystore.json", w.keystore.read_text(), 0o644))),
    Forced("keystore that is a key", lambda w: _load(w, w.file("k.keystore.json", w.key.hex()))),
    Forced("password file open to others", lambda w: keystore.password_from_file(w.file("p1", w.password, 0o644))),
    Forced("password file of bytes", lambda w: keystore.password_from_file(w.file("p2", b"\xff" + w.key))),
    Forced("password file without a password", lambda w: keystore.password_from_file(w.file("p3", "\n"))),
    Forced("a password for a file", lambda w: keystore.password_from_file(w.folder / "none" / "password")),
    Forced("agent's key too long", lambda w: AgentKey(w.key + w.key, Network.TESTNET)),
    Forced("agent's key out of range", lambda w: AgentKey(b"\xff" * 32, Network.TESTNET)),
    Forced(
        "a key that exists", lambda w: keystore.new_agent(w.keystore.parent, "trader", w.password, "testnet", Ns(0))
    ),
    Forced("a name that is a key", lambda w: keystore.new_agent(w.folder, w.key.hex(), w.password, "testnet", Ns(0))),
    Forced("approval key too short", lambda w: ApprovalKey(w.key[:20])),
    Forced("approval key's file too long", lambda w: read_key(w.file("a1", w.key + w.key))),
    Forced("approval key's file open", lambda w: read_key(w.file("a2", w.key, 0o640))),
    Forced("approval key travels", lambda w: ApprovalKey(w.key).__reduce__()),
    Forced("operator's key is none", lambda w: operator_key.sign(w.file("op1", w.word), b"words")),
    Forced("operator's key open to others", lambda w: operator_key.sign(w.file("op2", w.key.hex(), 0o644), b"words")),
    Forced("operator's key exists", lambda w: operator_key.make(w.file("op3", w.key.hex()))),
    Forced("certificate's key open", lambda w: client_context(TlsFiles("x", "x", str(w.file("t.key", w.word, 0o644))))),
    Forced("certificate that is a key", lambda w: client_context(TlsFiles(*[str(w.file("t2.key", w.word))] * 3))),
    Forced("certificate for a key", lambda w: certificates.make(w.folder / "tls", [w.key.hex() + "/"])),
    # configuration
    Forced("Ray's token in a variable", lambda w: _with_token(w.word)),
    Forced("password in an address", lambda w: _settings({"venue.base_url": f"https://me:{w.word}@api.example"})),
    Forced("unknown key", lambda w: _settings({"hats.security_architect.password": w.word})),
    Forced("secret for a number", lambda w: _settings({"hats.security_architect.max_order_notional_usd": w.key.hex()})),
    Forced("unknown variable", lambda w: _settings({}, {"HATS_PASSWORD": w.word})),
    Forced("secret for a list", lambda w: _settings({}, {"HATS_VENUE__COINS": f"[{w.key.hex()}"})),
    Forced("secret in a file", lambda w: _settings({}, path=w.file("c1.toml", f'[venue]\npassword = "{w.word}"\n'))),
    Forced("a file that is no TOML", lambda w: _settings({}, path=w.file("c2.toml", f"[venue\napi_key = {w.word}"))),
    Forced("no assignment", lambda w: override_from(f"password:{w.word}")),
    Forced("settings of another process", lambda w: compose.settings_from_json(f'{{"password":"{w.word}"}}'.encode())),
    # wires
    Forced("hello of nobody", lambda w: frames.decode_from_hat(_hello(w))),
    Forced("noise from a Hat", lambda w: frames.decode_from_hat(w.word.encode())),
    Forced("noise from the hub", lambda w: frames.decode_to_hat(w.word.encode())),
    Forced("no message", lambda w: decode(w.word.encode())),
    Forced("noise for the signer", lambda w: signer_frames.decode_question(w.word.encode())),
    Forced("noise of the signer", lambda w: signer_frames.decode_answer(w.word.encode())),
    Forced("noise for the watchdog", lambda w: words.decode_word(w.word.encode())),
    Forced("a frame without end", lambda w: FrameBuffer().feed((FRAME_BYTES_MAX + 9).to_bytes(4, "big") + w.key)),
    Forced("an action of no type", lambda w: read_action(f'{{"type":"order","secret":"{w.word}"}}'.encode())),
    Forced("nobody's socket", _occupied),
    Forced("a fault of no kind", lambda w: read_fault(f'{{"kind":"x","secret":"{w.word}"}}'.encode())),
    Forced("a script of no kind", lambda w: read_script(f'secret = "{w.word}"')),
    Forced("a venue that is not there", lambda w: throw_away_account("http://127.0.0.1:9", RunFiles(_run(w, "v")))),
    # what is kept
    Forced("a door without a hub", lambda w: Control(RunFiles(w.folder / "no run"))),
    Forced("a door of noise", lambda w: Control(_with_door(w))),
    Forced("a schedule of noise", lambda w: read_state(w.file("schedule.json", w.word))),
    Forced("a journal of noise", lambda w: JournalReader.open(w.file("j.sqlite", w.word * 100)).counts()),
    Forced("a snapshot of noise", lambda w: restore(ExchangeArchitect(ExchangeSettings()), w.word.encode())),
    Forced("a venue's snapshot", lambda w: restored(w.word.encode())),
    # bugs of ours
    Forced("a bug with secrets in hand", _raise_with_locals),
    Forced("a bug after an error", _raise_in_chain),
    Forced("a library's error", _raise_in_library),
)
LOGGED_ONLY: Final = Forced("a bug that says its secrets", _raise_with_key)
"""Its text holds secrets that look like secrets: the log takes them out, which is all that can be done."""


def _run(world: World, name: str) -> Path:
    path = world.folder / name
    (path / "keys").mkdir(parents=True)
    return path


def _with_door(world: World) -> RunFiles:
    files = RunFiles(_run(world, "d"))
    files.door.write_text(f'{{"address":"unix:/x","token":"{world.word}"}}')
    files.door.chmod(0o600)
    return files


def forced(world: World) -> Iterator[tuple[str, BaseException]]:
    """(name, error) of each, which is also logged as a bug is; AssertionError if one did not come."""
    for error in ERRORS:
        yield error.name, _caught(error, world)
    _caught(LOGGED_ONLY, world)


def _caught(forced_error: Forced, world: World) -> BaseException:
    try:
        forced_error.force(world)
    except (HatsError, LookupError, OSError, RuntimeError, TypeError, ValueError, MsgspecError, sqlite3.Error) as error:
        logger.bind(role=Role.OPERATOR, password=world.password, key=world.key).exception(forced_error.name)
        return error
    raise AssertionError(f"{forced_error.name}: nothing was raised")
