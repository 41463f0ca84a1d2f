"""A snapshot's tables, played: the same words at the same times as the log that they were made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from hats.exchange_architect.universe import Universe
from hats.exchange_architect.wire import Decoder
from orchestrator.history.snapshot_capture import SnapshotCapture
from shared.errors import DataError
from shared.messages.market import UniverseUpdate
from shared.units import Ns
from shared.warehouse.capture.playback import ACK, Survey, as_it_happened, is_public, label_of
from shared.warehouse.capture.reader import read_log
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, Reason, SocketClosed, SocketOpened
from shared.warehouse.capture.scan import Damage
from shared.warehouse.reading import Warehouse
from shared.warehouse.store import Store
from tests.unit.shared.warehouse.logs import LISTED, RUN, compacted, story, write_log

COINS = ("BTC", "ETH")


def words(records: Iterable[AnyRecord | Damage]) -> list[object]:
    """What whoever follows the market hears, and when: messages, what can't be read, openings and ends."""
    universe = Universe()
    universe.learn(UniverseUpdate(LISTED, 0, 0, Ns(0)))
    decoder, heard = Decoder(universe), list[object]()
    for item in as_it_happened(records):
        match item:
            case Frame():
                label = label_of(item.data)
                if is_public(label.key) or label.channel in ("pong", "?"):
                    heard.append((item.socket, item.recv_ns, decoder.decode(item.data, Ns(item.recv_ns))))
            case SocketOpened():
                heard.append(("opened", item.socket, item.ns))
            case SocketClosed():
                heard.append(("closed", item.socket, item.ns, item.reason, item.code))
    return heard


def gaps(records: Iterable[AnyRecord | Damage]) -> list[tuple[Reason, int, int, int]]:
    """Why, when, and how many frames."""
    found = [item for item in records if isinstance(item, Gap)]
    return sorted((g.reason, g.start_ns, g.end_ns, g.last_seq - g.first_seq + bool(g.last_seq)) for g in found)


def test_the_words_and_the_gaps_are_those_of_the_log(tmp_path: Path) -> None:
    """Books, trades, contexts, what can't be read, pongs, cuts and declared holes, in the order of receipt."""
    log = write_log(tmp_path / "log", story(600))
    compacted(log, tmp_path / "store")
    made = SnapshotCapture(Warehouse(tmp_path / "store"), COINS)
    records = list(made.records())
    assert words(records) == words(read_log(log))
    assert gaps(records) == gaps(read_log(log))
    assert len(gaps(records)) > 0
    assert 0 < made.played < made.frames


def test_a_connection_whose_beginning_is_not_in_the_view_is_there_all_the_same(tmp_path: Path) -> None:
    """Only the last segment is left: it opens with what is heard first, confirmed for what is heard on it."""
    log = write_log(tmp_path / "log", story(600))
    store = Store(tmp_path / "store")
    compacted(log, store.root)
    with store.writing() as writing:
        last = writing.snapshot(names=store.names()[-1:])
    records = list(SnapshotCapture(Warehouse(store.root, last.id), COINS).records())
    survey = Survey()
    for record in records:
        survey.take(record)
    acks = [r for r in records if isinstance(r, Frame) and label_of(r.data).channel == ACK]
    assert isinstance(records[0], SocketOpened)
    assert set(survey.books()) == set(COINS)
    assert len(acks) >= len([key for key in survey.keys if is_public(key)])


def test_one_source_must_be_chosen(tmp_path: Path) -> None:
    """A source that is not there is refused, with those that are."""
    log = write_log(tmp_path / "log", story(100))
    compacted(log, tmp_path / "store")
    with pytest.raises(DataError, match=f"capture:{RUN:016x}"):
        SnapshotCapture(Warehouse(tmp_path / "store"), COINS, "capture:other")
