"""The order table: total where races are real, closed where they are not, and drawn as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvariantError
from shared.order import TERMINAL, TRANSITIONS, OrderEvent, OrderState, Side, is_open, mermaid, next_state
from tests.house.sources import ROOT

STATES = st.sampled_from(list(OrderState))
EVENTS = st.sampled_from(list(OrderEvent))
VENUE_ENDS = (OrderEvent.FILL, OrderEvent.CANCEL, OrderEvent.EXPIRE)


@given(STATES, EVENTS)
def test_every_move_is_in_the_table_or_our_bug(state: OrderState, event: OrderEvent) -> None:
    """Terminal states absorb everything; a move that the table does not have is an InvariantError."""
    if state in TERMINAL:
        assert next_state(state, event) is state
    elif event in TRANSITIONS[state]:
        assert next_state(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(InvariantError):
            next_state(state, event)


@given(STATES)
def test_the_venue_may_end_or_fill_whatever_it_has(state: OrderState) -> None:
    """Fills, cancels and expiries are possible in every open state after NEW: facts come in any order."""
    if is_open(state) and state is not OrderState.NEW:
        assert all(next_state(state, event) in TERMINAL for event in VENUE_ENDS)
        assert is_open(next_state(state, OrderEvent.PARTIAL_FILL))
        assert is_open(next_state(state, OrderEvent.ACCEPT))


def test_every_state_is_reached_and_every_open_one_can_end() -> None:
    """Every state lies on a way from NEW, and from every open state there is a way to an end."""
    reached, ways = {OrderState.NEW}, [OrderState.NEW]
    while ways:
        for target in TRANSITIONS[ways.pop()].values():
            if target not in reached:
                reached.add(target)
                ways.append(target)
    assert reached == set(OrderState)
    assert all(TERMINAL & set(moves.values()) for state, moves in TRANSITIONS.items() if is_open(state))


@pytest.mark.parametrize(
    ("events", "end"),
    [
        # withdrawn, refused or late before anything left the house
        ([OrderEvent.CANCEL], OrderState.CANCELLED),
        ([OrderEvent.REJECT], OrderState.REJECTED),
        ([OrderEvent.EXPIRE], OrderState.EXPIRED),
        # replaced before the venue answered; then it refuses the first order
        ([OrderEvent.SUBMIT, OrderEvent.REQUEST_MODIFY, OrderEvent.REJECT], OrderState.REJECTED),
        # the fill overtakes the acceptance
        ([OrderEvent.SUBMIT, OrderEvent.PARTIAL_FILL, OrderEvent.ACCEPT, OrderEvent.FILL], OrderState.FILLED),
        # a cancel without an answer, and the order turns out to be open
        (
            [OrderEvent.SUBMIT, OrderEvent.ACCEPT, OrderEvent.REQUEST_CANCEL, OrderEvent.NO_ANSWER, OrderEvent.ACCEPT],
            OrderState.RESTING,
        ),
        # the replacement is refused
        (
            [OrderEvent.SUBMIT, OrderEvent.ACCEPT, OrderEvent.REQUEST_MODIFY, OrderEvent.REFUSE_CHANGE],
            OrderState.RESTING,
        ),
    ],
)
def test_races(events: list[OrderEvent], end: OrderState) -> None:
    """Each real race leads where it should."""
    state = OrderState.NEW
    for event in events:
        state = next_state(state, event)
    assert state is end


def test_the_drawing_shows_the_table() -> None:
    """The Mermaid text has one arrow for every move that changes the state, and no other."""
    lines = mermaid().splitlines()
    moves = {f"{s} --> {t}: {e}" for s, row in TRANSITIONS.items() for e, t in row.items() if t is not s}
    assert {line.strip() for line in lines if ":" in line} == moves
    assert {line.strip() for line in lines if line.endswith("--> [*]")} == {f"{state} --> [*]" for state in TERMINAL}


def test_sides() -> None:
    """A side's value is the sign of what it does to a position."""
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
    assert Side.BUY.value == -Side.SELL.value == 1


def test_the_page_on_orders_shows_the_table() -> None:
    """docs/orders.md holds the diagram that the table gives; after a change put `shared.order.mermaid()` there."""
    page = (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid()}\n```" in page
