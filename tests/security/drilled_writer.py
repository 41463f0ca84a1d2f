"""A desk's writers without the desk, as a process of its own: journal, audit log, checkpoints, spent nonces.

`python -m tests.security.drilled_writer RUN_DIR`. After each turn it says on stdout which message is on the disk; when
one of its writers is refused, it says so in its last line and ends with 3.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hats.security_architect import audit
from hats.security_architect.audit_log import AuditLog, name_of
from hats.security_architect.checkpoint_file import CheckpointFile, checkpoints_path
from hats.security_architect.checkpoints import CheckpointKey
from hats.security_architect.signer.nonce_store import NonceStore
from hats.security_architect.signer.nonces import Spent
from hats.security_architect.signer.notary import Notary
from orchestrator.machine.runfiles import RunFiles
from shared.errors import JournalError
from shared.ids import Role
from shared.journal import Journal
from shared.record import Entry
from shared.units import MS, Ns

FENCED = 3
OWNER = "0x" + "ab" * 20
CHECKPOINT_EVERY = 20


def turns(files: RunFiles) -> None:
    """Write until refused; JournalError says by whom."""
    journal = Journal(files.journal, now_ns=time.time_ns())
    log = AuditLog(files.audit, 50)
    log.open()
    nonces = NonceStore(files.keys / "desk.nonces.sqlite", OWNER)
    notary = Notary(CheckpointKey(b"s" * 32))
    copies = [CheckpointFile(checkpoints_path(files.audit)), CheckpointFile(files.signer_checkpoints)]
    head, leaves, signed = log.head, b"", log.head.index
    while True:
        now = time.time_ns()
        journal.append(Entry(journal.last_seq + 1, now, Role.OPERATOR, "Test", 0, 0, b"BTC" * 100), durable=True)
        journal.append_handled(Role.SECURITY_ARCHITECT, now, (journal.last_seq,))
        journal.sync()
        record = audit.append(head, audit.body_of("test", Ns(now), {"coin": "BTC", "seq": journal.last_seq}))
        log.append(record)
        head, leaves = audit.head_of(record), leaves + audit.leaf_of(audit.line_of(record))
        nonces.keep(Spent(now // MS, b"d" * 32))
        if head.index % CHECKPOINT_EVERY == 0:
            made = notary.grow(name_of(files.audit), signed + 1, leaves, now)
            assert not isinstance(made, str), made
            for copy in copies:
                copy.append(made)
            notary.keep(made)
            signed, leaves = head.index, b""
        print(journal.last_seq, flush=True)
        time.sleep(0.01)


if __name__ == "__main__":
    try:
        turns(RunFiles(Path(sys.argv[1])))
    except JournalError as error:
        print(error, flush=True)
        sys.exit(FENCED)
