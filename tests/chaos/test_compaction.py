"""Compaction against the world: kill -9 at any moment, again and again, and at every step of a publication.

`COMPACTION_KILLS=100 python -m pytest tests/chaos/test_compaction.py` kills it as often as we promise; CI five times.
`COMPACTION_STRIDE=1` lets it die at every step, CI at every 17th.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from shared import durable
from shared.warehouse.findings import FindingKind
from shared.warehouse.store import Store
from shared.warehouse.verify import verify
from tests.house.sources import ROOT
from tests.unit.shared.warehouse.logs import compacted, story, write_log
from tests.unit.shared.warehouse.rows import bytes_below

KILLS = int(os.environ.get("COMPACTION_KILLS", "5"))
STRIDE = int(os.environ.get("COMPACTION_STRIDE", "17"))


def sound_so_far(root: Path) -> int:
    """Nothing half-made is visible, by manifest or by name; how many batches there are."""
    store = Store(root)
    kinds = {finding.kind for finding in verify(store).findings}
    # files of a batch whose manifest is not there yet are whole, and no reader sees them
    assert kinds <= {FindingKind.EXTRA, FindingKind.UNDECLARED}
    for path in root.glob("*/date=*/*.parquet"):
        assert pq.ParquetFile(path).read().num_rows > 0
    return len(store.names())


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * KILLS)
def test_kill_nine_never_shows_half_a_file(tmp_path: Path) -> None:
    """Killed at any moment: what is there is whole; the next goes on, and the files are as if nobody had killed it."""
    log = write_log(tmp_path / "log", story(1_200))
    compacted(log, tmp_path / "undisturbed")
    wanted, root = bytes_below(tmp_path / "undisturbed"), tmp_path / "killed"
    chance, kills = Random(5), 0
    command = [sys.executable, "-m", "tests.chaos.compaction_child", str(log), str(root)]
    while kills < KILLS:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"begun\n"
            time.sleep(chance.uniform(0, 0.25))
            child.kill()
            is_done = b"done" in child.stdout.read()
        kills += 1
        if sound_so_far(root) == len(list(log.glob("*.hlog"))) or is_done:
            assert bytes_below(root) == wanted
            root.rename(tmp_path / f"done-{kills}")
    compacted(log, root)
    assert bytes_below(root) == wanted


class KilledError(Exception):
    """Stands for the death of the process: nothing after it runs."""


def test_death_at_each_step_of_a_publication_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead before the n-th rename or folder sync, for every n: nothing half-made is seen, and the next one finishes."""
    log = write_log(tmp_path / "log", story(160))
    compacted(log, tmp_path / "undisturbed")
    wanted = bytes_below(tmp_path / "undisturbed")
    rename, sync = Path.replace, durable.sync_folder
    left = deaths = 0

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    def dying_rename(path: Path, target: Any) -> Path:
        step()
        return rename(path, target)

    def dying_sync(folder: Path) -> None:
        step()
        sync(folder)

    for steps in range(0, 400, STRIDE):
        root, left = tmp_path / f"dead-{steps}", steps
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying_rename)
            patch.setattr(durable, "sync_folder", dying_sync)
            try:
                compacted(log, root)
            except KilledError:
                deaths += 1
            else:
                break
        sound_so_far(root)
        compacted(log, root)
        assert bytes_below(root) == wanted
    assert deaths * STRIDE > 30
