"""The signer's own knowledge of prices: told and sealed by a process that reads the venue for it, never by the engine.

A price comes with the time at which it was read. One that is too old, or from a time that has not come yet, is none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from shared.errors import BusError, ConfigError, UnitError, VenueProtocolError
from shared.units import scaled_from_str

DECIMALS: Final = 8
"""Prices and sizes here are integers of 10^-8: more decimals than any perp's."""
AHEAD_MS_MAX: Final = 1_000
"""Two processes of one machine read one clock; a price from further ahead is from a clock that was set."""
PX_BELOW: Final = 1 << 63
FRAME_BYTES_MAX: Final = 64 * 1024
KEY_BYTES: Final = 32
_DOMAIN: Final = b"hyperhats oracle 1\0"


class Prices(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True):
    """One reading: when (ms UTC), and [asset, price in 10^-8 USDC] of each asset that has one; `mac` seals it."""

    ms: int
    pxs: tuple[tuple[int, int], ...]
    mac: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Prices)


class OracleKey:
    """The feeder's credential. The signer knows it too; the engine does not."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ConfigError([f"expected an oracle key of {KEY_BYTES} bytes, got {len(secret)}"])
        self._secret = secret

    def __repr__(self) -> str:
        return "OracleKey(***)"

    def frame(self, ms: int, pxs: Mapping[int, int]) -> bytes:
        """The reading as it goes to the signer."""
        bare = Prices(ms, tuple(sorted(pxs.items())))
        return _ENCODER.encode(msgspec.structs.replace(bare, mac=self._seal(bare)))

    def read(self, frame: bytes) -> Prices:
        """The reading that the frame carries; BusError if it is none or not sealed with this key."""
        try:
            prices = _DECODER.decode(frame)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BusError(f"expected prices: {error}") from error
        if not hmac.compare_digest(self._seal(msgspec.structs.replace(prices, mac=b"")), prices.mac):
            raise BusError("prices without the feeder's seal")
        return prices

    def _seal(self, bare: Prices) -> bytes:
        return hmac.digest(self._secret, _DOMAIN + _ENCODER.encode(bare), hashlib.sha256)


class Oracle:
    """The newest reading."""

    def __init__(self) -> None:
        self._ms = 0
        self._pxs: dict[int, int] = {}

    def take(self, prices: Prices) -> bool:
        """Was the reading newer than what we had? An older one, or the same again, changes nothing."""
        if prices.ms <= self._ms:
            return False
        self._ms = prices.ms
        self._pxs = {asset: px for asset, px in prices.pxs if px > 0}
        return True

    def px(self, asset: int, age_ms_max: int, now_ms: int) -> int | str:
        """The asset's price in 10^-8 USDC; as text, why there is none."""
        if not self._ms:
            return "none was told yet"
        age_ms = now_ms - self._ms
        if age_ms > age_ms_max:
            return f"the last is {age_ms} ms old, at most {age_ms_max} allowed"
        if age_ms < -AHEAD_MS_MAX:
            return f"the last is from {-age_ms} ms ahead"
        return self._pxs.get(asset, "the venue gave none")


class _Listed(msgspec.Struct):
    name: str


class _Meta(msgspec.Struct):
    universe: list[_Listed]


class _Context(msgspec.Struct, rename={"oracle_px": "oraclePx"}):
    oracle_px: str | None = None


_CONTEXTS: Final = msgspec.json.Decoder(tuple[_Meta, list[_Context]])


def oracle_pxs(reply: bytes, assets: Iterable[int]) -> dict[int, int]:
    """The oracle prices (10^-8 USDC) of these assets in the venue's answer to `metaAndAssetCtxs`.

    An asset without one, or with one of nothing, is left out. VenueProtocolError if the answer is of another shape or
    a price no number.
    """
    try:
        meta, contexts = _CONTEXTS.decode(reply)
        if len(meta.universe) != len(contexts):
            raise VenueProtocolError(f"{len(meta.universe)} assets with {len(contexts)} contexts")
        told = {asset: contexts[asset].oracle_px for asset in assets if 0 <= asset < len(contexts)}
        pxs = {asset: scaled_from_str(text, DECIMALS) for asset, text in told.items() if text is not None}
    except (msgspec.MsgspecError, UnitError) as error:
        raise VenueProtocolError(
            f"expected metaAndAssetCtxs: {error}", reply[:100].decode("utf-8", "replace")
        ) from error
    if not all(0 <= px < PX_BELOW for px in pxs.values()):
        raise VenueProtocolError("an oracle price out of all bounds", repr(pxs)[:100])
    return {asset: px for asset, px in pxs.items() if px}
