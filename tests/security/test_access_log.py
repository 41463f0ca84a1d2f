"""Every operator's and HTTP action is in the audit chain: who, what, when and what came of it."""

from __future__ import annotations

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hats.security_architect import audit
from hats.security_architect.logic import SecurityArchitect
from hats.security_architect.settings import Settings
from orchestrator import compose
from orchestrator.control import Control
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.machine.runfiles import HubDoor, RunFiles
from orchestrator.services import services_of
from orchestrator.supervisor import Supervisor
from orchestrator.telling.audit_export import rows_of
from shared.bus import frames
from shared.bus.sockets import connect, listen
from shared.clock import WallClock
from shared.codec import decode, encode
from shared.errors import NotAllowedError
from shared.ids import HATS, Role
from shared.journal import Journal, JournalReader
from shared.mailbox import Mailbox
from shared.messages.control import Accessed, AuditRecord, KillLevel, KillOrdered
from shared.metrics import Metrics, Request, serve
from shared.private_files import write_private
from shared.units import Ns


@pytest.fixture
def files(tmp_path: Path) -> Iterator[RunFiles]:
    """A hub with its door, alone: no Hat is there."""
    found = RunFiles(tmp_path / "run")
    found.create()
    with found.standing():
        journal = Journal(found.journal, now_ns=1)
        heart = Heart(
            journal, compose.CATALOGUE, Supervisor(1, wants_armed=False), {role: Mailbox(role) for role in HATS}
        )
        hub = Hub(
            heart, journal, listen(found.bus), WallClock(), secret="right", build="b", services=services_of(""),
            on_lost=lambda *_: None, on_beat=lambda *_: None,
        )  # fmt: skip
        write_private(
            found.door, msgspec.json.encode(HubDoor(hub.address, frames.pass_of(Role.OPERATOR, "right"), "b"))
        )
        thread = threading.Thread(target=hub.run)
        thread.start()
        yield found
        if thread.is_alive():
            hub.stop()
            thread.join()
        hub._bell.close()
        hub._rung.close()


def accesses(files: RunFiles, wanted: Callable[[list[Accessed]], bool]) -> list[Accessed]:
    """What the journal tells of accesses, once it is as wanted; at most 5 s are waited for."""
    until = time.monotonic() + 5
    while True:
        reader = JournalReader.open(files.journal)
        found = [decode(entry.body) for entry in reader.messages(kind="Accessed")]
        reader.close()
        told = [each for each in found if isinstance(each, Accessed)]
        if wanted(told) or time.monotonic() > until:
            return told
        time.sleep(0.05)


def test_the_operators_line(files: RunFiles) -> None:
    """Reading, a command, a refused command, an unknown question: by uid and pid as the kernel tells them."""
    with Control(files) as line:
        line.status()
        line.status()
        line.say(KillOrdered(KillLevel.PAUSE, "drill"))
        with pytest.raises(NotAllowedError):
            line._ask("say", b"\x00 no message")
        with pytest.raises(NotAllowedError):
            line._ask("open sesame")
    told = accesses(files, lambda found: len(found) >= 4)
    assert {(each.uid, each.pid, each.door) for each in told} == {(os.getuid(), os.getpid(), "operator")}
    by_what = {each.what: each for each in told}
    assert set(by_what) == {"status", "say KillOrdered", "say unreadable", "open sesame"}
    assert by_what["status"].result == by_what["say KillOrdered"].result == "ok"
    assert "expected a message" in by_what["say unreadable"].result
    assert "expected one of" in by_what["open sesame"].result


def test_whoever_is_turned_away(files: RunFiles) -> None:
    """A wrong token is on record, with whose it was."""
    door = msgspec.json.decode(files.door.read_bytes(), type=HubDoor)
    stranger = connect(door.address)
    stranger.send(frames.encode(frames.Hello(Role.OPERATOR, "operator", "wrong", "b", 1)))
    assert stranger.receive(5) is None
    stranger.close()
    (told,) = accesses(files, bool)
    assert (told.what, told.uid, told.pid) == ("hello", os.getuid(), os.getpid())
    assert "without the pass" in told.result


def test_the_metrics_port() -> None:
    """Each request is told with its status and whose socket it came from."""
    heard: list[Request] = []
    served = serve(Metrics(), port=0, on_request=heard.append)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=5) as reply:
            assert reply.status == 200
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{served.port}/x", method="DELETE"), timeout=5
            )
    finally:
        served.stop()
    assert [(each.what, each.status[:3], each.uid) for each in heard] == [
        ("GET /metrics", "200", os.getuid()), ("DELETE another path", "404", os.getuid()),
    ]  # fmt: skip


def test_an_access_goes_into_the_chain_and_its_export(tmp_path: Path) -> None:
    """As a record of its own, which `hats audit export --event access` writes."""
    hat = SecurityArchitect(Settings())
    access = Accessed("operator", "say KillOrdered", 1000, 7, "ok", 1, Ns(5), Ns(5))
    (record,) = hat.handle(decode(encode(access)), Ns(9))
    assert isinstance(record, AuditRecord)
    log = tmp_path / "audit.jsonl"
    log.write_bytes(audit.line_of(record))
    assert audit.verify([audit.line_of(record)]).is_sound
    (row,) = rows_of(log, "access")
    assert row["body"] == {"event": "access", "ns": 9, **msgspec.structs.asdict(access)}
