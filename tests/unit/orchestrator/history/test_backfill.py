"""History is fetched once: whole pages within the weight budget, never twice, what the venue leaves out declared."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hats.exchange_architect.budget import Budget
from hats.exchange_architect.history import subject
from orchestrator.history.backfill import Fetched, Progress, Source, covered, fetch
from shared.errors import VenueUnreachable
from shared.instrument import Instrument
from shared.sealing import SealKey
from shared.units import HOUR, MINUTE, MS, SECOND, USD, Ns, Px, Sz, Usd
from shared.venue.core.commands import Deposit, OrderSpec, PassTime, PlaceOrders, SetPrices, Tif
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import JSON_TYPE, Door
from shared.venue.door.settings import DoorSettings
from shared.warehouse.store import Store
from tests.security.plaintext import words_in

BTC = Instrument("BTC", 0, 5, 40)
START = Ns(472_000 * HOUR)
MINUTES = 11_000
MAKER, TAKER = "0x" + "aa" * 20, "0x" + "bb" * 20
CANDLES = subject("BTC", "1m")
FUNDING = subject("BTC", "")


def quiet(minute: int) -> bool:
    """Minutes in which nobody trades."""
    return minute % 100 in (7, 8)


class Venue:
    """A local exchange whose time is ours, and how it was asked."""

    def __init__(self, door: Door, now: Ns) -> None:
        self.door = door
        self.now = now
        self.asked: list[tuple[int, int]] = []
        self.paused_s = 0.0
        self.fails_after: int | None = None

    def ask(self, body: bytes) -> bytes:
        """The door's reply."""
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise VenueUnreachable("cut")
        status, _, reply = self.door.http("/info", JSON_TYPE, body, self.now)
        assert status == 200, reply
        self.asked.append((self.now, len(reply)))
        return reply

    def pause(self, seconds: float) -> None:
        """Time passes."""
        self.paused_s += seconds
        self.now = Ns(self.now + int(seconds * SECOND) + 1)

    def source(self) -> Source:
        """As a fetch wants it."""
        return Source(self.ask, lambda: self.now, self.pause)


@pytest.fixture(scope="module")
def door() -> Door:
    """A week and more of trading, one or two trades a minute but for quiet ones."""
    made = Door(Exchange([list_perp(BTC)], start_ns=START), DoorSettings(ip_weight_per_minute=1_200), START)
    for user in (MAKER, TAKER):
        made.apply(Deposit(user, Usd(10**9 * USD)), START)
    made.apply(SetPrices(0, Px(500_000)), START)
    ask = OrderSpec(0, False, Px(500_010), Sz(10**8), False, Tif.GTC)
    bid = OrderSpec(0, True, Px(499_990), Sz(10**8), False, Tif.GTC)
    made.apply(PlaceOrders(MAKER, (ask, bid)), START)
    for minute in range(MINUTES):
        now = Ns(START + minute * MINUTE + SECOND)
        if quiet(minute):
            made.apply(PassTime(), now)
            continue
        side = minute % 2 == 0
        taken = OrderSpec(0, side, Px(500_010 if side else 499_990), Sz(1000 + minute), False, Tif.IOC)
        made.apply(PlaceOrders(TAKER, (taken,)), now)
    return made


@pytest.fixture
def venue(door: Door) -> Venue:
    """The venue half a minute into a minute without trades yet."""
    return Venue(door, Ns(START + MINUTES * MINUTE + 30 * SECOND))


