"""EDGE: `hats replay`: do the Hats of a run say again, byte for byte, what its journal has?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json, Set, hat_named
from orchestrator.cli.terminal import emit, progress, say
from shared.errors import ConfigError
from shared.ids import HATS, Role
from shared.units import SECOND

if TYPE_CHECKING:
    from orchestrator.build import Build
    from orchestrator.capture_run import CaptureReplay
    from orchestrator.reproduction import HatReplay
    from orchestrator.runfiles import RunFiles
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
    """
    from orchestrator.cli.runs import last_run

    if capture is not None or recording is not None:
        if run is not None or hats or (capture is not None and recording is not None):
            raise typer.BadParameter("RUN (with --hat), --capture and --recording exclude each other")
        _play(capture, recording, speed, config, assignments, as_json=as_json)
        return
    if assignments:
        raise typer.BadParameter("a run is replayed with the settings that it had: --set is for --capture, --recording")
    roles = tuple(hat_named(name, "--hat") for name in hats or ()) or HATS
    found = _replayed(last_run(run, config), roles)
    if as_json:
        emit(found)
    else:
        _tell(found)
    if not found["equal"]:
        raise typer.Exit(Exit.PROBLEMS)


def _play(
    capture: Path | None,
    recording: str | None,
    speed: str,
    config: Path | None,
    assignments: list[str] | None,
    *,
    as_json: bool,
) -> None:
    from orchestrator.capture_run import import_recordings, run_capture, survey_of
    from orchestrator.cli.launching import config_file, loaded
    from orchestrator.runfiles import new_run

    pace = _pace(speed)
    settings = loaded(config_file(config, "demo.toml"), assignments).settings
    files = new_run(settings.run.home, "replay", int(time.time()))
    if capture is None:
        capture = files.dir / "capture"
        files.create()
        with progress("capturing the recording", None) as advance:
            import_recordings(settings, [Path(name) for name in (recording or "").split(",")], capture, advance)
    with progress("reading", None):
        survey = survey_of(capture)
    if pace is not None:
        _pace_desk(capture, survey, pace, config, assignments, as_json=as_json)
        return
    with progress("replaying", (survey.last_ns - survey.first_ns) / SECOND) as advance:
        found = run_capture(settings, capture, survey, files, advance)
    if as_json:
        emit(found)
    else:
        for line in capture_lines(found):
            say(line)
    if found.problems:
        raise typer.Exit(Exit.PROBLEMS)


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
    from orchestrator.cards import number

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
    from orchestrator.build import this_build
    from orchestrator.compose import settings_from_json
    from orchestrator.reproduction import replay_run
    from orchestrator.runfiles import record_of
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
