"""The restore drill as a command: `python -m tests.security.restore_drill --gib 1`.

A desk's writers run; the home folder is backed up under them; its data directory is destroyed while they are stopped
in the middle of their work; it is restored; they go on, and must be refused. Prints times and hashes. Exit code 0: the
state is equal, nothing that was acknowledged before the backup is lost, the old instance is fenced, and the restore
took at most 5 minutes a GiB. 1 if not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from hats.security_architect.audit_log import verify_file
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import Admission, Spent
from orchestrator.accounts.latch import LatchFile
from orchestrator.machine.build import this_build
from orchestrator.machine.runfiles import RunFiles, RunRecord, write_record
from orchestrator.safekeeping.backup import back_up, seal_key_path
from orchestrator.safekeeping.restoring import restore
from orchestrator.safekeeping.sealed_store import KeptFile, SealedStore
from orchestrator.settings import Settings
from shared.durable import file_sha256
from shared.ids import Role
from shared.journal import Journal, JournalReader
from shared.private_files import make_secret
from shared.record import Entry
from shared.seal_file import read_seal_key
from shared.units import MS
from tests.security.drilled_writer import FENCED, OWNER

ROOT = Path(__file__).resolve().parents[2]
RUN = "drill-20260101T000000Z"
ACCOUNT = "0x" + "cd" * 20
BODY_BYTES = 4_096
GIB = 1 << 30
SECONDS_A_GIB = 300.0


class Drill(msgspec.Struct, frozen=True):
    """What came of it. Hashes are of all messages and batches up to the backup."""

    bytes: int
    backup_s: float
    second_backup_s: float
    second_new_bytes: int
    restore_s: float
    acknowledged_seq: int
    restored_seq: int
    hash_before: str
    hash_restored: str
    faults: tuple[str, ...]

    @property
    def restore_s_a_gib(self) -> float:
        """Time a GiB; meaningless for a small one."""
        return self.restore_s * GIB / self.bytes


def drill(folder: Path, size: int) -> Drill:
    """One drill on a home folder of about `size` bytes."""
    home = folder / "home"
    files = filled(home, size)
    key = seal_key_path(home, None)
    make_secret(key)
    escrow = folder / "escrow.key"  # the copy that the operator keeps elsewhere
    shutil.copy(key, escrow)
    store = SealedStore(folder / "backups", read_seal_key(key))
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.security.drilled_writer", str(files.dir)], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        return drilled(home, files, store, escrow, writer)
    finally:
        writer.kill()
        writer.communicate()


def drilled(home: Path, files: RunFiles, store: SealedStore, escrow: Path, writer: subprocess.Popen[bytes]) -> Drill:
    """The drill with the writer at work."""
    assert writer.stdout is not None
    for _ in range(30):
        writer.stdout.readline()
    began = time.monotonic()
    back_up(home, store, seal_key_path(home, None))
    backup_s = time.monotonic() - began
    acknowledged = last_said(writer)
    began = time.monotonic()
    taken = back_up(home, store, seal_key_path(home, None))
    second_s = time.monotonic() - began
    (run,) = taken.manifest.runs
    writer.send_signal(signal.SIGSTOP)
    os.waitpid(writer.pid, os.WUNTRACED)  # all its threads stand still now
    before = state(files.journal, run.last_seq, run.last_n)
    wholes = {file.path: file for file in taken.manifest.files if file.path.endswith((".hlog", ".key", "run.json"))}
    hashes = {path: file_sha256(home / path) for path in wholes}
    shutil.rmtree(home)

    began = time.monotonic()
    restore(store, taken.manifest.name, home, escrow)
    restore_s = time.monotonic() - began
    faults = list(differences(home, files, wholes, hashes))
    restored_seq, epoch = ends(files.journal)
    if epoch <= run.epoch:
        faults.append(f"the restored journal is at epoch {epoch}, the old writer was {run.epoch}")
    if restored_seq < acknowledged:
        faults.append(f"message {acknowledged} was acknowledged before the backup, the restored journal ends before it")
    after = state(files.journal, run.last_seq, run.last_n)
    if after != before:
        faults.append("the restored state is another")
    faults += unfenced(writer, files, restored_seq)
    faults += nonce_faults(files)
    return Drill(
        taken.manifest.bytes, backup_s, second_s, taken.new_bytes, restore_s, acknowledged, restored_seq, before,
        after, tuple(faults),
    )  # fmt: skip


def filled(home: Path, size: int) -> RunFiles:
    """A home folder with one run: a quarter of it journal, the rest sealed segments."""
    files = RunFiles(home / "runs" / RUN)
    files.create()
    settings = Settings.model_validate({"hats": {"exchange_architect": {"user_address": ACCOUNT}}})
    write_record(files, RunRecord(1, this_build(), msgspec.Raw(settings.model_dump_json().encode())))
    journal = Journal(files.journal, now_ns=1, is_durable=False)
    for _ in range(max(size // 4 // BODY_BYTES, 1)):
        journal.append(
            Entry(journal.last_seq + 1, 1, Role.OPERATOR, "Test", 0, 0, os.urandom(BODY_BYTES)), durable=False
        )
    journal.close()
    capture = files.dir / "capture"
    capture.mkdir(mode=0o700)
    segment = max(size * 3 // 4 // 16, 1)
    for number in range(1, 17):
        (capture / f"{number:08d}.hlog").write_bytes(os.urandom(segment))
    (capture / "00000017.hlog.open").write_bytes(b"not sealed yet")
    return files


def state(journal: Path, seq: int, n: int) -> str:
    """The hash of the journal's state up to there."""
    reader = JournalReader.open(journal)
    try:
        return reader.digest(seq, n)
    finally:
        reader.close()


