"""Nothing is caught that is not handled, and there is one tree of errors."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import Final

from tests.house.sources import ALL, PRODUCT, classes, shown, sources

MAY_CATCH_ALL: Final = {
    "shared/shell.py",
    "orchestrator/stage.py",
    "orchestrator/cluster.py",
    "orchestrator/hub.py",
    "orchestrator/telling/reproduction.py",
}
"""The loop around a Hat and the two runtimes: they turn any failure of a Hat into its quarantine (and the hub hands a
failed question back to who asked it). The replay of a journal names such a failure as the difference that it is."""

_ALL_ERRORS: Final = {"Exception", "BaseException"}
_BUILTIN_ERRORS: Final = {
    name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
}


def test_nobody_catches_everything() -> None:
    """No bare `except`, `except Exception` or `suppress(Exception)` outside a Hat's loop and the two runtimes."""
    broad = [
        f"{s.path}:{line}" for s in sources(*ALL) if s.path not in MAY_CATCH_ALL for line in _broad_catches(s.tree)
    ]
    assert not broad, shown(broad)


def test_nothing_is_swallowed() -> None:
    """No `except` body is only `pass` or `...`."""
    swallowed = [
        f"{s.path}:{node.lineno}"
        for s in sources(*ALL)
        for node in ast.walk(s.tree)
        if isinstance(node, ast.ExceptHandler) and len(node.body) == 1 and _says_nothing(node.body[0])
    ]
    assert not swallowed, shown(swallowed)


def test_one_tree_of_errors() -> None:
    """Every error class of the product is defined in shared/errors.py."""
    strays = [
        f"{s.path}:{node.lineno} {node.name}"
        for s in sources(*PRODUCT)
        if s.path != "shared/errors.py"
        for node in classes(s.tree)
        if _BUILTIN_ERRORS & {base.id for base in node.bases if isinstance(base, ast.Name)}
    ]
    assert not strays, shown(strays)


def _broad_catches(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _ALL_ERRORS & _names(node.type)):
            yield node.lineno
        if isinstance(node, ast.Call) and "suppress" in _names(node.func):
            yield from (node.lineno for argument in node.args if _ALL_ERRORS & _names(argument))


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} | {
        inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)
    }


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
