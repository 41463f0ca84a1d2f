"""EDGE: `hats data fetch` and `hats data import`: history from the venue and from files, each once."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from orchestrator.cli.data_options import Coins, Since, Until, Warehouse, ns_from_text, store_at
from orchestrator.cli.exits import Exit
from orchestrator.cli.options import Config, Json
from orchestrator.cli.terminal import emit, note, progress, say
from shared.rules.intervals import INTERVALS_NS
from shared.units import MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hats.exchange_architect.reader import Reader
    from hats.exchange_architect.settings import Settings
    from orchestrator.history.backfill import Fetched, Progress
    from shared.instrument import Instrument

NAMED = 10
"""So many problems of one file are told; all are in its manifest."""


class What(StrEnum):
    """What the venue is asked for."""

    CANDLES = "candles"
    FUNDING = "funding"


class FileKind(StrEnum):
    """What files hold; the words of `orchestrator.history.importing.Kind`, which is slow to import."""

    FRAMES = "frames"
    L2BOOK = "l2book"
    FILLS = "fills"
    TRADES = "trades"
    CONTEXTS = "contexts"
    BINANCE = "binance"


Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Root of the venue's HTTP API. Else the configuration's venue.base_url."),
]


def fetch(
    what: Annotated[What, typer.Argument(metavar="candles|funding", help="Candles of an interval, or hourly funding.")],
    since: Since,
    until: Until = None,
    coins: Coins = None,
    interval: Annotated[str, typer.Option("--interval", metavar="1m|...|1M", help="Of the candles.")] = "1m",
    url: Url = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask the venue for history that is not in the warehouse yet; no `--coin`: of all that are listed.

    Whole intervals that are over, page by page within half the venue's weight budget; start it again after a cut and it
    goes on. What the venue leaves out is in the table `gaps` (not_given). Exit code 6 if something could not be read.
    """
    from hats.exchange_architect.budget import Budget
    from hats.exchange_architect.history import subject
    from hats.exchange_architect.reader import Reader
    from orchestrator.history import backfill
    from orchestrator.machine.build import build_id
    from shared.clock import WallClock

    store, clock = store_at(warehouse, config), WallClock()
    start, end = ns_from_text(since, "--since"), ns_from_text(until, "--until")
    if start is None:
        raise typer.BadParameter("expected a time", param_hint="--since")
    if interval not in INTERVALS_NS:
        raise typer.BadParameter(f"expected one of {' '.join(INTERVALS_NS)}, got {interval!r}", param_hint="--interval")
    span = (start // MS, (clock.now() if end is None else end) // MS)
    settings = _feed_settings(config, url)
    reader, budget = Reader(settings), Budget(settings.weight_per_minute)
    source = backfill.Source(reader.ask, clock.now, time.sleep)
    done: list[Fetched] = []
    try:
        chosen = _chosen(_listed(reader), coins)
        with store.writing() as writing, progress(f"fetching {what}", len(chosen)) as advance:
            for instrument in chosen:
                of = subject(instrument.coin, interval if what is What.CANDLES else "")
                done.append(backfill.fetch(of, span, instrument, source, writing, budget, build_id(), _shown(advance)))
    finally:
        reader.close()
    if as_json:
        emit({"warehouse": str(store.root), "fetched": done})
    else:
        for one in done:
            told = f"{one.rows:,} rows in {one.requests} requests, {one.gaps} gaps not given, {one.unread} unread"
            say(f"{one.subject:<28}{told}")
    if any(one.unread for one in done):
        raise typer.Exit(Exit.PROBLEMS)


def import_(
    kind: Annotated[FileKind, typer.Argument(metavar="|".join(FileKind), help="What the files hold, line by line.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders with all that is in them.")],
    meta: Annotated[
        Path | None,
        typer.Option("--meta", metavar="FILE", help="The venue's reply to meta, for units. Else the venue is asked."),
    ] = None,
    url: Url = None,
    warehouse: Warehouse = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring files of history into the warehouse, each once: plain, gzip (.gz) or LZ4 (.lz4), line by line.

    Bad lines are counted, named and kept in the table `bad_frames`; a cut or damaged file is refused whole. Exit code 6
    if there was either, or a coin that is not listed.
    """
    from hats.exchange_architect.wire_info import universe_update
    from orchestrator.history.importing import Kind, import_file
    from orchestrator.machine.build import build_id
    from shared.errors import DataError
    from shared.units import Ns

    store = store_at(warehouse, config)
    files = _files(paths)
    if meta is None:
        instruments = _asked(config, url)
    else:
        instruments = universe_update(meta.read_bytes(), None, Ns(0)).instruments
    told = []
    with store.writing() as writing, progress("importing", sum(file.stat().st_size for file in files)) as advance:
        for file in files:
            try:
                batch = import_file(Kind(kind.value), file, instruments, writing, build_id(), advance)
            except DataError as error:
                told.append(_Imported(str(file), "refused", {}, {}, (str(error),)))
                continue
            if batch is None:
                told.append(_Imported(str(file), "known", {}, {}, ()))
            else:
                told.append(_Imported(str(file), "imported", batch.rows, batch.counts, batch.problems))
    if as_json:
        emit({"warehouse": str(store.root), "files": [one._asdict() for one in told]})
    else:
        for one in told:
            _say_imported(one)
    if any(one.problems for one in told):
        raise typer.Exit(Exit.PROBLEMS)


class _Imported(NamedTuple):
    """What became of one file."""

    file: str
    state: str
    rows: dict[str, int]
    counts: dict[str, int]
    problems: tuple[str, ...]


def _say_imported(one: _Imported) -> None:
    rows = ", ".join(f"{count:,} {table}" for table, count in sorted(one.rows.items()))
    say(f"{one.state:<9}{one.file}{': ' + rows if rows else ''}")
    for problem in one.problems[:NAMED]:
        say(f"  PROBLEM  {problem}")
    more = len(one.problems) - NAMED
    if more > 0:
        say(f"  and {more} more")


def _shown(advance: Callable[[float], None]) -> Callable[[Progress], None]:
    """What moves the bar by one for each subject, and says when the weight budget makes us wait."""
    shown = 0.0

    def take(told: Progress) -> None:
        nonlocal shown
        if told.waits_s > 1:
            note(f"{told.name}: the weight budget is used up; going on in {told.waits_s:.0f} s")
        share = told.done_ms / told.total_ms if told.total_ms else 1.0
        advance(share - shown)
        shown = share

    return take


def _files(paths: list[Path]) -> list[Path]:
    found = [sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path] for path in paths]
    files = [path for group in found for path in group]
    missing = [str(path) for path in files if not path.is_file()]
    if missing or not files:
        raise FileNotFoundError(f"no such file: {', '.join(missing) or 'the folders are empty'}")
    return files


def _chosen(listed: tuple[Instrument, ...], coins: list[str] | None) -> list[Instrument]:
    known = {instrument.coin: instrument for instrument in listed}
    missing = [coin for coin in coins or () if coin not in known]
    if missing:
        raise typer.BadParameter(f"not listed: {', '.join(missing)}", param_hint="--coin")
    return [known[coin] for coin in coins] if coins else [one for one in listed if not one.is_delisted]


def _asked(config: Path | None, url: str | None) -> tuple[Instrument, ...]:
    from hats.exchange_architect.reader import Reader

    reader = Reader(_feed_settings(config, url))
    try:
        return _listed(reader)
    finally:
        reader.close()


def _listed(reader: Reader) -> tuple[Instrument, ...]:
    """All that the venue lists, delisted ones too; VenueError if it can't be asked."""
    from hats.exchange_architect import errands
    from shared.clock import WallClock
    from shared.messages.market import UniverseUpdate

    universe, *_ = reader.carry(errands.read_universe(None, WallClock().now))
    assert isinstance(universe, UniverseUpdate)
    return universe.instruments


def _feed_settings(config: Path | None, url: str | None) -> Settings:
    from orchestrator.cli.launching import config_file, loaded

    extra = {} if url is None else {"venue.base_url": url}
    return loaded(config_file(config, None), None, extra).settings.with_venue().hats.exchange_architect