def ends(journal: Path) -> tuple[int, int]:
    """The last message and the epoch."""
    with_it = Journal(journal, now_ns=2)
    found = with_it.last_seq, with_it.epoch - 1
    with_it.close()
    return found


def last_said(writer: subprocess.Popen[bytes]) -> int:
    """The newest message that the writer said is on the disk; it goes on meanwhile."""
    assert writer.stdout is not None
    os.set_blocking(writer.stdout.fileno(), False)
    lines = (writer.stdout.read() or b"").split(b"\n")[:-1]
    os.set_blocking(writer.stdout.fileno(), True)
    return int(lines[-1]) if lines else int(writer.stdout.readline())


def differences(home: Path, files: RunFiles, wholes: dict[str, KeptFile], hashes: dict[str, str]) -> list[str]:
    """What is not as it was, or not as a restored folder should be."""
    found = [f"{path} changed" for path in wholes if file_sha256(home / path) != hashes[path]]
    audit = verify_file(files.audit, [files.signer_checkpoints])
    if not audit.is_sound or not audit.signed:
        found.append(f"the restored audit log: {audit.fault or 'none of it is signed'}")
    reader = JournalReader.open(files.journal)
    fault = reader.fault()
    last = reader.message(audit.records)
    reader.close()
    if fault:
        found.append(f"the restored journal: {fault}")
    if last is None:
        found.append(f"the audit log has {audit.records} records, more than the journal has messages")
    if (files.dir / "capture" / "00000017.hlog.open").exists():
        found.append("a segment that was not sealed was restored")
    order = LatchFile(home, ACCOUNT, "testnet", 2).order()
    if order is None or "restored from the backup" not in order.reason:
        found.append("the account does not begin halted")
    return found


def unfenced(writer: subprocess.Popen[bytes], files: RunFiles, restored_seq: int) -> list[str]:
    """What the old instance could still do once it goes on."""
    writer.send_signal(signal.SIGCONT)
    said, _ = writer.communicate(timeout=30)
    last = said.decode().splitlines()[-1]
    found = []
    if (
        writer.returncode != FENCED or "fenced: " not in last
    ):  # by the journal or by the audit log, whichever came first
        found.append(f"the old instance ended with {writer.returncode}: {last}")
    if ends(files.journal)[0] != restored_seq:
        found.append("the old instance wrote into the restored journal")
    return found


def nonce_faults(files: RunFiles) -> list[str]:
    """Could a nonce be spent again that was spent after the backup?"""
    store = NonceStore(files.keys / "desk.nonces.sqlite", OWNER)
    book = store.book()
    store.close()
    old = Spent(book.high - 1, b"another action".ljust(32))
    is_floor_now = abs(book.high - time.time_ns() // MS) < 600_000
    return [] if is_floor_now and book.judge(old) is not Admission.NEW else ["a nonce from before could be spent again"]


def main() -> int:
    """Drill, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.restore_drill", description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the home folder in GiB")
    parser.add_argument("--dir", type=Path, default=None, help="where to work; default: the system's temporary folder")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.dir) as folder:
        result = drill(Path(folder), int(asked.gib * GIB))
    if asked.json:
        print(msgspec.json.encode(result).decode())
    else:
        print(
            f"{result.bytes / GIB:.2f} GiB: backed up in {result.backup_s:.1f} s under a writer, again in "
            f"{result.second_backup_s:.1f} s ({result.second_new_bytes >> 20} MiB new), restored in "
            f"{result.restore_s:.1f} s ({result.restore_s_a_gib:.1f} s a GiB, at most {SECONDS_A_GIB:.0f})"
        )
        print(f"state before   {result.hash_before}\nstate restored {result.hash_restored}")
        print(f"acknowledged before the backup: message {result.acknowledged_seq}; restored: {result.restored_seq}")
        print("\n".join(result.faults) or "equal, nothing acknowledged lost, the old instance fenced")
    return 1 if result.faults or result.restore_s_a_gib > SECONDS_A_GIB else 0


if __name__ == "__main__":
    sys.exit(main())
