"""Order transitions a second in the Execution Manager, beside a bare loop over the table in a dict.

A life is four moves: sent, resting, cancel asked, cancelled. The manager's part is everything that it does for them:
approvals spent once, answers bound, deadlines, messages made. Both are measured in turns in the same run.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time

from hats.execution_manager import ExecutionManager
from shared.messages.order import ActionKind, ActionSent, AnswerKind, VenueOrderStatus
from shared.messages.signal import CancelIntent
from shared.order import OrderEvent, OrderState, next_state
from shared.units import Ns
from tests.unit.hats.execution_manager.scene import NOW, STRATEGY, answer, approval, intent, manager, oid_of, told

LIFE = (OrderEvent.SUBMIT, OrderEvent.ACCEPT, OrderEvent.REQUEST_CANCEL, OrderEvent.CANCEL)


def managed(lives: int) -> float:
    """Transitions a second through the whole Hat."""
    hat: ExecutionManager = manager()
    wishes = [intent(number) for number in range(1, lives + 1)]
    script = [
        (
            approval(wish, number),
            ActionSent(wish.cloid, 1, NOW),
            answer(wish, AnswerKind.RESTING, oid=oid_of(wish)),
            CancelIntent(wish.cloid, STRATEGY, "bench"),
            answer(wish, AnswerKind.CANCELLED, of=ActionKind.CANCEL),
            told(wish, VenueOrderStatus.CANCELLED, wish.sz),
        )
        for number, wish in enumerate(wishes, 1)
    ]
    began = time.perf_counter_ns()
    for life in script:
        for message in life:
            for _ in hat.handle(message, Ns(NOW)):
                pass
    spent = time.perf_counter_ns() - began
    assert not hat.state.orders
    assert len(hat.state.ended) == min(lives, 2_000)
    return lives * len(LIFE) / spent * 1e9


def bare(lives: int) -> float:
    """Transitions a second of a dict and the table alone."""
    states: dict[int, OrderState] = {}
    began = time.perf_counter_ns()
    for number in range(lives):
        states[number] = OrderState.NEW
        for event in LIFE:
            states[number] = next_state(states[number], event)
    spent = time.perf_counter_ns() - began
    assert set(states.values()) == {OrderState.CANCELLED}
    return lives * len(LIFE) / spent * 1e9


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=5_000, help="orders in one turn")
    parser.add_argument("--turns", type=int, default=7, help="turns of each; the median counts")
    asked = parser.parse_args()
    hats, dicts = [], []
    for _ in range(asked.turns):
        gc.collect()
        hats.append(managed(asked.lives))
        dicts.append(bare(asked.lives))
    manager_rate, dict_rate = statistics.median(hats), statistics.median(dicts)
    print(json.dumps({
        "manager_transitions_per_s": round(manager_rate),
        "bare_dict_transitions_per_s": round(dict_rate),
        "bare_to_manager_ratio": round(dict_rate / manager_rate, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
