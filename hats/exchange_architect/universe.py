"""What is listed: instruments by name and by asset id, as last read from the venue."""

from __future__ import annotations

from hats.exchange_architect.numbers import Spelled
from shared.errors import DataError
from shared.instrument import Instrument
from shared.messages.market import UniverseUpdate


class NotListed(DataError):  # noqa: N818 - a state of the world, named as operators name it
    """Read the universe again, or do without the coin: the venue does not list it."""


class Reading:
    """How one coin's texts are read; remembers the ones seen."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.px = Spelled(instrument.px_decimals)
        self.sz = Spelled(instrument.sz_decimals)


class Universe:
    """The listed perps. `learn` replaces them all at once, so readers in other threads see the old or the new list."""

    def __init__(self) -> None:
        self._readings: dict[str, Reading] = {}
        self._by_asset: dict[int, Instrument] = {}

    def learn(self, update: UniverseUpdate) -> None:
        """From here on these are listed; what was remembered of unchanged coins stays."""
        old = self._readings
        fresh: dict[str, Reading] = {}
        for instrument in update.instruments:
            known = old.get(instrument.coin)
            is_same = known is not None and known.instrument == instrument
            fresh[instrument.coin] = known if known is not None and is_same else Reading(instrument)
        self._by_asset = {instrument.asset: instrument for instrument in update.instruments}
        self._readings = fresh

    def reading(self, coin: str) -> Reading:
        """How this coin's texts are read; NotListed if it is not listed."""
        try:
            return self._readings[coin]
        except KeyError:
            raise NotListed(f"{coin[:40]!r} is not listed") from None

    def instrument(self, coin: str) -> Instrument:
        """The coin's units and asset id; NotListed if it is not listed."""
        return self.reading(coin).instrument

    def by_asset(self, asset: int) -> Instrument:
        """The instrument with this wire id; DataError if there is none."""
        try:
            return self._by_asset[asset]
        except KeyError:
            raise DataError(f"no perp has the asset id {asset}") from None

    def missing(self, coins: tuple[str, ...]) -> list[str]:
        """Those of `coins` that can't be followed: not listed, or delisted."""
        return [c for c in coins if c not in self._readings or self._readings[c].instrument.is_delisted]
