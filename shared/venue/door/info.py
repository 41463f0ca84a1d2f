"""The /info door: one registry of every request type that this exchange can answer truthfully, and its reader.

A new type is one more entry in the `TYPES` of its subject's module, a new subject one more line in `TYPES` here.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.units import Ns
from shared.venue.door import (
    info_access,
    info_account,
    info_dexs,
    info_fees,
    info_fills,
    info_ledger,
    info_limits,
    info_market,
    info_orders,
    info_outcomes,
    info_portfolio,
    info_rewards,
    info_spot,
    info_subaccounts,
    info_twap,
    info_vaults,
    info_webdata,
)
from shared.venue.door.actions import canonical_address
from shared.venue.door.bodies import BAD_SHAPE, BodyRefused, repeated_keys
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import Question

TYPES: Final[dict[str, InfoType]] = {
    **info_dexs.TYPES,
    **info_market.TYPES,
    **info_spot.TYPES,
    **info_orders.TYPES,
    **info_fills.TYPES,
    **info_twap.TYPES,
    **info_account.TYPES,
    **info_fees.TYPES,
    **info_subaccounts.TYPES,
    **info_ledger.TYPES,
    **info_rewards.TYPES,
    **info_portfolio.TYPES,
    **info_vaults.TYPES,
    **info_limits.TYPES,
    **info_outcomes.TYPES,
    **info_access.TYPES,
    **info_webdata.TYPES,
}


def read_question(value: Any) -> tuple[str, Question]:
    """The type and the request; BodyRefused 422 for what is not asked here. `["userRole", "0x..."]` is read too."""
    if isinstance(value, list) and value and isinstance(value[0], str) and value[0] in TYPES:
        names = TYPES[value[0]][0].__struct_encode_fields__
        value = dict(zip(("type", *names), value, strict=False))
    name = value.get("type") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in TYPES:
        raise BodyRefused(422, BAD_SHAPE)
    schema = TYPES[name][0]
    if repeated_keys(value) & {"type", *schema.__struct_encode_fields__}:
        raise BodyRefused(422, BAD_SHAPE)
    try:
        question = msgspec.convert(value, schema)
    except msgspec.ValidationError as error:
        raise BodyRefused(422, BAD_SHAPE) from error
    user = getattr(question, "user", None)
    return name, question if user is None else msgspec.structs.replace(question, user=canonical_address(user))


def answer(desk: Desk, name: str, question: Question, now: Ns) -> Any:
    """The answer as JSON; BodyRefused where the venue's HTTP layer would fail."""
    return TYPES[name][1](desk, question, now)
