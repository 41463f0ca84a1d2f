"""Frames are lost, late, doubled, swapped or wrong only as asked; pongs always come."""

from __future__ import annotations

import json

import pytest

from shared.units import MS, SECOND, Ns
from shared.venue.faults.catalogue import (
    AnyFault,
    DelayFrames,
    DropFrames,
    DuplicateFrames,
    FreezeFeed,
    ReorderFrames,
    WrongBook,
)
from shared.venue.faults.engine import Faults
from shared.venue.faults.frames import FrameGate, channel_of, wrong_book

NOW = Ns(1_700_000_000 * SECOND)
PONG = (1, b'{"channel":"pong"}')
BOOK = (
    b'{"channel":"l2Book","data":{"coin":"BTC","time":7200000,'
    b'"levels":[[{"px":"9.0","sz":"1.0","n":1}],[{"px":"10.0","sz":"2.0","n":1}]]}}'
)


def trade(number: int, connection: int = 1) -> tuple[int, bytes]:
    """A small trades frame."""
    return connection, b'{"channel":"trades","data":[%d]}' % number


def gate(*faults: AnyFault) -> FrameGate:
    """A gate with these faults armed."""
    engine = Faults()
    for fault in faults:
        engine.arm(fault, NOW)
    return FrameGate(engine)


def test_without_faults_frames_pass_as_they_are() -> None:
    """Same frames, same order."""
    frames = [trade(1), PONG, trade(2, 2)]
    assert gate().passed(frames, NOW) == frames


def test_a_frozen_feed_still_answers_pings() -> None:
    """Only pong leaves, and nothing is made up for."""
    engine = Faults()
    number = engine.arm(FreezeFeed(), NOW)
    frozen = FrameGate(engine)
    assert frozen.passed([trade(1), PONG, trade(2)], NOW) == [PONG]
    engine.clear(number)
    assert frozen.passed([trade(3)], NOW) == [trade(3)]


def test_channels_are_told_apart() -> None:
    """A fault of one channel leaves the others alone."""
    frames = [trade(1), (1, BOOK)]
    assert gate(DropFrames(channel="trades")).passed(frames, NOW) == [(1, BOOK)]
    assert gate(DuplicateFrames(channel="l2Book")).passed(frames, NOW) == [trade(1), (1, BOOK), (1, BOOK)]
    assert channel_of(BOOK) == "l2Book"


def test_reordered_frames_swap_with_the_next_of_the_same_client() -> None:
    """The first waits until the second has passed; another client's frames don't count."""
    swapping = gate(ReorderFrames(most=1))
    assert swapping.passed([trade(1), trade(5, 2)], NOW) == [trade(5, 2)]
    assert swapping.passed([trade(2), trade(3)], NOW) == [trade(2), trade(1), trade(3)]


def test_delayed_frames_come_when_due_and_are_overtaken() -> None:
    """The gate says when, and forgets what waited for a client that left."""
    slow = gate(DelayFrames(delay_ms=50, most=2))
    assert slow.passed([trade(1), trade(2, 2), trade(3)], NOW) == [trade(3)]
    assert slow.next_ns() == NOW + 50 * MS
    slow.forget(2)
    assert slow.passed([trade(4)], Ns(NOW + 50 * MS)) == [trade(1), trade(4)]


@pytest.mark.parametrize("how", ["crossed", "empty", "one_sided", "stale", "not_a_number", "negative"])
def test_a_wrong_book_is_wrong_in_its_own_way(how: str) -> None:
    """Still a frame of the channel, no longer a book that can be."""
    (_, frame), *_ = gate(WrongBook(how=how)).passed([(1, BOOK)], NOW)  # type: ignore[arg-type]
    data = json.loads(frame)["data"]
    bids, asks = data["levels"]
    wrong = {
        "crossed": lambda: bids[0]["px"] == "10.0",
        "empty": lambda: bids == asks == [],
        "one_sided": lambda: bids != asks == [],
        "stale": lambda: data["time"] == 3_600_000,
        "not_a_number": lambda: bids[0]["px"] == "NaN",
        "negative": lambda: asks[0]["sz"] == "-2.0",
    }
    assert wrong[how]()
    assert frame == wrong_book(BOOK, how)
