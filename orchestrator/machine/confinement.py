"""EDGE: what a launcher and all that it starts may not do: leave a core file, or a file that others can read."""

from __future__ import annotations

import os
import resource


def confine() -> None:
    """From here on, for this process and those that it starts."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
