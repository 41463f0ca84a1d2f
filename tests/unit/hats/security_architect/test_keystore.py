"""Keys on disk: strong, private, and agents' only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from hats.security_architect import keystore
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from shared.errors import ConfigError
from shared.units import Ns

QUICK_N = 1_024


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A quickly encrypted key; the path of its keystore."""
    folder = tmp_path / "keys"
    keystore.new_agent(folder, "trader", "tüp", "testnet", Ns(5), scrypt_n=QUICK_N, is_weak_allowed=True)
    return keystore.keystore_path(folder, "trader")


def test_round_trip(made: Path) -> None:
    """A stored key comes back, and its note tells what it is for."""
    unlocked = keystore.load(made, "tüp", is_weak_allowed=True)
    assert AgentKey(unlocked.secret, Network.TESTNET).address == unlocked.info.address
    assert keystore.list_keys(made.parent) == (unlocked.info,)
    assert (unlocked.info.hats_role, unlocked.info.network, unlocked.info.created_ns) == ("agent", "testnet", 5)
    assert unlocked.secret.hex() not in repr(unlocked) + made.read_text() + keystore.info_path(made).read_text()
    unlocked.wipe()
    assert unlocked.secret == bytes(32)


def test_files_are_private(made: Path) -> None:
    """Folder 0700, files 0600."""
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.parent.iterdir()} == {0o600}


def test_wrong_password(made: Path) -> None:
    """A wrong password is said so, without the password."""
    with pytest.raises(ConfigError, match="wrong password") as caught:
        keystore.load(made, "guess-guess", is_weak_allowed=True)
    assert "guess-guess" not in str(caught.value)


def test_weak_encryption_is_refused(made: Path) -> None:
    """A quick scrypt is refused, when made and when loaded."""
    with pytest.raises(ConfigError, match="weaker"):
        keystore.load(made, "tüp")
    with pytest.raises(ConfigError, match="scrypt n"):
        keystore.new_agent(made.parent, "other", "p", "testnet", Ns(0), scrypt_n=QUICK_N)


def test_pbkdf2_is_refused(made: Path) -> None:
    """A keystore of another derivation is refused however many rounds it claims."""
    content = msgspec.json.decode(made.read_bytes())
    content["crypto"]["kdf"] = "pbkdf2"
    made.write_bytes(msgspec.json.encode(content))
    with pytest.raises(ConfigError, match="weaker"):
        keystore.load(made, "tüp")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_readable_files_are_refused(made: Path, mode: int) -> None:
    """A keystore or password file that others may read is refused."""
    made.chmod(mode)
    with pytest.raises(ConfigError, match="0600"):
        keystore.load(made, "tüp", is_weak_allowed=True)
    with pytest.raises(ConfigError, match="0600"):
        keystore.password_from_file(made)


def test_only_agents(made: Path) -> None:
    """A key whose note says that it is no agent's is refused."""
    note = keystore.info_path(made)
    note.write_text(note.read_text().replace('"agent"', '"master"'))
    with pytest.raises(ConfigError, match="only agent keys"):
        keystore.load(made, "tüp", is_weak_allowed=True)
    note.unlink()
    with pytest.raises(ConfigError, match="cannot read"):
        keystore.load(made, "tüp", is_weak_allowed=True)


def test_a_note_of_another_key_is_refused(made: Path) -> None:
    """The note's address must be the key's."""
    note = keystore.info_path(made)
    info = keystore.read_info(made)
    note.write_bytes(msgspec.json.encode(msgspec.structs.replace(info, address="0x" + "1" * 40)))
    with pytest.raises(ConfigError, match="its note says"):
        keystore.load(made, "tüp", is_weak_allowed=True)


def test_a_key_is_never_overwritten(made: Path) -> None:
    """A taken name, a bad name and an empty password are refused."""
    before = made.read_bytes()
    for name, password in (("trader", "p"), ("../x", "p"), ("", "p"), ("other", "")):
        with pytest.raises(ConfigError):
            keystore.new_agent(made.parent, name, password, "testnet", Ns(0), scrypt_n=QUICK_N, is_weak_allowed=True)
    assert made.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"crypto":{}}', b'{"version":3,"crypto":{"kdf":"scrypt"}}'])
def test_damaged_files(made: Path, content: bytes) -> None:
    """A damaged keystore is a configuration error, not a crash."""
    made.write_bytes(content)
    with pytest.raises(ConfigError):
        keystore.load(made, "tüp", is_weak_allowed=True)


def test_password_from_descriptor() -> None:
    """The password is read from an open descriptor up to its end, without the line end."""
    read, write = os.pipe()
    os.write(write, "sécret\n".encode())
    os.close(write)
    assert keystore.password_from_descriptor(read) == "sécret"
    with pytest.raises(ConfigError):
        keystore.password_from_descriptor(read)


def test_password_from_file(tmp_path: Path) -> None:
    """The password is read from a 0600 file; an empty one is refused."""
    path = tmp_path / "password"
    path.touch(0o600)
    with pytest.raises(ConfigError, match="no password"):
        keystore.password_from_file(path)
    path.write_text("abc\n")
    assert keystore.password_from_file(path) == "abc"


def test_no_keys(tmp_path: Path) -> None:
    """An empty or missing folder holds no keys."""
    assert keystore.list_keys(tmp_path / "nowhere") == ()
