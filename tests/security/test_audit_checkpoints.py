"""The audit log at the signer's door: growth is signed, both copies are held against the log, a cut is refused."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hats.security_architect import audit
from hats.security_architect.audit_log import AuditLog, name_of, verify_file
from hats.security_architect.checkpoint_file import checkpoints_path, read_checkpoints
from hats.security_architect.checkpointer import Checkpointer
from hats.security_architect.checkpoints import Checkpoint, CheckpointKey
from hats.security_architect.line import SignerLine
from hats.security_architect.settings import Settings
from hats.security_architect.signer.checkpoint_store import Checkpoints
from hats.security_architect.signer.core import Signer
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.policy import AssetRule, Policy
from hats.security_architect.signer.server import SignerServer
from hats.security_architect.signer.signing import AgentKey
from hats.security_architect.signer.tickets import TicketBook
from hats.security_architect.signer.typed_data import Network
from shared.approval import ApprovalKey
from shared.errors import InvariantError
from shared.messages.control import AuditRecord
from shared.units import USD, Ns

KEY = b"\x07" * 32
POLICY = Policy(network=Network.TESTNET, assets=(AssetRule(0),), max_notional_usd=1_000 * USD)
SETTINGS = Settings(audit_sync_ms=20, checkpoint_records=400, checkpoint_s=3_600, signer_deadline_ms=10_000)
WAIT_S = 30.0


class Scene:
    """A signer, as its process is made, in a thread of this one; and the log of one run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "runs" / "demo-1" / "audit.jsonl"
        self.copy = folder / "checkpoints" / "demo-1.jsonl"
        self.socket = folder / "s" / "signer.sock"
        self.made: list[Checkpoint] = []
        self._folder = folder
        self._doorbell = -1
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raise the signer and wait until it serves."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,))
        self._thread.start()
        assert ready.wait(WAIT_S)

    def stop(self) -> None:
        """End the signer in order."""
        if self._thread is not None:
            os.write(self._doorbell, b"!")
            self._thread.join(WAIT_S)
            self._thread = None

    def _serve(self, ready: threading.Event) -> None:
        key = AgentKey(KEY, Network.TESTNET)
        store = NonceStore(self._folder / "nonces.sqlite", key.address)
        copies = Checkpoints(self.copy, CheckpointKey(KEY))
        signer = Signer(POLICY, key, store.book(), TicketBook(ApprovalKey(KEY)))
        server = SignerServer(signer, store, "testnet", self.socket, os.getuid(), lambda *_: None, copies)
        self._doorbell = server.doorbell
        ready.set()
        server.run()
        copies.close()
        store.close()

    def log(self) -> AuditLog:
        """The log, open."""
        line = SignerLine(self.socket, "testnet", SETTINGS)
        checkpointer = Checkpointer(name_of(self.path), checkpoints_path(self.path), line, SETTINGS)
        log = AuditLog(self.path, SETTINGS.audit_sync_ms, checkpointer)
        log.open(self.made.append)
        return log

    def verified(self) -> audit.Verified:
        """What a check against both copies finds."""
        return verify_file(self.path, [self.copy])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """With a signer that runs."""
    made = Scene(tmp_path)
    made.start()
    yield made
    made.stop()


def append(log: AuditLog, count: int) -> None:
    """So many more records."""
    for _ in range(count):
        record: AuditRecord = audit.append(log.head, audit.body_of("test", Ns(log.head.index), {"px": log.head.index}))
        log.append(record)


def wait_for(holds: Callable[[], bool]) -> None:
    """Until it holds, for the work is done on another thread."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it did not come to hold"
        time.sleep(0.01)


def test_growth_is_signed_while_it_runs_and_whole_at_its_end(scene: Scene) -> None:
    """A checkpoint when enough records wait, one over everything at the end, and equal copies at both places."""
    log = scene.log()
    append(log, 450)
    wait_for(lambda: bool(scene.made))
    assert scene.made[0].size >= 400
    append(log, 1_900)
    log.close()
    found = scene.verified()
    assert (found.is_sound, found.records, found.signed) == (True, 2_350, 2_350)
    assert read_checkpoints(scene.copy) == read_checkpoints(checkpoints_path(scene.path)) == scene.made


def test_goes_on_with_a_new_log_process_and_a_new_signer(scene: Scene) -> None:
    """Both ends remember where they were."""
    for _ in range(3):
        log = scene.log()
        append(log, 30)
        log.close()
        scene.stop()
        scene.start()
    assert scene.verified().signed == 90
    assert [made.size for made in scene.made] == [30, 60, 90]


def test_a_signer_that_is_away_delays_checkpoints_only(scene: Scene) -> None:
    """Records are written all the same, and signed when it is back."""
    scene.stop()
    log = scene.log()
    append(log, 500)
    log.close()
    assert (scene.verified().is_sound, scene.verified().signed) == (True, 0)
    scene.start()
    scene.log().close()
    assert scene.verified().signed == 500


def test_a_lost_answer_is_fetched_from_the_signer(scene: Scene) -> None:
    """The process died between the signer's writing and its own: the signer's copy is the memory."""
    log = scene.log()
    append(log, 40)
    log.close()
    checkpoints_path(scene.path).unlink()
    log = scene.log()
    append(log, 5)
    log.close()
    assert [found.size for found in read_checkpoints(checkpoints_path(scene.path))] == [40, 45]
    assert scene.verified().signed == 45


@pytest.mark.parametrize("forgets", [False, True])
def test_a_log_that_was_cut_short_is_not_continued(forgets: bool, scene: Scene) -> None:
    """Even if the forger took the head and the checkpoints beside the log away: the signer knows better."""
    log = scene.log()
    append(log, 40)
    log.close()
    lines = scene.path.read_bytes().splitlines(keepends=True)
    scene.path.write_bytes(b"".join(lines[:25]))
    scene.path.with_suffix(".head.json").unlink()
    if forgets:
        checkpoints_path(scene.path).unlink()
    assert "cut off" in scene.verified().fault
    if not forgets:
        with pytest.raises(InvariantError, match="was cut off: 40 records were signed, 25 are there"):
            scene.log()
        return
    log = scene.log()
    with pytest.raises(InvariantError, match="was cut off"):
        log.close()


def test_a_rewritten_past_is_not_signed(scene: Scene) -> None:
    """A forger who stamps the whole log anew and adds to it gets no checkpoint that fits."""
    log = scene.log()
    append(log, 40)
    log.close()
    for path in (scene.path, scene.path.with_suffix(".head.json"), checkpoints_path(scene.path)):
        path.unlink()
    forged = AuditLog(scene.path, SETTINGS.audit_sync_ms)
    forged.open()
    for number in range(40):
        forged.append(audit.append(forged.head, audit.body_of("forged", Ns(number), {})))
    forged.close()
    log = scene.log()
    append(log, 3)
    log.close()
    assert "are not those that the checkpoint signed" in scene.verified().fault
