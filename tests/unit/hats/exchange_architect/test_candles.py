"""Candles that were asked for become closes: exactly those of the question, each once, the rest told as bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hats.exchange_architect import errands
from hats.exchange_architect.universe import Universe
from shared.errors import VenueProtocolError
from shared.instrument import Instrument
from shared.messages import Message
from shared.messages.market import BadData, CandlesTold, Close, QueryCandles, UniverseUpdate
from shared.units import MINUTE, MS, Ns, Px
from tests.contract.recordings import FOLDER, MISSING, recorded
from tests.unit.hats.exchange_architect import scene
from tests.unit.hats.exchange_architect.scene import T0

BEGIN = T0 - T0 % MINUTE
ASKED = QueryCandles("BTC", "1m", Ns(BEGIN), Ns(BEGIN + 3 * MINUTE))
kept_here = pytest.mark.skipif(not FOLDER.exists(), reason=MISSING)


def candle(minute: int, close: str = "101.0", **changes: Any) -> dict[str, Any]:
    """A candle as the venue spells it."""
    t = (BEGIN + minute * MINUTE) // MS
    told = {"t": t, "T": t + 59_999, "s": "BTC", "i": "1m", "o": "100.0", "c": close, "h": "102.0", "l": "99.0"}
    return told | {"v": "0.5", "n": 3} | changes


def told(*entries: Any, query: QueryCandles = ASKED) -> list[Message]:
    """What comes of a reply with these entries."""
    return errands.run(
        errands.read_candles(query, scene.universe(), lambda: T0), lambda _: json.dumps(entries).encode()
    )


def test_the_closes_of_what_was_asked() -> None:
    """In order of time, each interval once; what lies outside, is still open or of another coin is left out."""
    other = candle(0, s="ETH", o="10.0", c="10.0", h="10.0", l="10.0")
    (answer,) = told(candle(-1), candle(1, "100.5"), candle(0), candle(0), other, candle(3))
    closes = (Close(Ns(BEGIN), Px(1010)), Close(Ns(BEGIN + MINUTE), Px(1005)))
    assert answer == CandlesTold(ASKED, closes, T0)
    assert told() == [CandlesTold(ASKED, (), T0)], "a venue that has none says so"


def test_what_can_not_be_read_is_told_once() -> None:
    """However many there are; the others hold."""
    answer, bad = told(candle(0), candle(1, v="0.0"), candle(2, l="101.5"))
    assert isinstance(answer, CandlesTold)
    assert [close.px for close in answer.closes] == [1010]
    assert isinstance(bad, BadData)
    assert "2 candles" in bad.reason


def test_no_list_is_no_answer() -> None:
    """Nothing is made of it."""
    with pytest.raises(VenueProtocolError):
        errands.run(errands.read_candles(ASKED, scene.universe(), lambda: T0), lambda _: b"null")


@kept_here
def test_the_venues_own_recorded_candles() -> None:
    """The question is spelled as the recorded one, and every recorded candle is a close."""
    (kept,) = [one for one in recorded("/info") if one.kind == "candleSnapshot"]
    asked = kept.request["req"]
    pepe = Instrument(asked["coin"], 0, 0, 10)
    universe = Universe()
    universe.learn(UniverseUpdate((pepe,), 0, 0, T0))
    until_ms = kept.reply[-1]["T"] + 1
    query = QueryCandles(pepe.coin, asked["interval"], Ns(kept.reply[0]["t"] * MS), Ns(until_ms * MS))
    errand = errands.read_candles(query, universe, lambda: T0)
    sent = json.loads(next(errand))
    assert (sent["type"], set(sent["req"])) == ("candleSnapshot", set(asked))
    with pytest.raises(StopIteration) as done:
        errand.send(json.dumps(kept.reply).encode())
    (answer,) = done.value.value
    assert len(answer.closes) == len(kept.reply)
