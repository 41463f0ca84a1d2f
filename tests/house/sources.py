"""Reads the house's own source files for the tests of this folder."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = ("shared", "hats", "orchestrator")
ALL: Final = (*PRODUCT, "tests")


class Source(NamedTuple):
    """One Python file: its path from the root, its dotted name, its text and its syntax tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def docstring(self) -> str:
        """The module's docstring, empty if it has none."""
        return ast.get_docstring(self.tree) or ""


@cache
def sources(*packages: str) -> tuple[Source, ...]:
    """All Python files of these top-level folders, in path order."""
    return tuple(source(path) for package in packages for path in sorted((ROOT / package).rglob("*.py")))


@cache
def source(path: Path) -> Source:
    """One parsed file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    text = path.read_text(encoding="utf-8")
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(str(path.relative_to(ROOT)), module, text, ast.parse(text))


@cache
def pyproject() -> dict[str, Any]:
    """The project file as TOML tells it."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """(module, name taken from it or "", line) of every import anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name, node.lineno


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    """Every class, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node


def shown(offenders: list[str]) -> str:
    """All offenders, one a line, for an assertion's message."""
    return "\n" + "\n".join(offenders)
