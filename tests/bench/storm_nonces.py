"""10,000 actions from 8 processes with their clocks set back ten minutes: `python -m tests.bench.storm_nonces`.

The signer is started anew 20 times meanwhile. Exit code 0 if no nonce signed two actions and the venue's rule, at its
strictest window, admits them all; 1 if not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.chaos.nonces import storm


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storm_nonces", description=__doc__)
    parser.add_argument("--processes", type=int, default=8, help="callers at once; the signer takes eight")
    parser.add_argument("--actions", type=int, default=10_000, help="actions of all of them together")
    parser.add_argument("--restarts", type=int, default=20, help="how often the signer is started anew")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = storm(Path(folder), processes=asked.processes, actions=asked.actions, restarts=asked.restarts)
    print(msgspec.json.encode(result).decode())
    return 0 if not result.repeated and not result.not_admitted else 1


if __name__ == "__main__":
    sys.exit(main())
