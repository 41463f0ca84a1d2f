"""What of our environment a process that we start may see: what programs need to run, and so no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NAMES: Final = frozenset(
    {
        "DISPLAY", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LOGNAME", "NO_COLOR", "PATH", "PWD", "SHELL",
        "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "TZDIR", "USER", "VIRTUAL_ENV",
    }
)  # fmt: skip
_PREFIXES: Final = ("COVERAGE_", "HATS_", "LC_", "LD_", "OMP_", "PYTHON", "RAY_", "XDG_")
_SECRET: Final = re.compile(r"(?i)token$|secret|passw|private_?key|credential")
"""Of ours and Ray's: `RAY_AUTH_TOKEN` is the token itself. Names that end in _FILE or _PATH say where one lies."""


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The part that a child is given. Cloud keys, tokens and whatever else lay in our environment stay with us."""
    return {
        name: value
        for name, value in environ.items()
        if (name in _NAMES or name.startswith(_PREFIXES))
        and (name.upper().endswith(("_FILE", "_PATH")) or not _SECRET.search(name))
    }
