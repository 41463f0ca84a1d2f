"""Recorded requests to /exchange and their replies play again here: the same outcome in the same words."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Final

import pytest

from shared.instrument import Instrument
from shared.units import USD, Usd
from shared.venue.core.commands import Deposit, SetPrices
from shared.venue.core.exchange import Exchange
from shared.venue.core.listing import list_perp
from shared.venue.door.door import Door
from shared.venue.door.settings import DoorSettings
from tests.contract.recordings import FOLDER, MISSING, Recorded, recorded
from tests.unit.shared.venue.door.wire_client import START, WireClient

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING)

ASSET: Final = 173
MARK: Final = "0.2"
NOT_PLAYED: Final = {"perpDeploy": "nobody deploys dexs here, and the successes look made by hand"}
ORDER_KEYS: Final = ("a", "b", "p", "s", "r", "t", "c")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}\b")


def _scripts() -> dict[str, list[Recorded]]:
    """The recorded requests of each file, in order."""
    scripts: dict[str, list[Recorded]] = defaultdict(list)
    for one in recorded("/exchange"):
        if one.kind not in NOT_PLAYED:
            scripts[one.file].append(one)
    return scripts


SCRIPTS: Final = _scripts()


def _canonical(action: dict[str, Any]) -> dict[str, Any]:
    """The action with its keys in the order in which they are hashed; the recorder sorted them."""
    if action["type"] == "order":
        orders = [{key: one[key] for key in ORDER_KEYS if key in one} for one in action["orders"]]
        return {"type": "order", "orders": orders, "grouping": action["grouping"]}
    return {"type": action["type"], "cancels": action["cancels"]}


def _with_oids(action: dict[str, Any], oids: dict[int, int]) -> dict[str, Any]:
    """The action about our orders where it was about theirs."""
    if action["type"] != "cancel":
        return action
    return action | {"cancels": [one | {"o": oids.get(one["o"], one["o"])} for one in action["cancels"]]}


def _masked(reply: Any) -> Any:
    """The reply without ids and addresses."""
    if isinstance(reply, dict):
        return {key: 0 if key == "oid" else _masked(value) for key, value in reply.items()}
    if isinstance(reply, list):
        return [_masked(value) for value in reply]
    return _ADDRESS.sub("0x", reply) if isinstance(reply, str) else reply


def _oids(reply: Any) -> list[int]:
    """Ids of the orders that rest now."""
    data = reply["response"]["data"] if isinstance(reply["response"], dict) else {"statuses": []}
    return [one["resting"]["oid"] for one in data["statuses"] if isinstance(one, dict) and "resting" in one]


def _door(user: str) -> Door:
    """As many perps as the test network had; the recorded one trades at a fifth of a dollar in whole coins."""
    coins = [Instrument(f"C{asset}", asset, 0, 10) for asset in range(ASSET + 1)]
    exchange = Exchange([list_perp(coin) for coin in coins], start_ns=START)
    door = Door(exchange, DoorSettings(fund={user: Usd(1_000 * USD)}), START)
    door.apply(Deposit("0x" + "ee" * 20, Usd(USD)), START)
    door.apply(SetPrices(ASSET, coins[ASSET].px(MARK)), START)
    return door


@pytest.mark.parametrize("file", sorted(SCRIPTS))
def test_recorded_requests_come_to_the_recorded_end(file: str) -> None:
    """Signed anew and sent in order, each request is answered as it was, down to the keys, ids and addresses apart.

    Who was unknown to the venue is unknown here: his request is signed with another key.
    """
    known, unknown = WireClient(1), WireClient(2)
    door, oids = _door(known.address), dict[int, int]()
    for one in SCRIPTS[file]:
        client = unknown if file == "Orders_InvalidAuth" else known
        reply = client.send(door, _with_oids(_canonical(one.request["action"]), oids))
        assert _masked(reply) == _masked(one.reply)
        assert list(reply) == list(one.reply)
        oids |= dict(zip(_oids(one.reply), _oids(reply), strict=True))


def test_every_recorded_action_is_played_or_said_not_to_be() -> None:
    """No recorded kind of action is forgotten."""
    played = {one.kind for script in SCRIPTS.values() for one in script}
    assert {one.kind for one in recorded("/exchange")} == played | set(NOT_PLAYED)
    assert played == {"order", "cancel", "cancelByCloid"}
