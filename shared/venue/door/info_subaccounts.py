"""/info about sub-accounts."""

from __future__ import annotations

from typing import Any, Final

from shared.units import Ns
from shared.venue.core.dealings import Mode
from shared.venue.door import account_shapes, info_spot
from shared.venue.door.desk import Desk, InfoType
from shared.venue.door.questions import AboutUser
from shared.venue.door.render import Json


def sub_accounts(desk: Desk, asked: AboutUser, now: Ns) -> list[Json] | None:
    """`subAccounts`: null for somebody without any."""
    rows = []
    for sub, row in _rows(desk, asked, now):
        rows.append(row | {"clearinghouseState": _state(desk, sub, now), "spotState": _spot(desk, sub, now)})
    return rows or None


def sub_accounts_2(desk: Desk, asked: AboutUser, now: Ns) -> list[Json] | None:
    """`subAccounts2`: as `subAccounts`, with a state for each dex; with none of a unified account, as reported."""
    rows = []
    for sub, row in _rows(desk, asked, now):
        dexs = {} if desk.exchange.mode_of(sub) is Mode.UNIFIED else desk.answers.dexs
        states: list[Any] = [[dex, _state(desk, sub, now, number)] for dex, number in dexs.items()]
        rows.append(row | {"dexToClearinghouseState": states, "spotState": _spot(desk, sub, now)})
    return rows or None


def _rows(desk: Desk, asked: AboutUser, _: Ns) -> list[tuple[str, Json]]:
    """Each sub-account's address, and what both types tell of it."""
    rows = []
    for sub in desk.exchange.sub_accounts(asked.user):
        name = desk.exchange.identity(sub).name
        rows.append((sub, {"name": name, "subAccountUser": sub, "master": asked.user}))
    return rows


def _state(desk: Desk, sub: str, now: Ns, dex: int = 0) -> Json:
    return account_shapes.clearinghouse_state(desk.exchange, sub, now, dex)


def _spot(desk: Desk, sub: str, now: Ns) -> Json:
    return info_spot.spot_state(desk, AboutUser(sub), now)


TYPES: Final[dict[str, InfoType]] = {
    "subAccounts": (AboutUser, sub_accounts),
    "subAccounts2": (AboutUser, sub_accounts_2),
}
