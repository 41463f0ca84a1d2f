"""A client for door tests: bodies signed by the official SDK, so that the door never judges its own work."""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from hyperliquid.utils.signing import sign_agent, sign_l1_action

from shared.units import MS, Ns
from shared.venue.door.door import Door

START = Ns(1_700_000_000_000 * MS)


class WireClient:
    """One key. Nonces count up from the start time unless given."""

    def __init__(self, number: int, vault_address: str | None = None) -> None:
        self.wallet = Account.from_key(number.to_bytes(32, "big"))
        self.address = self.wallet.address.lower()
        self.vault_address = vault_address
        self._nonce = START // MS

    def body(
        self, action: dict[str, Any], nonce: int | None = None, expires_after: int | None = None
    ) -> dict[str, Any]:
        """The signed envelope of an L1 action."""
        if nonce is None:
            nonce = self._nonce = self._nonce + 1
        signature = sign_l1_action(self.wallet, action, self.vault_address, nonce, expires_after, False)
        return envelope(action, nonce, signature, self.vault_address, expires_after)

    def agent_body(self, address: str, name: str | None, nonce: int | None = None) -> dict[str, Any]:
        """The signed envelope that approves an agent, as the SDK posts it."""
        if nonce is None:
            nonce = self._nonce = self._nonce + 1
        action = {"type": "approveAgent", "agentAddress": address, "agentName": name or "", "nonce": nonce}
        signature = sign_agent(self.wallet, action, False)
        if name is None:
            del action["agentName"]
        return envelope(action, nonce, signature, None, None)

    def send(self, door: Door, action: dict[str, Any], now: Ns = START) -> Any:
        """The door's reply to a signed action over HTTP."""
        return post(door, "/exchange", self.body(action), now)


def envelope(
    action: dict[str, Any], nonce: int, signature: dict[str, Any], vault: str | None, expires_after: int | None
) -> dict[str, Any]:
    """The outer object, with the nulls that the SDK sends."""
    return {
        "action": action,
        "nonce": nonce,
        "signature": signature,
        "vaultAddress": vault,
        "expiresAfter": expires_after,
    }


def order_wire(px: str, sz: str, is_buy: bool = True, tif: str = "Gtc", asset: int = 0, **more: Any) -> dict[str, Any]:
    """One order in the order of keys that the venue hashes."""
    wire = {"a": asset, "b": is_buy, "p": px, "s": sz, "r": more.pop("reduce_only", False)}
    return wire | {"t": {"limit": {"tif": tif}}} | more


def order_action(*orders: dict[str, Any]) -> dict[str, Any]:
    """An order action."""
    return {"type": "order", "orders": list(orders), "grouping": "na"}


def post(door: Door, path: str, body: Any, now: Ns = START) -> Any:
    """The parsed 200 answer of the door to a JSON body."""
    status, kind, answer = door.http(path, "application/json", json.dumps(body).encode(), now)
    assert (status, kind) == (200, "application/json"), (status, answer)
    return json.loads(answer)
