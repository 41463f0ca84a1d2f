"""One desk for a home folder and for an account: the second is refused, and a claim ends with its process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.accounts.claim import account_lock, claimed, refuse_second
from orchestrator.machine.runfiles import RunNote, note_run
from shared.errors import AlreadyRunning
from tests.chaos.second_instance import holder

ACCOUNT = "0x" + "7a" * 20


def test_one_desk_for_a_home_folder(tmp_path: Path) -> None:
    """Held by another process it is refused, with that process's id; free once that process was killed."""
    with holder(tmp_path, "") as pid, pytest.raises(AlreadyRunning, match=f"process {pid}"):
        refuse_second(tmp_path, None, "testnet")
    refuse_second(tmp_path, None, "testnet")


def test_one_desk_for_an_account(tmp_path: Path) -> None:
    """Whatever its home folder and however the address is spelled; another network's account is another one."""
    with claimed(tmp_path / "one", ACCOUNT, "testnet"):
        with pytest.raises(AlreadyRunning, match="account"):
            refuse_second(tmp_path / "two", ACCOUNT.upper().replace("0X", "0x"), "testnet")
        refuse_second(tmp_path / "two", ACCOUNT, "mainnet")
        refuse_second(tmp_path / "two", None, "testnet")
    refuse_second(tmp_path / "two", ACCOUNT, "testnet")
    account_lock(ACCOUNT, "testnet").unlink()
    account_lock(ACCOUNT, "mainnet").unlink()


def test_a_cleaner_of_temporary_folders_lets_no_second_desk_in(tmp_path: Path) -> None:
    """The files are gone while the desk runs: nobody can lock a new one, until that desk ends."""
    path = account_lock(ACCOUNT, "testnet")
    with claimed(tmp_path / "one", ACCOUNT, "testnet"):
        for gone in (path, tmp_path / "one" / "desk.lock"):
            gone.unlink()
        for home, account in (("two", ACCOUNT), ("one", None), ("one", ACCOUNT)):
            for _ in range(2):  # the first attempt leaves a file behind
                with pytest.raises(AlreadyRunning):
                    refuse_second(tmp_path / home, account, "testnet")
    refuse_second(tmp_path / "two", ACCOUNT, "testnet")
    path.unlink()


def test_no_temporary_folder_makes_another_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that began with another TMPDIR holds the same claim; also when a cleaner has taken its file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with holder(tmp_path / "one", ACCOUNT) as pid:
        with pytest.raises(AlreadyRunning, match=f"process {pid}"):
            refuse_second(tmp_path / "two", ACCOUNT, "testnet")
        account_lock(ACCOUNT, "testnet").unlink()
        with pytest.raises(AlreadyRunning, match="account"):
            refuse_second(tmp_path / "two", ACCOUNT, "testnet")
    account_lock(ACCOUNT, "testnet").unlink()


def test_what_a_dead_launcher_left_running_is_seen(tmp_path: Path) -> None:
    """Its Ray lives: refused until `hats down`. Nothing of it lives: its note holds nobody up."""
    for name, is_seen in (("sleep", False), ("ray-head", True)):
        with subprocess.Popen([name, "60"], executable="/bin/sleep") as process:
            note_run(tmp_path, RunNote(1, str(tmp_path), "127.0.0.1:1", "hats", 1, process.pid, ""))
            if is_seen:
                with pytest.raises(AlreadyRunning, match="hats down"):
                    refuse_second(tmp_path, None, "testnet")
            else:
                refuse_second(tmp_path, None, "testnet")  # a process has that id, but it is no Ray
            process.kill()
    refuse_second(tmp_path, None, "testnet")
