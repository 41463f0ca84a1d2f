"""What was restored begins halted, for each account on the network that its run traded on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from orchestrator.accounts.latch import LatchFile
from orchestrator.machine.build import this_build
from orchestrator.machine.runfiles import RunFiles, RunRecord, write_record
from orchestrator.safekeeping.backup import back_up, seal_key_path
from orchestrator.safekeeping.restoring import restore
from orchestrator.safekeeping.sealed_store import SealedStore
from orchestrator.settings import Settings
from shared.private_files import make_secret
from shared.seal_file import read_seal_key

ACCOUNT = "0x" + "a" * 40


def test_the_account_is_halted_on_its_own_network(tmp_path: Path) -> None:
    """The same address on another network was not restored, and trades on."""
    home, key = tmp_path / "home", seal_key_path(tmp_path / "home", None)
    make_secret(key)
    settings = Settings.model_validate(
        {"venue": {"network": "mainnet"}, "hats": {"exchange_architect": {"user_address": ACCOUNT}}}
    )
    files = RunFiles(home / "runs" / "one")
    files.create()
    write_record(files, RunRecord(1, this_build(), msgspec.Raw(settings.model_dump_json().encode())))
    store = SealedStore(tmp_path / "backups", read_seal_key(key))
    name = back_up(home, store, key).manifest.name
    restore(store, name, home, key, replace=True)
    order = LatchFile(home, ACCOUNT, "mainnet", 2).order()
    assert order is not None
    assert "restored from the backup" in order.reason
    assert LatchFile(home, ACCOUNT, "testnet", 2).order() is None
