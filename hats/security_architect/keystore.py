"""EDGE: agent keys on disk: Web3 secret storage v3 (scrypt) in 0600 files, with a note beside each of what it is for.

Only agent (API wallet) keys live here: they can trade and cannot move money. A master key has no place on the machine.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from hats.security_architect.retired import Retired, refuse_retired, retire
from shared.errors import ConfigError, JournalError
from shared.private_files import destroy, read_private, write_private
from shared.redaction import redact_text
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
    secret = secrets.token_bytes(32)
    return store_agent(
        directory, name, secret, password, network, created_ns, scrypt_n=scrypt_n, is_weak_allowed=is_weak_allowed
    )


def store_agent(
    directory: Path,
    name: str,
    secret: bytes,
    password: str,
    network: str,
    created_ns: Ns,
    *,
    scrypt_n: int = SCRYPT_N,
    is_weak_allowed: bool = False,
) -> KeyInfo:
    """The note of this agent key, encrypted and stored. `created_ns` is when the key itself was made, as far as known.

    ConfigError if the name is taken, the encryption weak, the address already here or retired.
    """
    from eth_account import Account  # noqa: PLC0415 - half a second that only key work should cost

    problems = []
    if not _NAME.fullmatch(name):
        problems.append(f"expected a name of a-z, 0-9, _ and -, at most 32 characters, got {redact_text(name)!r}")
    if not password:
        problems.append("expected a password, got none")
    if scrypt_n < SCRYPT_N_MIN and not is_weak_allowed:
        problems.append(f"expected scrypt n of at least {SCRYPT_N_MIN}, got {scrypt_n}")
    if problems:
        raise ConfigError(problems)
    path = keystore_path(directory, name)
    if path.exists() or info_path(path).exists():
        raise ConfigError([f"{path} exists; a key is never overwritten"])
    try:
        address: str = Account.from_key(secret).address.lower()
    except ValueError:  # whose text could hold the key
        raise ConfigError(
            ["expected a private key of secp256k1: 32 bytes, not 0 and below the curve's order"]
        ) from None
    refuse_retired(directory, address)
    known = next((info.name for info in list_keys(directory) if info.address == address), None)
    if known is not None:
        raise ConfigError([f"{address} is here already, as {known}"])
    encrypted = Account.encrypt(secret, password, kdf="scrypt", iterations=scrypt_n)
    info = KeyInfo(name=name, hats_role=AGENT, network=network, address=address, created_ns=created_ns)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, msgspec.json.encode(encrypted))
    write_private(info_path(path), msgspec.json.encode(info))
    return info


def secret_in(data: bytes, password: str | None) -> bytes:
    """The private key that a file to be imported holds: 64 hex digits, or Web3 secret storage under `password`.

    ConfigError if it is neither or the password is wrong; the message never repeats what was in it.
    """
    from eth_account import Account  # noqa: PLC0415 - see new_agent

    text = data.strip()
    if not text.startswith(b"{"):
        digits = text.removeprefix(b"0x")
        if not re.fullmatch(rb"[0-9a-fA-F]{64}", digits):
            raise ConfigError(["expected a private key of 64 hex digits, or a Web3 secret storage file"])
        return bytes.fromhex(digits.decode())
    if password is None:
        raise ConfigError(["expected the password of the file to be imported"])
    try:
        return bytes(Account.decrypt(msgspec.json.decode(text), password))
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
        raise ConfigError(["the file to be imported cannot be decrypted: wrong password or damaged"]) from error


def retire_agent(directory: Path, name: str, ns: Ns, reason: str) -> Retired:
    """The key's address is on the never-reuse list, and then its files are destroyed.

    ConfigError if there is no such key, or if a signer holds it.
    """
    from hats.security_architect.signer.nonce_store import NonceStore  # noqa: PLC0415 - needed here alone

    path = keystore_path(directory, name)
    info = read_info(path)
    nonces = path.with_suffix(".nonces.sqlite")
    if nonces.exists():
        try:
            NonceStore(nonces, info.address).close()
        except JournalError as error:
            raise ConfigError([f"{name} is in use: {error}"]) from error
    entry = Retired(info.address, name, info.network, ns, reason)
    retire(directory, entry)
    destroy(path)
    destroy(info_path(path))
    return entry


def load(keystore: Path, password: str, *, is_weak_allowed: bool = False) -> Unlocked:
    """The decrypted key.

    ConfigError if the file is readable by others, weakly encrypted or no agent's, or if the password is wrong.
    """
    from eth_account import Account  # noqa: PLC0415 - see new_agent

    encrypted = _read_json(keystore)
    _check_strength(keystore, encrypted, is_weak_allowed=is_weak_allowed)
    info = read_info(keystore)
    refuse_retired(keystore.parent, info.address)
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
        info = msgspec.json.decode(read_private(path, _FILE_BYTES_MAX), type=KeyInfo)
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{path} is no note of a key: {error}"]) from error
    if info.hats_role != AGENT:
        raise ConfigError([f"{path} says {info.hats_role!r}: only agent keys may be on this machine"])
    return info


def checked_info(keystore: Path) -> KeyInfo:
    """The note of a keystore that is private, strong and not retired; ConfigError otherwise. Needs no password."""
    _check_strength(keystore, _read_json(keystore), is_weak_allowed=False)
    info = read_info(keystore)
    refuse_retired(keystore.parent, info.address)
    return info


def keystores_in(directory: Path) -> list[Path]:
    """The keystores in the directory, by name; none if there is no such directory."""
    return sorted(directory.glob(f"*{_SUFFIX}"))


def list_keys(directory: Path) -> tuple[KeyInfo, ...]:
    """The notes of all keys in the directory, by name; none if there is no such directory."""
    return tuple(read_info(path) for path in keystores_in(directory))


def password_from_file(path: Path) -> str:
    """The password in a 0600 file, without its line end. ConfigError if others may read it or it is empty."""
    return _password(read_private(path, _FILE_BYTES_MAX), str(path))


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
        return msgspec.json.decode(read_private(path, _FILE_BYTES_MAX), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ConfigError([f"{path} is no JSON object"]) from error
