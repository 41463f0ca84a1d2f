"""EDGE: docs/live-view.svg: the live view, 90 s into a run on the stage.

Made by `python -m orchestrator.cli.picture > docs/live-view.svg`.
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from orchestrator.cli.terminal import say
from orchestrator.cli.view import Frame, screen
from orchestrator.rehearsal import rehearse
from orchestrator.settings import Settings
from orchestrator.status import status_of

SECONDS: Final = 90.0
WIDTH: Final = 140
HEIGHT: Final = 36
SEED: Final = 7


def picture() -> str:
    """The view as SVG; the same run gives the same picture."""
    with tempfile.TemporaryDirectory() as folder:
        rehearsal = rehearse(Settings(), Path(folder) / "journal.sqlite", seed=SEED)
        rehearsal.run_for(SECONDS)
        status = status_of(rehearsal.heart, rehearsal.stage.clock.now())
        rehearsal.close()
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    console.print(screen(status, Frame("hats demo", "trading", SECONDS, 120.0, False, WIDTH, HEIGHT)))
    return _self_contained(console.export_svg(title="make run", unique_id="hats"))


def _self_contained(svg: str) -> str:
    """The picture without fonts from elsewhere: the reader's own monospace will do."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "monospace")


if __name__ == "__main__":
    say(picture())
