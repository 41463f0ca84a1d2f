"""The command as a whole: what it offers, how light it is, and that its page is current."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import typer

from orchestrator.cli.app import app
from orchestrator.cli.reference import reference
from tests.house.sources import ROOT

HEAVY = "ray pandas pyarrow hyperliquid numpy aiohttp uvicorn eth_account Crypto hats orchestrator.heart"
PROMISED = """
capture
up down status venue demo scorecard topology kill resume ack orders fills positions config keys audit doctor replay
data jobs watchdog certs
execute withdraw backup restore runs
"""
COMMAND: Any = typer.main.get_command(app)


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its path."""
    if not hasattr(command, "commands"):
        return [(path, command)]
    return [leaf for name, child in command.commands.items() for leaf in leaves(child, (*path, name))]


def test_every_promised_command_is_there() -> None:
    """The commands of the product, and no other."""
    assert set(COMMAND.commands) == set(PROMISED.split())


def test_help_is_light() -> None:
    """`hats --help`, and the help of every command, load no Ray, tables, SDK or Hat: a kill's start counts."""
    lines = [["--help"], *([*path, "--help"] for path, _ in leaves(COMMAND))]
    program = (
        "import sys\nfrom orchestrator.cli.app import app\nfrom orchestrator.cli.running import run\n"
        f"for args in {lines!r}:\n    assert run(app, 'hats', args) == 0, args\n"
        f"print('loaded', *sorted(set({HEAVY!r}.split()) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded"


def test_every_option_is_explained() -> None:
    """Every command has a help text, and so has every option."""
    silent = [path for path, command in leaves(COMMAND) if not command.help]
    silent += [(*path, each.name) for path, command in leaves(COMMAND) for each in command.params if not each.help]
    assert not silent


def test_machines_can_read_every_answer() -> None:
    """Every command has --json; the schema is JSON anyway, and so is the watchdog's log."""
    without = {path for path, command in leaves(COMMAND) if not any("--json" in each.opts for each in command.params)}
    assert without == {("config", "schema"), ("watchdog", "run")}


def test_the_page_is_current() -> None:
    """docs/cli.md is what the commands say; `python -m orchestrator.cli.reference > docs/cli.md` writes it anew."""
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference().rstrip() + "\n"


def test_completion_completes() -> None:
    """The shell asks the command itself and gets the commands that begin so."""
    environ = os.environ | {"_HATS_COMPLETE": "complete_bash", "COMP_WORDS": "hats sc", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "orchestrator.cli"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["scorecard"], done.stderr
