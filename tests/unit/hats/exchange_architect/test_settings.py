"""Settings refuse what could only fail later."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hats.exchange_architect.settings import Settings


def test_defaults_are_the_local_exchange_without_an_account() -> None:
    """Nothing must be configured to look at the local exchange."""
    plain = Settings()
    assert (plain.base_url, plain.user_address) == ("http://127.0.0.1:3001", None)


def test_addresses_are_brought_into_the_venues_form() -> None:
    """Lower case with 0x; a slash at the end of the address of the venue goes."""
    made = Settings(user_address="AB" * 20, base_url="https://api.hyperliquid.xyz/")
    assert (made.user_address, made.base_url) == ("0x" + "ab" * 20, "https://api.hyperliquid.xyz")


@pytest.mark.parametrize("wrong", [{"base_url": "api.hyperliquid.xyz"}, {"user_address": "0x12"}, {"coins": ()}])
def test_impossible_values_are_refused(wrong: dict[str, object]) -> None:
    """A scheme-less URL, a short address, no coin."""
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]
