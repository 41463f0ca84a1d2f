"""The notebooks do what they say, from a fresh process, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).resolve().parents[2]
NOTEBOOKS: Final = tuple(sorted((ROOT / "notebooks").glob("*.py")))
SECONDS_MAX: Final = 60
"""Each takes about five on a quiet machine; this is for a busy one."""
SAYS: Final = {
    "market_realism": ("stylised facts hold", "no picture asked for"),
    "read_a_run": ("fault: None", "BookUpdate", "mm_btc"),
    "score_formula": ("capped by", "insufficient"),
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    """It ends well within its time, its own assertions hold, it shows what it promises, and no file of it stays."""
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(words in done.stdout for words in SAYS[path.stem])
    assert not list(tmp_path.iterdir())


def test_every_notebook_is_in_cells() -> None:
    """Each is jupytext's percent format, opens with a title and defines no function or class of its own."""
    assert {path.stem for path in NOTEBOOKS} == set(SAYS)
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert "format_name: percent" in text
        assert "# %% [markdown]\n# # " in text
        assert not [line for line in text.splitlines() if line.startswith(("def ", "class ", "async def "))]
