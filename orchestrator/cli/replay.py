"""EDGE: `hats replay`: do the Hats of a run say again, byte for byte, what its journal has?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from orchestrator.cli.data_options import Warehouse
from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json, Set, hat_named
from orchestrator.cli.terminal import emit, progress, say
from shared.errors import ConfigError
from shared.ids import HATS, Role
from shared.units import SECOND

if TYPE_CHECKING:
    from orchestrator.history.capture_run import CaptureReplay
    from orchestrator.machine.build import Build
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.settings import Settings
    from orchestrator.telling.reproduction import HatReplay
    from shared.warehouse.capture.playback import Survey

PACE_MAX: Final = 100
Run = Annotated[
    Path | None,
    typer.Argument(metavar="[RUN]", help="A run's folder, or its name below the home folder. Else the last run."),
]
OnlyHats = Annotated[list[str] | None, typer.Option("--hat", metavar="HAT", help="Only this Hat; may be repeated.")]


Capture = Annotated[
    Path | None,
    typer.Option("--capture", metavar="DIR", help="A capture log instead of a run: a new run on the market in it."),
]
Recordings = Annotated[
    str | None,
    typer.Option(
        "--recording",
        metavar="FILE[,FILE]",
        help="Recordings of Hyperliquid or Binance USD-M sockets: made a capture in the run's folder, then replayed.",
    ),
]
SnapshotId = Annotated[
    str | None,
    typer.Option("--snapshot", metavar="ID", help='A snapshot instead: the start of its id, or "latest".'),
]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="SOURCE", help="Which capture of the snapshot, if it holds several: capture:RUN."),
]
Speed = Annotated[
    str,
    typer.Option(
        "--speed", metavar="max|1x..100x", help="max: on the stage. Else a desk on Ray, the market at N times its pace."
    ),
]


def replay(
    run: Run = None,
    hats: OnlyHats = None,
    capture: Capture = None,
    recording: Recordings = None,
    snapshot: SnapshotId = None,
    source: Source = None,
    warehouse: Warehouse = None,
    speed: Speed = "max",
    config: Config = None,
    assignments: Set = None,
    as_json: Json = False,
) -> None:
    """Give each Hat again what it handled in a run, outside Ray, and compare every byte that it says with the journal.

    Names the first difference of each Hat; exit code 6 if there is one, or if the journal is damaged.

    With --capture all nine run anew, in one thread, on the frames of a capture log at the times at which they were
    received, through its cuts; their orders go to a paper venue made of the captured books. The same capture, settings
    and seed give the same digest. Default file: configs/demo.toml; exit code 6 if a proof fails or the log is damaged.

    With --speed N the desk runs on Ray as in `hats demo`, for as long as the capture takes at N times its pace: its
    books and trades move the local exchange, whose sockets are cut when the captured ones were.

    With --recording such a capture is made first. Hyperliquid's frames stay as they are; Binance has another protocol:
    its books and trades move the local exchange, and what that sends is captured (ticks, depth, pace are its own).

    With --snapshot such a capture is made of the tables: books, trades, best prices and contexts of the settings' coins
    as frames, at the times and on the connections on which they came, through cuts and gaps as they were declared.
    """
    from orchestrator.cli.runs import last_run

    markets = [name for name in (capture, recording, snapshot) if name is not None]
    if snapshot is None and (source is not None or warehouse is not None):
        raise typer.BadParameter("--source and --warehouse are for --snapshot")
    if markets:
        if run is not None or hats or len(markets) > 1:
            raise typer.BadParameter("RUN (with --hat), --capture, --recording and --snapshot exclude each other")
        made = capture or _Made(recording or "", snapshot, source, warehouse)
        _play(made, speed, config, assignments, as_json=as_json)
        return
    if assignments:
        raise typer.BadParameter("a run is replayed with the settings that it had: --set is for replays of a market")
    roles = tuple(hat_named(name, "--hat") for name in hats or ()) or HATS
    found = _replayed(last_run(run, config), roles)
    if as_json:
        emit(found)
    else:
        _tell(found)
    if not found["equal"]:
        raise typer.Exit(Exit.PROBLEMS)


class _Made(NamedTuple):
    """What a capture is made of first: recordings, or a snapshot (with the source in it, and the warehouse)."""

    recording: str
    snapshot: str | None
    source: str | None
    warehouse: Path | None


def _play(
    capture: Path | _Made,
    speed: str,
    config: Path | None,
    assignments: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from orchestrator.cli.data_options import seal_key
    from orchestrator.cli.launching import config_file, loaded
    from orchestrator.history.capture_run import run_capture, survey_of
    from orchestrator.machine.runfiles import new_run

    pace = _pace(speed)
    settings = loaded(config_file(config, "demo.toml"), assignments).settings
    files = new_run(settings.run.home, "replay", int(time.time()))
    if isinstance(capture, _Made):
        files.create()
        capture = _make(capture, settings, files.dir / "capture", config)
    with progress("reading", None):
        _, key = seal_key(config)
        survey = survey_of(capture, key)
    if pace is not None:
        _pace_desk(capture, survey, pace, config, assignments, as_json=as_json)
        return
    with progress("replaying", (survey.last_ns - survey.first_ns) / SECOND) as advance:
        found = run_capture(settings, capture, survey, files, advance, key)
    if as_json:
        emit(found)
    else:
        for line in capture_lines(found):
            say(line)
    if found.problems:
        raise typer.Exit(Exit.PROBLEMS)


def _make(made: _Made, settings: Settings, capture: Path, config: Path | None) -> Path:
    """The capture, in that folder; on stderr how much of a snapshot it is."""
    from orchestrator.cli.data_options import view_of
    from orchestrator.history.capture_run import import_recordings, rebuild_capture

    if made.snapshot is None:
        with progress("capturing the recording", None) as advance:
            import_recordings(settings, [Path(name) for name in made.recording.split(",")], capture, advance)
        return capture
    view = view_of(made.warehouse, config, made.snapshot)
    with progress("making a capture of the snapshot", None) as advance:
        found = rebuild_capture(settings, view, made.source, capture, advance)
    kept = f"{found.played:,} of {found.frames:,} frames of {found.source} are the market data of the settings' coins"
    typer.echo(kept, err=True)
    return capture


def _pace(speed: str) -> float | None:
    """How many times as fast; None for as fast as it goes."""
    if speed == "max":
        return None
    try:
        pace = float(speed.removesuffix("x"))
    except ValueError:
        pace = 0.0
    if not 1 <= pace <= PACE_MAX:
        raise typer.BadParameter(f"expected max or 1x to {PACE_MAX}x, got {speed!r}", param_hint="--speed")
    return pace


def _pace_desk(
    capture: Path, survey: Survey, pace: float, config: Path | None, assignments: list[str] | None, *, as_json: bool
) -> None:
    """The desk on a Ray of its own, on the local exchange that the capture moves."""
    from orchestrator.cli.launching import LOCAL_MODES, config_file, loaded, run_desk, tell

    path = config_file(config, "demo.toml")
    seconds = max((survey.last_ns - survey.first_ns) / SECOND / pace, 1.0)
    wanted = {"run.duration_s": seconds, "local_venue.replay_speed": pace}
    settings = loaded(path, assignments, wanted).settings
    if settings.run.mode not in LOCAL_MODES:
        raise ConfigError([f"{path}: run.mode is {settings.run.mode}; a capture moves the local exchange only"])
    verdict = run_desk(
        settings,
        title=f"hats replay {pace:g}x",
        own_ray=True,
        replay=capture.resolve(),
        config=path,
        wants_view=True,
        as_json=as_json,
    )
    tell(verdict, as_json=as_json)


def capture_lines(found: CaptureReplay) -> list[str]:
    """The replay of a capture for people."""
    from orchestrator.telling.cards import number

    survey, played, orders = found.survey, found.played, found.summary.orders
    missing = f"{survey.gaps:,} declared gaps with {survey.frames_lost:,} frames lost"
    rate = f"{found.seconds:.1f} s, {found.frames_per_s:,.0f} frames a second, {found.speed:.1f} times real time"
    made = f"{orders.sent:,} sent, {orders.filled:,} filled, {orders.cancelled:,} cancelled"
    pnl = f"{found.summary.fills:,} fills, pnl {number(found.summary.pnl_usd, 2)} USDC"
    proof = "every Hat's words replayed equal" if found.is_equal else "NOT every Hat's words replayed equal"
    return [
        f"capture  {found.capture}: {survey.frames:,} frames, {survey.cuts:,} ends of a connection, {missing}",
        f"played   {played.frames:,} frames (and {played.not_followed:,} that this desk does not follow) in {rate}",
        f"orders   {made}; {pnl}; on paper, none left this process",
        f"proofs   {proof}; digest {found.digest}",
        f"files    {found.run_dir}",
        *(f"PROBLEM  {problem}" for problem in found.problems),
    ]


def _replayed(files: RunFiles, roles: tuple[Role, ...]) -> dict[str, Any]:
    from orchestrator.compose import settings_from_json
    from orchestrator.machine.build import this_build
    from orchestrator.machine.runfiles import record_of
    from orchestrator.telling.reproduction import replay_run
    from shared.journal import JournalReader

    record = record_of(files)
    settings = settings_from_json(bytes(record.settings))
    reader = JournalReader.open(settings.journal.path or files.journal)
    try:
        fault = reader.fault()
        batches = reader.batches()
        began = time.perf_counter()
        with progress("replaying", sum(batches.get(role, 0) for role in roles)) as advance:
            key = files.approval_key()
            done = () if fault is not None else replay_run(reader, settings, roles, lambda: advance(1), key)
        seconds = time.perf_counter() - began
    finally:
        reader.close()
    handled = sum(hat.handled for hat in done)
    return {
        "equal": fault is None and all(hat.difference is None for hat in done),
        "hats": done,
        "journal_fault": fault,
        "handled": handled,
        "seconds": seconds,
        "messages_per_s": handled / seconds if seconds else None,
        "written_by": record.build,
        "this_build": this_build(),
        "run_dir": str(files.dir),
    }


def _tell(found: dict[str, Any]) -> None:
    for hat in found["hats"]:
        say(("" if hat.difference is None else "DIFFERENT  ") + hat.in_words)
    if found["journal_fault"] is not None:
        say(f"DAMAGED  the journal: {found['journal_fault']}; nothing was replayed")
    for line in about_builds(found["written_by"], found["this_build"], found["hats"]):
        say(line)
    rate = f"{found['handled']:,} messages in {found['seconds']:.1f} s, {found['messages_per_s'] or 0:,.0f} a second"
    say(f"{'equal' if found['equal'] else 'NOT EQUAL'}: {rate}; {found['run_dir']}")


def about_builds(writer: Build, ours: Build, hats: tuple[HatReplay, ...]) -> list[str]:
    """Whether another build wrote the journal, and of each Hat that differs whether its code is another."""
    if writer.id == ours.id:
        return []
    lines = [f"another build wrote it: {writer.id} (version {writer.version}); this is {ours.id} ({ours.version})"]
    for hat in hats:
        is_other = writer.logic.get(hat.role) != ours.logic.get(hat.role)
        if hat.difference is not None:
            verb = "changed since, which may be why" if is_other else "is the same: the difference is not the code's"
            lines.append(f"{hat.role}: its code {verb}")
    return lines
