"""The ambiguity storm on the stage: two answers in three are lost, dropped, garbled or replaced by a 502.

What must hold whatever the seed: no intent becomes two orders at the exchange, no order stays UNKNOWN for long after
its expiry, and in the end our books are the exchange's, order by order and to the last unit of money.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from hats.quant_strategist import QuantStrategist
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.codec import decode
from shared.errors import HatsError
from shared.ids import PROTECT, Cloid, Role, StrategyId, cloid_for
from shared.journal import JournalReader
from shared.messages import AnyMessage, Message
from shared.messages.control import Armed, Disarmed, Started, WakeAt, Woke
from shared.messages.market import UniverseUpdate
from shared.messages.order import CancelOrder, FenceOrder, OrderChanged, PostAction, ResendOrder, SubmitOrder
from shared.messages.parent import NativeTwap, ParentOrder
from shared.messages.risk import OrderDenied
from shared.messages.signal import CancelIntent, FeatureUpdate, OrderIntent
from shared.order import OrderState, Side, Tif, VenueTwap, is_open
from shared.units import MINUTE, MS, SECOND, USD, Ns, Px, Rounding, Sz, round_to_multiple
from shared.venue.faults.catalogue import AnyFault, BadGateway, DropRequest, Garbage, LoseAnswer

STORM: Final[tuple[AnyFault, ...]] = (
    # shares of what is left: 30 %, 20 %, 10 % and 5 % of everything that is posted
    LoseAnswer(share=0.15, ending="cut"),
    LoseAnswer(share=0.15 / 0.85, ending="hang"),
    DropRequest(share=0.10 / 0.70, ending="cut"),
    DropRequest(share=0.10 / 0.60, ending="hang"),
    BadGateway(share=0.10 / 0.50),
    Garbage(share=0.05 / 0.40),
)


class Pace(NamedTuple):
    """How often the storm's strategy acts, and how many orders it leaves resting."""

    every_ms: int
    resting_most: int


WITHIN_LIMITS: Final = Pace(400, 12)
"""Stops and TWAPs come on top: together they stay within the weight of a minute."""
AT_THE_LIMITS: Final = Pace(100, 1)
"""Entries use up their weight, and cancels and stops leave where none is left to hold for their proof."""
TWAP_EVERY: Final = 60
"""So many orders, then one of the venue's own TWAPs."""
TWAP_PARENTS: Final = 5
"""The number within their ids of the parents of TWAPs."""
UNKNOWN_LATEST_S: Final = 5.0
"""Longest that an order may stay UNKNOWN after its expiry."""
STORMY: Final = StrategyId("stormy")


class StormyState(msgspec.Struct):
    """What the storm's strategy remembers."""

    run: int = 0
    is_armed: bool = False
    wakes: int = 0
    number: int = 0
    twaps: int = 0
    denied: int = 0
    features: dict[str, FeatureUpdate] = {}
    sz_decimals: dict[str, int] = {}
    resting: dict[Cloid, OrderChanged] = {}


