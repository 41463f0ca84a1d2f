"""Captured and declared make all, and nothing else passes for it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.warehouse.capture.completeness import Account, Completeness
from shared.warehouse.capture.drops import Drops
from shared.warehouse.capture.records import (
    AnyRecord,
    Connection,
    Frame,
    Gap,
    Reason,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
    Subscribed,
    WriterDied,
)
from tests.unit.shared.warehouse.capture.samples import frame, story


def _judged(records: list[AnyRecord]) -> tuple[bool, Account]:
    completeness = Completeness()
    completeness.extend([SegmentStarted(0, 1), *records])
    (account,) = completeness.accounts()
    return completeness.is_complete, account


def test_a_whole_story_is_complete() -> None:
    """Frames and one declared gap of a closed connection are all of it."""
    is_complete, account = _judged(story(40))
    assert is_complete
    assert (account.captured, account.declared, account.frames) == (39, 1, 40)


@settings(max_examples=60)
@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_any_frame_that_vanishes_is_named(gone: int, chance: Random) -> None:
    """Without one of its frames or gaps a connection is not complete, and exactly that number is undeclared."""
    records = [r for r in story(40) if not (isinstance(r, Frame) and r.seq == gone)]
    if gone == 20:
        records = [r for r in records if not (isinstance(r, Gap) and r.first_seq == 20)]
    is_complete, account = _judged(records)
    assert not is_complete
    assert account.undeclared == ((gone, gone),)


@settings(max_examples=60)
@given(st.sets(st.integers(1, 40)))
def test_drops_declare_exactly_what_they_were_given(lost: set[int]) -> None:
    """Frames folded into gaps account for themselves, with one gap for each consecutive run of them."""
    drops, chance, kept = Drops(), Random(1), list[AnyRecord]()
    for seq in range(1, 41):
        if seq in lost:
            drops.add(frame(seq, chance), Reason.OVERFLOW)
        else:
            kept.append(frame(seq, chance))
    gaps = drops.take()
    assert len(gaps) == sum(seq - 1 not in lost for seq in lost)
    assert not drops
    is_complete, account = _judged([*kept, *gaps, SocketClosed(1, 1, 0, 40)])
    assert is_complete
    assert account.declared == len(lost)


def test_frames_after_the_last_kept_one_are_missed() -> None:
    """The reader's own count at the end of a connection shows what was lost at its end."""
    _, account = _judged([*story(40)[:-1], SocketClosed(1, 1, 0, 43)])
    assert account.undeclared == ((41, 43),)


@pytest.mark.parametrize("twice", [frame(5, Random(1)), Gap(1, 1, Reason.OVERFLOW, 0, 0, 5, 5)])
def test_what_is_there_twice_is_no_proof(twice: AnyRecord) -> None:
    """A frame captured twice, or captured and declared lost, is counted as doubled."""
    is_complete, account = _judged([*story(40), twice])
    assert not is_complete
    assert account.doubled == 1


def test_an_open_connection_is_complete_so_far() -> None:
    """While it is open a connection is complete up to its last frame; left open by another session it is not."""
    completeness = Completeness()
    completeness.extend([SegmentStarted(0, 1), *story(40)[:-1]])
    assert completeness.is_complete
    verdicts = []
    died = WriterDied(1, 1, "x", gaps=(Gap(1, 1, Reason.WRITER_DIED, 0, 1, 41),))
    for record in (SegmentStarted(1, 2), died):
        completeness.add(record)
        verdicts.append(completeness.is_complete)
    assert verdicts == [False, True]


def test_a_later_segment_speaks_for_those_before_only_if_they_were_not_read() -> None:
    """Read from the middle, what the first segment says came before is believed; read from the start, it is checked."""
    open_before = SegmentStarted(0, 1, connections=(Connection(1, 1, 10),))
    after: list[AnyRecord] = [frame(seq, Random(seq)) for seq in range(11, 15)]
    middle = Completeness()
    middle.extend([open_before, *after])
    assert middle.is_complete
    start = Completeness()
    start.extend([SegmentStarted(0, 1), open_before, *after])
    assert start.accounts()[0].undeclared == ((1, 10),)


def test_open_connections_know_their_channels() -> None:
    """What is open is told with its channels and how far it is accounted for; closed ones are not told."""
    completeness = Completeness()
    completeness.extend(
        [
            SegmentStarted(0, 1),
            SocketOpened(1, 1, 5),
            Subscribed(1, 1, 5, ("a", "b")),
            Subscribed(1, 1, 6, ("c",), ("a",)),
        ]
    )
    completeness.add(Gap(1, 1, Reason.OVERFLOW, 7, 8, 1, 4))
    assert completeness.open_connections() == (Connection(1, 1, 4, 5, ("b", "c")),)
    completeness.add(SocketClosed(1, 1, 9, 4))
    assert completeness.open_connections() == ()
    completeness.forget_closed()
    assert completeness.accounts() == ()
