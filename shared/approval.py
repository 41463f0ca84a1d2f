"""What an approval covers, in the venue's own words, and the seal by which the signer knows who gave it.

The key is known to the Risk Officer and the signer alone. Whoever carries an approval between them can lose it, but
not change it: side, price, size or expiry altered by a digit break the seal. The seal is made by the Hat itself and
not by an edge, so that an approval needs no second message; a replay is given the run's key and says the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from shared.errors import ConfigError
from shared.ids import Cloid
from shared.order import How, Side, Tif, Trigger, TriggerKind
from shared.units import Ns, Px, Sz, px_to_str, sz_to_str

KEY_BYTES: Final = 32
_DOMAIN: Final = b"hyperhats approval 2\0"
_ENCODER: Final = msgspec.msgpack.Encoder()


class TriggerWords(msgspec.Struct, frozen=True, array_like=True, tag="trigger", forbid_unknown_fields=True):
    """A trigger in the venue's words; whether it trades at the market then, the ticket's tif says."""

    px: str
    kind: TriggerKind


class TwapWords(msgspec.Struct, frozen=True, array_like=True, tag="twap", forbid_unknown_fields=True):
    """The venue's own TWAP in its words. The wire has no price then: the ticket's is what its value is judged by."""

    minutes: int
    randomize: bool


class Ticket(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One approval as it goes to the signer: what the order says on the wire, and until when it may be signed.

    `px` and `sz` are the venue's text, so that no unit stands between what was approved and what is signed. `replaces`
    is the order that it takes the place of. `mac` is the seal over everything else.
    """

    approval_id: int
    expires_ns: Ns
    cloid: Cloid
    coin: str
    asset: int
    is_buy: bool
    px: str
    sz: str
    tif: Tif
    reduce_only: bool
    replaces: Cloid | None
    how: TriggerWords | TwapWords | None = None
    mac: bytes = b""


def ticket_of(
    *, approval_id: int, expires_ns: Ns, cloid: Cloid, coin: str, asset: int, sz_decimals: int, side: Side, px: Px,
    sz: Sz, tif: Tif, reduce_only: bool, replaces: Cloid | None, how: How | None, mac: bytes = b"",
) -> Ticket:  # fmt: skip
    """The ticket of a perp's order in the house's units, spelled as the venue spells it."""
    return Ticket(
        approval_id, expires_ns, cloid, coin, asset, side is Side.BUY, px_to_str(px, sz_decimals),
        sz_to_str(sz, sz_decimals), tif, reduce_only, replaces, _words(how, sz_decimals), mac,
    )  # fmt: skip


def _words(how: How | None, sz_decimals: int) -> TriggerWords | TwapWords | None:
    if how is None:
        return None
    if isinstance(how, Trigger):
        return TriggerWords(px_to_str(how.px, sz_decimals), how.kind)
    return TwapWords(how.minutes, how.randomize)


class ApprovalKey:
    """The secret of one run's approvals. It shows itself to nobody."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ConfigError([f"expected an approval key of {KEY_BYTES} bytes, got {len(secret)}"])
        self._secret = secret

    def __repr__(self) -> str:
        return "ApprovalKey(***)"

    def __reduce__(self) -> str:
        raise TypeError("an approval key does not travel")

    @property
    def name(self) -> bytes:
        """Eight bytes that tell keys apart and say nothing about them."""
        return hmac.digest(self._secret, b"name", hashlib.sha256)[:8]

    def seal(self, ticket: Ticket) -> bytes:
        """The seal of the ticket, 32 bytes; whatever `mac` it carries plays no part."""
        return hmac.digest(self._secret, _DOMAIN + _ENCODER.encode(_bare(ticket)), hashlib.sha256)

    def is_genuine(self, ticket: Ticket) -> bool:
        """Was the ticket sealed with this key, as it is?"""
        return hmac.compare_digest(self.seal(ticket), ticket.mac)


def _bare(ticket: Ticket) -> Ticket:
    return msgspec.structs.replace(ticket, mac=b"")
