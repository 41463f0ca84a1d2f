"""EDGE: options that the commands of `hats data` share, and where the warehouse is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from shared.units import US

if TYPE_CHECKING:
    from shared.sealing import SealKey
    from shared.warehouse.reading import Warehouse as View
    from shared.warehouse.store import Store

Warehouse = Annotated[
    Path | None,
    typer.Option(
        "--warehouse", "-w", metavar="DIR", help="The warehouse's folder. Else `warehouse` in the home folder."
    ),
]
SnapshotId = Annotated[
    str | None,
    typer.Option("--snapshot", metavar="ID", help='Only what this snapshot holds; the start of its id, or "latest".'),
]
Coins = Annotated[list[str] | None, typer.Option("--coin", metavar="COIN", help="Only this coin; may be repeated.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 2026-11-30, 2026-11-30T12:00:00Z, or UTC nanoseconds."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to then, without it.")]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def store_at(warehouse: Path | None, config: Path | None) -> Store:
    """The warehouse named, else the one in the home folder, with its key if it is sealed; it need not exist yet."""
    from shared.warehouse.store import Store

    folder, key = seal_key(config)
    return Store(folder / "warehouse" if warehouse is None else warehouse, key)


def view_of(warehouse: Path | None, config: Path | None, snapshot: str | None) -> View:
    """A reader's view of the same, or of one snapshot of it."""
    from shared.warehouse.reading import Warehouse as View

    folder, key = seal_key(config)
    return View(folder / "warehouse" if warehouse is None else warehouse, snapshot, key)


def seal_key(config: Path | None) -> tuple[Path, SealKey | None]:
    """The home folder, and the key of files at rest where the settings ask for it."""
    from orchestrator.cli.launching import config_file, loaded
    from orchestrator.safekeeping.backup import seal_key_path
    from shared.private_files import make_secret
    from shared.seal_file import read_seal_key

    settings = loaded(config_file(config, None)).settings
    home, at_rest = settings.run.home, settings.at_rest
    if at_rest.mode == "plain":
        return home, None
    path = seal_key_path(home, at_rest.key_file)
    make_secret(path)
    return home, read_seal_key(path)


def ns_from_text(text: str | None, hint: str) -> int | None:
    """UTC nanoseconds of a day, an ISO 8601 time (UTC unless it says otherwise) or a number of nanoseconds."""
    if text is None:
        return None
    if text.lstrip("-").isdigit() and len(text) > 8:  # shorter ones may be days: 20261130
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"expected a time such as 2026-11-30T12:00:00Z, got {text!r}", param_hint=hint
        ) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * US
