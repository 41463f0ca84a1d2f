"""Imports point one way, and importing costs nothing that is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from shared.ids import HATS
from tests.house.sources import ROOT


def test_the_walls_stand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every import contract in pyproject.toml is kept."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    status = lint_imports(no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_messages_are_light() -> None:
    """A process that knows the messages and the Hat protocol has loaded no Ray, pandas, numpy, pyarrow or aiohttp."""
    heavy = "ray pandas numpy pyarrow aiohttp pydantic"
    program = f"import sys, shared.hat, shared.scorecard; print(*sorted(set({heavy!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stdout.strip(), done.stdout


def test_a_hats_process_is_light() -> None:
    """All nine Hats load neither Ray nor the tables of people (pandas, pyarrow)."""
    modules = [f"hats.{role}" for role in HATS]
    program = (
        f"import sys, importlib; [importlib.import_module(name) for name in {modules!r}]; "
        "print(*sorted({'ray', 'pandas', 'pyarrow', 'loguru', 'prometheus_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip(), done.stdout


def test_python_runs_with_assertions() -> None:
    """Invariants are asserts, so Python never runs with -O here."""
    assert sys.flags.optimize == 0
