"""Books level by level: the table `book_levels`, which is made of `books` when somebody asks for it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.warehouse.tables import TABLES

BOOK_LEVELS: Final = "book_levels"
_SIDES: Final = ("bid", "ask")
_BOOKS: Final = TABLES["books"].schema
_KEPT: Final = [name for name in _BOOKS.names if not name.startswith(_SIDES)]
SCHEMA: Final = pa.schema(
    [
        *(_BOOKS.field(name) for name in _KEPT[:5]),
        pa.field("side", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("level", pa.int32(), nullable=False),
        pa.field("px", pa.int64(), nullable=False),
        pa.field("sz", pa.int64(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        *(_BOOKS.field(name) for name in _KEPT[5:]),
    ]
)
"""One row a level: `side` is "bid" or "ask", `level` 0 the best."""

SQL: Final = " UNION ALL ".join(
    f"SELECT {', '.join(_KEPT[:5])}, '{side}' AS side, "  # noqa: S608 - made of our own column names  # nosec B608
    f"unnest(range(len({side}_px)))::INTEGER AS level, unnest({side}_px) AS px, unnest({side}_sz) AS sz, "
    f"unnest({side}_n) AS n, {', '.join(_KEPT[5:])}, date FROM books"
    for side in _SIDES
)
"""The same for a database that has `books`."""


def levels_of(books: Any) -> Any:
    """The levels of a pyarrow Table of books: book by book, bids before asks, best first."""
    books = books.combine_chunks()
    parts, orders = [], []
    for place, side in enumerate(_SIDES):
        px = books[f"{side}_px"].combine_chunks()
        parents = pc.list_parent_indices(px).to_numpy()
        starts = np.concatenate([[0], np.cumsum(pc.list_value_length(px).to_numpy())])
        level = np.arange(len(parents)) - starts[parents]
        columns = {name: books[name].take(pa.array(parents)) for name in _KEPT}
        columns |= {
            "side": pa.array([side] * len(parents), pa.string()),
            "level": pa.array(level, pa.int32()),
            "px": px.flatten(),
            "sz": books[f"{side}_sz"].combine_chunks().flatten(),
            "n": books[f"{side}_n"].combine_chunks().flatten(),
        }
        parts.append(pa.table([columns[name] for name in SCHEMA.names], names=SCHEMA.names).cast(SCHEMA))
        orders.append(parents * len(_SIDES) + place)
    order = np.argsort(np.concatenate(orders), kind="stable")
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks().take(pa.array(order))
