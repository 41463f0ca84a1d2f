"""What one socket tells the capture log of cuts and stalls."""

from __future__ import annotations

from hats.exchange_architect.tape import Tape
from shared.units import Ns
from shared.warehouse.capture.records import AnyRecord, Frame, Gap, Reason, SocketClosed, Subscribed


def made() -> tuple[Tape, list[AnyRecord]]:
    """An open tape of socket 3 that heard one frame at 10."""
    said: list[AnyRecord] = []
    tape = Tape(3, "ws://venue", said.append)
    tape.opened(Ns(1))
    tape.subscribed("trades:BTC", Ns(5), is_whole=True)
    tape.frame(b"a", Ns(10), 7)
    return tape, said


def gaps(said: list[AnyRecord]) -> list[tuple[int, Reason, int, int]]:
    """Epoch, reason, start and end of every gap."""
    return [(one.epoch, one.reason, one.start_ns, one.end_ns) for one in said if isinstance(one, Gap)]


def test_a_cut_is_one_gap_however_many_attempts_it_takes() -> None:
    """From the last frame until everything is subscribed again; a connection in between that died early is inside."""
    tape, said = made()
    tape.closed(Ns(20), "reset")
    tape.opened(Ns(30))
    tape.frame(b"b", Ns(31), 8)
    tape.subscribed("trades:BTC", Ns(32), is_whole=False)
    tape.closed(Ns(35), "reset", 1006)
    tape.opened(Ns(40))
    tape.subscribed("trades:BTC", Ns(42), is_whole=True)
    assert gaps(said) == [(1, Reason.DISCONNECTED, 10, 42)]
    assert [one.last_seq for one in said if isinstance(one, SocketClosed)] == [1, 1]
    assert [one.seq for one in said if isinstance(one, Frame)] == [1, 1]
    assert [one.epoch for one in said if isinstance(one, Subscribed)] == [1, 2, 3]


def test_a_stall_ends_with_the_next_frame_or_with_its_connection() -> None:
    """Each channel that stalled is a gap of its own, and the first word on when it began holds."""
    tape, said = made()
    tape.stalled("trades:BTC", Ns(10))
    tape.stalled("trades:BTC", Ns(12))
    tape.resumed("trades:BTC", Ns(15))
    tape.resumed("trades:BTC", Ns(16))
    tape.stalled("l2Book:BTC", Ns(11))
    tape.closed(Ns(20), "silent")
    assert gaps(said) == [(1, Reason.STALLED, 10, 15), (1, Reason.STALLED, 11, 20)]


def test_the_end_closes_the_connection_and_what_was_missing() -> None:
    """Ended while open: no gap, for nothing is claimed of later. Ended while cut: the gap lasts until then."""
    tape, said = made()
    tape.ended(Ns(50))
    assert gaps(said) == []
    assert isinstance(said[-1], SocketClosed)
    tape, said = made()
    tape.closed(Ns(20), "reset")
    tape.ended(Ns(50))
    assert gaps(said) == [(1, Reason.DISCONNECTED, 10, 50)]


def test_a_connection_that_never_was_says_nothing() -> None:
    """A failed attempt opens and closes nothing."""
    said: list[AnyRecord] = []
    tape = Tape(0, "", said.append)
    tape.closed(Ns(1), "refused")
    tape.ended(Ns(2))
    assert said == []
