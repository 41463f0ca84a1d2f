"""One JSON line for each thing said, readable by the owner alone, with nothing secret in it."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from shared.log import configure

KEY = "c0ffee" * 10 + "beef"


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    """A run's folder; loguru and the standard library's logging are put back afterwards."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield tmp_path
    logger.remove()
    logger.configure(patcher=lambda record: None, extra={})
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(path: Path) -> list[dict[str, Any]]:
    """The file as the JSON objects in it."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_one_json_object(run_dir: Path) -> None:
    """Each line has time in UTC, level, source, process, place, message, and the fields bound to it."""
    path = configure("risk_oversight_officer", run_dir)
    logger.bind(coin="BTC", n=3).info("limit {} of {{braces}}\nand a line break", 7)
    (line,) = lines(path)
    assert line["message"] == "limit 7 of {braces}\nand a line break"
    assert (line["source"], line["level"], line["coin"], line["n"]) == ("risk_oversight_officer", "INFO", "BTC", 3)
    assert line["ts"].endswith("Z")
    assert line["where"].startswith("test_log:") or "test_log" in line["where"]


def test_fields_cannot_forge_the_line(run_dir: Path) -> None:
    """A bound field named like one of ours does not replace ours."""
    path = configure("risk", run_dir)
    logger.bind(level="NONE", message="forged", source="x", role="y").warning("true")
    (line,) = lines(path)
    assert (line["level"], line["message"], line["source"], line["role"]) == ("WARNING", "true", "risk", "y")


def test_the_file_is_private(run_dir: Path) -> None:
    """Nobody but the owner can read a log."""
    path = configure("risk", run_dir)
    logger.info("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_level_is_kept(run_dir: Path) -> None:
    """Lines below the level are not written, from our code or from a library."""
    path = configure("risk", run_dir, "WARNING")
    logger.info("quiet")
    logging.getLogger("library").info("quiet")
    logger.warning("loud")
    assert [line["message"] for line in lines(path)] == ["loud"]


def test_libraries_are_heard(run_dir: Path) -> None:
    """What a library logs by the standard way is in the file, under its own name, braces and all."""
    path = configure("risk", run_dir)
    logging.getLogger("some.library").warning("it said %s {x}", KEY)
    (line,) = lines(path)
    assert line["where"].startswith("some.library:")
    assert line["message"] == "it said [redacted] {x}"


@pytest.mark.parametrize("is_library", [False, True])
def test_errors_show_where_and_not_what(run_dir: Path, is_library: bool) -> None:
    """A traceback names files and lines; no variable's value and no secret in the error's text is shown."""
    path = configure("risk", run_dir)
    private = KEY
    try:
        raise ValueError(f"bad key {private}")
    except ValueError:
        (logging.getLogger("library") if is_library else logger).exception("it failed")
    (line,) = lines(path)
    assert "ValueError: bad key [redacted]" in line["error"]
    assert "test_log.py" in line["error"]
    assert KEY not in path.read_text(encoding="utf-8")


def test_no_canary_comes_out(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key in message, argument, field, nested field, field name or error reaches neither file nor terminal."""
    path = configure("risk", run_dir, console_level="DEBUG")
    logger.info(f"f-string {KEY}")
    logger.info("argument {}", KEY)
    logger.bind(key=KEY, deep={"a": [bytes.fromhex(KEY), int(KEY, 16)], KEY: 1}).info("fields")
    logger.bind(keystore={"crypto": {"ciphertext": "s3cret", "mac": KEY}}).info("keystore")
    try:
        raise KeyError(KEY) from ValueError(KEY)
    except KeyError:
        logger.exception("failed")
    written = path.read_text(encoding="utf-8") + capsys.readouterr().err
    for canary in (KEY, KEY.upper(), str(int(KEY, 16)), repr(bytes.fromhex(KEY)), "s3cret"):
        assert canary not in written
    assert len(lines(path)) == 5


def test_a_full_disk_shows_no_secret(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When a sink fails, what loguru prints about it is clean as well."""
    configure("risk", run_dir)

    def full(message: str) -> None:
        raise OSError("no space left")

    logger.add(full, catch=True)
    logger.opt(exception=ValueError(KEY)).bind(x=KEY).info("said {}", KEY)
    printed = capsys.readouterr().err
    assert "no space left" in printed
    assert KEY not in printed


def test_configuring_again_replaces(run_dir: Path) -> None:
    """The second configuration counts alone: a line is written once."""
    first = configure("risk", run_dir)
    second = configure("other", run_dir)
    logger.info("once")
    assert not first.read_text(encoding="utf-8")
    assert [line["source"] for line in lines(second)] == ["other"]


def test_an_unknown_level_is_refused(run_dir: Path) -> None:
    """A level that does not exist is our own bug."""
    with pytest.raises(AssertionError):
        configure("risk", run_dir, "LOUD")
