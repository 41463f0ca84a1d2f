"""What is installed is exactly what was locked, and the commands people are told about exist."""

from __future__ import annotations

import os
import re
from typing import Final

import pytest

from tests.house.sources import PRODUCT, ROOT, pyproject, shown

LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
PIN: Final = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)(?: ; [^\\]+)?\s*\\?$")


def pins(lock: str) -> dict[str, set[str]]:
    """Name -> versions in a lock file (several where markers differ)."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if match := PIN.match(line):
            found.setdefault(match[1], set()).add(match[2])
    return found


def names(requirements: list[str]) -> set[str]:
    """Normalised project names of requirement strings."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ;]", text)[0]).lower() for text in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(lock: str) -> None:
    """A lock holds pins with hashes and nothing else: no index, no address, no path."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    strange = [line for line in lines if not PIN.match(line) and not re.match(r"^    --hash=sha256:[0-9a-f]{64}", line)]
    assert not strange, shown(strange)
    for number, line in enumerate(lines):
        assert not PIN.match(line) or lines[number + 1].startswith("    --hash="), f"{lock}: {line} has no hash"


def test_locks_hold_what_the_project_asks_for() -> None:
    """Every dependency in pyproject.toml is pinned; what both locks hold, they hold alike."""
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    core, dev = pins(LOCKS[0]), pins(LOCKS[1])
    assert not names([*project["dependencies"], *extras["build"]]) - set(core)
    assert not names(extras["dev"]) - {project["name"]} - set(dev)
    apart = [f"{name}: {versions} and {dev.get(name)}" for name, versions in core.items() if dev.get(name) != versions]
    assert not apart, shown(apart)


def test_packages_tell_that_they_are_typed() -> None:
    """Each package carries py.typed."""
    assert all((ROOT / package / "py.typed").is_file() for package in PRODUCT)


def test_make_offers_the_commands_we_promise() -> None:
    """The Makefile has every target that the documents name."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))
    assert {"help", "install", "install-dev", "run", "test", "check", "bench", "lock", "clean"} <= targets


def test_ci_runs_make_test() -> None:
    """The CI script can be started and calls `make test`."""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")


def test_every_install_is_pinned_by_hash() -> None:
    """Whatever installs from a lock takes wheels of the locked hashes only; nothing else is installed but ourselves."""
    texts = "\n".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "deploy/Dockerfile", ".ci/run")
    )
    installs = [line.strip() for line in texts.splitlines() if re.search(r"\binstall\b.*(-r|--requirement)\s", line)]
    assert len(installs) >= 3
    loose = [line for line in installs if "--require-hashes" not in line or "--only-binary :all:" not in line]
    assert not loose, shown(loose)
