"""Order events per second of the exchange core on one core, beside a bare dict-update loop of the same run."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence

from shared.instrument import Instrument
from shared.units import MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.clearing import Clearinghouse
from shared.venue.core.commands import (
    CancelOrder,
    CancelOrders,
    Command,
    Deposit,
    OrderSpec,
    PlaceOrders,
    SetPrices,
    Tif,
)
from shared.venue.core.events import FillHappened
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp

START_NS = 1_700_000_000 * SECOND
INSTRUMENT = Instrument("BTC", 0, 5, 40)
MID_PX = 500_000
USERS = tuple(f"0x{number:040x}" for number in range(8))


def opened() -> Exchange:
    """An exchange with one asset, a price and rich users."""
    exchange = Exchange([list_perp(INSTRUMENT)], start_ns=START_NS)
    for user in USERS:
        exchange.apply(Deposit(user, Usd(10**9 * USD)), Ns(START_NS))
    exchange.apply(SetPrices(0, Px(MID_PX)), Ns(START_NS))
    return exchange


def script(n: int, seed: int) -> list[Command]:
    """`n` commands of one order event each: about half rests near the mid, a third is cancelled, the rest crosses."""
    chance = random.Random(seed)
    commands: list[Command] = []
    resting: list[tuple[str, str]] = []
    for number in range(n):
        user, draw = chance.choice(USERS), chance.random()
        if draw < 0.35 and resting:
            owner, cloid = resting.pop(chance.randrange(len(resting)))
            commands.append(CancelOrders(owner, (CancelOrder(0, cloid=cloid),)))
            continue
        is_buy, sz = chance.random() < 0.5, Sz(chance.randint(100, 1_000))
        if draw < 0.85:
            away, cloid = 10 * chance.randint(1, 100), f"0x{number:032x}"
            px = Px(MID_PX - away if is_buy else MID_PX + away)
            commands.append(PlaceOrders(user, (OrderSpec(0, is_buy, px, sz, False, Tif.GTC, cloid),)))
            resting.append((user, cloid))
        else:
            px = Px(MID_PX + 1_000 if is_buy else MID_PX - 1_000)
            commands.append(PlaceOrders(user, (OrderSpec(0, is_buy, px, sz, False, Tif.IOC),)))
    return commands


def cpu_rate(n: int, seed: int) -> float:
    """Order events per second of processor time, which others on the machine disturb less."""
    exchange, commands, began = opened(), script(n, seed), time.process_time()
    run(exchange, commands)
    return n / (time.process_time() - began)


def core_rate(n: int, seed: int) -> tuple[float, int]:
    """(order events per second, trades) of one run of the script; commands are 0.1 ms apart in the venue's time."""
    return run(opened(), script(n, seed))


def run(exchange: Exchange, commands: Sequence[Command]) -> tuple[float, int]:
    """As `core_rate`, of these commands."""
    apply, now, trades = exchange.apply, START_NS, 0
    began = time.perf_counter()
    for command in commands:
        now += MS // 10
        trades += len(apply(command, Ns(now)).events) > 3
    return len(commands) / (time.perf_counter() - began), trades


def shares(n: int, seed: int) -> dict[str, float]:
    """Share of the processor time, and microseconds each, of orders that rest, cancels, and orders that trade."""
    exchange, now = opened(), START_NS
    spent, counts = dict.fromkeys(("place", "cancel", "fill"), 0.0), dict.fromkeys(("place", "cancel", "fill"), 0)
    for command in script(n, seed):
        now += MS // 10
        began = time.process_time_ns()
        outcome = exchange.apply(command, Ns(now))
        took = (time.process_time_ns() - began) / 1e9
        is_fill = any(isinstance(event, FillHappened) for event in outcome.events)
        kind = "cancel" if isinstance(command, CancelOrders) else "fill" if is_fill else "place"
        spent[kind] += took
        counts[kind] += 1
    total = sum(spent.values())
    found = {f"share_{kind}": round(spent[kind] / total, 3) for kind in spent}
    return found | {f"us_{kind}": round(spent[kind] / max(counts[kind], 1) * 1e6, 1) for kind in spent}


def margin_share(n: int, seed: int) -> float:
    """Share of the processor time that margin takes: what a run saves whose questions to margin all say yes."""
    asked = Clearinghouse.can_place, Clearinghouse.can_fill
    rates, digests = [], []
    for is_asked in (True, False, True, False):
        if not is_asked:
            Clearinghouse.can_place = _yes  # type: ignore[method-assign, assignment]
            Clearinghouse.can_fill = _yes  # type: ignore[method-assign, assignment]
        try:
            exchange, commands = opened(), script(n, seed)
            began = time.process_time()
            run(exchange, commands)
            rates.append((is_asked, n / (time.process_time() - began)))
        finally:
            Clearinghouse.can_place, Clearinghouse.can_fill = asked  # type: ignore[method-assign]
        digests.append(exchange.digest())
    assert len(set(digests)) == 1, "margin decided something"
    with_, without = (max(rate for is_asked, rate in rates if is_asked is which) for which in (True, False))
    return round(1 - with_ / without, 3)


def _yes(*_: object) -> bool:
    return True


def dict_rate(n: int) -> float:
    """Updates per second of the barest thing Python can do for an order event: one dict entry."""
    entries: dict[int, int] = {}
    began = time.perf_counter()
    for number in range(n):
        entries[number & 4095] = number
    return n / (time.perf_counter() - began)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the best of several runs, in words or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    runs = [(core_rate(options.events, seed=1), dict_rate(10 * options.events)) for _ in range(options.runs)]
    core, trades = max(run[0] for run in runs)
    bare = max(run[1] for run in runs)
    result = {
        "order_events_per_s": round(core),
        "order_events_per_cpu_s": round(max(cpu_rate(options.events, seed=1) for _ in range(options.runs))),
        "dict_updates_per_s": round(bare),
        "dict_updates_per_order_event": round(bare / core, 1),
        "events": options.events,
        "matched": trades,
        "runs": options.runs,
        **shares(options.events, seed=1),
        "share_margin": margin_share(options.events, seed=1),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
