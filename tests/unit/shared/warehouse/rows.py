"""Rows and stores for the tests of the warehouse."""

from __future__ import annotations

from pathlib import Path

from shared.warehouse.manifest import Batch, Input, Lineage
from shared.warehouse.store import Store
from shared.warehouse.tables import BookRow, GapRow, Origin, Row, TradeRow

LINEAGE = Lineage((Input("a file", "0" * 64, 3),), "code", {"key": "value"})
DAY_NS = 86_400 * 10**9
NOON = 20_000 * DAY_NS + DAY_NS // 2


def trade(number: int, coin: str = "BTC", recv_ns: int | None = None) -> TradeRow:
    """The trade of this number; one a second from noon on."""
    ns = NOON + number * 10**9 if recv_ns is None else recv_ns
    return TradeRow(coin, ns - 10**6, ns, 1, 5, "buy" if number % 3 else "sell", 1_000_000 + number % 7, 5, number)


def book(number: int, coin: str = "BTC") -> BookRow:
    """A book of `number % 3 + 1` levels."""
    levels = range(number % 3 + 1)
    bids, asks = [100 - level for level in levels], [101 + level for level in levels]
    sizes, counts = [7 + level for level in levels], [1 for _ in levels]
    return BookRow(coin, None, NOON + number, 1, 5, bids, sizes, counts, asks, sizes, counts)


def publish(store: Store, name: str, rows: list[Row], source: str = "import:test") -> Batch:
    """A batch of these rows."""
    with store.writing() as writing, writing.publication(name, "import", LINEAGE) as publication:
        for number, row in enumerate(rows):
            publication.add(row, Origin(source, seq=number))
        return publication.publish()


def some(count: int = 1_000) -> list[Row]:
    """Trades and books of two coins, and a gap."""
    rows: list[Row] = [GapRow(NOON, NOON + 5, "stalled", 0, 0, ("trades:BTC", "l2Book:BTC"))]
    for number in range(count):
        rows.append(trade(number, "ETH" if number % 4 else "BTC"))
        if number % 2:
            rows.append(book(number, "BTC"))
    return rows


def bytes_below(root: Path) -> dict[str, bytes]:
    """Every file below `root` by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
