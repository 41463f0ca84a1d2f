"""The story of an order: whole on a rehearsed desk, and each missing link named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from orchestrator.telling.stories import Stories, Story
from shared.journal import Journal
from shared.record import Entry


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Forty seconds of trading, drained."""
    rehearsal = rehearse(Settings(), tmp_path_factory.mktemp("desk") / "journal.sqlite", seed=7)
    rehearsal.run_for(40)
    rehearsal.drain()
    yield rehearsal
    rehearsal.close()


def test_every_order_has_its_whole_chain(desk: Rehearsal) -> None:
    """From a market event (or what the drain followed) to its end; some of them to a fill."""
    told = list(Stories(desk.journal.reader))
    assert len(told) > 20
    assert [story.missing for story in told if story.missing] == []
    assert any(story.filled != "0" for story in told)
    assert {story.before[0].kind for story in told if story.strategy == "mm_btc"} == {"BookUpdate"}


def test_orders_are_found_by_a_part_of_their_cloid(desk: Rehearsal) -> None:
    """As people type it."""
    stories = Stories(desk.journal.reader)
    cloid = next(iter(stories)).cloid
    assert stories.cloids(cloid) == stories.cloids(cloid[-16:]) == [cloid]
    assert stories.cloids("0xffff") == []


def _without(desk: Rehearsal, path: Path, kind: str) -> list[Story]:
    """The stories of a journal that lacks every message of one kind (each replaced by a harmless one)."""
    journal = Journal(path, now_ns=1, is_durable=False)
    filler = next(entry for entry in desk.journal.reader.messages() if entry.kind == "Measured")
    for entry in desk.journal.reader.messages():
        kept: Entry = entry if entry.kind != kind else filler._replace(seq=entry.seq)
        journal.append(kept, durable=False)
    told = list(Stories(journal.reader))
    journal.close()
    return told


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("OrderApproved", "an approval or a denial"),
        ("SignedAction", "a signature or its refusal"),
        ("ActionAnswered", "an answer of the venue"),
        ("OrderChanged", "its end"),
        ("FillBooked", "fills over"),
    ],
)
def test_a_missing_link_is_named(kind: str, missing: str, desk: Rehearsal, tmp_path: Path) -> None:
    """A chain that is not whole says where."""
    told = _without(desk, tmp_path / "journal.sqlite", kind)
    assert any(part.startswith(missing) for story in told for part in story.missing)
