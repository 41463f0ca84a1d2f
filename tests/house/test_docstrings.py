"""Everything says what it is for: modules, and tests with the claim they test."""

from __future__ import annotations

import ast

from tests.house.sources import ALL, functions, shown, sources


def test_every_module_says_what_it_is_for() -> None:
    """Every module begins with a docstring whose first line is a sentence."""
    silent = [s.path for s in sources(*ALL) if not s.docstring]
    assert not silent, shown(silent)


def test_every_test_states_its_claim() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{s.path}:{function.lineno} {function.name}"
        for s in sources("tests")
        for function in functions(s.tree)
        if function.name.startswith("test_") and ast.get_docstring(function) is None
    ]
    assert not silent, shown(silent)


def test_every_module_has_lazy_annotations() -> None:
    """Every module that holds more than a docstring begins with `from __future__ import annotations`."""
    eager = [s.path for s in sources(*ALL) if len(s.tree.body) > 1 and not _lazy(s.tree.body[1])]
    assert not eager, shown(eager)


def _lazy(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and [alias.name for alias in node.names] == ["annotations"]
    )
