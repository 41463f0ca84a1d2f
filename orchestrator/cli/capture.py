"""EDGE: `hats capture`: every frame of the venue into a log, alone; and whether a log is what was written."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json, Set
from orchestrator.cli.terminal import emit, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from hats.exchange_architect.settings import Settings as FeedSettings
    from orchestrator.history.capturing import Captured
    from shared.warehouse.capture.verdict import LogReport

DRAW_S: Final = 0.5
SWITCH_S: Final = 0.001
"""The thread that writes the log waits at most so long for the one that reads the sockets, instead of 5 ms."""
ALL: Final = "all"
NONE: Final = "none"

app = typer.Typer()

Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Root of the venue's HTTP API. Else the configuration's venue.base_url."),
]
Coins = Annotated[str, typer.Option(metavar="all|BTC,ETH,...", help="Perps to follow; all: every one that is listed.")]
Channels = Annotated[
    str | None,
    typer.Option(
        metavar="none|candle,bbo,...",
        help="Channels beside l2Book, trades and activeAssetCtx. Else the configuration's: candle.",
    ),
]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="Stop after so long. Else: until Ctrl-C.")]
Folder = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="Folder of the log. Else captures/TIME in the home folder.")
]
LogDir = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a capture log.")]


@app.callback(invoke_without_command=True)
def capture(
    context: typer.Context,
    url: Url = None,
    coins: Coins = ALL,
    channels: Channels = None,
    seconds: Seconds = None,
    directory: Folder = None,
    config: Config = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Capture until told to stop; no Ray, no Hats, no keys. Ends with the log sealed.

    Exit codes: 0 all that came is in the log; 6 some of it is not, as the log declares (queue or disk full); 1 the log
    died; 8 nothing came from the venue.
    """
    if context.invoked_subcommand is not None:
        return
    from orchestrator.history.capturing import Capturing

    settings = _settings(config, assignments, url, coins, channels)
    capturing = Capturing(settings, directory or _default_folder(config))
    sys.setswitchinterval(SWITCH_S)
    with _stop_asked() as stop, _drawing() as draw:
        capturing.start()
        try:
            until = None if seconds is None else time.monotonic() + seconds
            while capturing.is_alive and not stop.is_set() and (until is None or time.monotonic() < until):
                stop.wait(DRAW_S if until is None else max(0.0, min(DRAW_S, until - time.monotonic())))
                capturing.keep_listed()
                if draw is not None:
                    draw(capturing.so_far())
        finally:
            was_alive = capturing.is_alive
            last = capturing.stop()
    if as_json:
        emit(last)
    else:
        say(shown(last))
    code = exit_of(last) if was_alive else Exit.FAILED
    if code:
        raise typer.Exit(code)


@app.command("verify")
def verify(directory: LogDir, config: Config = None, as_json: Json = False) -> None:
    """Is a capture log whole, and is every frame of every connection in it or in a declared gap? Exit code 6 if not."""
    report = _verified(directory, config)
    if as_json:
        emit(_summed(report))
    else:
        for line in told(report):
            say(line)
    if not (report.is_whole and report.is_complete):
        raise typer.Exit(Exit.PROBLEMS)


def exit_of(last: Captured) -> Exit:
    """How a capture ends that came to this."""
    if last.state == "dead":
        return Exit.FAILED
    if last.lost:
        return Exit.PROBLEMS
    return Exit.OK if last.connections else Exit.UNAVAILABLE


def shown(now: Captured, rate: float | None = None) -> str:
    """One line on a capture."""
    lag = "?" if now.lag.p99_ms is None else f"{now.lag.p99_ms:.1f}"
    free = "?" if now.free_bytes is None else f"{now.free_bytes / 1e9:,.1f}"
    speed = now.frames / max(now.seconds, 1e-9) if rate is None else rate
    return (
        f"{now.seconds:,.0f} s  {now.frames:,} frames ({speed:,.0f}/s)  {now.frame_bytes / 1e6:,.1f} MB as "
        f"{now.stored_bytes / 1e6:,.1f}  gaps {sum(now.gaps.values()):,}  lost {now.lost:,}  to disk p99 {lag} ms  "
        f"{free} GB free  log {now.state}  feed {now.feed}  {now.dir}"
    )


