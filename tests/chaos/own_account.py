"""An account whose master key the test holds, for desks in modes in which nobody makes a throw-away one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hats.security_architect import keystore
from orchestrator.accounts.agents import submit_approval
from orchestrator.accounts.onboarding import address_of, approval_body
from shared.private_files import write_private
from shared.units import MS, Ns

MASTER: Final = bytes(range(1, 33))
PASSWORD: Final = "three plain words"


def own_account(home: Path, url: str, network: str = "testnet") -> Mapping[str, Any]:
    """Three agents of it in `home`/keys, approved at that exchange: the settings by which `first` trades and `guard`
    stands guard. `second` is to spare."""
    folder, password = home / "keys", home / "password"
    folder.mkdir(parents=True, mode=0o700)
    write_private(password, PASSWORD.encode())
    for name in ("first", "second", "guard"):
        info = keystore.new_agent(folder, name, PASSWORD, network, Ns(time.time_ns()))
        body = approval_body(MASTER, info.address, name, time.time_ns() // MS, is_mainnet=network == "mainnet")
        submit_approval(url, body)
    return {
        "run.mode": "live" if network == "mainnet" else "testnet",
        "venue.network": network,
        "hats.exchange_architect.user_address": address_of(MASTER),
        "hats.exchange_architect.fast_books": True,
        "hats.security_architect.keystore": str(keystore.keystore_path(folder, "first")),
        "hats.security_architect.password_file": str(password),
        "watchdog.keystore": str(keystore.keystore_path(folder, "guard")),
        "watchdog.password_file": str(password),
    }