class Stormy:
    """Asks for `intents` orders of every sort, replaces and withdraws some of them, and has no opinion otherwise."""

    role: ClassVar[Role] = Role.QUANT_STRATEGIST
    hears: ClassVar[tuple[type[Message], ...]] = QuantStrategist.hears

    def __init__(self, seed: int, intents: int, pace: Pace = WITHIN_LIMITS) -> None:
        self.state = StormyState()
        self._pace = pace
        self._seed = seed
        self._intents = intents

    def handle(self, message: AnyMessage, now: Ns) -> list[AnyMessage]:
        """What follows from one message; see `shared.hat.Hat`."""
        state = self.state
        match message:
            case FeatureUpdate():
                state.features[message.coin] = message
            case UniverseUpdate():
                state.sz_decimals = {one.coin: one.sz_decimals for one in message.instruments}
            case Armed() | Disarmed():
                state.is_armed = isinstance(message, Armed)
            case OrderDenied():
                state.denied += 1
            case OrderChanged(state=OrderState.RESTING | OrderState.PARTIALLY_FILLED):
                state.resting[message.cloid] = message
            case OrderChanged():
                state.resting.pop(message.cloid, None)
            case Started():
                state.run = message.run
                return [WakeAt(Ns(now + self._pace.every_ms * MS), "storm")]
            case Woke():
                return [*self._act(), WakeAt(Ns(now + self._pace.every_ms * MS), "storm")]
        return []

    @property
    def asked(self) -> int:
        """Intents that were not denied."""
        return self.state.number - self.state.denied

    def _act(self) -> list[AnyMessage]:
        state = self.state
        state.wakes += 1
        draw = random.Random(f"{self._seed}:{state.wakes}:{len(state.resting)}")
        said: list[AnyMessage] = []
        if len(state.resting) > self._pace.resting_most:
            said.append(CancelIntent(draw.choice(sorted(state.resting)), STORMY, "storm"))
        if state.is_armed and state.features:
            # several at once are signed and sent as one action
            wishes = min(draw.choice([0, 0, 0, 1, 1, 2, 4]), self._intents - self.asked)
            said += [self._wish(draw) for _ in range(wishes)]
            if state.number // TWAP_EVERY > state.twaps:
                said += self._twap(draw)
        return said

    def _twap(self, draw: random.Random) -> list[AnyMessage]:
        """A parent for the venue's own TWAP, and the one before is withdrawn."""
        state = self.state
        state.twaps += 1
        feature, side = state.features[draw.choice(sorted(state.features))], draw.choice(list(Side))
        mid_px = (feature.best_bid_px + feature.best_ask_px) // 2
        px = mid_px + side.value * mid_px // 50
        px = round_to_multiple(px, 10 ** max(len(str(px)) - 5, 0), Rounding.NEAREST)
        parent, sz = cloid_for(state.run, TWAP_PARENTS, state.twaps), Sz(150 * USD // px + 1)
        ends = Ns(feature.book_recv_ns + 12 * MINUTE)
        terms = ParentOrder(parent, STORMY, feature.coin, side, sz, Px(px), NativeTwap(), False, ends, "storm")
        before = cloid_for(state.run, TWAP_PARENTS, state.twaps - 1)
        return [CancelIntent(before, STORMY, "storm"), terms] if state.twaps > 1 else [terms]

    def _wish(self, draw: random.Random) -> OrderIntent:
        state = self.state
        state.number += 1
        sort = draw.choices(["deep", "cross", "touch", "replace"], [45, 25, 15, 15])[0]
        old = state.resting[draw.choice(sorted(state.resting))] if sort == "replace" and state.resting else None
        side = draw.choice(list(Side)) if old is None else old.side
        feature = state.features[draw.choice(sorted(state.features)) if old is None else old.coin]
        away_bps = {"cross": -40, "touch": 0}.get(sort, draw.randint(10, 60))
        touch_px = feature.best_bid_px if side is Side.BUY else feature.best_ask_px
        # five significant figures are a tick at any price, and a round price needs no finer one
        px = touch_px - side.value * touch_px * away_bps // 10_000
        px = round_to_multiple(px, 10 ** max(len(str(px)) - 5, 0), Rounding.NEAREST)
        sz = 20 * USD // px + 1
        tif = {"cross": Tif.IOC, "touch": Tif.ALO}.get(sort, Tif.GTC)
        return OrderIntent(
            cloid_for(state.run, 0, state.number), STORMY, feature.coin, side, Px(px), Sz(sz), tif, False,
            None if old is None else old.cloid, feature.book_recv_ns, sort,
        )  # fmt: skip


class Storm(msgspec.Struct, frozen=True):
    """What a storm came to. `unknown_after_expiry_s`: the longest that any order was UNKNOWN beyond its expiry."""

    seed: int
    intents: int
    batches: int
    stops: int
    stops_fired: int
    twaps: int
    doubted: int
    resent: int
    fenced: int
    strikes: dict[str, int]
    doubled: int
    unknown_after_expiry_s: float
    differences: tuple[str, ...]

    @property
    def is_weathered(self) -> bool:
        """Nothing doubled, nothing left in doubt, nothing different."""
        return not self.doubled and not self.differences and self.unknown_after_expiry_s <= UNKNOWN_LATEST_S


KILL_EVERY_S: Final = 7
BACK_AFTER_NS: Final = 1 * SECOND


def settings_for_storm(hats: dict[str, Any] | None = None) -> Settings:
    """A desk that may do as many orders as it likes: the test is what becomes of them. `hats`: more."""
    risk = {
        "order_rate_limit": 1_000, "open_orders_limit": 900, "position_limit_usd": 10**7, "gross_limit_usd": 10**8,
        "leverage_limit_percent": 10**6, "drawdown_limit_bps": 10_000, "price_collar_bps": 1_000,
    }  # fmt: skip
    signer = {"window_orders_max": 10**6, "window_notional_usd_max": 10**12, "collar_bps_max": 10_000}
    # so near that some stops fire
    stops = {"protect_stop_bps": 5, "protect_take_bps": 2, "protect_settle_ms": 500}
    hats = {"risk_oversight_officer": risk, "security_architect": signer, "execution_manager": stops} | (hats or {})
    return Settings.model_validate({"hats": hats, "supervisor": {"restart_intensity": 100_000}})


def storm(
    folder: Path, seed: int, intents: int, *, kills: int = 0, victim: Role = Role.EXECUTION_MANAGER,
    acted: type[Message] | None = None, back_after_ns: int = BACK_AFTER_NS, pace: Pace = WITHIN_LIMITS,
) -> Storm:  # fmt: skip
    """A desk in the storm until it has sent so many orders; then calm, a drain, and the comparison.

    `victim` dies so often meanwhile, at moments of chance or, with `acted`, right after its edge carried out one of
    these and before the journal has it; it comes back from the journal so much later.
    """
    stormy = Stormy(seed, intents, pace)
    hats = {Role.QUANT_STRATEGIST: lambda *_: stormy}
    desk = rehearse(settings_for_storm(), folder / f"storm-{seed}.sqlite", seed=seed, hats=hats)
    try:
        seen: dict[str, set[int]] = {}
        desk.run_for(5)
        for fault in STORM:
            desk.venue.faults.arm(fault, desk.stage.clock.now())
        left = kills
        while stormy.asked < intents or left:
            before = stormy.asked
            draw = random.Random(f"{seed}:{left}")
            left -= _kill(desk, victim, min(left, 30 // KILL_EVERY_S), draw, acted, back_after_ns)
            desk.run_for(30)
            _look(desk, seen)
            if stormy.asked == before and not left:
                raise HatsError(f"the desk of seed {seed} asks for nothing any more after {before} orders")
        desk.run_for(15)
        desk.venue.faults.clear()
        desk.drain()
        _look(desk, seen)
        return _result(desk, seed, stormy.asked, seen)
    finally:
        desk.close()


def _kill(
    desk: Rehearsal, victim: Role, times: int, draw: random.Random, acted: type[Message] | None, back_after_ns: int
) -> int:
    """Plan so many deaths within the next half minute, at moments of chance; how many there will be."""
    begins, stage = desk.stage.clock.now(), desk.stage
    for number in range(times):
        at = begins + number * KILL_EVERY_S * SECOND + draw.randrange((KILL_EVERY_S - 3) * SECOND)
        if acted is None:
            stage.at(at, lambda _: stage.kill_hat(victim, "killed by the storm", back_after_ns))
        else:
            stage.at(at, lambda _: stage.doom_hat(victim, acted, back_after_ns))
    return times


def _look(desk: Rehearsal, seen: dict[str, set[int]]) -> None:
    """Note every order that the exchange ever took, by cloid: it remembers 2,000 changes."""
    for change in desk.exchange.order_history(desk.master):
        if change.order.cloid is not None and not change.status.endswith("Rejected"):
            seen.setdefault(change.order.cloid, set()).add(change.order.oid)


def _result(desk: Rehearsal, seed: int, intents: int, seen: dict[str, set[int]]) -> Storm:
    reader = desk.journal.reader
    doubted = doubts(reader)
    posted = [decode(entry.body) for entry in reader.messages(kind=PostAction.__name__)]
    changes = [decode(entry.body) for entry in reader.messages(kind=OrderChanged.__name__)]
    stops = [one for one in changes if isinstance(one, OrderChanged) and one.strategy == PROTECT]
    counts = reader.counts()
    return Storm(
        seed=seed,
        intents=intents,
        batches=sum(isinstance(one, PostAction) and bool(one.mates) and one.kind.places for one in posted),
        stops=len({stop.cloid for stop in stops}),
        twaps=len(_twaps(reader)),
        stops_fired=len({stop.cloid for stop in stops if stop.filled_sz}),
        doubted=len({doubt.cloid for doubt in doubted}),
        resent=counts.get(ResendOrder.__name__, 0),
        fenced=counts.get(FenceOrder.__name__, 0),
        strikes=dict(sorted(Counter(strike.kind for strike in desk.venue.faults.strikes).items())),
        doubled=sum(len(oids) > 1 for oids in seen.values()),
        unknown_after_expiry_s=max([0.0, *((each.until_ns - each.expires_ns) / SECOND for each in doubted)]),
        differences=tuple(_differences(desk, reader, seen)),
    )


class Doubt(NamedTuple):
    """An order was UNKNOWN until `until_ns`, or is at the journal's end; its last action expired at `expires_ns`."""

    cloid: Cloid
    expires_ns: int
    until_ns: int


def doubts(reader: JournalReader) -> list[Doubt]:
    """Every time that an order was UNKNOWN, in the order in which that ended."""
    expires: dict[Cloid, Ns] = {}
    unknown: set[Cloid] = set()
    found: list[Doubt] = []
    now = 0
    for entry in reader.messages():
        message, now = decode(entry.body), entry.ts
        match message:
            case SubmitOrder() | CancelOrder():
                expires[message.cloid] = message.expires_ns
                if isinstance(message, SubmitOrder) and message.replaces is not None:
                    expires[message.replaces] = message.expires_ns
            case OrderChanged(state=OrderState.UNKNOWN):
                unknown.add(message.cloid)
            case OrderChanged() if message.cloid in unknown:
                unknown.remove(message.cloid)
                found.append(Doubt(message.cloid, expires[message.cloid], now))
    return found + [Doubt(cloid, expires[cloid], now) for cloid in sorted(unknown)]


def _twaps(reader: JournalReader) -> frozenset[Cloid]:
    """The orders that are TWAPs of the venue's own, and were sent."""
    said = [decode(entry.body) for entry in reader.messages(kind=SubmitOrder.__name__)]
    return frozenset(one.cloid for one in said if isinstance(one, SubmitOrder) and isinstance(one.how, VenueTwap))


def _differences(desk: Rehearsal, reader: JournalReader, seen: dict[str, set[int]]) -> list[str]:
    """Where our books are not the exchange's: open orders, what each order traded, positions, money."""
    last: dict[Cloid, OrderChanged] = {}
    for entry in reader.messages(kind=OrderChanged.__name__):
        change = decode(entry.body)
        assert isinstance(change, OrderChanged)
        last[change.cloid] = change
    twaps = _twaps(reader)
    traded: Counter[str] = Counter()
    for fill in desk.exchange.fills(desk.master):
        traded["TWAPs" if fill.twap_id is not None else fill.cloid or "nobody's"] += fill.sz
    by_twaps = sum(order.filled_sz for cloid, order in last.items() if cloid in twaps)
    found = [f"TWAPs: {by_twaps} lots here, {traded['TWAPs']} there"] if by_twaps != traded.pop("TWAPs", 0) else []
    found += [f"TWAP {twap.twap_id} is at work there" for twap in desk.exchange.twaps(desk.master)]
    found += [
        f"{c}: {o.filled_sz} lots here, {traded[c]} there"
        for c, o in last.items()
        if c not in twaps and o.filled_sz != traded[c]
    ]
    found += [f"{cloid}: traded there, not known here" for cloid in traded.keys() - last.keys()]
    found += [f"{cloid} is {order.state} after the drain" for cloid, order in last.items() if is_open(order.state)]
    found += [
        f"{cloid}: at the exchange, {last[Cloid(cloid)].state} here"
        for cloid in seen
        if Cloid(cloid) in last and last[Cloid(cloid)].state in (OrderState.REJECTED, OrderState.EXPIRED)
    ]
    found += [f"{order.oid} is open there" for order in desk.exchange.open_orders(desk.master)]
    ledger = desk.heart.situation.ledger
    account = desk.exchange.account(desk.master)
    if ledger is None or ledger.equity_usd != account.value_usd:
        found.append(f"equity: {None if ledger is None else ledger.equity_usd} here, {account.value_usd} there")
    return found
