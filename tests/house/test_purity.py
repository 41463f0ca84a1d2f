"""The core touches no clock, chance, socket, thread, disk or Ray; the edges that do are listed in pyproject.toml."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.sources import PRODUCT, Source, imported, pyproject, shown, sources

WORLD: Final = frozenset({
    # the law's own list
    "time", "datetime", "random", "os", "socket", "asyncio", "threading", "ray", "subprocess", "selectors",
    # its neighbours
    "select", "ssl", "signal", "multiprocessing", "concurrent", "queue", "sqlite3", "tempfile", "shutil", "glob",
    "uuid", "secrets", "http", "urllib", "aiohttp", "websockets", "starlette", "uvicorn", "requests", "loguru",
    "logging", "prometheus_client",
})  # fmt: skip
"""Modules that only an edge may import. Only the type `random.Random` is allowed: chance is handed in, seeded."""

IMPURE_CALLS: Final = frozenset({"open", "print", "input", "hash", "id", "uuid4", "exec", "eval"})
"""Builtins whose result depends on the world or on the process."""

IMPURE_METHODS: Final = frozenset(
    {"read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "rename", "touch", "iterdir", "rglob"}
)
"""Methods of pathlib.Path that touch the disk."""

EDGE: Final = "EDGE: "


def edges() -> set[str]:
    """The inventory of impurity in pyproject.toml."""
    listed: list[str] = pyproject()["tool"]["hats"]["edges"]["modules"]
    return set(listed)


def test_edges_and_inventory_are_the_same() -> None:
    """A module is listed as an edge if and only if its docstring says that it is one."""
    said = {s.module for s in sources(*PRODUCT) if s.docstring.startswith(EDGE)}
    assert not said - edges(), shown(["say EDGE, not listed in [tool.hats.edges]:", *sorted(said - edges())])
    assert not edges() - said, shown(["listed in [tool.hats.edges], do not say EDGE:", *sorted(edges() - said)])


def test_inventory_is_sorted_and_says_nothing_twice() -> None:
    """The list of edges is in order, so that a review sees what was added."""
    listed = pyproject()["tool"]["hats"]["edges"]["modules"]
    assert listed == sorted(set(listed))


def test_the_core_does_not_touch_the_world() -> None:
    """No module outside the inventory imports or calls what reaches out of the process."""
    found = [
        f"{s.path}:{line} {what}" for s in sources(*PRODUCT) if s.module not in edges() for line, what in impurities(s)
    ]
    assert not found, shown(found)


def test_shared_and_hats_do_not_import_ray_at_all() -> None:
    """Ray is a runtime's business: only the orchestrator knows it, and it makes actors of the Hats at launch."""
    found = [
        f"{s.path}:{line} {module}"
        for s in sources("shared", "hats")
        for module, _, line in imported(s.tree)
        if module.split(".")[0] == "ray"
    ]
    assert not found, shown(found)


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "import os.path",
        "from datetime import datetime",
        "def f():\n    import socket",
        "from random import randint",
        "from random import Random\nr = Random()",
        "import random\nr = random.Random()",
        "import random\nx = random.random()",
        "print(1)",
        "x = hash('a')",
        "path.read_text()",
    ],
)
def test_the_check_sees(text: str) -> None:
    """Each kind of impurity is found, so that a clean house means something."""
    assert list(impurities(Source("x.py", "x", text, ast.parse(text))))


@pytest.mark.parametrize(
    "text",
    [
        "from random import Random\nr = Random(7)",
        "import random\ndef f(chance: random.Random) -> None: ...",
        "class A:\n    def __hash__(self):\n        return hash(self.x)\n",
    ],
)
def test_the_check_allows_chance_that_is_handed_in(text: str) -> None:
    """A seeded generator and `__hash__` are no impurity."""
    assert not list(impurities(Source("x.py", "x", text, ast.parse(text))))


def impurities(source: Source) -> Iterator[tuple[int, str]]:
    """(line, what) of everything in the module that touches the world."""
    for module, name, line in imported(source.tree):
        if module.split(".")[0] in WORLD and (module, name) not in {("random", "Random"), ("random", "")}:
            yield line, f"imports {module}"
    hashing = {
        id(inner)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for inner in ast.walk(node)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and id(node) not in hashing:
            yield from ((node.lineno, f"calls {what}") for what in _impure_call(node))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "random" and node.attr != "Random":
            yield node.lineno, f"uses random.{node.attr}"


def _impure_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in IMPURE_CALLS:
        yield called
    if called in {"Random", "random.Random"} and not node.args:
        yield "Random without a seed"
    if isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
        yield f".{node.func.attr}"
