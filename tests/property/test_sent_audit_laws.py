"""The audit of what was sent against what was captured finds every loss that is not declared, and blames no other."""

from __future__ import annotations

from binascii import crc32
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.warehouse.capture.records import (
    AnyRecord,
    Direction,
    Frame,
    Gap,
    Reason,
    SegmentStarted,
    SocketClosed,
    SocketOpened,
)
from tests.bench.sent_audit import audit, heard_of


def life(epoch: int, frames: int, lost: set[int], declared: set[int]) -> tuple[list[AnyRecord], list[int]]:
    """A connection's records and the checksums of all that was sent on it; some frames of ours lie between."""
    chance = Random(epoch)
    said: list[AnyRecord] = [SocketOpened(0, epoch, epoch)]
    sent: list[int] = []
    seq = 0
    for number in range(frames):
        if chance.random() < 0.2:
            seq += 1
            said.append(Frame(0, epoch, seq, 0, 0, b"ours", Direction.OUT))
        seq += 1
        data = b"%d/%d" % (epoch, number)
        sent.append(crc32(data))
        if number in declared:
            said.append(Gap(0, epoch, Reason.OVERFLOW, 0, 0, seq, seq))
        elif number not in lost:
            said.append(Frame(0, epoch, seq, 0, 0, data))
    said.append(SocketClosed(0, epoch, 0, seq))
    return said, sent


NUMBERS = st.sets(st.integers(0, 39), max_size=10)


@given(st.lists(st.tuples(st.integers(1, 40), NUMBERS, NUMBERS), min_size=1, max_size=4))
def test_nothing_undeclared_passes(lives: list[tuple[int, set[int], set[int]]]) -> None:
    """It is proven if and only if no frame was lost without a word; declared ones are counted."""
    records: list[AnyRecord] = [SegmentStarted(0, 1)]
    sent: dict[int, list[int]] = {}
    was_lost = False
    wanted_declared = 0
    for epoch, (frames, lost, declared) in enumerate(lives, 1):
        really = {number for number in lost - declared if number < frames}
        said, sums = life(epoch, frames, really, declared)
        records += said
        sent[epoch * 10] = sums
        was_lost |= bool(really)
        wanted_declared += len([number for number in declared if number < frames])
    verdict = audit(sent, heard_of(records))
    assert verdict.is_proven is not was_lost
    if not was_lost:
        assert verdict.declared == wanted_declared
        assert verdict.captured + verdict.declared == verdict.sent


@given(st.integers(2, 40), st.integers(0, 39))
def test_a_changed_frame_is_a_stranger(frames: int, which: int) -> None:
    """A frame that was captured otherwise than it was sent is found, and so is one that was never sent."""
    records, sums = life(1, frames, set(), set())
    sums[which % frames] ^= 1
    verdict = audit({1: sums}, heard_of([SegmentStarted(0, 1), *records]))
    assert not verdict.is_proven
    assert verdict.strangers == 1


def test_what_a_cut_cost_is_declared_by_its_gap() -> None:
    """Frames sent and never received lie in the gap of the cut; without it they lie nowhere."""
    records, sums = life(1, 10, set(range(7, 10)), set())
    cut = Gap(0, 1, Reason.DISCONNECTED, 0, 1)
    assert not audit({1: sums}, heard_of([SegmentStarted(0, 1), *records])).is_proven
    verdict = audit({1: sums}, heard_of([SegmentStarted(0, 1), *records, cut]))
    assert (verdict.is_proven, verdict.captured, verdict.declared) == (True, 7, 3)


def test_a_silent_channel_excuses_nothing() -> None:
    """The gap of a channel that stalled is no gap of the connection."""
    records, sums = life(1, 10, {9}, set())
    stall = Gap(0, 1, Reason.STALLED, 0, 1, channels=("l2Book:BTC",))
    assert not audit({1: sums}, heard_of([SegmentStarted(0, 1), *records, stall])).is_proven
