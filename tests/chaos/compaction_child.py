"""A process that compacts a capture log until it is killed or done."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.unit.shared.warehouse.logs import compacted

if __name__ == "__main__":
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    compacted(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write("done\n")
