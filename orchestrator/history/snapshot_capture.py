"""A capture made again from the tables of a snapshot: connections, market data, cuts and gaps at their times.

What a desk follows of the market is played to it as frames (`snapshot_frames.py`); all else that was captured is left
out and counted. Frames are numbered anew, for those that are left out would be holes. Only captures can be played:
what was imported or asked for later was not received at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.history.snapshot_frames import PONG, TABLES, acknowledgement, frame_of
from shared.errors import DataError
from shared.units import MINUTE
from shared.warehouse.capture.playback import ACK, is_public
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, Reason, SocketClosed, SocketOpened, Subscribed
from shared.warehouse.reading import Warehouse

CAPTURE: Final = "capture:"
"""How the source of a capture begins."""
SLICE_NS: Final = 5 * MINUTE
"""So much is in memory at a time."""
_OPENED, _CONFIRMED, _FRAME, _GAP, _CLOSED = range(5)
"""The order of what happened at one time."""
_CHANNELS: Final = frozenset({"l2Book", "trades", "bbo", "activeAssetCtx"})
_PONG: Final = "pong"


class Key(NamedTuple):
    """A connection as the tables name it."""

    session: int
    socket: int
    epoch: int


class _Span(msgspec.Struct):
    """What is known of a connection: its life, its subscriptions as they were confirmed, what was heard on it."""

    first_ns: int
    last_ns: int
    opened_ns: int | None = None
    url: str = ""
    closed_ns: int | None = None
    reason: str = "its end is not in the tables"
    code: int = 0
    confirmed: list[tuple[int, str]] = []
    heard: set[str] = set()
    epoch: int = 0

    @property
    def begun_ns(self) -> int:
        """When it was opened, or at least heard first."""
        return self.first_ns if self.opened_ns is None else self.opened_ns

    @property
    def ended_ns(self) -> int:
        """When it ended, as far as anybody wrote down; else when it was heard last."""
        return self.last_ns if self.closed_ns is None else self.closed_ns


class _Item(NamedTuple):
    """Something that happened on a connection; `what` is a frame's bytes, a subscription's key or a gap's row."""

    ns: int
    order: int
    key: Key
    seq: int
    what: Any = None


