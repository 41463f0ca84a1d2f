"""Of what waits to be read only an older book of the same coin and socket may vanish, and then it is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hats.exchange_architect.backlog import Backlog, Waiting
from shared.units import Ns

PRIVATE = 9
PUT = st.tuples(st.integers(0, 2), st.sampled_from(["book", "trade", "fill", "end"]), st.sampled_from("ABC"))
STEP = st.one_of(PUT, st.none())


def frame_of(kind: str, coin: str, number: int) -> bytes | None:
    """A frame of this kind; numbered, so that each is unique."""
    channel = {"book": "l2Book", "trade": "trades", "fill": "userFills"}.get(kind)
    return None if channel is None else b'{"channel":"%b","data":{"coin":"%b","n":%d}}' % (
        channel.encode(), coin.encode(), number,
    )  # fmt: skip


@given(st.lists(STEP, max_size=80))
def test_only_superseded_books_vanish(steps: list[tuple[int, str, str] | None]) -> None:
    """Taken + conflated + waiting = put; all but books come out whole and in order; a book that comes is the newest."""
    backlog = Backlog()
    put: list[Waiting] = []
    taken: list[Waiting] = []
    newest: dict[tuple[int, str], Waiting] = {}
    for number, step in enumerate(steps):
        if step is None:
            if (waiting := backlog.take()) is not None:
                taken.append(waiting)
            continue
        socket, kind, coin = step
        socket = PRIVATE if kind == "fill" else socket
        waiting = Waiting(socket, Ns(number), frame_of(kind, coin, number))
        backlog.put(waiting, is_private=socket == PRIVATE)
        put.append(waiting)
        if kind == "book":
            newest[socket, coin] = waiting
    assert len(taken) + backlog.conflated + len(backlog) == len(put)
    while (left := backlog.take()) is not None:
        taken.append(left)
    assert len(taken) + backlog.conflated == len(put)
    for is_private in (True, False):
        others = [one for one in put if not is_book(one) and (one.socket == PRIVATE) is is_private]
        assert [one for one in taken if not is_book(one) and (one.socket == PRIVATE) is is_private] == others
    assert {one.recv_ns for one in newest.values()} <= {one.recv_ns for one in taken}


def is_book(waiting: Waiting) -> bool:
    """May it conflate?"""
    return waiting.frame is not None and b"l2Book" in waiting.frame


def test_the_user_comes_first() -> None:
    """However many books and trades wait, a fill is next."""
    backlog = Backlog()
    for number in range(10):
        backlog.put(Waiting(0, Ns(number), frame_of("trade", "A", number)), is_private=False)
    fill = Waiting(PRIVATE, Ns(10), frame_of("fill", "A", 10))
    backlog.put(fill, is_private=True)
    assert backlog.take() == fill


def test_the_limit_is_said() -> None:
    """At its limit it wants no more, and again once there is room."""
    backlog = Backlog(limit=2)
    for number in range(2):
        assert not backlog.is_full
        backlog.put(Waiting(0, Ns(number), frame_of("trade", "A", number)), is_private=False)
    assert backlog.is_full
    backlog.take()
    assert not backlog.is_full
