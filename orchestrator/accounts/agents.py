"""EDGE: an account's agents at the exchange: listed, and approved by what the master signed elsewhere."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError

import msgspec

from hats.security_architect.key_rules import Approval
from shared.errors import VenueError, VenueProtocolError, VenueUnreachable

_TIMEOUT_S = 10


class _Agent(msgspec.Struct, rename="camel"):
    name: str
    address: str
    valid_until: int | None = None


class _RoleData(msgspec.Struct):
    user: str | None = None


class _Role(msgspec.Struct):
    role: str
    data: _RoleData | None = None


def agents_at(base_url: str, user: str) -> dict[str, Approval]:
    """The account's named agents by lower-case address; VenueError if the exchange does not tell."""
    reply = _post(f"{base_url}/info", msgspec.json.encode({"type": "extraAgents", "user": user}))
    try:
        listed = msgspec.json.decode(reply, type=list[_Agent])
    except msgspec.MsgspecError as error:
        raise VenueProtocolError(f"expected agents: {error}", reply[:200].decode("utf-8", "replace")) from error
    return {agent.address.lower(): Approval(agent.name, agent.valid_until) for agent in listed}


def master_of(base_url: str, address: str) -> str | None:
    """Whose agent the address is, in lower case; None if it is nobody's. VenueError if the exchange does not tell."""
    reply = _post(f"{base_url}/info", msgspec.json.encode({"type": "userRole", "user": address}))
    try:
        role = msgspec.json.decode(reply, type=_Role)
    except msgspec.MsgspecError as error:
        raise VenueProtocolError(f"expected a role: {error}", reply[:200].decode("utf-8", "replace")) from error
    return role.data.user.lower() if role.role == "agent" and role.data is not None and role.data.user else None


def submit_approval(base_url: str, body: bytes) -> None:
    """The exchange took the approval when this returns; VenueError with its words if it did not."""
    reply = _post(f"{base_url}/exchange", body)
    if b'"status":"ok"' not in reply:
        raise VenueError("the exchange did not take the agent", reply[:200].decode("utf-8", "replace"))


def _post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the configured venue
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310  # nosec B310
            return bytes(reply.read())
    except HTTPError as error:
        raise VenueProtocolError(f"HTTP {error.code}", error.read()[:200].decode("utf-8", "replace")) from error
    except OSError as error:
        raise VenueUnreachable(f"{url}: no answer", str(error)) from error
