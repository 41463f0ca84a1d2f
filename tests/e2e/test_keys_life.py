"""An agent's key from its first day to its last, by the commands, at a local exchange."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from hats.security_architect import keystore
from orchestrator.accounts.onboarding import address_of
from orchestrator.cli.app import app
from orchestrator.cli.running import run
from tests.contract.serving import venue_process

pytestmark = pytest.mark.slow
MASTER: Final = bytes(range(1, 33))
ACCOUNT: Final = address_of(MASTER)
PASSWORD: Final = "three plain words"


@pytest.fixture(scope="module")
def exchange() -> Iterator[str]:
    """A local exchange that gives everybody money; its address."""
    with venue_process("--seed", "1", "--fund-all", "10000") as facts:
        yield facts["url"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own, with a password file."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    private(tmp_path / "password", PASSWORD)
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def private(path: Path, text: str) -> Path:
    """A 0600 file."""
    path.touch(0o600)
    path.write_text(text)
    return path


def hats(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """What `hats keys WORDS --json` said; AssertionError at another exit code."""
    assert run(app, "hats", ["keys", *words, "--json"]) == code, capsys.readouterr()
    said = capsys.readouterr()
    return json.loads(said.out or said.err)


def made(capsys: pytest.CaptureFixture[str], home: Path, name: str) -> Any:
    """A fresh key."""
    return hats(capsys, "new", name, "--password-file", str(home / "password"))


def wallet_signature(typed_data: Any, secret: bytes = MASTER) -> str:
    """What a wallet on another machine gives for the text."""
    signed = Account.sign_message(encode_typed_data(full_message=typed_data), secret)
    return "0x" + bytes(signed.signature).hex()


def test_from_new_to_retired(exchange: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text that `approve` writes, signed elsewhere, makes the key an agent; `check` sees it; `retire` ends it."""
    key = made(capsys, home, "trader")
    online = ("--venue", "--base-url", exchange, "--account", ACCOUNT)
    assert "approve it" in str(hats(capsys, "check", *online, code=6)["found"])
    asked = hats(capsys, "approve", "trader", str(home / "r.json"), "--account", ACCOUNT, "--days", "30")["request"]
    assert ACCOUNT not in json.dumps(asked["typed_data"])  # the wallet knows whose it is; the text says whom it lets in
    signature = wallet_signature(asked["typed_data"])
    done = hats(capsys, "submit", str(home / "r.json"), "--signature", signature, "--base-url", exchange)
    assert done["address"] == key["address"]
    found = hats(capsys, "check", *online)
    assert found["worst"] == "ok"
    assert any("approved as trader for 30.0 more days" in one["text"] for one in found["found"])
    assert "say --yes" in str(hats(capsys, "retire", "trader", code=2))
    assert hats(capsys, "retire", "trader", "--yes", "--reason", "test")["address"] == key["address"]
    assert list((home / "keys").iterdir()) == [home / "keys" / "never-reuse.jsonl"]
    assert stat.S_IMODE((home / "keys" / "never-reuse.jsonl").stat().st_mode) == 0o600


