"""The access log: commands one by one, reading counted, nothing left out."""

from __future__ import annotations

from orchestrator.access import KINDS_MAX, OK, PERIOD_NS, RESULT_CHARACTERS_MAX, UNKNOWN, Access, AccessBook
from shared.messages.control import Accessed
from shared.units import SECOND, Ns

READ = Access("operator", "status", 1000, 7)
KILL = Access("operator", "say KillOrdered", 1000, 8)


def told(book: AccessBook) -> list[Accessed]:
    """What waits, taken out."""
    said = list(book.waiting)
    book.waiting.clear()
    return said


def test_every_command_is_told_at_once() -> None:
    """Twice the same is two records, with what came of each."""
    book = AccessBook()
    book.note(KILL, Ns(5), is_command=True)
    book.note(KILL._replace(result="refused"), Ns(6), is_command=True)
    assert told(book) == [Accessed(*KILL, 1, Ns(5), Ns(5)), Accessed(*KILL[:-1], "refused", 1, Ns(6), Ns(6))]


def test_reading_is_told_at_once_and_then_counted() -> None:
    """A view that asks twice a second makes one record a period, and every reading is in one."""
    book, said = AccessBook(), []
    for half in range(2 * 180):
        now = Ns(half * SECOND // 2)
        book.note(READ, now, is_command=False)
        book.tick(now)
        said += told(book)
    book.flush(Ns(180 * SECOND))
    said += told(book)
    assert sum(each.count for each in said) == 2 * 180
    assert len(said) <= 5
    assert all(each.first_ns <= each.last_ns for each in said)


def test_who_and_what_came_of_it_are_told_apart() -> None:
    """Another user, process or result is another record."""
    book = AccessBook()
    for access in (READ, READ._replace(uid=0), READ._replace(pid=9), READ._replace(result="no"), READ):
        book.note(access, Ns(1), is_command=False)
    assert [each.result for each in told(book)] == [OK, OK, OK, "no"]


def test_a_kind_that_rested_is_told_at_once_again() -> None:
    """After a period without any it is new."""
    book = AccessBook()
    book.note(READ, Ns(0), is_command=False)
    book.tick(Ns(0))
    told(book)
    book.tick(Ns(PERIOD_NS))
    book.note(READ, Ns(PERIOD_NS + 1), is_command=False)
    assert [each.count for each in told(book)] == [1]


def test_memory_and_texts_are_bounded() -> None:
    """Thousands of kinds are counted together, and a long refusal is cut; still every reading is counted."""
    book, kinds = AccessBook(), 10 * KINDS_MAX
    for pid in range(kinds):
        book.note(READ._replace(pid=pid, result="x" * 1_000), Ns(1), is_command=False)
    book.flush(Ns(2))
    said = told(book)
    assert len(said) <= KINDS_MAX + 2
    assert sum(each.count for each in said) == kinds
    assert said[-1].pid == UNKNOWN
    assert max(len(each.result) for each in said) == RESULT_CHARACTERS_MAX
