"""The watchdog's loop on a disk that takes nothing, and after its own death."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.typed_data import Network
from orchestrator.watchdog.guard import Aim, Beat, Guard, Kept, Phase
from orchestrator.watchdog.hands import Hands
from orchestrator.watchdog.line import Heartbeats, tell
from orchestrator.watchdog.server import WatchdogServer, read_kept
from orchestrator.watchdog.words import Dismiss, Flatten, Look, Rearm
from shared.bus.sockets import listen
from shared.units import SECOND
from tests.unit.orchestrator.watchdog.scripted_venue import ScriptedVenue, scripted_venue

WAIT_S = 10.0


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    """A resting order and a position in BTC."""
    with scripted_venue() as made:
        yield made


@contextlib.contextmanager
def watchdog(
    venue: ScriptedVenue, folder: Path, kept: Path, silence_ns: int = SECOND, socket: Path | None = None
) -> Iterator[Path]:
    """One that runs while inside; its socket."""
    socket = socket or folder / "watchdog.sock"
    key = AgentKey(b"\x07" * 32, Network.TESTNET)
    store = NonceStore(folder / "nonces.sqlite", key.address)
    listener = listen(f"unix:{socket}")
    guard = Guard(Aim.CANCEL, silence_ns, 0, read_kept(kept, Aim.CANCEL), time.monotonic_ns())
    hands = Hands(venue.url, "0x" + "a" * 40, key, store, lambda _event, _fields: None)
    server = WatchdogServer(guard, hands, listener, kept, 1_000, 0, lambda _event, _fields: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield socket
    finally:
        server.stop()
        thread.join()
        store.close()


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.02)


def test_a_disk_that_takes_no_latch_does_not_stop_it(venue: ScriptedVenue, tmp_path: Path) -> None:
    """The desk ends on a full disk, and then the watchdog must not; it remembers once there is room."""
    kept, in_the_way = tmp_path / "latch.json", tmp_path / "latch.json.part"
    in_the_way.mkdir()
    with watchdog(venue, tmp_path, kept) as socket:
        tell(socket, Flatten("the disk is full"))
        wait_for(lambda: "order" in venue.kinds())
        assert tell(socket, Look()).phase is Phase.ACTING
        in_the_way.rmdir()
        wait_for(kept.exists)
    assert read_kept(kept, Aim.CANCEL) == Kept("the disk is full", Aim.FLATTEN)


def test_one_that_died_with_the_desk_acts_in_its_next_process(venue: ScriptedVenue, tmp_path: Path) -> None:
    """It had heard the desk live; the new one hears nothing and does not wait for a first heartbeat for ever."""
    kept = tmp_path / "latch.json"
    with watchdog(venue, tmp_path, kept, 60 * SECOND) as socket:
        beats = Heartbeats(socket)
        beats.beat(Beat(1, True))
        wait_for(kept.exists)
        beats.close()
    with watchdog(venue, tmp_path, kept) as socket:
        wait_for(lambda: "cancel" in venue.kinds())
        assert "no heartbeat" in tell(socket, Look()).reason


def test_what_ended_in_order_leaves_nothing_to_take_up(venue: ScriptedVenue, tmp_path: Path) -> None:
    """After a farewell, and once rearmed, a new process waits as if nothing had been."""
    kept = tmp_path / "latch.json"
    with watchdog(venue, tmp_path, kept, 60 * SECOND) as socket:
        beats = Heartbeats(socket)
        beats.beat(Beat(1, True))
        wait_for(kept.exists)
        tell(socket, Dismiss())
        beats.close()
        wait_for(lambda: not kept.exists())
        tell(socket, Flatten("operator"))
        wait_for(kept.exists)
        tell(socket, Rearm("looked at it"))
        wait_for(lambda: not kept.exists())
    assert read_kept(kept, Aim.CANCEL) is None
