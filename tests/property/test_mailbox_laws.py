"""Laws of the mailbox: what may be lost is counted, what may not is refused, and importance goes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MailboxFull
from shared.ids import Role
from shared.mailbox import Letter, Mailbox
from shared.messages import AnyMessage
from shared.messages.control import Disarmed, Measured
from shared.messages.market import AssetContext, BookUpdate, Trade
from shared.messages.message import Lane
from shared.messages.order import QueryOrder
from shared.order import Side
from shared.units import Ns, Px, Sz


def _message(kind: str, coin: str) -> AnyMessage:
    match kind:
        case "book":
            return BookUpdate(coin, Ns(0), Ns(0), (), ())
        case "context":
            return AssetContext(coin, Px(1), Px(1), 0, 0, Ns(0))
        case "trade":
            return Trade(coin, Side.BUY, Px(1), Sz(1), 1, Ns(0), Ns(0))
        case "order":
            return QueryOrder("0x00")  # type: ignore[arg-type]
        case "signal":
            return Measured(Role.QUANT_STRATEGIST, coin, (1.0,))
        case _:
            return Disarmed("stop")


messages = st.builds(
    _message,
    st.sampled_from(["book", "context", "trade", "order", "signal", "kill"]),
    st.sampled_from(["BTC", "ETH", "SOL"]),
)


def _letter(seq: int, message: AnyMessage) -> Letter:
    return Letter(seq, Ns(seq), Ns(0), message)


@given(st.lists(messages, max_size=60))
def test_every_letter_is_taken_or_was_replaced_by_a_newer_one_of_its_key(said: list[AnyMessage]) -> None:
    """Put = taken + conflated, and only books and contexts of the same coin are ever replaced."""
    box = Mailbox(Role.QUANT_STRATEGIST)
    replaced = {seq for i, message in enumerate(said) if (seq := box.put(_letter(i + 1, message))) is not None}
    taken = box.take(1_000)
    assert {letter.seq for letter in taken} | replaced == set(range(1, len(said) + 1))
    assert not {letter.seq for letter in taken} & replaced
    assert box.conflated == len(replaced)
    for seq in replaced:
        old = said[seq - 1]
        assert any(new.conflation_key() == old.conflation_key() is not None for new in said[seq:])


@given(st.lists(messages, max_size=60), st.integers(1, 7))
def test_lanes_go_in_order_of_importance_and_keep_their_own_order(said: list[AnyMessage], limit: int) -> None:
    """Whatever the batch size, taken letters are sorted by lane first and, without conflation, by age within it."""
    box = Mailbox(Role.QUANT_STRATEGIST)
    for i, message in enumerate(said):
        box.put(_letter(i + 1, message))
    taken: list[Letter] = []
    while batch := box.take(limit):
        assert len(batch) <= limit
        taken += batch
    lanes = [letter.message.lane for letter in taken]
    assert lanes == sorted(lanes)
    for lane in (Lane.KILL, Lane.ORDER, Lane.SIGNAL):
        seqs = [letter.seq for letter in taken if letter.message.lane is lane]
        assert seqs == sorted(seqs)


@given(st.lists(messages, max_size=40), st.integers(0, 40))
def test_put_back_restores_what_was_waiting(said: list[AnyMessage], count: int) -> None:
    """Taking and putting back changes nothing."""
    box, twin = Mailbox(Role.QUANT_STRATEGIST), Mailbox(Role.QUANT_STRATEGIST)
    for i, message in enumerate(said):
        box.put(_letter(i + 1, message))
        twin.put(_letter(i + 1, message))
    box.put_back(box.take(count))
    assert box.letters() == twin.letters()


@given(st.integers(1, 20))
def test_a_full_lane_refuses_and_takes_nothing(capacity: int) -> None:
    """At its limit a lane refuses the next letter; the other lanes still take theirs."""
    box = Mailbox(Role.QUANT_STRATEGIST, dict.fromkeys(Lane, capacity))
    trade = _message("trade", "BTC")
    for seq in range(1, capacity + 1):
        box.put(_letter(seq, trade))
    assert not box.has_room(trade)
    before = box.letters()
    with pytest.raises(MailboxFull, match="MARKET"):
        box.put(_letter(99, trade))
    assert box.letters() == before
    box.put(_letter(100, Disarmed("stop")))
    assert box.take(1)[0].seq == 100


def test_a_full_lane_still_conflates() -> None:
    """A book replaces the older book of its coin even when its lane is full."""
    box = Mailbox(Role.QUANT_STRATEGIST, dict.fromkeys(Lane, 1))
    box.put(_letter(1, _message("book", "BTC")))
    assert box.put(_letter(2, _message("book", "BTC"))) == 1
    assert [letter.seq for letter in box.letters()] == [2]


def test_a_closed_mailbox_counts_what_it_does_not_keep() -> None:
    """After closing nothing waits and everything that comes is counted as undelivered."""
    box = Mailbox(Role.QUANT_STRATEGIST)
    box.put(_letter(1, Disarmed("stop")))
    box.close()
    box.put(_letter(2, Disarmed("stop")))
    assert (box.depth, box.undelivered) == (0, 2)


def test_age_is_that_of_the_oldest_letter() -> None:
    """Age counts from the oldest letter in any lane; an empty mailbox has none."""
    box = Mailbox(Role.QUANT_STRATEGIST)
    assert box.age_ns(Ns(50)) == 0
    box.put(_letter(30, _message("trade", "BTC")))
    box.put(_letter(40, Disarmed("stop")))
    assert box.age_ns(Ns(50)) == 20
