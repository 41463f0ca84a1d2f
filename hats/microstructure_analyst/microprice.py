"""Stoikov's microprice, fitted online: what the mid will be once the book's present lean has played out.

A book is a state: how the best quotes' sizes lean (ten buckets) and how wide the spread is (one, two, three and more
ticks). From counted transitions between states and the mid moves on them, the expected total future mid move g solves
g = r + P g. Stoikov makes the limit exist by mirroring every observation (swap bid and ask, turn the move's sign); here
each observation is folded onto the half of the states that leans to the bid, so P becomes a signed 15 x 15 matrix and
the mirror law g(mirror) = -g holds by construction. Source: Stoikov (2018), "The micro-price: a high-frequency
estimator of future prices", sections 2-3. The fit is causal: only transitions already seen are counted.
"""

from __future__ import annotations

from typing import Final

import msgspec

LEANS: Final = 5
"""Buckets of imbalance on one side of balance."""
SPREADS: Final = 3
"""Buckets of spread: 1, 2 and 3 or more ticks."""
STATES: Final = LEANS * SPREADS
_PRIOR: Final = 2.0
"""Pseudo-observations of "nothing follows" in each state: unseen states stay at the mid and the system is solvable."""


def folded_state(bid_sz: int, ask_sz: int, spread_ticks: int) -> tuple[int, int]:
    """The book's state and the sign with which it was folded: +1 leans to the bid, -1 to the ask."""
    lean = (bid_sz - ask_sz) / (bid_sz + ask_sz)
    sign = 1 if lean >= 0.0 else -1
    bucket = min(int(abs(lean) * LEANS), LEANS - 1)
    return bucket * SPREADS + min(max(spread_ticks, 1), SPREADS) - 1, sign


def weighted_mid(bid_px: int, bid_sz: int, ask_px: int, ask_sz: int) -> float:
    """Mid weighted by the opposite size, in price units; leans toward the thinner side."""
    return (bid_px * ask_sz + ask_px * bid_sz) / (bid_sz + ask_sz)


class MicropriceFit(msgspec.Struct):
    """Decayed counts of one coin and the solution of the last fit; `moves_bps` empty: not fitted yet.

    `jumps` is STATES x STATES row by row: transitions, signed -1 when source and target lean to different sides.
    """

    seen: float = 0.0
    visits: list[float] = msgspec.field(default_factory=lambda: [0.0] * STATES)
    drift_bps: list[float] = msgspec.field(default_factory=lambda: [0.0] * STATES)
    jumps: list[float] = msgspec.field(default_factory=lambda: [0.0] * (STATES * STATES))
    moves_bps: list[float] = []

    def observe(self, source: tuple[int, int], target: tuple[int, int], move_bps: float) -> None:
        """Count one transition and the mid's move on it."""
        state, sign = source
        self.seen += 1.0
        self.visits[state] += 1.0
        self.drift_bps[state] += sign * move_bps
        self.jumps[state * STATES + target[0]] += sign * target[1]

    def move_bps(self, state: tuple[int, int]) -> float:
        """Expected future move of the mid from this state; only after a fit."""
        return state[1] * self.moves_bps[state[0]]

    def refit(self, min_transitions: int, decay: float) -> None:
        """Solve for the moves if there is enough to solve from, then let the counts fade by `decay`."""
        if self.seen >= min_transitions:
            self.moves_bps = solve_moves(self.visits, self.drift_bps, self.jumps)
        if decay < 1.0:
            self.seen *= decay
            for values in (self.visits, self.drift_bps, self.jumps):
                values[:] = [value * decay for value in values]


def solve_moves(visits: list[float], drift_bps: list[float], jumps: list[float]) -> list[float]:
    """g with g(x) = (drift(x) + sum over y of jumps(x, y) g(y)) / (visits(x) + prior), by Gaussian elimination.

    The rows are strictly diagonally dominant thanks to the prior, so no pivoting is needed.
    """
    rows = []
    for state in range(STATES):
        row = [-count for count in jumps[state * STATES : (state + 1) * STATES]]
        row[state] += visits[state] + _PRIOR
        rows.append([*row, drift_bps[state]])
    for pivot in range(STATES):
        head = rows[pivot]
        for below in rows[pivot + 1 :]:
            factor = below[pivot] / head[pivot]
            if factor:
                for column in range(pivot, STATES + 1):
                    below[column] -= factor * head[column]
    moves = [0.0] * STATES
    for state in reversed(range(STATES)):
        row = rows[state]
        known = sum(row[column] * moves[column] for column in range(state + 1, STATES))
        moves[state] = (row[STATES] - known) / row[state]
    return moves
