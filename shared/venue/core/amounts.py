"""Amounts and tokens as users spell them, made exact."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from shared.errors import VenueError
from shared.units import USD_DECIMALS, Usd
from shared.venue.core import money_words as words
from shared.venue.core.tokens import Token
from shared.venue.core.world import World

LONGEST: Final = 64
LARGEST: Final = 10**30
"""More of any smallest unit than there can be."""


class NotAnAmount(VenueError):  # noqa: N818 - a venue's answer, named as such
    """Answer with `said`: the text is no amount of that token, or no token at all."""

    def __init__(self, said: str) -> None:
        super().__init__("not an amount", said)
        self.said = said


def usd_amount(text: str) -> Usd:
    """Positive micro-USDC; NotAnAmount in the venue's words. Exact scientific notation is taken (measured)."""
    return Usd(_scaled(text, USD_DECIMALS, words.INVALID_DECIMALS))


def token_amount(world: World, spelled: str, text: str) -> tuple[Token, int]:
    """The token of that name (`PURR:0x...`, or the bare name) and a positive amount in wei; or NotAnAmount."""
    for token in world.tokens.values():
        if spelled in (token.wire_name, token.name):
            return token, _scaled(text, token.wei_decimals, words.INVALID_SEND)
    raise NotAnAmount(words.unknown_token(spelled))


def _scaled(text: str, decimals: int, too_fine: str) -> int:
    """The integer of 10^-decimals."""
    try:
        value = Decimal(text) if len(text) <= LONGEST and "_" not in text and text == text.strip() else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or value < 0 or value.adjusted() + decimals > LONGEST:
        raise NotAnAmount(words.INVALID_NUMBER)
    if value == 0:
        raise NotAnAmount(words.ZERO_SEND)
    numerator, denominator = value.as_integer_ratio() if value.adjusted() + decimals >= 0 else (1, 0)
    if denominator == 0 or numerator * 10**decimals % denominator:
        raise NotAnAmount(too_fine)
    whole = int(numerator * 10**decimals // denominator)
    if whole > LARGEST:
        raise NotAnAmount(words.INVALID_NUMBER)
    return whole