def run(venue: Venue, store: Store, of: Any, since: int, until: int, budget: Budget | None = None) -> Fetched:
    """One fetch."""
    with store.writing() as writing:
        span = (since // MS, until // MS)
        return fetch(of, span, BTC, venue.source(), writing, budget or Budget(1_200), "code")


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    """All rows of a table, in the order of their times."""
    files = [part.path for batch in store.batches() for part in batch.parts if part.table == table]
    found = [row for path in files for row in pq.ParquetFile(store.root / path).read().to_pylist()]
    return sorted(found, key=lambda row: row.get("exch_ns") or row["start_ns"])


def test_every_candle_comes_once_and_the_rest_is_a_gap(venue: Venue, tmp_path: Path) -> None:
    """11,000 minutes of which the venue keeps 5,000 candles: those exactly; old and quiet ones are gaps."""
    store = Store(tmp_path)
    until = START + MINUTES * MINUTE
    done = run(venue, store, CANDLES, START, until + HOUR)
    traded = [minute for minute in range(MINUTES) if not quiet(minute)][-4_999:]  # the newest minute is open still
    found = rows(store, "candles")
    minutes = [(row["exch_ns"] - START) // MINUTE for row in found]
    assert minutes == [minute for minute in range(MINUTES) if not quiet(minute) and minute >= minutes[0]]
    assert abs(minutes[0] - traded[0]) <= 2
    assert [row["traded_sz"] for row in found] == [1000 + minute for minute in minutes]
    assert {row["trades"] for row in found} == {1}
    assert done.requests == 3
    assert (done.since_ms, done.until_ms) == (START // MS, until // MS)
    declared = sum(row["end_ns"] - row["start_ns"] for row in rows(store, "gaps"))
    assert declared + len(found) * MINUTE == MINUTES * MINUTE, "given and declared is everything"
    assert done.not_given_ms * MS == declared


def test_what_is_there_is_not_asked_for_again(venue: Venue, tmp_path: Path) -> None:
    """A second fetch asks nothing; a wider one asks only for what is new; no candle is in two batches."""
    store = Store(tmp_path)
    middle = START + 9_000 * MINUTE
    run(venue, store, CANDLES, middle, middle + 500 * MINUTE)
    again = run(venue, store, CANDLES, middle, middle + 500 * MINUTE)
    assert (again.requests, again.known_ms) == (0, 500 * MINUTE // MS)
    wider = run(venue, store, CANDLES, middle - 100 * MINUTE, middle + 600 * MINUTE)
    assert (wider.requests, wider.known_ms) == (2, 500 * MINUTE // MS)
    times = [row["exch_ns"] for row in rows(store, "candles")]
    assert len(times) == len(set(times)) == sum(not quiet(minute) for minute in range(8_900, 9_600))


def test_a_fetch_that_was_cut_goes_on(venue: Venue, tmp_path: Path) -> None:
    """What was published before the cut stays and is the same as if there had been none."""
    whole, cut = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    until = START + MINUTES * MINUTE
    run(venue, whole, FUNDING, START, until)
    venue.asked.clear()
    venue.fails_after = 0
    with pytest.raises(VenueUnreachable):
        run(venue, cut, FUNDING, START, until)
    assert cut.names() == []
    run(Venue(venue.door, venue.now), cut, FUNDING, START, START + 30 * HOUR)
    run(Venue(venue.door, venue.now), cut, FUNDING, START, until)
    strip = [[{k: v for k, v in row.items() if k != "seq"} for row in rows(s, "funding_rates")] for s in (whole, cut)]
    assert strip[0] == strip[1]
    assert len(strip[0]) == MINUTES // 60 - 1, "every hour but the first, which nobody paid, and the one that is new"
    assert list(iter(covered(whole, FUNDING))) == list(iter(covered(cut, FUNDING)))


def test_the_budget_is_kept(venue: Venue, tmp_path: Path) -> None:
    """With 100 a minute, of which reads may take half, each page of 50 waits for the minute to pass."""
    waits: list[Progress] = []
    with Store(tmp_path).writing() as writing:
        span = (START // MS, venue.now // MS)
        fetch(CANDLES, span, BTC, venue.source(), writing, Budget(100), "code", waits.append)
    times = [at for at, _ in venue.asked]
    assert all(later - earlier >= MINUTE for earlier, later in itertools.pairwise(times))
    assert [one for one in waits if one.waits_s > 50]
    assert waits[-1].done_ms == waits[-1].total_ms


def test_an_open_candle_is_not_history(venue: Venue, tmp_path: Path) -> None:
    """Nothing that may still change is fetched, and nothing is asked if nothing is over."""
    done = run(venue, Store(tmp_path), subject("BTC", "1d"), venue.now, venue.now + HOUR)
    assert (done.requests, done.rows, done.batches) == (0, 0, ())


def test_an_encrypted_warehouse_does_not_tell_what_was_fetched(venue: Venue, tmp_path: Path) -> None:
    """Neither in a name nor in a file; what is there is still not asked for again."""
    span = (START // MS, (START + HOUR) // MS)
    store = Store(tmp_path / "hidden", SealKey(b"k" * 32))
    for _ in range(2):
        with store.writing() as writing:
            found = fetch(CANDLES, span, BTC, venue.source(), writing, Budget(1_200), "code")
    assert (found.requests, found.known_ms) == (0, span[1] - span[0])
    plain = Store(tmp_path / "plain")
    with plain.writing() as writing:
        fetch(CANDLES, span, BTC, venue.source(), writing, Budget(1_200), "code")
    assert words_in(plain.root, ("BTC", "candles-btc"))
    assert words_in(store.root, ("BTC", "candles-btc", "candleSnapshot")) == []
