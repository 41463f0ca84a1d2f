"""What people read is finished and leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.sources import ROOT, shown

FOLDERS: Final = ("hats", "orchestrator", "shared", "configs", "deploy", "docs", "notebooks", "tests", ".ci")
KINDS: Final = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ".js", ".html", ".css", ".service", ""}

UNFINISHED: Final = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


def texts(*, tests: bool = True) -> Iterator[tuple[str, str]]:
    """(path, text) of every readable file that belongs to the project."""
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        if tests or folder != "tests":
            files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        if path.suffix in KINDS and not {"__pycache__", "data", "node_modules"} & set(path.parts):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_nothing_is_left_unfinished() -> None:
    """No file holds a note to finish it later; what is not done is an issue."""
    notes = [f"{path}: {found[0]}" for path, text in texts() for found in UNFINISHED.finditer(text)]
    assert not notes, shown(notes)


def test_links_lead_somewhere() -> None:
    """Every relative link in a Markdown file names a file that exists."""
    dead = [
        f"{path}: {target}"
        for path, text in texts()
        if path.endswith(".md")
        for target in LINK.findall(text)
        if "://" not in target
        and not target.startswith(("#", "mailto:"))
        and not ((ROOT / path).parent / Path(target.split("#")[0])).exists()
    ]
    assert not dead, shown(dead)
