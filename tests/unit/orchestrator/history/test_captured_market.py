"""A capture moves the local exchange at its pace once somebody listens, and cuts sockets when they were cut."""

from __future__ import annotations

from orchestrator.history.captured_market import CapturedMarket
from shared.units import MS, SECOND, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from shared.venue.faults.catalogue import FreezeFeed
from shared.venue.faults.engine import Faults
from shared.venue.flow.coins import COINS, listings
from shared.venue.flow.recorded import RecordedSettings
from shared.warehouse.capture.playback import Happened
from shared.warehouse.capture.records import Frame, SocketClosed, SocketOpened

START = Ns(1_700_000_000 * SECOND)
"""When the capture was made."""
NOW = Ns(1_790_000_000 * SECOND)
"""When it is played."""
ASKED = b'{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}'


def book(at_ms: int, bid: int, epoch: int = 1) -> Frame:
    """A captured book of one coin a side, ten dollars wide."""
    ns = START + at_ms * MS
    sides = ",".join(f'[{{"px":"{px}","sz":"1","n":1}}]' for px in (bid, bid + 10))
    data = f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{ns // MS},"levels":[{sides}]}}}}'
    return Frame(0, epoch, 1, ns, ns, data.encode())


HAPPENED: tuple[Happened, ...] = (
    SocketOpened(0, 1, START),
    book(100, 60_000),
    SocketClosed(0, 1, START + 1_000 * MS, 1, "reset"),
    SocketOpened(0, 2, START + 3_000 * MS),
    book(3_100, 60_200, epoch=2),
    SocketClosed(0, 2, START + 4_000 * MS, 1, "the end"),
)


def test_it_waits_for_a_listener_and_then_keeps_the_pace_with_its_cuts() -> None:
    """At twice the pace the second book comes after 1.55 s; from 0.5 s to 1.5 s there is silence between two cuts."""
    exchange = Exchange(listings(COINS[:1]), start_ns=NOW)
    door, faults = Door(exchange, DoorSettings(), NOW), Faults()
    market = CapturedMarket(exchange, lambda: HAPPENED, START, RecordedSettings(speed=2.0), faults)
    now = NOW
    for _ in range(100):
        now = market.step(door, now)
    assert not any(exchange.book_levels(0, 1)), "nobody listens, so nothing moves"
    door.receive(door.connect(now), ASKED, now)
    begun = now
    since: dict[int, int] = {}
    while not market.report().is_finished:
        due = market.step(door, now)
        bids, _ = exchange.book_levels(0, 1)
        for bid in bids:
            since.setdefault(bid.px, (now - begun) // MS)
        now = due
    assert since == {600_000: 50, 602_000: 1_550}
    at = (0, 499, 501, 1_000, 1_499, 1_502, 2_400, 3_000)
    cut = [ms for ms in at if faults.cuts(Ns(begun + ms * MS), [1])]
    assert cut == [501, 1_502]
    (frozen,) = [each for each in faults.armed.values() if isinstance(each.fault, FreezeFeed)]
    assert ((frozen.from_ns - begun) // MS, (frozen.until_ns - begun) // MS) == (500, 1_500)