def test_soon_over_is_an_alarm(exchange: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An approval of less than a week is a problem, with its exit code."""
    made(capsys, home, "brief")
    asked = hats(capsys, "approve", "brief", str(home / "r.json"), "--account", ACCOUNT, "--days", "6")["request"]
    signature = wallet_signature(asked["typed_data"])
    hats(capsys, "submit", str(home / "r.json"), "--signature", signature, "--base-url", exchange)
    found = hats(capsys, "check", "--venue", "--base-url", exchange, "--account", ACCOUNT, code=6)
    assert "6.0 more days, expected 7" in str(found)


def test_only_the_accounts_signature_counts(exchange: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another's signature, a changed request and noise are refused before anything is sent."""
    made(capsys, home, "trader")
    file = home / "r.json"
    asked = hats(capsys, "approve", "trader", str(file), "--account", ACCOUNT)["request"]
    good = wallet_signature(asked["typed_data"])
    for wrong in (wallet_signature(asked["typed_data"], b"\x07" * 32), "0x" + "00" * 65, "0x" + "ff" * 65, "0x12"):
        assert "signature" in str(
            hats(capsys, "submit", str(file), "--signature", wrong, "--base-url", exchange, code=1)
        )
    file.write_text(file.read_text().replace(asked["action"]["agentAddress"], "0x" + "66" * 20, 1))
    assert "changed on its way" in str(
        hats(capsys, "submit", str(file), "--signature", good, "--base-url", exchange, code=1)
    )


def test_import(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hex and keystores come in, encrypted at full strength; a master's, a known, a retired key and noise do not."""
    word = ("--password-file", str(home / "password"))
    secret = secrets.token_bytes(32)
    file = private(home / "hex", f"0x{secret.hex()}\n")
    said = hats(capsys, "import", "a", "--key-file", str(file), "--age-days", "80", *word)
    assert said["address"] == address_of(secret)
    assert keystore.load(Path(said["keystore"]), PASSWORD).secret == secret
    assert hats(capsys, "check")["worst"] == "warning"
    assert "is here already, as a" in str(hats(capsys, "import", "b", "--key-file", str(file), *word, code=3))
    hats(capsys, "retire", "a", "--yes")
    assert "never to be used again" in str(hats(capsys, "import", "b", "--key-file", str(file), *word, code=3))
    foreign = private(home / "v3", json.dumps(Account.encrypt(b"\x09" * 32, "other", kdf="pbkdf2", iterations=1_000)))
    taken = ("--key-file", str(foreign), *word)
    assert "password" in str(hats(capsys, "import", "c", *taken, code=3))
    private(home / "other", "other")
    assert hats(capsys, "import", "c", *taken, "--key-password-file", str(home / "other"))["address"] == address_of(
        b"\x09" * 32
    )
    assert hats(capsys, "check")["worst"] == "ok"
    private(home / "master", MASTER.hex())
    master = ("--key-file", str(home / "master"), "--account", ACCOUNT, *word)
    assert "master key has no place" in str(hats(capsys, "import", "d", *master, code=3))
    for number, wrong in enumerate(("", "0x12", "f" * 64, "0" * 64, "{}", "zz" * 32)):
        bad = private(home / f"bad{number}", wrong)
        said = str(hats(capsys, "import", "d", "--key-file", str(bad), *word, code=3))
        assert not wrong.strip("0{}x") or wrong not in said
    (home / "hex").chmod(0o644)
    assert "must be ours and 0600" in str(hats(capsys, "import", "d", "--key-file", str(file), *word, code=3))


def test_check_finds_what_is_wrong(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that others can read, one that is quickly encrypted, and one that is too old: each is named."""
    for name in ("open", "fine"):
        made(capsys, home, name)
    keystore.keystore_path(home / "keys", "open").chmod(0o640)
    keystore.store_agent(home / "keys", "old", b"\x05" * 32, "p", "testnet", 0)  # type: ignore[arg-type]
    (home / "weak").mkdir()
    problems = {
        one["key"]: one["text"] for one in hats(capsys, "check", code=6)["found"] if one["severity"] == "problem"
    }
    assert problems.keys() == {"open", "old"}
    assert "0640" in problems["open"]
    assert "rotate it" in problems["old"]
    keystore.new_agent(home / "weak", "weak", "p", "testnet", 0, scrypt_n=1_024, is_weak_allowed=True)  # type: ignore[arg-type]
    assert "weaker" in str(hats(capsys, "check", "--dir", str(home / "weak"), code=6))


def test_a_key_in_use_is_not_retired(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While a signer holds the key's nonces, it stays."""
    path = Path(made(capsys, home, "trader")["keystore"])
    with sqlite3.connect(path.with_suffix(".nonces.sqlite"), isolation_level=None) as file:
        file.execute("PRAGMA locking_mode=EXCLUSIVE")
        file.execute("BEGIN EXCLUSIVE")
        assert "in use" in str(hats(capsys, "retire", "trader", "--yes", code=3))
    file.close()
    assert path.exists()


def test_a_damaged_list_stops_everything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If nobody knows what was retired, no key is loaded and none is made."""
    path = Path(made(capsys, home, "trader")["keystore"])
    private(home / "keys" / "never-reuse.jsonl", '{"address":')
    assert "damaged" in str(hats(capsys, "new", "b", "--password-file", str(home / "password"), code=3))
    with pytest.raises(Exception, match="damaged"):
        keystore.load(path, PASSWORD)
