"""A second desk is refused before it begins: `python -m tests.chaos.second_instance`.

A process claims a home folder, then an account, as a running desk does. Each way of starting a desk on the same must
end with exit code 9 (`occupied`), say who holds it, and leave nothing behind; printed is how long that took, and how
much of it was work of the processor. Exit code 0 if every start was refused within two seconds, 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from orchestrator.cli.exits import Exit
from tests.house.sources import ROOT

WITHIN_S: Final = 2.0
ACCOUNT: Final = "0x" + "5e" * 20
STARTS: Final[Mapping[str, Sequence[str]]] = {
    "hats up": ("-m", "orchestrator.cli", "up"),
    "hats demo": ("-m", "orchestrator.cli", "demo"),
    "python -m orchestrator": ("-m", "orchestrator", "--own-ray"),
}
_HOLDER: Final = """
import sys, pathlib
from orchestrator.accounts.claim import claimed
with claimed(pathlib.Path(sys.argv[1]), sys.argv[2] or None, "testnet"):
    print("held", flush=True)
    sys.stdin.read()
"""


class Refusal(NamedTuple):
    """How a second start ended. `left`: what it left in its home folder besides the lock."""

    start: str
    same: str
    code: int
    said: str
    took_s: float
    cpu_s: float
    left: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Refused for the right reason, with nothing left."""
        return self.code == Exit.OCCUPIED and "already runs" in self.said and not self.left


@contextlib.contextmanager
def holder(home: Path, account: str) -> Iterator[int]:
    """The id of a process that holds the home folder and, unless it is empty, the account."""
    command = [sys.executable, "-c", _HOLDER, str(home), account]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.kill()


def second(start: str, home: Path, same: str) -> Refusal:
    """Start a desk there; how that ended."""
    # mode testnet, which trades an account of its own and needs keys that are asked for only after the claim
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HATS_")} | {
        "HATS_HOME": str(home), "HATS_HATS__EXCHANGE_ARCHITECT__USER_ADDRESS": ACCOUNT,
    }  # fmt: skip
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *STARTS[start], "--json"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    took_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    try:
        said = str(json.loads(done.stderr)["message"])
    except ValueError:
        said = done.stdout + done.stderr
    left = tuple(sorted(path.name for path in home.iterdir() if path.name != "desk.lock"))
    return Refusal(start, same, done.returncode, said, took_s, cpu_s, left)


def refusals(folder: Path) -> Iterator[Refusal]:
    """Each way to start, on a home folder that is held and on an account that is."""
    for start in STARTS:
        home = folder / f"home {start}".replace(" ", "-")
        with holder(home, ""):
            yield second(start, home, "home folder")
        other = folder / f"other {start}".replace(" ", "-")
        other.mkdir()
        with holder(home, ACCOUNT):
            yield second(start, other, "account")


def main() -> int:
    """Print each refusal; the exit code."""
    argparse.ArgumentParser(
        prog="python -m tests.chaos.second_instance",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    ).parse_args()
    is_good = True
    with tempfile.TemporaryDirectory(prefix="hats-") as folder:
        for each in refusals(Path(folder)):
            is_good &= each.is_right and each.took_s <= WITHIN_S
            took = f"{each.took_s:.2f} s (processor {each.cpu_s:.2f} s)"
            sys.stdout.write(f"{each.start:24} {each.same:12} exit {each.code} in {took}: {each.said}\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
