"""EDGE: a captured market replayed on the stage as a run of its own: folder, journal, scorecards, proofs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.accounts.referee import differences
from orchestrator.history.capture_replay import KNOWN, LEAD_NS, replay_capture
from orchestrator.history.recording_import import rendered, verbatim
from orchestrator.history.snapshot_capture import SnapshotCapture
from orchestrator.machine.build import this_build
from orchestrator.machine.runfiles import RunFiles, RunRecord, write_record
from orchestrator.recording import Played
from orchestrator.rehearsal import Rehearsal, approval_secret
from orchestrator.settings import Settings
from orchestrator.status import cards_of
from orchestrator.telling.cards import scorecards_html
from orchestrator.telling.reproduction import HatReplay, replay_run
from orchestrator.telling.summary import Summary, summarise
from shared.approval_file import key_path
from shared.errors import DataError
from shared.private_files import write_private
from shared.sealing import SealKey
from shared.units import SECOND
from shared.venue.flow.recording import OtherRecord
from shared.venue.flow.recording_files import open_recordings, recorded_frames
from shared.warehouse.capture.log import CaptureLog
from shared.warehouse.capture.playback import UNREADABLE, Survey, as_it_happened, label_of
from shared.warehouse.capture.reader import read_log
from shared.warehouse.capture.records import AnyRecord, Frame, SocketOpened
from shared.warehouse.reading import Warehouse

COINS_WITHIN: Final = 10_000
"""A recording is looked through so far for the coins that it is of."""
SLICE_S: Final = 1.0
"""So much virtual time passes between two words on how far things have come."""


class CaptureReplay(msgspec.Struct, frozen=True):
    """What the replay of a capture came to. `digest` is the journal's; equal inputs and code give an equal one.

    `seconds` and `frames_per_s` are of the desk's run alone; `speed` is virtual seconds in each of them.
    """

    capture: str
    survey: Survey
    played: Played
    summary: Summary
    digest: str
    replay: tuple[HatReplay, ...]
    position_differences: tuple[str, ...]
    is_flat: bool
    virtual_s: float
    seconds: float
    frames_per_s: float
    speed: float
    run_dir: str
    problems: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Did every Hat say again, out of the stage, what it had said on it?"""
        return all(hat.difference is None for hat in self.replay)


def survey_of(capture: Path, key: SealKey | None = None) -> Survey:
    """What the log holds, `key` being that of encrypted segments; DataError if there is none."""
    survey = Survey()
    for item in read_log(capture, key):
        survey.take(item)
    return survey


def import_recordings(
    settings: Settings, paths: Sequence[Path], directory: Path, passed: Callable[[float], None]
) -> None:
    """A capture log in `directory`, made of recordings: `recording_import.py` says how.

    `passed` is told of recorded seconds as they go by; DataError if a recording can't be used.
    """
    source = open_recordings(*paths)
    if all(label_of(frame) != UNREADABLE for path in paths for _, frame in islice(recorded_frames(path), 1)):
        merged = sorted((each for path in paths for each in recorded_frames(path)), key=itemgetter(0))
        _write_log(settings, directory, verbatim(merged), passed)
        return
    wanted = settings.venue.coins
    told = {record.coin for record in islice(source(), COINS_WITHIN) if not isinstance(record, OtherRecord)}
    coins = tuple(KNOWN[name] for name in wanted if name in told and name in KNOWN)
    if not coins:
        raise DataError(f"expected a recording of {', '.join(wanted)}, it has {', '.join(sorted(told)) or 'no coin'}")
    _write_log(settings, directory, rendered(source, coins, settings), passed)


def rebuild_capture(
    settings: Settings, view: Warehouse, source: str | None, directory: Path, passed: Callable[[float], None]
) -> SnapshotCapture:
    """A capture log in `directory`, made of the tables of a view: `snapshot_capture.py` says how.

    `passed` is told of captured seconds as they go by; DataError if there is no capture in it.
    """
    made = SnapshotCapture(view, settings.venue.coins, source)
    _write_log(settings, directory, made.records(), passed)
    return made


