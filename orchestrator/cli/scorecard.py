"""EDGE: `hats scorecard`: the nine scorecards, of the current run or from the files of a finished one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import Config, Json, RunDir, hat_named
from orchestrator.cli.terminal import console, emit, note
from shared.errors import NotRunning

if TYPE_CHECKING:
    from orchestrator.machine.runfiles import RunFiles
    from orchestrator.status import CardView


def scorecard(
    hat: Annotated[str | None, typer.Argument(metavar="[HAT]", help="One Hat, e.g. risk_oversight_officer.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page as well.")
    ] = None,
    run: RunDir = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print each Hat's score with its dimensions, values, targets, sample counts, trend and evidence."""
    from orchestrator.telling.cards import scorecard_table

    role = None if hat is None else hat_named(hat)
    cards, files = _cards(run, config)
    chosen = [card for card in cards if role is None or card.role is role]
    if html is not None:
        _write_page(html, chosen, files)
        note(f"written: {html}")
    if as_json:
        emit({"scorecards": chosen})
    else:
        out = console()
        out.print(scorecard_table(chosen, out.width))


def _cards(run: Path | None, config: Path | None) -> tuple[Sequence[CardView], RunFiles]:
    """The cards live if the run goes on, else those that it left."""
    import msgspec

    from orchestrator.cli.runs import files_of
    from orchestrator.control import Control
    from orchestrator.status import CardView

    files = files_of(run, config)
    if files.scorecards_json.exists():
        return msgspec.json.decode(files.scorecards_json.read_bytes(), type=tuple[CardView, ...]), files
    if not files.door.exists():
        raise NotRunning(f"{files.dir} has no scorecards: the run ended before it was judged")
    with Control(files) as line:
        return line.scorecards(), files


def _write_page(page: Path, cards: Sequence[CardView], files: RunFiles) -> None:
    from orchestrator.telling.cards import scorecards_html
    from orchestrator.telling.summary import summarise
    from shared.journal import JournalReader

    summary = None
    if files.journal.exists():
        reader = JournalReader.open(files.journal)
        try:
            summary = summarise(reader)
        finally:
            reader.close()
    page.write_text(scorecards_html(cards, summary), encoding="utf-8")
