"""Three hundred configurations with mistakes in them: each refused, each mistake named, nobody called."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from orchestrator.cli.app import app
from orchestrator.cli.exits import Exit
from orchestrator.cli.running import run
from tests.house.sources import ROOT
from tests.unit.orchestrator.mutated import KINDS, Mutated, configurations

COUNT = 300
COMMANDS = (["up"], ["demo", "--no-view"], ["config", "check"], ["up", "--foreground"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own, no variables of ours, and the handler of signals as it was."""
    for name in [name for name in os.environ if name.startswith("HATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HATS_HOME", str(tmp_path / "home"))
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was tried beyond this process: connections and programs; both fail."""
    tried: list[str] = []

    def refuse(what: str) -> Any:
        def call(*args: object, **_: object) -> NoReturn:
            tried.append(f"{what} {args[1:]}")
            raise OSError(f"{what} in a configuration that is refused")

        return call

    monkeypatch.setattr(socket.socket, "connect", refuse("connect"))
    monkeypatch.setattr(socket.socket, "connect_ex", refuse("connect"))
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse("start"))
    return tried


def test_three_hundred_are_refused(home: Path, calls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """By every command that would start a desk: exit code 3, each wrong key named, no word about a right one."""
    path = home / "mutated.toml"
    wrong, kinds = [], Counter[str]()
    for number, each in enumerate(configurations(COUNT, seed=37)):
        path.write_bytes(each.text)
        code = run(app, "hats", [*COMMANDS[number % len(COMMANDS)], "--config", str(path), "--json"])
        said = capsys.readouterr().err
        problems = json.loads(said)["problems"] if code == Exit.CONFIG else []
        kinds.update(each.kinds)
        if code != Exit.CONFIG or not _are_named(each, problems):
            wrong.append((number, code, each.kinds, each.named, problems))
    assert not wrong, "\n".join(map(str, wrong))
    assert not calls
    assert not (home / "home").exists(), "something was left behind"
    assert len(kinds) >= len(KINDS) + 5, kinds


def test_a_refused_desk_calls_nobody(home: Path) -> None:
    """The command as people give it, with an exchange that would answer: code 3 and no connection comes."""
    path = home / "mutated.toml"
    with socket.create_server(("127.0.0.1", 0)) as venue:
        venue.setblocking(False)
        url = f"http://127.0.0.1:{venue.getsockname()[1]}"
        path.write_text(
            f'venue.base_url = "{url}"\nwatchdog.silence_ms = "3000"\nrun.seeed = 1\nrun.duration_s = inf\n'
        )
        command = [sys.executable, "-m", "orchestrator.cli", "up", "--config", str(path), "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        with pytest.raises(BlockingIOError):
            venue.accept()
    assert done.returncode == Exit.CONFIG
    problems = json.loads(done.stderr)["problems"]
    assert len(problems) == 3
    assert all(name in done.stderr for name in ("watchdog.silence_ms", "run.seeed", "run.duration_s"))


def _are_named(mutated: Mutated, problems: list[str]) -> bool:
    """Is every mistake told by its name, and nothing told beside them?"""
    return all(any(name in said for said in problems) for name in mutated.named) and all(
        any(name in said for name in mutated.named) for said in problems
    )
