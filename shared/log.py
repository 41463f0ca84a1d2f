"""EDGE: JSON-lines logs of one process, with secrets taken out; configured inside the process, never at import."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from shared.redaction import redact_text, redact_value

if TYPE_CHECKING:
    from loguru import FormatFunction, Record

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
FILES_MAX: Final = 5
LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def configure(source: str, run_dir: Path, level: str = "INFO", *, console_level: str | None = None) -> Path:
    """The file that this process logs to from here on: `run_dir`/logs/`source`.jsonl, readable by its owner alone.

    `source` is the role that the process plays. Replaces what was configured before and takes in the standard
    library's logging. Bounded: five files of 64 MiB. No queue and no thread: a line is in the file when the call
    returns. `console_level` adds plain lines on stderr.
    """
    assert level in LEVELS, f"expected one of {LEVELS}, got {level}"
    path = run_dir / "logs" / f"{source}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    logger.remove()
    logger.configure(patcher=_redact, extra={})
    logger.add(
        path,
        level=level,
        format=_json_of(source),
        rotation=FILE_BYTES_MAX,
        retention=FILES_MAX,
        backtrace=False,
        diagnose=False,  # a traceback never shows the values of variables
        opener=_private,
    )
    if console_level is not None:
        logger.add(sys.stderr, level=console_level, format=_plain_of(source), backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[ToLoguru()], level=_standard_level(level), force=True)
    return path


class ToLoguru(logging.Handler):
    """Takes what libraries say through the standard library's logging into the same file."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say the same through loguru, under the library's name."""
        level = record.levelname if record.levelname in LEVELS else record.levelno
        exception = record.exc_info if record.exc_info and record.exc_info[0] else None
        logger.opt(exception=exception).patch(_from_library(record)).log(level, "{}", record.getMessage())


def _from_library(record: logging.LogRecord) -> Any:
    def patch(ours: Record) -> None:
        ours["name"] = record.name
        ours["function"] = record.funcName
        ours["line"] = record.lineno

    return patch


def _redact(record: Record) -> None:
    """Clean the record before any sink sees it; the error becomes text, so that nobody prints the object."""
    record["message"] = redact_text(record["message"])
    error = record["exception"]
    extra = {name: redact_value(value, name) for name, value in record["extra"].items()}
    if error is not None and error.type is not None:
        lines = traceback.format_exception(error.type, error.value, error.traceback)
        extra["error"] = redact_text("".join(lines).rstrip())
        record["exception"] = None
    record["extra"] = extra


def _json_of(source: str) -> FormatFunction:
    """The format for loguru that writes a record of this process as one JSON line."""

    def line(record: Record) -> str:
        said = {
            "ts": record["time"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record["level"].name,
            "source": source,
            "pid": record["process"].id,
            "thread": record["thread"].name,
            "where": f"{record['name']}:{record['line']}",
            "message": record["message"],
        }
        extra = {name: value for name, value in record["extra"].items() if name not in said and name != "json"}
        record["extra"]["json"] = json.dumps(said | extra, ensure_ascii=False, allow_nan=False)
        return "{extra[json]}\n"

    return line


def _plain_of(source: str) -> FormatFunction:
    """The format for loguru that writes a record of this process for a person."""

    def line(record: Record) -> str:
        text = f"{{time:HH:mm:ss}} {{level: <8}} {source}: {{message}}\n"
        return text + "{extra[error]}\n" if "error" in record["extra"] else text

    return line


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _standard_level(level: str) -> int:
    return {"TRACE": 5}.get(level) or int(getattr(logging, level))
