"""EDGE: runs one command to its exit code: signals, errors and usage faults all end by the one table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import typer

from orchestrator.cli.exits import MEANINGS, Exit, exit_of
from orchestrator.cli.terminal import report_error
from shared.errors import HatsError

UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What typer raises when a command line can't be understood; it gives no public name to it."""


def run(app: typer.Typer, program: str, args: Sequence[str]) -> Exit | int:
    """The exit code of the program on `args`; nothing that we foresee leaves a traceback."""
    as_json = "--json" in args
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(args=list(args), prog_name=program, standalone_mode=False)
    except UsageError as error:
        if as_json:
            report_error(typer.BadParameter(_told(error)), MEANINGS[Exit.USAGE].code, as_json=True)
        else:
            error.show()  # type: ignore[attr-defined]
        return Exit.USAGE
    except typer.Abort:
        return Exit.INTERRUPTED
    except (HatsError, OSError, KeyboardInterrupt) as error:
        code = exit_of(error)
        report_error(error, MEANINGS[code].code, as_json=as_json)
        return code
    return code or Exit.OK


def run_and_exit(app: typer.Typer, program: str) -> NoReturn:
    """Ends this process as the command line asks."""
    sys.exit(run(app, program, sys.argv[1:]))


def _told(error: Exception) -> str:
    told: str = error.format_message()  # type: ignore[attr-defined]
    return told


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(Exit.TERMINATED)