def told(report: LogReport) -> Iterator[str]:
    """The verdict in words, the worst first."""
    summed = _summed(report)
    yield f"{'whole' if report.is_whole else 'DAMAGED'} and {'complete' if report.is_complete else 'NOT COMPLETE'}"
    yield (
        f"{summed['segments']} segments, {summed['connections']} connections, {summed['captured']:,} frames captured, "
        f"{summed['declared']:,} in declared gaps, {summed['undeclared']:,} nowhere"
    )
    yield from summed["faults"]


def _summed(report: LogReport) -> dict[str, Any]:
    faults = list(report.faults)
    for one in report.segments:
        faults += [f"{one.name}: {fault}" for fault in one.faults]
        faults += [f"{one.name}: byte {damage.offset}: {damage.why}" for damage in one.damages]
        faults += [f"{one.name}: torn from byte {one.torn.offset}"] if one.torn else []
    accounts = report.accounts
    return {
        "is_whole": report.is_whole,
        "is_complete": report.is_complete,
        "segments": len(report.segments),
        "connections": len(accounts),
        "captured": sum(account.captured for account in accounts),
        "declared": sum(account.declared for account in accounts),
        "undeclared": sum(last - first + 1 for account in accounts for first, last in account.undeclared),
        "faults": faults,
        "incomplete": [account for account in accounts if not account.is_complete],
    }


def _settings(
    config: Path | None, assignments: list[str] | None, url: str | None, coins: str, channels: str | None
) -> FeedSettings:
    """The feed's settings, for every listed coin if so asked; VenueError if the venue can't tell them."""
    from orchestrator.cli.launching import config_file, loaded
    from orchestrator.history.capturing import listed_coins
    from orchestrator.safekeeping.backup import seal_key_path
    from shared.private_files import make_secret

    path, extra = config_file(config, None), dict[str, object]()
    if url is not None:
        extra["venue.base_url"] = url
    if channels is not None:
        extra["hats.exchange_architect.channels"] = [] if channels == NONE else _listed(channels)
    named = _listed(coins)
    if named == [ALL]:
        named = list(listed_coins(loaded(path, assignments, extra).settings.with_venue().hats.exchange_architect))
    settings = loaded(path, assignments, extra | {"venue.coins": named}).settings.with_venue()
    key_file = seal_key_path(settings.run.home, settings.at_rest.key_file)
    if settings.at_rest.mode == "sealed":
        make_secret(key_file)
    settings = settings.with_seal_key(key_file)
    return settings.hats.exchange_architect


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _default_folder(config: Path | None) -> Path:
    from orchestrator.cli.launching import home

    return home(config) / "captures" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _verified(directory: Path, config: Path | None) -> LogReport:
    from orchestrator.cli.data_options import seal_key
    from shared.warehouse.capture.reader import segments, verify_log

    if not directory.is_dir():
        raise FileNotFoundError(f"no such folder: {directory}")
    paths = segments(directory)
    if not paths:
        raise FileNotFoundError(f"no capture log in {directory}")
    _, key = seal_key(config)
    if not sys.stderr.isatty():
        return verify_log(directory, key=key)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("verifying", total=sum(path.stat().st_size for path in paths))
        return verify_log(directory, lambda report: progress.advance(task, report.bytes), key)


@contextlib.contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM meanwhile."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _drawing() -> Iterator[Callable[[Captured], None] | None]:
    """What shows the state: a line that is redrawn on a terminal; elsewhere None."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    seen: list[Captured] = []
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def draw(now: Captured) -> None:
            before = seen[-1] if seen else None
            seen[:] = [now]
            passed = now.seconds - before.seconds if before else now.seconds
            rate = (now.frames - (before.frames if before else 0)) / max(passed, 1e-9)
            live.update(Text(shown(now, rate)), refresh=True)

        yield draw
