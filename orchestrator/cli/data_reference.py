"""docs/data.md, made from the tables themselves: `python -m orchestrator.cli.data_reference > docs/data.md`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from orchestrator.cli.terminal import say
from shared.warehouse.levels import BOOK_LEVELS, SCHEMA
from shared.warehouse.tables import TABLE_OF, Origin

HEAD: Final = """# The warehouse

What was captured, as tables: Parquet files that are written once, named by manifests with hashes, frozen in snapshots.

    hats data compact RUN        sealed segments of a capture log become tables, each once; start it again after a kill
    hats data ls                 tables with rows, size, coins and time; snapshots
    hats data verify             every file, manifest, snapshot and connection; exit code 6 if anything is not as it was
    hats data snapshot           freeze all that is published under a name that is the hash of what is in it
    hats replay --snapshot ID    a new run of all nine Hats on what a snapshot holds of one capture
    hats data query SQL          DuckDB over the files (the extra `query`)
    hats data export TABLE FILE  .parquet, .csv, .arrow or .jsonl, without a cap
    hats data gc --keep-days N   retention; without --apply it only says what would go
    hats data fetch candles|funding --since TIME   history from the venue, each interval once; the rest is a gap
    hats data import KIND PATH   files of history, each once: frames, l2book, fills, trades, contexts, binance
    hats data audit              captured trades against the exchange's candles; only declared gaps may explain more
    hats data funding            each hour predicted, paid, and what the law gives for our own payments

In Python:

    from pathlib import Path
    from shared.warehouse.reading import Warehouse

    warehouse = Warehouse(Path("~/.local/state/hats/warehouse").expanduser(), "latest")   # or a snapshot's id, or none
    trades = warehouse.pandas("trades", ["BTC"])                # a DataFrame in the order of receipt
    books = warehouse.arrow("books", ["BTC"], since_ns, until_ns)   # a pyarrow Table
    for rows in warehouse.groups("book_levels", ["BTC"]): ...   # piece by piece, in bounded memory

## What can be relied on

- **Nothing is lost without a word.** Every captured frame is a row of `frames`, every declared gap a row of `gaps`.
  `hats data verify` adds them up for every connection; a frame that is nowhere, or twice, is a finding. What damage, a
  missing segment or retention took is declared by number.
- **What can't be read is kept.** A frame, or an entry of one, that the feed would set aside is in `bad_frames` with its
  reason and all its bytes. Frames of channels that have no table are counted in `frames` (`rows` is 0).
- **Numbers are exact.** Prices and sizes are the venue's texts as integers, with their decimals beside them. Nothing is
  a float. Null is unknown.
- **Files are whole or not there.** They are written aside, synced and renamed; a batch's manifest is written last, and
  what no manifest names is not read. Killed at any moment, `hats data compact` goes on and makes the same files.
- **The same log gives the same bytes**, wherever and whenever, with the same code and pyarrow. Another version of
  pyarrow may write other bytes; the hash of the rows (`rows_sha256`) stays.
- **A snapshot does not change.** It names its batches by the hash of their manifests, and these their files by hash,
  their segment by hash, the code by hash, and the settings.
- **Nothing goes silently.** Retention leaves a tombstone, and a record in the warehouse's audit chain (`audit.jsonl`)
  before the first byte is gone. So it is with a capture log's oldest segments (`hats data gc --log DIR`): they go once
  the newest whole snapshot has all they said. The newest snapshot that is whole stays, whatever the policy says.

## Where things lie

    TABLE/date=YYYY-MM-DD/BATCH.parquet   hive-partitioned by the UTC day of receipt (of the event, for history)
    batches/BATCH.HASH.json               one a segment (or file, or request); its name ends with its own hash
    snapshots/HASH.json   tombstones/BATCH.HASH.json   audit.jsonl

A row group holds one coin, so that a reader of one coin skips the others. Prices in USDC are `px / 10^px_decimals`,
sizes in coins `sz / 10^sz_decimals`; times are int64 nanoseconds UTC, money micro-USDC, rates 10^-10.

## Tables

Every table ends with where a row comes from: {origin}. {origin_doc}
"""


def reference() -> str:
    """The whole page."""
    origin = ", ".join(f"`{name}`" for name in Origin._fields)
    return HEAD.format(origin=origin, origin_doc=_flat(inspect.getdoc(Origin))) + "".join(_tables())


def _tables() -> Iterator[str]:
    for row, table in sorted(TABLE_OF.items(), key=lambda item: item[1].name):
        columns = ", ".join(_column(field) for field in table.schema if field.name not in Origin._fields)
        yield f"\n### {table.name}\n\n{_flat(inspect.getdoc(row))}\n\n{columns}\n"
    columns = ", ".join(_column(field) for field in SCHEMA if field.name not in Origin._fields)
    doc = "`books` level by level, made when it is asked for; level 0 is the best."
    yield f"\n### {BOOK_LEVELS}\n\n{doc}\n\n{columns}\n"


def _column(field: Any) -> str:
    """A column with its type; `?` where it may be null."""
    kind = str(field.type).replace("dictionary<values=string, indices=int32, ordered=0>", "word")
    return f"`{field.name}` {kind.replace('list<item: ', '').replace('>', '[]')}{'?' if field.nullable else ''}"


def _flat(doc: str | None) -> str:
    return " ".join((doc or "").split())


if __name__ == "__main__":
    say(reference().rstrip())
