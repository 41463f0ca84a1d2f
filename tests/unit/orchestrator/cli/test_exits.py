"""Every error ends with its code from the one table, as text or as JSON."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
import typer

from orchestrator.cli.exits import EXIT_OF, MEANINGS, Exit, exit_of
from orchestrator.cli.running import run
from shared import errors

MADE: tuple[tuple[BaseException, Exit], ...] = (
    (errors.HatsError("x"), Exit.FAILED),
    (errors.ConfigError(["a", "b"]), Exit.CONFIG),
    (errors.UnitError("x"), Exit.FAILED),
    (errors.VenueError("x", "y"), Exit.UNAVAILABLE),
    (errors.VenueUnreachable("x"), Exit.UNAVAILABLE),
    (errors.VenueProtocolError("x"), Exit.UNAVAILABLE),
    (errors.RateLimited("x", 1), Exit.UNAVAILABLE),
    (errors.DataError("x"), Exit.FAILED),
    (errors.SnapshotError("x"), Exit.FAILED),
    (errors.JournalError("x"), Exit.FAILED),
    (errors.BusError("x"), Exit.NOT_FOUND),
    (errors.NotRunning("x"), Exit.NOT_FOUND),
    (errors.AlreadyRunning("x"), Exit.OCCUPIED),
    (errors.Unanswered("x"), Exit.TIMEOUT),
    (errors.MailboxFull("x"), Exit.TIMEOUT),
    (errors.NotAllowedError("x"), Exit.REFUSED),
    (errors.ExtraMissing("x"), Exit.FAILED),
    (errors.InvariantError("x"), Exit.FAILED),
    (FileNotFoundError(2, "x"), Exit.NOT_FOUND),
    (TimeoutError("x"), Exit.TIMEOUT),
    (ConnectionRefusedError(111, "x"), Exit.UNAVAILABLE),
    (PermissionError(13, "x"), Exit.FAILED),
)


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def program(error: BaseException | None) -> typer.Typer:
    """A program whose only command ends with `error`."""
    app = typer.Typer()

    @app.command()
    def act(number: int = 0, as_json: bool = typer.Option(False, "--json")) -> None:
        if error is not None:
            raise error

    return app


def test_every_error_of_ours_is_in_the_cases() -> None:
    """No class of the error tree is left without an expected code here."""
    classes = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HatsError)}
    assert classes <= {type(error) for error, _ in MADE}


@pytest.mark.parametrize(("error", "code"), MADE, ids=lambda each: type(each).__name__)
def test_errors_end_with_their_code(error: BaseException, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that nobody handled ends the command with its code, its message on stderr and nothing on stdout."""
    assert exit_of(error) == code
    assert run(program(error), "hats", []) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hats:")


@pytest.mark.parametrize(("error", "code"), MADE, ids=lambda each: type(each).__name__)
def test_errors_are_json_when_asked(error: BaseException, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json stderr holds one object with the stable code, and stdout nothing."""
    assert run(program(error), "hats", ["--json"]) == code
    captured = capsys.readouterr()
    said = json.loads(captured.err)
    assert captured.out == ""
    assert said["code"] == MEANINGS[code].code
    assert said["message"]
    assert ("problems" in said) is isinstance(error, errors.ConfigError)


def test_success_is_zero() -> None:
    """A command that returns ends with 0."""
    assert run(program(None), "hats", []) == Exit.OK


@pytest.mark.parametrize("code", list(Exit))
def test_a_command_can_choose_its_code(code: Exit) -> None:
    """typer.Exit ends with the code that it carries."""
    assert run(program(typer.Exit(code)), "hats", []) == code


@pytest.mark.parametrize("args", [["--nonsense"], ["--number", "x"], ["surplus"]])
def test_a_wrong_command_line_is_two(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be understood ends with 2, as text or JSON."""
    assert run(program(None), "hats", args) == Exit.USAGE
    assert "Usage" in capsys.readouterr().err
    assert run(program(None), "hats", [*args, "--json"]) == Exit.USAGE
    assert json.loads(capsys.readouterr().err)["code"] == "usage"


def test_ctrl_c_is_130() -> None:
    """An interrupt ends with 128 + SIGINT."""
    assert run(program(KeyboardInterrupt()), "hats", []) == 130


def test_sigterm_is_143() -> None:
    """SIGTERM ends a command that is not done with 128 + SIGTERM, through every `finally`."""
    app, cleaned = typer.Typer(), []

    @app.command()
    def act() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as caught:
        run(app, "hats", [])
    assert caught.value.code == 143
    assert cleaned == [True]


def test_codes_and_names_are_unique() -> None:
    """Every code has one meaning, and every meaning its own name."""
    assert set(MEANINGS) == set(Exit)
    assert len({meaning.code for meaning in MEANINGS.values()}) == len(Exit)
    assert set(EXIT_OF.values()) <= set(Exit)
