"""What balances are made of: the tokens of the exchange, each with its own smallest unit (wei)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from shared.errors import UnitError
from shared.units import scaled_from_str, str_from_scaled

USDC_INDEX: Final = 0
QUOTE_DECIMALS: Final = 8
"""Wei decimals that a quote token must have, so that price x size is its exact wei."""
USD_WEI: Final = 100
"""Wei of USDC in one micro-USDC."""


class EvmContract(msgspec.Struct, frozen=True):
    """Where the token lives on the venue's EVM; told, never used here."""

    address: str
    evm_extra_wei_decimals: int


class Token(msgspec.Struct, frozen=True):
    """One token as `spotMeta` describes it. Amounts are integers of 10^-wei_decimals, `sz_decimals` rule its orders.

    `supply` is what `tokenDetails` tells in plain notation. Indices are sparse on the venue: never use list positions.
    """

    name: str
    index: int
    sz_decimals: int
    wei_decimals: int
    token_id: str
    full_name: str | None = None
    is_canonical: bool = False
    evm_contract: EvmContract | None = None
    deployer_fee_share: str = "0.0"
    supply: str = "0.0"

    def __post_init__(self) -> None:
        if not 0 <= self.sz_decimals <= self.wei_decimals:
            raise UnitError(f"expected 0 <= szDecimals <= weiDecimals, got {self}")

    @property
    def wire_name(self) -> str:
        """`NAME:0x...`, as transfers name the token."""
        return f"{self.name}:{self.token_id}"

    def wei(self, text: str) -> int:
        """Amount from the venue's text; UnitError for digits finer than a wei."""
        return scaled_from_str(text, self.wei_decimals)

    def text(self, wei: int) -> str:
        """Amount in plain notation without trailing zeros."""
        return str_from_scaled(wei, self.wei_decimals)

    def wei_from_lots(self, lots: int) -> int:
        """Exact amount of an order's size."""
        return int(lots * 10 ** (self.wei_decimals - self.sz_decimals))

    def lots_from_wei(self, wei: int) -> int:
        """Whole lots in an amount; what is finer stays behind."""
        return int(wei // 10 ** (self.wei_decimals - self.sz_decimals))


USDC: Final = Token("USDC", USDC_INDEX, 8, 8, "0x6d1e7cde53ba9467b783cb7c530ce054", is_canonical=True)
"""Token 0, as recorded from mainnet."""


def tokens_by_index(tokens: Iterable[Token]) -> dict[int, Token]:
    """USDC and the tokens, by index in rising order; UnitError if two different ones have the same index or id."""
    found = {USDC_INDEX: USDC}
    ids = {USDC.token_id: USDC_INDEX}
    for token in tokens:
        if found.setdefault(token.index, token) != token or ids.setdefault(token.token_id, token.index) != token.index:
            raise UnitError(f"two tokens in the place of {token.name}")
    return dict(sorted(found.items()))
