"""The restore drill in little, and what a restore refuses."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import msgspec
import pytest

from orchestrator import compose
from orchestrator.heart import Heart
from orchestrator.hub import Hub
from orchestrator.machine.runfiles import RunFiles
from orchestrator.safekeeping.backup import back_up, seal_key_path, sources, thin_out
from orchestrator.safekeeping.restoring import check, restore
from orchestrator.safekeeping.sealed_store import SealedStore
from orchestrator.settings import Backup, Settings
from orchestrator.supervisor import Supervisor
from orchestrator.upkeep.caretaker import run_job
from orchestrator.upkeep.jobs import BACKUP, Place, tasks_for
from shared.bus.sockets import listen
from shared.clock import WallClock
from shared.errors import ConfigError, DataError, JournalError, NotAllowedError
from shared.ids import HATS
from shared.journal import Journal
from shared.mailbox import Mailbox
from shared.private_files import make_secret
from shared.seal_file import read_seal_key
from shared.sealing import SealKey
from tests.security.restore_drill import ACCOUNT, RUN, drill, ends, filled


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small home folder with its key."""
    folder = tmp_path / "home"
    filled(folder, 200_000)
    make_secret(seal_key_path(folder, None))
    return folder


@pytest.fixture
def store(home: Path) -> SealedStore:
    """Where its backups go."""
    return SealedStore(home.with_name("backups"), read_seal_key(seal_key_path(home, None)))


def test_the_drill(tmp_path: Path) -> None:
    """`python -m tests.security.restore_drill` in little: equal state, nothing lost, the old instance fenced."""
    result = drill(tmp_path, 4 << 20)
    assert not result.faults
    assert result.hash_before == result.hash_restored
    assert result.restored_seq >= result.acknowledged_seq > 1_000 // 4
    assert result.second_new_bytes < result.bytes


def test_nothing_can_be_read_off_a_backup(home: Path, store: SealedStore) -> None:
    """No name of a file, no coin, no account."""
    back_up(home, store, seal_key_path(home, None))
    for path in store.root.rglob("*"):
        text = str(path.relative_to(store.root)).encode() + (path.read_bytes() if path.is_file() else b"")
        assert not any(word in text for word in (b"BTC", ACCOUNT.encode(), b"journal", b"hlog"))


def test_keys_passwords_and_what_lives_stay_out(home: Path) -> None:
    """The key of the backup itself, passwords, the hub's token, what is being written."""
    run = next((home / "runs").iterdir())
    for name in ("hub.json", "keys/desk.password", "journal.sqlite-wal", "aside/x", "sockets/y", "ray/z", "ray_token"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(b"secret")
    (home / "current.json").write_bytes(b"{}")
    names = {path.name for path in sources(home)}
    assert names == {"journal.sqlite", "run.json", *(f"{number:08d}.hlog" for number in range(1, 17))}


def test_a_key_that_would_be_backed_up_is_refused(home: Path, store: SealedStore) -> None:
    """Under whatever name."""
    other = home / "keys" / "mine.key"
    shutil.copy(seal_key_path(home, None), other)
    with pytest.raises(ConfigError, match="keep it elsewhere"):
        back_up(home, store, other)


def test_a_home_that_is_not_empty_stays(home: Path, store: SealedStore) -> None:
    """Unless it may be moved aside, and then nothing of it is lost."""
    name = back_up(home, store, seal_key_path(home, None)).manifest.name
    (home / "newer").write_bytes(b"newer than the backup")
    with pytest.raises(NotAllowedError, match="not empty"):
        restore(store, name, home, seal_key_path(home, None))
    assert (home / "newer").exists()
    done = restore(store, name, home, seal_key_path(home, None), replace=True)
    assert not (home / "newer").exists()
    assert (Path(done.before) / "newer").read_bytes() == b"newer than the backup"
    assert read_seal_key(seal_key_path(home, None)).id == read_seal_key(seal_key_path(Path(done.before), None)).id


def test_a_damaged_backup_restores_nothing(home: Path, store: SealedStore) -> None:
    """One flipped bit in one piece: nothing appears, and the check says so too."""
    name = back_up(home, store, seal_key_path(home, None)).manifest.name
    check(store, name)
    piece = max((store.root / "pieces").glob("*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(piece.read_bytes())
    data[len(data) // 2] ^= 1
    piece.chmod(0o600)
    piece.write_bytes(data)
    elsewhere = home.with_name("elsewhere")
    with pytest.raises(DataError, match="not as it was sealed"):
        check(store, name)
    with pytest.raises(DataError, match="not as it was sealed"):
        restore(store, name, elsewhere, seal_key_path(home, None))
    assert not list(home.parent.glob("elsewhere*"))


def test_a_wrong_key_restores_nothing(home: Path, store: SealedStore) -> None:
    """In words."""
    name = back_up(home, store, seal_key_path(home, None)).manifest.name
    with pytest.raises(DataError, match="is sealed with key"):
        restore(
            SealedStore(store.root, SealKey(b"x" * 32)), name, home.with_name("elsewhere"), home / "keys/at-rest.key"
        )


def test_the_oldest_go(home: Path, store: SealedStore) -> None:
    """With the pieces that only they named; what stays is whole."""
    names = []
    for number in range(4):
        (home / "changing").write_bytes(b"%d" % number * 1_000)
        names.append(back_up(home, store, seal_key_path(home, None)).manifest.name)
    before = len(list((store.root / "pieces").glob("*/*")))
    assert thin_out(store, 2) == 2
    assert store.names() == names[-2:]
    assert len(list((store.root / "pieces").glob("*/*"))) == before - 2
    for name in names[-2:]:
        check(store, name)


def test_a_run_backs_itself_up(home: Path, store: SealedStore) -> None:
    """The job does the same and says so; without a place for backups there is no such job."""
    settings = Backup(dir=store.root, keep=2)
    assert BACKUP in tasks_for(Settings(backup=settings))
    assert BACKUP not in tasks_for(Settings())
    run_dir = next((home / "runs").iterdir())
    place = Place(str(home), str(run_dir), (), str(store.root), 2, str(seal_key_path(home, None)))
    for _ in range(3):
        said = run_job(BACKUP, msgspec.json.encode(place))
    assert said.detail.startswith(store.names()[-1])
    assert len(store.names()) == 2


def test_a_hub_whose_folder_was_replaced_ends(tmp_path: Path) -> None:
    """It does not go on as if it kept the journal: within seconds it has stopped, and the restored one is untouched."""
    files = RunFiles(tmp_path / "home" / "runs" / RUN)
    files.create()
    journal = Journal(files.journal, now_ns=1)
    heart = Heart(journal, compose.CATALOGUE, Supervisor(1, wants_armed=False), {role: Mailbox(role) for role in HATS})
    hub = Hub(
        heart, journal, listen(f"inproc:{tmp_path}"), WallClock(), secret="s", build="b", services={},
        on_lost=lambda *_: None, on_beat=lambda *_: None,
    )  # fmt: skip
    ended: list[JournalError] = []

    def run() -> None:
        try:
            hub.run()
        except JournalError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.3)
    (tmp_path / "home").rename(tmp_path / "before")
    shutil.copytree(tmp_path / "before", tmp_path / "home")
    was = ends(files.journal)[0]
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert "fenced" in str(ended[0])
    assert ends(files.journal)[0] == was
    hub._bell.close()
    hub._rung.close()
