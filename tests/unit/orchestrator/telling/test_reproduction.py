"""The proof of a journal: it holds for what was said, and names the first word that was not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from orchestrator import compose
from orchestrator.cli.app import app
from orchestrator.cli.running import run
from orchestrator.machine.build import this_build
from orchestrator.machine.runfiles import RunFiles, RunRecord, write_record
from orchestrator.rehearsal import Rehearsal, approval_secret, rehearse
from orchestrator.settings import Settings
from orchestrator.telling.reproduction import replay_hat, replay_run
from shared.approval_file import key_path
from shared.codec import decode, encode
from shared.ids import Role
from shared.journal import JournalReader
from shared.messages import AnyMessage, Message
from shared.messages.signal import OrderIntent
from shared.private_files import write_private
from shared.units import Ns

SECONDS = 12


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A few seconds of trading on the stage, its journal closed."""
    rehearsal = rehearse(Settings(), tmp_path_factory.mktemp("run") / "journal.sqlite", seed=7)
    rehearsal.run_for(SECONDS)
    rehearsal.close()
    return rehearsal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.delenv("HATS_CONFIG", raising=False)
    monkeypatch.setenv("HATS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def files(finished: Rehearsal, home: Path) -> RunFiles:
    """The folder of that run, a copy of its own, as the launcher leaves it."""
    files = RunFiles(home / "runs" / "stage-1")
    files.create()
    shutil.copy(finished.journal.path, files.journal)
    as_json = finished.settings.model_dump_json().encode()
    write_private(key_path(files.dir), approval_secret(7))
    write_record(files, RunRecord(1, this_build(), msgspec.Raw(as_json)))
    return files


def changed(files: RunFiles, sql: str, *values: object) -> None:
    """Do what the journal forbids: change what was written."""
    with sqlite3.connect(files.journal) as db:
        db.execute("DROP TRIGGER messages_stay")
        assert db.execute(sql, values).rowcount == 1
    db.close()


def first_intent(files: RunFiles) -> tuple[int, OrderIntent]:
    """Number and content of the first intent."""
    reader = JournalReader.open(files.journal)
    entry = next(reader.messages(kind=OrderIntent.__name__))
    reader.close()
    intent = decode(entry.body)
    assert isinstance(intent, OrderIntent)
    return entry.seq, intent


def replayed(files: RunFiles, capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> Any:
    """What `hats replay --json` says of the run."""
    assert run(app, "hats", ["replay", str(files.dir), *args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_what_was_said_is_said_again(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """All nine are equal, everything that they handled is counted, and the rate is told."""
    found = replayed(files, capsys)
    assert found["equal"]
    assert len(found["hats"]) == 9
    assert found["handled"] == sum(hat["handled"] for hat in found["hats"]) > 1_000
    assert found["messages_per_s"] > 0
    assert run(app, "hats", ["replay", str(files.dir), "--hat", "quant"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[0].startswith("quant_strategist: equal")


def test_a_changed_word_is_named(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """One price changed in the journal: Hat, batch, message and field are named, and the command ends with 6."""
    seq, intent = first_intent(files)
    forged = msgspec.structs.replace(intent, px=intent.px + 1)
    changed(files, "UPDATE messages SET body = ? WHERE seq = ?", encode(forged), seq)
    found = replayed(files, capsys, code=6)
    different = [hat for hat in found["hats"] if hat["difference"] is not None]
    (strategist,) = [hat for hat in different if hat["role"] == "quant_strategist"]
    assert strategist["difference"]["seq"] == seq
    assert strategist["difference"]["batch"] > 0
    assert strategist["difference"]["fields"] == [f"px: written {intent.px + 1}, replayed {intent.px}"]
    assert run(app, "hats", ["replay", str(files.dir), "--hat", "quant_strategist"]) == 6
    said = capsys.readouterr().out
    assert f"DIFFERENT  quant_strategist: message {seq}, in batch" in said
    assert "NOT EQUAL" in said


def test_a_word_that_was_never_said_is_named(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A message under a Hat's name that the Hat does not say is a difference, and so is one that is another's."""
    seq, _ = first_intent(files)
    changed(files, "UPDATE messages SET source = 'execution_manager' WHERE seq = ?", seq)
    (hat,) = replayed(files, capsys, "--hat", "quant_strategist", code=6)["hats"]
    assert hat["difference"]["seq"] == seq
    assert hat["difference"]["written"] == "nothing"
    assert "OrderIntent" in hat["difference"]["replayed"]


class _Mute:
    """A Hat that says nothing, whatever it hears."""

    role: ClassVar[Role] = Role.QUANT_STRATEGIST
    hears: ClassVar[tuple[type[Message], ...]] = ()
    state = None

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """Nothing."""
        return ()


class _Broken(_Mute):
    """A Hat that can't even listen."""

    def handle(self, message: AnyMessage, now: Ns) -> Iterable[AnyMessage]:
        """Fails."""
        raise ZeroDivisionError("no luck")


def test_a_hat_that_falls_silent_or_fails_differs(files: RunFiles) -> None:
    """Silence where something was said, and a failure where there was none, are both first differences."""
    reader = JournalReader.open(files.journal)
    silent, failed = replay_hat(reader, _Mute()), replay_hat(reader, _Broken())
    whole = replay_hat(reader, compose.make_hat(Settings(), Role.QUANT_STRATEGIST))
    reader.close()
    assert silent.difference is not None
    assert silent.difference.replayed == "nothing"
    assert silent.difference.written != "nothing"
    assert failed.difference is not None
    assert failed.difference.replayed == "quant_strategist fails: ZeroDivisionError: no luck"
    assert failed.handled == 0
    assert whole.difference is None
    assert whole.said > 0


def test_doctor_remembers_a_difference(files: RunFiles, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the last run's verdict found different is a problem until there is a newer run."""
    seq, intent = first_intent(files)
    changed(files, "UPDATE messages SET body = ? WHERE seq = ?", encode(intent), seq)
    reader = JournalReader.open(files.journal)
    sound, silent = replay_hat(reader, compose.make_hat(Settings(), Role.QUANT_STRATEGIST)), replay_hat(reader, _Mute())
    reader.close()
    verdicts = {}
    for hats in ([sound], [sound, silent], None):
        files.summary.write_bytes(msgspec.json.encode({"replay": hats, "run_dir": str(files.dir)}))
        run(app, "hats", ["doctor", "--json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        (finding,) = [finding for finding in findings if finding["name"] == "last run"]
        verdicts[None if hats is None else len(hats)] = finding["verdict"]
    assert verdicts == {1: "ok", 2: "problem", None: "note"}


def test_other_settings_are_found_out(files: RunFiles) -> None:
    """A Hat that is made from other settings than those of the run says something else, and it shows."""
    reader = JournalReader.open(files.journal)
    settings = Settings.model_validate({"hats": {"exchange_architect": {"measures_ms": 977}}})
    (found,) = replay_run(reader, settings, (Role.EXCHANGE_ARCHITECT,))
    reader.close()
    assert found.difference is not None
    assert "written WakeAt" in found.in_words


def test_another_build_is_told(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal of another build is replayed all the same; who wrote it is said, and whether the Hat's code differs."""
    ours = this_build()
    logic = ours.logic | {Role.QUANT_STRATEGIST: "0123456789abcdef"}
    settings = json.loads(files.record.read_bytes())["settings"]
    other = msgspec.structs.replace(ours, id="feedfeedfeedfeed", version="0.0.9", logic=logic)
    write_record(files, RunRecord(1, other, msgspec.Raw(json.dumps(settings).encode())))
    seq, intent = first_intent(files)
    forged = msgspec.structs.replace(intent, px=intent.px + 1)
    changed(files, "UPDATE messages SET body = ? WHERE seq = ?", encode(forged), seq)
    assert run(app, "hats", ["replay", str(files.dir)]) == 6
    said = capsys.readouterr().out
    assert "another build wrote it: feedfeedfeedfeed (version 0.0.9)" in said
    assert "quant_strategist: its code changed since, which may be why" in said


def test_a_damaged_journal_is_not_replayed(files: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A hole in the order of the journal is told instead of a replay; without a record of the run there is none."""
    with sqlite3.connect(files.journal) as db:
        db.execute("DROP TRIGGER messages_keep")
        db.execute("DELETE FROM messages WHERE seq = 100")
    db.close()
    found = replayed(files, capsys, code=6)
    assert found["hats"] == []
    assert "rows but ends at" in found["journal_fault"]
    files.record.unlink()
    assert run(app, "hats", ["replay", str(files.dir)]) == 4
