"""Names say what a thing is; drawers and empty titles are refused."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from tests.house.sources import ALL, classes, shown, sources

DRAWERS: Final = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
EMPTY_ENDINGS: Final = ("Manager", "Handler", "Processor", "Helper", "Helpers", "Util", "Utils", "Base")
EMPTY_BEGINNINGS: Final = ("Abstract",)
THE_CUSTOMERS_OWN: Final = {"ExecutionManager", "ExecutionManagerActor"}


def test_no_drawers() -> None:
    """No file and no folder is named after nothing in particular."""
    drawers = [s.path for s in sources(*ALL) if DRAWERS & set(PurePath(s.path).with_suffix("").parts)]
    assert not drawers, shown(drawers)


def test_no_empty_titles() -> None:
    """No class is a Manager, Handler, Processor, Helper, Util or Base; the customer's ExecutionManager excepted."""
    empty = [
        f"{s.path}:{node.lineno} {node.name}"
        for s in sources(*ALL)
        for node in classes(s.tree)
        if (node.name.endswith(EMPTY_ENDINGS) or node.name.startswith(EMPTY_BEGINNINGS))
        and node.name not in THE_CUSTOMERS_OWN
    ]
    assert not empty, shown(empty)