def _write_log(
    settings: Settings, directory: Path, records: Iterable[AnyRecord], passed: Callable[[float], None]
) -> None:
    log, now, told = None, 0, 0
    for record in records:
        now = record.recv_ns if isinstance(record, Frame) else now
        if log is None:
            assert isinstance(record, SocketOpened)
            now = told = record.ns
            log = CaptureLog(directory, 1, now, settings.hats.exchange_architect.capture)
        log.append(record)
        if now - told >= SECOND:
            log.commit(now)
            passed((now - told) / SECOND)
            told = now
    if log is not None:
        log.close(now)


def run_capture(
    settings: Settings,
    capture: Path,
    survey: Survey,
    files: RunFiles,
    passed: Callable[[float], None],
    key: SealKey | None = None,
) -> CaptureReplay:
    """The whole run: the capture from its first record to its last, the drain, and the proofs.

    `passed` is told of virtual seconds as they go by.
    """
    files.create()
    began = time.perf_counter()
    rehearsal = replay_capture(
        settings, files.journal, lambda: as_it_happened(read_log(capture, key)), survey, seed=settings.run.seed
    )
    try:
        virtual_s = (survey.last_ns - survey.first_ns + LEAD_NS) / SECOND
        left_s = virtual_s
        while left_s > 0:
            rehearsal.run_for(min(left_s, SLICE_S))
            left_s -= SLICE_S
            passed(SLICE_S)
        rehearsal.drain()
        seconds = time.perf_counter() - began
        return _judged(rehearsal, capture, survey, files, virtual_s, seconds)
    finally:
        rehearsal.close()


def _judged(
    rehearsal: Rehearsal, capture: Path, survey: Survey, files: RunFiles, virtual_s: float, seconds: float
) -> CaptureReplay:
    reader, now = rehearsal.journal.reader, rehearsal.stage.clock.now()
    summary, cards = summarise(reader), cards_of(rehearsal.heart, now)
    theirs = rehearsal.positions()
    played, settings = rehearsal.venue.played, rehearsal.settings
    assert played is not None
    found = CaptureReplay(
        capture=str(capture),
        survey=survey,
        played=played,
        summary=summary,
        digest=reader.digest(),
        replay=replay_run(reader, settings, approval_key=rehearsal.approval_key),
        position_differences=tuple(differences(summary.net_sz, theirs)),
        is_flat=not theirs,
        virtual_s=virtual_s,
        seconds=seconds,
        frames_per_s=played.frames / seconds,
        speed=virtual_s / seconds,
        run_dir=str(files.dir),
        problems=(),
    )
    found = msgspec.structs.replace(found, problems=tuple(_problems(found, reader.fault())))
    write_private(key_path(files.dir), approval_secret(settings.run.seed))
    write_record(files, RunRecord(rehearsal.run, this_build(), msgspec.Raw(settings.model_dump_json().encode())))
    write_private(files.summary, msgspec.json.format(msgspec.json.encode(found), indent=2))
    write_private(files.scorecards_json, msgspec.json.format(msgspec.json.encode(cards), indent=2))
    write_private(files.scorecards_html, scorecards_html(cards, summary).encode())
    return found


def _problems(found: CaptureReplay, fault: str | None) -> list[str]:
    """Everything that makes the result less than it seems, in words."""
    problems = [] if fault is None else [f"journal: {fault}"]
    if found.survey.damages:
        problems.append(f"capture: damaged in {found.survey.damages} places; what stood there was not played")
    problems += [f"positions: {difference}" for difference in found.position_differences]
    problems += [f"replay: {hat.in_words}" for hat in found.replay if hat.difference is not None]
    if not found.is_flat:
        problems.append("not flat: positions are still open")
    return problems
