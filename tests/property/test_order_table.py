"""Laws of the order table: it is whole, terminal states absorb, and what is not in it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvariantError
from shared.order import TERMINAL, TRANSITIONS, OrderEvent, OrderState, mermaid, next_state


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    """No state is missing, and all are reachable from NEW."""
    assert set(TRANSITIONS) == set(OrderState)
    reached, edge = {OrderState.NEW}, [OrderState.NEW]
    while edge:
        for target in TRANSITIONS[edge.pop()].values():
            if target not in reached:
                reached.add(target)
                edge.append(target)
    assert reached == set(OrderState)


def test_every_open_state_can_end() -> None:
    """From each open state a terminal one can be reached, so no order is stranded by the table."""
    for state in set(OrderState) - TERMINAL:
        seen, edge = {state}, [state]
        while edge:
            for target in TRANSITIONS[edge.pop()].values():
                if target not in seen:
                    seen.add(target)
                    edge.append(target)
        assert seen & TERMINAL, f"{state} never ends"


@given(st.sampled_from(sorted(TERMINAL)), st.sampled_from(OrderEvent))
def test_terminal_states_absorb(state: OrderState, event: OrderEvent) -> None:
    """Nothing moves an order that has ended."""
    assert next_state(state, event) is state


def test_a_move_that_is_not_in_the_table_is_our_bug() -> None:
    """An undocumented move raises, with state and event named."""
    with pytest.raises(InvariantError, match="new cannot fill"):
        next_state(OrderState.NEW, OrderEvent.FILL)


def test_unknown_is_left_only_by_a_definite_fact() -> None:
    """Neither silence nor a wish to cancel resolves an UNKNOWN order."""
    assert next_state(OrderState.UNKNOWN, OrderEvent.NO_ANSWER) is OrderState.UNKNOWN
    assert next_state(OrderState.UNKNOWN, OrderEvent.REQUEST_CANCEL) is OrderState.UNKNOWN


def test_the_diagram_names_every_state() -> None:
    """The generated diagram shows the whole table."""
    assert all(state in mermaid() for state in OrderState)
