"""Tokens: their units, their names, and that two can't share a place."""

from __future__ import annotations

import msgspec
import pytest

from shared.errors import UnitError
from shared.venue.core.tokens import USDC, Token, tokens_by_index

PURR = Token("PURR", 1, 0, 5, "0xc1fb593aeffbeb02f85e0308e9956a90")
HYPE = Token("HYPE", 150, 2, 8, "0x0d01dc56dcaaca66ad901c959b4011ec")


def test_amounts_are_exact_in_the_token_s_own_wei() -> None:
    """Text, lots and wei of a token say the same amount."""
    assert USDC.wei("19.9969993") == 1_999_699_930
    assert USDC.text(1_999_699_930) == "19.9969993"
    assert PURR.wei_from_lots(7) == PURR.wei("7") == 700_000
    assert HYPE.wei_from_lots(25) == HYPE.wei("0.25")
    with pytest.raises(UnitError):
        PURR.wei("0.000001")


def test_a_token_is_named_on_the_wire_with_its_id() -> None:
    """Transfers name a token as NAME:id."""
    assert PURR.wire_name == "PURR:0xc1fb593aeffbeb02f85e0308e9956a90"


def test_tokens_are_found_by_index_and_usdc_is_always_there() -> None:
    """The same token may come twice, sparse indices are fine, USDC is token 0."""
    assert tokens_by_index([HYPE, PURR, HYPE, USDC]) == {0: USDC, 1: PURR, 150: HYPE}
    assert tokens_by_index([]) == {0: USDC}


@pytest.mark.parametrize("change", [{"name": "FAKE"}, {"index": 2}])
def test_two_different_tokens_can_t_share_an_index_or_an_id(change: dict[str, object]) -> None:
    """Neither another name under the same index nor another index under the same id."""
    with pytest.raises(UnitError):
        tokens_by_index([PURR, msgspec.structs.replace(PURR, **change)])


def test_sizes_can_t_be_finer_than_wei() -> None:
    """A lot must be a whole number of wei."""
    with pytest.raises(UnitError):
        Token("ODD", 9, 6, 5, "0x09")
