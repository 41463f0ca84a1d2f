"""A desk without Ray, for load: hub, Exchange Architect and the other eight Hats in three processes, as in a cluster.

`hub DIR`, `architect DIR URL USER COIN,COIN...` and `others DIR`. The hub, journal, mailboxes, shells and the feed are
the product's own; only who starts the processes differs. Nothing is traded: nobody arms it, and there is no signer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hats.exchange_architect.actor import ExchangeArchitectActor
from orchestrator import compose
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.services import services_of
from orchestrator.settings import Settings
from orchestrator.supervisor import Supervisor
from shared.bus.frames import pass_of
from shared.bus.sockets import listen
from shared.clock import WallClock
from shared.hat import Hat
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.shell import HatLoop, LaunchSpec, quicken

TOKEN: Final = "load"
SETTINGS: Final = Settings()


def spec_of(role: Role, directory: Path, settings: bytes) -> LaunchSpec:
    """How a Hat of this desk is launched."""
    return LaunchSpec(role, f"unix:{directory / 'bus'}", pass_of(role, TOKEN), TOKEN, settings, str(directory), 1)


def hub(directory: Path) -> None:
    """Serve until SIGTERM; then one line says what is in the mailboxes and what they conflated."""
    clock = WallClock()
    journal = Journal(directory / "journal.sqlite", now_ns=clock.now())
    supervisor = Supervisor(1, wants_armed=False)
    mailboxes = {role: Mailbox(role, SETTINGS.mailbox.capacity) for role in HATS}
    heart = Heart(journal, compose.CATALOGUE, supervisor, mailboxes)
    lost: list[str] = []
    served = Hub(
        heart,
        journal,
        listen(f"unix:{directory / 'bus'}"),
        clock,
        secret=TOKEN,
        build=TOKEN,
        services=services_of(""),
        on_lost=lambda role, verdict, pid: lost.append(f"{role}: {verdict} {pid}"),
        on_beat=lambda heart, now, heard: _note(directory, heart),
    )
    signal.signal(signal.SIGTERM, lambda *_: served.stop())
    print("ready", flush=True)
    quicken()
    served.run()
    print(json.dumps({"lost": lost, "conflated": {role: box.conflated for role, box in mailboxes.items()}}), flush=True)


def _note(directory: Path, heart: Heart) -> None:
    """Once a second: how many letters wait, for whoever waits for the end."""
    depth = sum(box.depth for box in heart.mailboxes.values()) + len(heart.flights)
    (directory / "depth").write_text(str(depth))


def architect(directory: Path, url: str, user: str, coins: str) -> None:
    """The Exchange Architect with its edge and its capture log, until the hub says Stop."""
    settings = SETTINGS.hats.exchange_architect.model_dump() | {
        "base_url": url, "user_address": user, "coins": coins.split(","),
    }  # fmt: skip
    actor = ExchangeArchitectActor()
    spec = spec_of(Role.EXCHANGE_ARCHITECT, directory, json.dumps(settings, default=str).encode())
    HatLoop(spec, lambda: actor.make_hat(spec), lambda: actor.make_edge(spec)).run()


def others(directory: Path) -> None:
    """The other eight, one thread each, without edges."""
    threads = []
    for role in HATS:
        if role is Role.EXCHANGE_ARCHITECT:
            continue
        spec = spec_of(role, directory, compose.hat_settings(SETTINGS, role))
        loop = HatLoop(spec, _maker(role), lambda: None)
        threads.append(threading.Thread(target=loop.run, name=role))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _maker(role: Role) -> Callable[[], Hat]:
    return lambda: compose.make_hat(SETTINGS, role)


if __name__ == "__main__":
    os.umask(0o077)
    what, folder, *rest = sys.argv[1:]
    match what:
        case "hub":
            hub(Path(folder))
        case "architect":
            architect(Path(folder), *rest)
        case "others":
            others(Path(folder))
