"""EDGE: what commands write: one JSON object for machines, text and tables for people, errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from shared.errors import ConfigError
from shared.redaction import redact_text

if TYPE_CHECKING:
    from rich.console import Console

UNKNOWN: Final = "—"
"""How what nobody knows is shown; never as a zero."""
PIPE_WIDTH: Final = 200
"""Columns of a table that goes into a file or a pipe, where nobody's window limits it."""


def emit(value: Any) -> None:
    """Write `value` (Structs, dicts, pydantic models' dumps) as the one JSON object of this command."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Write one line for people on stdout, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write one line on stderr: progress and hints, which are no result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def console() -> Console:
    """The console for tables on stdout: colours on a terminal only, and not with NO_COLOR."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False)


@contextmanager
def progress(what: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Inside, a bar on stderr, moved by as much as the function is told; nothing where there is no terminal.

    Without a `total` it only shows that something goes on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def is_interactive() -> bool:
    """Is there a person to ask and a terminal to ask on?"""
    return sys.stdin.isatty() and sys.stderr.isatty()


def report_error(error: BaseException, code: str, *, as_json: bool) -> None:
    """Tell on stderr what went wrong: text, or {"code", "message"} (and every problem of a configuration).

    What looks like a secret is taken out: a launcher's stderr is a log file.
    """
    message = redact_text(str(error)) or type(error).__name__
    if not as_json:
        note(f"hats: {message}" if "\n" not in message else "hats:\n  " + message.replace("\n", "\n  "))
        return
    said: dict[str, Any] = {"code": code, "message": message}
    if isinstance(error, ConfigError):
        said["problems"] = [redact_text(problem) for problem in error.problems]
    note(json.dumps(said, ensure_ascii=False))
