"""EDGE: the keys of a running signer: opened at the start, and changed without a pause.

Unlocking takes a second of scrypt, so that it happens on a thread while the signer serves on; taking over is then one
step between two questions. What a former agent signed can still be repeated and fenced until it is retired. A file
remembers who took over, so that a signer that is started anew goes on with the same agents.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from hats.security_architect import keystore
from hats.security_architect.checkpoints import NONCE_BYTES, CheckpointKey
from hats.security_architect.signer.bounds import Added, Limits
from hats.security_architect.signer.keyring import Held, Keyring
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import REMEMBERED, NonceBook, Spent
from hats.security_architect.signer.process import unlock
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from shared.errors import ConfigError, HatsError
from shared.private_files import read_private, write_private

_FILE_BYTES_MAX = 16 * 1024


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an agent's key lies, and the nonce above which it signed."""

    keystore: str
    password_file: str
    floor: int = 0


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keyring on disk, oldest first. `checkpoint` is the key of the audit's checkpoints, sealed for the newest."""

    keys: tuple[Place, ...]
    checkpoint: str = ""


class Unlocked(NamedTuple):
    """A key that is ready to take over; `sealed` is the checkpoint key under it."""

    place: Place
    key: AgentKey
    store: NonceStore
    sealed: str


class Keys:
    """All that a signer process holds: agents with their stores. `unlock` may run on a thread, nothing else may."""

    def __init__(
        self, network: Network, path: Path | None, first: Place, password: Callable[[], str], *,
        is_weak_allowed: bool, until_ms: int, nonces: Path | None = None,
    ) -> None:  # fmt: skip
        """Open what the file at `path` remembers, or the first key. `until_ms`: when nothing signed before can act.

        `password` is the first key's; `nonces` the file of its nonces, unless it is beside the keystore.
        """
        self._network, self._path, self._is_weak_allowed = network, path, is_weak_allowed
        self._stores: dict[str, NonceStore] = {}
        self._places: dict[str, Place] = {}
        remembered = self._read() or Remembered((first,))
        held = []
        try:
            for place in remembered.keys:
                is_first = place.keystore == first.keystore
                word = password() if is_first else keystore.password_from_file(Path(place.password_file))
                unlocked = unlock(Path(place.keystore), word, network, is_weak_allowed=is_weak_allowed)
                key = AgentKey(unlocked.secret, network, unlocked.info.created_ns)
                checkpoint_key = CheckpointKey(unlocked.secret)
                if remembered.checkpoint and place is remembered.keys[-1]:
                    checkpoint_key = CheckpointKey.opened(unlocked.secret, bytes.fromhex(remembered.checkpoint))
                unlocked.wipe()
                store = NonceStore(_nonces(place, nonces if is_first else None), key.address)
                self._stores[key.address], self._places[key.address] = store, place
                held.append(Held(key, place.floor, until_ms if store.spent() else 0))
        except HatsError:
            self.close()
            raise
        self.checkpoint_key = checkpoint_key
        self.ring = Keyring(held)

    @property
    def store(self) -> NonceStore:
        """Where what is signed now is written down."""
        return self._stores[self.ring.current.address]

    def place_of(self, address: str) -> Place:
        """Where an agent that is held has its key."""
        return self._places[address]

    def book(self) -> NonceBook:
        """The nonces that all of them have spent."""
        spent: dict[int, Spent] = {}
        for store in self._stores.values():
            spent |= {entry.nonce: entry for entry in store.spent()}
        book = NonceBook([spent[nonce] for nonce in sorted(spent)][-REMEMBERED:])
        book.high = max(book.high, self.ring.held[-1].floor)  # of agents that are retired only this is known
        return book

    def approvals(self, key_name: bytes) -> list[int]:
        """The approvals that all of them have spent under a seal, rising."""
        return sorted({number for store in self._stores.values() for number in store.approvals(key_name)})

    def added(self, limits: Limits, now_ms: int, up_ms: int) -> list[Added]:
        """What was signed within the last window."""
        return self.store.added(limits, now_ms, up_ms)  # which inherited what those before it added

    def unlock(self, path: Path, password_file: Path) -> Unlocked:
        """A key that may take over; HatsError if it may not be used. Takes a second; its store is open afterwards."""
        if self._path is None:
            raise ConfigError(["this signer was started without --keyring: it keeps the key that it has"])
        if any(place.keystore == str(path) for place in self._places.values()):
            raise ConfigError([f"{path} is held already"])
        password = keystore.password_from_file(password_file)
        unlocked = unlock(path, password, self._network, is_weak_allowed=self._is_weak_allowed)
        key = AgentKey(unlocked.secret, self._network, unlocked.info.created_ns)
        sealed = self.checkpoint_key.sealed_for(unlocked.secret, secrets.token_bytes(NONCE_BYTES)).hex()
        unlocked.wipe()
        place = Place(str(path), str(password_file))
        return Unlocked(place, key, NonceStore(_nonces(place, None), key.address), sealed)

    def take_over(self, new: Unlocked, high: int, since_ms: int) -> None:
        """The new agent signs from here on, above the nonce `high`; it is on the disk when this returns.

        What was added since `since_ms` (a window ago) counts on. It signs nothing that a signer which is started anew
        would not know to be its own; HatsError if it may not take over, or that can't be written down, and then nothing
        has changed.
        """
        place = msgspec.structs.replace(new.place, floor=high)
        try:
            self.ring.check(new.key)
            new.store.inherit(self.store, since_ms)
            self._write(new.sealed, place)
        except HatsError:
            new.store.close()
            raise
        self._stores[new.key.address], self._places[new.key.address] = new.store, place
        self.ring.switch(new.key, high)

    def retire(self, address: str, now_ms: int) -> None:
        """The oldest agent is forgotten; ConfigError if it is another, or not drained."""
        self.ring.retire(address, now_ms)
        self._stores.pop(address).close()
        del self._places[address]
        remembered = self._read()
        self._write(remembered.checkpoint if remembered is not None else "")

    def close(self) -> None:
        """Let go of the files."""
        for store in self._stores.values():
            store.close()

    def _read(self) -> Remembered | None:
        return None if self._path is None else remembered_at(self._path)

    def _write(self, sealed: str, *new: Place) -> None:
        assert self._path is not None
        keys = (*(self._places[held.key.address] for held in self.ring.held), *new)
        write_private(self._path, msgspec.json.encode(Remembered(keys, sealed)))


def remembered_at(path: Path) -> Remembered | None:
    """The keyring in the file; None if no key ever took over. ConfigError if it is damaged or open to others."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(read_private(path, _FILE_BYTES_MAX), type=Remembered)
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{path} is no keyring: {error}"]) from error


def _nonces(place: Place, other: Path | None) -> Path:
    return other or Path(place.keystore).with_suffix(".nonces.sqlite")
