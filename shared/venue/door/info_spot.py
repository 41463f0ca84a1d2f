"""/info about spot: tokens, pairs, contexts and balances."""

from __future__ import annotations

from typing import Any, Final

from shared.units import Ns
from shared.venue.door import spot_shapes
from shared.venue.door.bodies import BodyRefused
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser, Nothing, Question
from shared.venue.door.render import Json


class AboutToken(Question, frozen=True):
    """Asks about one token by its id."""

    token_id: str


def spot_meta(desk: Desk, _: Nothing, __: Ns) -> Json:
    """`spotMeta`."""
    return spot_shapes.spot_meta(desk.exchange)


def spot_meta_and_ctxs(desk: Desk, _: Nothing, now: Ns) -> list[Any]:
    """`spotMetaAndAssetCtxs`."""
    return [spot_shapes.spot_meta(desk.exchange), spot_shapes.spot_ctxs(desk.answers, now)]


def spot_state(desk: Desk, asked: AboutUser, _: Ns) -> Json:
    """`spotClearinghouseState`; no rows for a stranger. Nobody has portfolio margin here, so that wish is ignored."""
    return spot_shapes.spot_state(desk.exchange, asked.user)


def token_details(desk: Desk, asked: AboutToken, now: Ns) -> Json:
    """`tokenDetails`; 500 `null` for an id that no token has."""
    for token in desk.exchange.tokens.values():
        if token.token_id == asked.token_id.lower():
            return spot_shapes.token_details(desk.answers, token, now)
    raise BodyRefused(500, "null")


TYPES: Final[dict[str, InfoType]] = {
    "spotMeta": (Nothing, spot_meta),
    "spotMetaAndAssetCtxs": (Nothing, spot_meta_and_ctxs),
    "spotClearinghouseState": (AboutUser, spot_state),
    "tokenDetails": (AboutToken, token_details),
}
