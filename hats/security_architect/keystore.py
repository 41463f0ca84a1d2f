"""EDGE: agent keys on disk: Web3 secret storage v3 (scrypt) in 0600 files, with a note beside each of what it is for.

Only agent (API wallet) keys live here: they can trade and cannot move money. A master key has no place on the machine.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from shared.errors import ConfigError
from shared.units import Ns

SCRYPT_N: Final = 262_144
"""scrypt work factor (2^18, 256 MiB, about a second)."""
SCRYPT_N_MIN: Final = 131_072
"""A keystore with less is refused."""
AGENT: Final = "agent"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SUFFIX: Final = ".keystore.json"
_FILE_BYTES_MAX: Final = 16 * 1024


class KeyInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The note beside a keystore. `address` is the agent's; `created_ns` UTC."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    hats_role: str
    network: str
    address: str
    created_ns: int


class Unlocked:
    """A decrypted key. `wipe` overwrites our copy; Python may have made others, and we claim no more than that."""

    def __init__(self, info: KeyInfo, secret: bytes) -> None:
        self.info = info
        self._secret = bytearray(secret)

    def __repr__(self) -> str:
        return f"Unlocked({self.info.name}, {self.info.address})"

    @property
    def secret(self) -> bytes:
        """The 32 bytes of the private key."""
        return bytes(self._secret)

    def wipe(self) -> None:
        """Overwrite the key."""
        self._secret[:] = bytes(len(self._secret))


def keystore_path(directory: Path, name: str) -> Path:
    """Where the key of that name lies."""
    return directory / f"{name}{_SUFFIX}"


def info_path(keystore: Path) -> Path:
    """Where the note of a keystore lies."""
    return keystore.with_name(keystore.name.removesuffix(_SUFFIX) + ".json")


def new_agent(
    directory: Path,
    name: str,
    password: str,
    network: str,
    created_ns: Ns,
    *,
    scrypt_n: int = SCRYPT_N,
    is_weak_allowed: bool = False,
) -> KeyInfo:
    """The note of a fresh agent key, encrypted and stored. ConfigError if the name is taken or it is weak."""
    from eth_account import Account  # noqa: PLC0415 - half a second that only key work should cost

    problems = []
    if not _NAME.fullmatch(name):
        problems.append(f"expected a name of a-z, 0-9, _ and -, at most 32 characters, got {name!r}")
    if not password:
        problems.append("expected a password, got none")
    if scrypt_n < SCRYPT_N_MIN and not is_weak_allowed:
        problems.append(f"expected scrypt n of at least {SCRYPT_N_MIN}, got {scrypt_n}")
    if problems:
        raise ConfigError(problems)
    path = keystore_path(directory, name)
    if path.exists() or info_path(path).exists():
        raise ConfigError([f"{path} exists; a key is never overwritten"])
    secret = secrets.token_bytes(32)
    address: str = Account.from_key(secret).address.lower()
    encrypted = Account.encrypt(secret, password, kdf="scrypt", iterations=scrypt_n)
    info = KeyInfo(name=name, hats_role=AGENT, network=network, address=address, created_ns=created_ns)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(path, msgspec.json.encode(encrypted))
    _write_private(info_path(path), msgspec.json.encode(info))
    return info


def load(keystore: Path, password: str, *, is_weak_allowed: bool = False) -> Unlocked:
    """The decrypted key.

    ConfigError if the file is readable by others, weakly encrypted or no agent's, or if the password is wrong.
    """
    from eth_account import Account  # noqa: PLC0415 - see new_agent

    encrypted = _read_json(keystore)
    _check_strength(keystore, encrypted, is_weak_allowed=is_weak_allowed)
    info = read_info(keystore)
    try:
        secret = bytes(Account.decrypt(encrypted, password))
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError([f"{keystore} cannot be decrypted: wrong password or damaged file"]) from error
    address = Account.from_key(secret).address.lower()
    if address != info.address:
        raise ConfigError([f"{keystore} holds the key of {address}, its note says {info.address}"])
    return Unlocked(info, secret)


def read_info(keystore: Path) -> KeyInfo:
    """The note beside a keystore. ConfigError if it is missing, malformed or of a key that is no agent's."""
    path = info_path(keystore)
    try:
        info = msgspec.json.decode(_read_private(path), type=KeyInfo)
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{path} is no note of a key: {error}"]) from error
    if info.hats_role != AGENT:
        raise ConfigError([f"{path} says {info.hats_role!r}: only agent keys may be on this machine"])
    return info


def list_keys(directory: Path) -> tuple[KeyInfo, ...]:
    """The notes of all keys in the directory, by name; none if there is no such directory."""
    return tuple(read_info(path) for path in sorted(directory.glob(f"*{_SUFFIX}")))


def password_from_file(path: Path) -> str:
    """The password in a 0600 file, without its line end. ConfigError if others may read it or it is empty."""
    return _password(_read_private(path), str(path))


def password_from_descriptor(descriptor: int) -> str:
    """The password read from an open file descriptor up to its end, which is then closed."""
    try:
        with os.fdopen(descriptor, "rb") as stream:
            return _password(stream.read(_FILE_BYTES_MAX), f"descriptor {descriptor}")
    except OSError as error:
        raise ConfigError([f"cannot read the password from descriptor {descriptor}: {error}"]) from error


def _password(data: bytes, source: str) -> str:
    try:
        password = data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{source} holds no text"]) from error
    if not password:
        raise ConfigError([f"{source} holds no password"])
    return password


def _check_strength(path: Path, encrypted: dict[str, Any], *, is_weak_allowed: bool) -> None:
    try:
        crypto = encrypted.get("crypto") or encrypted["Crypto"]
        kdf, numbers = crypto["kdf"], crypto["kdfparams"]
        is_strong = kdf == "scrypt" and numbers["n"] >= SCRYPT_N_MIN and numbers["r"] >= 8 and numbers["p"] >= 1
    except (KeyError, TypeError) as error:
        raise ConfigError([f"{path} is no Web3 secret storage file"]) from error
    if encrypted.get("version") != 3 or (not is_strong and not is_weak_allowed):
        raise ConfigError([f"{path}: expected version 3 with scrypt n >= {SCRYPT_N_MIN}, r >= 8; this one is weaker"])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_read_private(path), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{path} is no JSON object"]) from error


def _read_private(path: Path) -> bytes:
    """The content of a file that only its owner (we) can read."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise ConfigError([f"{path} must be ours and 0600, it is {stat.S_IMODE(status.st_mode):04o}"])
            return stream.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise ConfigError([f"cannot read {path}: {error.strerror}"]) from error


def _write_private(path: Path, data: bytes) -> None:
    """Write the file whole or not at all, 0600, on the disk when this returns."""
    beside = path.with_name(path.name + ".tmp")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
