"""The laws of orders as a campaign: `python -m tests.bench.order_laws`.

Interleavings of fills, cancels, replacements, lost answers, dropped events and crashes, each ending with books equal to
the venue's and nothing overfilled; the same with parent orders, none of which trades more than its size or works for
ever; permutations of delivery, each ending the same; numbers that give a valid wire form
or are refused. Exit code 0 if all hold, 1 with the smallest failing example if not.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tests.property.test_delivery_laws import check_delivery, fates
from tests.property.test_execution_laws import ExecutionLaws
from tests.property.test_parent_wire_laws import ParentWireLaws
from tests.property.test_wire_laws import check_wire


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.order_laws", description=__doc__)
    parser.add_argument("--interleavings", type=int, default=10_000, help="lives of several orders on a bad wire")
    parser.add_argument("--parents", type=int, default=2_000, help="lives of parent orders on a bad wire")
    parser.add_argument("--permutations", type=int, default=5_000, help="orders in which one order's facts are heard")
    parser.add_argument("--wires", type=int, default=100_000, help="random prices and sizes")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other examples")
    return parser.parse_args()


def interleavings(count: int, number: int) -> str:
    """The state machine of the Execution Manager's laws, so many times."""
    lives = settings(max_examples=count, stateful_step_count=40, deadline=None, database=None, phases=[Phase.generate])
    run_state_machine_as_test(seed(number)(ExecutionLaws), settings=lives)
    return f"{count} interleavings: positions equal, nothing overfilled, nothing in doubt at the end"


def families(count: int, number: int) -> str:
    """The same with parent orders and their children, so many times."""
    lives = settings(max_examples=count, stateful_step_count=50, deadline=None, database=None, phases=[Phase.generate])
    run_state_machine_as_test(seed(number)(ParentWireLaws), settings=lives)
    return f"{count} interleavings with parent orders: none overfilled, none works for ever, each says what it traded"


def permutations(count: int, number: int) -> str:
    """The law that the order of delivery changes nothing, so many times."""
    often = settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate])
    often(seed(number)(given(fates(), st.data())(check_delivery)))()
    return f"{count} permutations of delivery: the same final state"


def wires(count: int, number: int) -> str:
    """Random prices and sizes, so many times."""
    draw = random.Random(number)
    valid = sum(check_wire(draw) for _ in range(count))
    return f"{count} prices and sizes: {valid} valid on the wire, {count - valid} refused"


def main() -> int:
    """Run what was asked; the exit code."""
    asked = arguments()
    campaigns: tuple[tuple[Callable[[int, int], str], int], ...] = (
        (interleavings, asked.interleavings),
        (families, asked.parents),
        (permutations, asked.permutations),
        (wires, asked.wires),
    )
    all_hold = True
    for campaign, count in campaigns:
        if not count:
            continue
        began = time.monotonic()
        try:
            print(f"{campaign(count, asked.seed)} ({time.monotonic() - began:.0f} s)", flush=True)
        except AssertionError:
            traceback.print_exc()
            all_hold = False
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
