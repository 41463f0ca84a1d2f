"""The whole exchange under everything that can be done to it: a search in CI, and as many steps as asked for.

`HATS_VENUE_STEPS=100000 python -m pytest tests/property/test_whole_exchange.py -k long_lives` goes on for so many
moves, `HATS_VENUE_MINUTES=30` for so long; with `-s` it tells how many lives it saw. A failure names the seed and the
move: `HATS_VENUE_SEED=<that seed> HATS_VENUE_STEPS=400` repeats that life alone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.errors import HatsError
from shared.venue.core.policy import VenuePolicy
from tests.property.whole import other_moves, timed_moves, trading_moves
from tests.property.whole.ground import POLICIES
from tests.property.whole.play import Play, act

STEPS: Final = int(os.environ.get("HATS_VENUE_STEPS", "800"))
MINUTES: Final = float(os.environ.get("HATS_VENUE_MINUTES", "0"))
SEED: Final = int(os.environ.get("HATS_VENUE_SEED", "1"))
A_LIFE: Final = 400
"""Moves after which a seeded run begins a new exchange."""

chances = st.randoms(use_true_random=False)


class WholeExchange(RuleBasedStateMachine):
    """Any user, owner or oracle does anything at any time; every law is checked after each move."""

    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy: VenuePolicy) -> None:
        """Six users of different means on eight markets of two dexs and spot."""
        self.play = Play(policy)

    @rule(chance=chances, make=st.sampled_from(trading_moves.TRADING))
    def trade_somehow(self, chance: Random, make: Any) -> None:
        """Orders and margin."""
        self.play.move(make, chance)

    @rule(chance=chances, make=st.sampled_from((trading_moves.trade, trading_moves.quote, trading_moves.place)))
    def fill_books(self, chance: Random, make: Any) -> None:
        """What there must be much of."""
        self.play.move(make, chance)

    @rule(chance=chances)
    def move_prices(self, chance: Random) -> None:
        """An oracle speaks."""
        self.play.move(other_moves.oracle, chance)

    @rule(chance=chances, make=st.sampled_from(other_moves.MONEY))
    def move_money(self, chance: Random, make: Any) -> None:
        """Money changes hands or places."""
        self.play.move(make, chance)

    @rule(chance=chances, make=st.sampled_from(timed_moves.TIMED))
    def leave_for_later(self, chance: Random, make: Any) -> None:
        """TWAP orders and scheduled cancels."""
        self.play.move(make, chance)

    @rule(chance=chances, make=st.sampled_from(other_moves.OWNERS))
    def rule_the_venue(self, chance: Random, make: Any) -> None:
        """Halts, delistings, other terms, forced liquidations."""
        self.play.move(make, chance)

    @rule(chance=chances)
    def pass_time(self, chance: Random) -> None:
        """Time goes by."""
        self.play.pass_time(chance)

    @rule()
    def restart(self) -> None:
        """Another process takes over."""
        self.play.restart()

    @invariant()
    def every_law_holds(self) -> None:
        """Money, tokens, books, positions, bookkeeping, queues."""
        if hasattr(self, "play"):
            self.play.check()

    def teardown(self) -> None:
        """The same commands at the same times give the same state."""
        if hasattr(self, "play"):
            self.play.replay()


WholeExchange.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestWholeExchange: Any = WholeExchange.TestCase


def _lives() -> Iterator[int]:
    """Seeds of lives, one after the other, until there were moves enough and the time is over."""
    end, life = time.monotonic() + 60 * MINUTES, 0
    while life < max(STEPS // A_LIFE, 1) or time.monotonic() < end:
        yield SEED + life
        life += 1
    sys.stdout.write(f"{life} lives of {min(A_LIFE, STEPS)} moves\n")


@pytest.mark.timeout(max(120, STEPS // 20, round(120 * MINUTES) + 120))
def test_long_lives_break_no_law() -> None:
    """Seeded lives of hundreds of moves, under every policy: liquidations, deleveraging and delistings included."""
    methods: dict[str, int] = {}
    for seed in _lives():
        chance, play = Random(seed), Play(POLICIES[seed % len(POLICIES)])
        for number in range(min(A_LIFE, STEPS)):
            try:
                act(play, chance)
                if number % 97 == 50:
                    play.restart()
                play.check()
            except (
                AssertionError,
                HatsError,
                LookupError,
                AttributeError,
                ArithmeticError,
                ValueError,
                RuntimeError,
            ) as error:
                error.add_note(f"seed {seed}, move {number}, after {play.log[-1]}")
                raise
        play.replay()
        for method, times in play.shadow.liquidated.items():
            methods[method] = methods.get(method, 0) + times
    assert methods, "nobody was liquidated: the moves are too tame"
