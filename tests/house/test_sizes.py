"""No file and no function outgrows what a reader can hold."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import Final

from tests.house.sources import ALL, Source, functions, shown, sources

FILE_LINES_MAX: Final = 400
FUNCTION_CODE_LINES_MAX: Final = 50
_NOT_CODE: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def test_no_file_is_longer_than_400_lines() -> None:
    """Every Python file stays within 400 lines."""
    long = [f"{s.path}: {lines} lines" for s in sources(*ALL) if (lines := len(s.text.splitlines())) > FILE_LINES_MAX]
    assert not long, shown(long)


def test_no_function_has_more_than_50_code_lines() -> None:
    """Every function stays within 50 lines of code; its docstring, blanks and comments do not count."""
    long = []
    for source in sources(*ALL):
        code = code_lines(source)
        for function in functions(source.tree):
            count = len((code & set(range(function.lineno, (function.end_lineno or 0) + 1))) - _docstring(function))
            if count > FUNCTION_CODE_LINES_MAX:
                long.append(f"{source.path}:{function.lineno} {function.name}: {count} code lines")
    assert not long, shown(long)


def test_blank_and_comment_lines_are_not_counted() -> None:
    """The counter sees code and nothing else."""
    text = 'def f() -> int:\n    """Doc."""\n\n    # why\n    x = """a\n    b"""\n    return len(x)\n'
    source = Source("x.py", "x", text, ast.parse(text))
    (function,) = functions(source.tree)
    assert code_lines(source) - _docstring(function) == {1, 5, 6, 7}


def code_lines(source: Source) -> set[int]:
    """Numbers of the lines that hold code or part of a string."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    first = function.body[0]
    if ast.get_docstring(function) is None or len(function.body) == 0:
        return set()
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
