"""A captured market on the stage: the frames as they came, all nine Hats, and a paper venue that fills their orders.

The desk is sent the captured market data at the times at which it was received, through the cuts that happened. Its
orders rest at an exchange of our own which a house account makes equal to the captured book, so they queue, trade and
pay fees; what they take comes back (flow/recorded.py says how). Nothing leaves this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from orchestrator.recording import Recording
from orchestrator.rehearsal import Rehearsal, rehearse
from orchestrator.settings import Settings
from shared.errors import DataError
from shared.units import SECOND, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.flow.catalogue import WELL_KNOWN
from shared.venue.flow.coins import COINS, Coin
from shared.venue.flow.recorded import RecordedMarket, RecordedSettings
from shared.venue.flow.recording import OtherRecord, Record, TradeRecord, records_of
from shared.warehouse.capture.playback import Happened, Survey, is_public, label_of
from shared.warehouse.capture.records import Frame

LEAD_NS: Final = SECOND
"""The stage begins so much before the first record, so that everybody is up when it comes."""
TIDS_MAX: Final = 100_000
"""So many trades are remembered: a new subscription tells the latest again."""
KNOWN: Final = {coin.name: coin for coin in (*WELL_KNOWN, *COINS)}
Source = Callable[[], Iterable[Happened]]
"""Opens the captured log anew; it is read twice, for the desk and for the paper venue."""


def start_of(survey: Survey) -> Ns:
    """When the stage begins."""
    return Ns(survey.first_ns - LEAD_NS)


def coins_of(survey: Survey, wanted: Sequence[str]) -> tuple[Coin, ...]:
    """Those of the wanted coins that the capture has books of; DataError if that is none of them."""
    captured = survey.books()
    found = tuple(KNOWN[name] for name in wanted if name in captured and name in KNOWN)
    if not found:
        raise DataError(f"expected books of {', '.join(wanted)}, the capture has {', '.join(captured) or 'none'}")
    return found


def replay_capture(settings: Settings, journal: Path, source: Source, survey: Survey, *, seed: int) -> Rehearsal:
    """A desk on the stage before the first record of a capture; `run_for` the survey's length, then drain it."""
    coins = coins_of(survey, settings.venue.coins)
    names = tuple(coin.name for coin in coins)
    settings = settings.model_copy(update={"venue": settings.venue.model_copy(update={"coins": names})})
    start_ns = start_of(survey)
    keys = {key: heard.sockets for key, heard in survey.keys.items() if is_public(key) and key.split(":")[1] in names}

    def market(exchange: Exchange, _: int) -> Sequence[RecordedMarket]:
        return (RecordedMarket(exchange, lambda: market_records(source(), start_ns), RecordedSettings()),)

    return rehearse(
        settings,
        journal,
        seed=seed,
        make_drivers=market,
        coins=coins,
        start_ns=start_ns,
        recording=Recording(source(), keys),
    )


def market_records(happened: Iterable[Happened], start_ns: int) -> Iterator[Record]:
    """The captured books and trades as the paper venue's market takes them, each trade once.

    It begins with a record of nothing at `start_ns`, on which the market's clock is set.
    """
    yield OtherRecord("start", start_ns)
    tids: dict[tuple[str, int], None] = {}
    for item in happened:
        if not isinstance(item, Frame) or label_of(item.data).channel not in ("l2Book", "trades"):
            continue
        try:
            records = records_of(item.data, item.recv_ns)
        except DataError:
            yield OtherRecord("unreadable", item.recv_ns)
            continue
        for record in records:
            if isinstance(record, TradeRecord):
                if (record.coin, record.tid) in tids:
                    continue
                tids[record.coin, record.tid] = None
                if len(tids) > TIDS_MAX:
                    del tids[next(iter(tids))]
            yield record
