"""One whole exchange at play, every law at hand: what a search drives, what a seed drives, and what replays."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from shared.units import MINUTE, SECOND, USD, Ns, Px, Usd
from shared.venue.core.commands import Command, Deposit, IssueToken, ModifyOrders, PassTime, SetPrices
from shared.venue.core.deployers import move_collateral
from shared.venue.core.exchange import Exchange
from shared.venue.core.outcomes import Outcome
from shared.venue.core.policy import VenuePolicy
from shared.venue.core.rulings import SetOracle
from tests.property.whole import other_moves, timed_moves, trading_moves
from tests.property.whole.ground import (
    DEPLOYED,
    DEPOSITS,
    ETH,
    MID_PX,
    NEW,
    PAIRS,
    PRE,
    SOL,
    START_NS,
    TOKENS,
    USERS,
    DexMove,
    fresh,
    spot_tick,
)  # fmt: skip
from tests.property.whole.laws import check_state, count_book_orders
from tests.property.whole.shadow import Shadow

Step = Command | DexMove


def apply(exchange: Exchange, step: Step, now: int) -> Outcome | str | None:
    """What the step came to."""
    if isinstance(step, DexMove):
        world = exchange._world
        account = world.accounts.get(step.user)
        return None if account is None else move_collateral(world, account, step.from_dex, step.to_dex, step.usd)
    return exchange.apply(step, Ns(now))


class Play:
    """The exchange, its shadow, everything that was done to it, and now and then a twin from a snapshot."""

    def __init__(self, policy: VenuePolicy) -> None:
        self.policy = policy
        self.exchange = fresh(policy)
        self.shadow = Shadow()
        self.issued_wei: dict[int, int] = {}
        self.log: list[tuple[Step, int]] = []
        self.twin: Exchange | None = None
        self.now = START_NS
        for user, usd in zip(USERS, DEPOSITS, strict=True):
            self.do(Deposit(user, Usd(usd * USD)))
            self.do(DexMove(user, 0, 1, usd * USD // 3))
            for token in TOKENS:
                self.do(IssueToken(user, token.index, token.wei("200") + 7))
        for asset in (ETH, SOL, NEW):
            self.do(SetPrices(asset, Px(MID_PX)))
        self.do(SetPrices(PRE, Px(0)))
        self.do(SetOracle(1, tuple((asset, Px(MID_PX)) for asset in DEPLOYED)))
        for asset in PAIRS:
            self.do(SetPrices(asset, Px(1_000 * spot_tick(asset))))

    def do(self, step: Step, span_ns: int = SECOND // 10) -> None:
        """Apply, record, let shadow and twin follow, and check every law of the state.

        Time passes before a modify: the shadow could not tell fills of the old order that fell due from its own events.
        """
        if isinstance(step, ModifyOrders) and span_ns:
            self.do(PassTime(), span_ns)
            span_ns = 0
        self.now += span_ns
        self.log.append((step, self.now))
        outcome = apply(self.exchange, step, self.now)
        if isinstance(step, IssueToken):
            self.issued_wei[step.token] = self.issued_wei.get(step.token, 0) + step.wei
        if isinstance(outcome, Outcome):
            self.shadow.take(step, outcome, self.exchange)
        if self.twin is not None:
            assert apply(self.twin, step, self.now) == outcome, "a restored exchange goes on in another way"

    def check(self) -> None:
        """Every law that can be told from the state and the shadow."""
        check_state(self.exchange, self.issued_wei)
        count_book_orders(self.exchange)
        self.shadow.compare(self.exchange)

    def move(self, make: Callable[[Exchange, Random], Any], chance: Random, span_ns: int = SECOND // 10) -> None:
        """One move of a kind, whatever it consists of.

        A resize names an order that must still rest when it comes, so time passes before it is chosen.
        """
        if make is trading_moves.resize:
            self.do(PassTime(), span_ns)
            span_ns = 0
        for step in make(self.exchange, chance):
            self.do(step, span_ns)

    def pass_time(self, chance: Random) -> None:
        """Seconds, minutes, past an hour, or into another day; a TWAP order that waits is looked at every 3 s."""
        span = chance.choice((SECOND, 5 * SECOND, 40 * SECOND, MINUTE, 20 * MINUTE, 70 * MINUTE, 1_500 * MINUTE))
        if self.exchange._world.twaps.active:
            span = min(span, 70 * MINUTE)
        self.do(PassTime(), span + chance.randint(0, SECOND))

    def restart(self) -> None:
        """Another process takes over from the snapshot; the old one stays beside it as a twin that must agree."""
        snapshot = self.exchange.snapshot()
        if self.twin is not None:
            assert self.twin.snapshot() == snapshot
        self.twin, self.exchange = self.exchange, Exchange.restore(snapshot)
        assert self.exchange.snapshot() == snapshot

    def replay(self) -> None:
        """The same commands at the same times give the same state."""
        again = fresh(self.policy)
        for step, now in self.log:
            apply(again, step, now)
        assert again.digest() == self.exchange.digest()


_WEIGHTED: Final = (
    *trading_moves.TRADING * 6,
    *(trading_moves.trade, trading_moves.place, trading_moves.quote) * 8,
    *other_moves.MONEY * 3,
    *timed_moves.TIMED * 4,
    *(other_moves.oracle,) * 30,
    *other_moves.OWNERS,
)


def act(play: Play, chance: Random) -> None:
    """One move of any kind, common ones often."""
    draw = chance.randint(0, 99)
    if draw < 6:
        play.pass_time(chance)
    else:
        make = _WEIGHTED[chance.randint(0, len(_WEIGHTED) - 1)]
        play.move(make, chance, (3 if make is other_moves.oracle else 1) * SECOND)