class SnapshotCapture:
    """One source of a warehouse's view, as the records of a capture log; DataError if there is nothing to play.

    `frames` were received, `played` of them were made again so far (acknowledgements, which are made anew, not among
    either): the rest is private, of other coins or of channels that nobody plays.
    """

    def __init__(self, warehouse: Warehouse, coins: Sequence[str], source: str | None = None) -> None:
        """`coins` are played; `source` must be named if the view holds more than one capture."""
        self.frames = self.played = 0
        self._warehouse = warehouse
        self._coins = list(coins)
        self._spans: dict[Key, _Span] = {}
        self.source = self._read_frames(source)
        self._read_connections()
        self._number()

    def records(self) -> Iterator[AnyRecord]:
        """The capture from first to last; sockets keep their numbers, epochs and frames are counted anew."""
        counts: Counter[Key] = Counter()
        open_keys: list[Key] = []
        for item in merge(self._happened(), self._frames(), key=lambda each: each[:4]):
            key, socket, span = item.key, item.key.socket, self._spans[item.key]
            if item.order == _OPENED:
                open_keys.append(key)
                yield SocketOpened(socket, span.epoch, item.ns, span.url)
            elif item.order == _CONFIRMED:
                counts[key] += 1
                yield Frame(socket, span.epoch, counts[key], item.ns, item.ns, acknowledgement(item.what))
                yield Subscribed(socket, span.epoch, item.ns, (item.what,))
            elif item.order == _FRAME:
                counts[key] += 1
                self.played += 1
                yield Frame(socket, span.epoch, counts[key], item.ns, item.ns, item.what)
            elif item.order == _GAP:
                for each in [key] if item.what["epoch"] else open_keys:
                    yield self._gap(item.what, each, counts)
            else:
                open_keys.remove(key)
                yield SocketClosed(socket, span.epoch, span.ended_ns, counts[key], span.reason, span.code)

    def _gap(self, row: dict[str, Any], key: Key, counts: Counter[Key]) -> Gap:
        """A gap with as many frames as were lost in it, numbered like ours."""
        first = last = 0
        if row["last_seq"]:
            first = counts[key] + 1
            last = counts[key] = counts[key] + row["last_seq"] - row["first_seq"] + 1
        reason, channels = Reason(row["reason"]), tuple(row["channels"])
        return Gap(key.socket, self._spans[key].epoch, reason, row["start_ns"], row["end_ns"], first, last, channels)

    # ------------------------------------------------------------------------------------------ what is known

    def _read_frames(self, wanted: str | None) -> str:
        """Which connections there are, when they were heard, and of what; the source that is played."""
        found: dict[str, list[dict[str, Any]]] = {}
        by = ["source", "session", "socket", "epoch", "direction", "channel", "coin"]
        for rows in self._warehouse.groups("frames"):
            plain = pa.table({name: _plain(rows[name]) for name in (*by, "recv_ns")})
            sums = plain.group_by(by).aggregate([("recv_ns", "min"), ("recv_ns", "max"), ("recv_ns", "count")])
            for row in sums.to_pylist():
                found.setdefault(row["source"], []).append(row)
        source = _chosen(sorted(name for name in found if name.startswith(CAPTURE)), wanted)
        for row in found[source]:
            key = Key(row["session"], row["socket"], row["epoch"])
            span = self._spans.setdefault(key, _Span(row["recv_ns_min"], row["recv_ns_max"]))
            span.first_ns = min(span.first_ns, row["recv_ns_min"])
            span.last_ns = max(span.last_ns, row["recv_ns_max"])
            if row["direction"] == "in" and row["channel"] != ACK:
                self.frames += row["recv_ns_count"]
            if row["channel"] in _CHANNELS and row["coin"] in self._coins:
                span.heard.add(f"{row['channel']}:{row['coin']}")
        return source

    def _read_connections(self) -> None:
        for row in self._rows("connections"):
            key, ns = Key(row["session"], row["socket"], row["epoch"]), row["recv_ns"]
            if not key.epoch:
                continue  # of a writer, not of a connection
            span = self._spans.setdefault(key, _Span(ns, ns))
            match row["event"]:
                case "opened":
                    span.opened_ns, span.url = ns, row["detail"]
                case "closed":
                    span.closed_ns, span.reason, span.code = ns, row["detail"], row["code"]
                case "subscribed":
                    mine = (each for each in row["added"] if is_public(each) and each.split(":")[1] in self._coins)
                    span.confirmed += [(ns, each) for each in mine]

    def _number(self) -> None:
        """Epochs anew, for every writer counts from 1."""
        epochs: Counter[int] = Counter()
        for key, span in sorted(self._spans.items(), key=lambda each: (each[1].begun_ns, each[0])):
            epochs[key.socket] += 1
            span.epoch = epochs[key.socket]

    # ------------------------------------------------------------------------------------------ in order

    def _happened(self) -> list[_Item]:
        """All but the frames."""
        items: list[_Item] = []
        for key, span in self._spans.items():
            items.append(_Item(span.begun_ns, _OPENED, key, 0))
            # the beginning of a connection may be in a segment that is not in the view
            untold = span.heard - {each for _, each in span.confirmed}
            items += [_Item(span.begun_ns, _CONFIRMED, key, n, each) for n, each in enumerate(sorted(untold))]
            items += [_Item(ns, _CONFIRMED, key, n, each) for n, (ns, each) in enumerate(span.confirmed)]
            items.append(_Item(max(span.ended_ns, span.last_ns), _CLOSED, key, 0))
        for number, row in enumerate(self._rows("gaps")):
            key = Key(row["session"], row["socket"], row["epoch"])
            if key in self._spans or not key.epoch:
                near = key if key in self._spans else next(iter(self._spans))
                items.append(_Item(row["end_ns"], _GAP, near, number, row))
        return sorted(items, key=lambda each: each[:4])

    def _frames(self) -> Iterator[_Item]:
        first_ns = min(span.first_ns for span in self._spans.values())
        last_ns = max(span.last_ns for span in self._spans.values())
        for since_ns in range(first_ns, last_ns + 1, SLICE_NS):
            yield from sorted(self._slice(since_ns, since_ns + SLICE_NS), key=lambda each: each[:4])

    def _slice(self, since_ns: int, until_ns: int) -> list[_Item]:
        """The frames of some minutes. What could not be read of a frame is kept with all of it, so that goes first."""
        items: dict[tuple[Key, int], _Item] = {}
        for table in TABLES:
            rows = self._rows(table, since_ns, until_ns, self._coins)
            for (key, seq), group in groupby(rows, key=_frame_key):
                entries = list(group)
                items[key, seq] = _Item(entries[0]["recv_ns"], _FRAME, key, seq, frame_of(table, entries))
        for row in self._rows("frames", since_ns, until_ns, channel=_PONG):
            key, seq = _frame_key(row)
            items[key, seq] = _Item(row["recv_ns"], _FRAME, key, seq, PONG)
        for row in self._rows("bad_frames", since_ns, until_ns):
            key, seq = _frame_key(row)
            items[key, seq] = _Item(row["recv_ns"], _FRAME, key, seq, row["data"])
        return list(items.values())

    def _rows(
        self, table: str, since_ns: int | None = None, until_ns: int | None = None, coins: Sequence[str] = (),
        channel: str | None = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        rows = self._warehouse.arrow(table, coins, since_ns, until_ns)
        rows = rows.filter(pc.equal(_plain(rows["source"]), self.source))
        if channel is not None:
            rows = rows.filter(pc.equal(_plain(rows["channel"]), channel))
        found: list[dict[str, Any]] = rows.to_pylist()
        return found


def _chosen(captures: Sequence[str], wanted: str | None) -> str:
    if wanted is None and len(captures) == 1:
        return captures[0]
    if wanted is None or wanted not in captures:
        raise DataError(f"expected the source of one capture ({', '.join(captures) or 'there is none'}), got {wanted}")
    return wanted


def _frame_key(row: dict[str, Any]) -> tuple[Key, int]:
    return Key(row["session"], row["socket"], row["epoch"]), row["seq"]


def _plain(column: Any) -> Any:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
