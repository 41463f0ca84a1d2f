"""A hub that serves in a thread, over a journal that can be read when it ends, without any process of a Hat."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from orchestrator import compose
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.services import services_of
from orchestrator.supervisor import Supervisor
from shared.bus import frames
from shared.bus.frames import Hello, pass_of
from shared.bus.sockets import Connection, connect, listen
from shared.clock import WallClock
from shared.ids import HATS, Role
from shared.journal import Journal
from shared.mailbox import Mailbox

SECRET: Final = "the secret of the run"
BUILD: Final = "b"


def hub_at(folder: Path, **options: Any) -> Hub:
    """One that does not run yet; its journal is `folder`/journal.sqlite."""
    clock = WallClock()
    journal = Journal(folder / "journal.sqlite", now_ns=clock.now())
    mailboxes = {role: Mailbox(role) for role in HATS}
    heart = Heart(journal, compose.CATALOGUE, Supervisor(1, wants_armed=False), mailboxes)
    options = {"on_lost": lambda *_: None, "on_beat": lambda *_: None} | options
    address = f"unix:{folder}/bus"
    return Hub(heart, journal, listen(address), clock, secret=SECRET, build=BUILD, services=services_of(""), **options)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Where a hub listens that runs in a thread while inside."""
    served = hub_at(folder)
    thread = threading.Thread(target=served.run)
    thread.start()
    try:
        yield served.address
    finally:
        served.stop()
        thread.join()


def greeted(address: str, role: Role, channel: str) -> Connection:
    """One of `role`'s connections, after its Hello."""
    connection = connect(address)
    connection.send(frames.encode(Hello(role, channel, pass_of(role, SECRET), BUILD, 1)))
    return connection
