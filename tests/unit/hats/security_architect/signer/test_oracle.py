"""Readings of the oracle: read strictly from the venue's answer, and believed only under the feeder's seal."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from hats.security_architect.signer.oracle import FRAME_BYTES_MAX, OracleKey, Prices, oracle_pxs
from shared.errors import BusError, ConfigError, VenueProtocolError

KEY: Final = OracleKey(b"\x03" * 32)


def reply(*pxs: object) -> bytes:
    """The venue's answer with these oracle prices."""
    meta = {"universe": [{"name": f"C{number}", "szDecimals": 2} for number in range(len(pxs))]}
    return msgspec.json.encode([meta, [{"oraclePx": px, "markPx": "1"} for px in pxs]])


def test_reads_what_is_asked_for() -> None:
    """Prices of the assets that have one, exactly."""
    assert oracle_pxs(reply("65000.5", None, "0.00000123", "0.0"), [0, 1, 2, 3, 9, -1]) == {0: 65_000_5 * 10**7, 2: 123}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[1,2]", b"\xff", b"[" * 10_000, reply("1e5"), reply("-1"), reply(7), reply("9" * 40),
        msgspec.json.encode([{"universe": [{"name": "A"}, {"name": "B"}]}, [{"oraclePx": "1"}]]),
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_refuses_other_shapes(body: bytes) -> None:
    """Whatever is no list of prices is an error, never a price."""
    with pytest.raises(VenueProtocolError):
        oracle_pxs(body, [0])


def test_the_seal() -> None:
    """A reading comes back as it was sealed; a changed byte, another key and no seal at all are refused."""
    frame = KEY.frame(5, {1: 7, 0: 6})
    assert (KEY.read(frame).ms, KEY.read(frame).pxs) == (5, ((0, 6), (1, 7)))
    for at in range(len(frame)):
        changed = bytearray(frame)
        changed[at] ^= 1
        with pytest.raises(BusError):
            KEY.read(bytes(changed))
    for forged in (
        OracleKey(b"\x04" * 32).frame(5, {0: 6}),
        msgspec.msgpack.encode(Prices(5, ((0, 6),))),
        b"",
        b"\xc1",
    ):
        with pytest.raises(BusError):
            KEY.read(forged)


def test_the_key_stays_hidden() -> None:
    """It shows itself to nobody and is of one length."""
    assert "03" not in repr(KEY)
    with pytest.raises(ConfigError, match="32 bytes"):
        OracleKey(b"short")


def test_a_reading_of_all_coins_fits() -> None:
    """A thousand coins, with the largest prices, are one frame."""
    assert len(KEY.frame((1 << 63) - 1, dict.fromkeys(range(1000), (1 << 63) - 1))) < FRAME_BYTES_MAX
