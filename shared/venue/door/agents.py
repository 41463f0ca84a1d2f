"""Who may sign for whom: the API wallets that accounts have approved."""

from __future__ import annotations

import re
from typing import Final

import msgspec

DAY_MS: Final = 86_400_000
DEFAULT_LIFE_MS: Final = 90 * DAY_MS
LONGEST_LIFE_MS: Final = 180 * DAY_MS
NAMED_AGENTS: Final = 3
AGENTS_PER_SUB: Final = 2
"""More named agents for each sub-account. Source: fact sheet 9."""
NAME_LENGTH: Final = 16
REMOVAL_MS: Final = 5_000
NOBODY: Final = "0x" + "0" * 40
ALREADY_USED: Final = "Extra agent already used."
"""Also said for the address of an account, which would lose its own voice; the venue's text for that is not known."""
_EXPIRY: Final = re.compile(r"(.*?) ?valid_until (\d{1,18})", re.DOTALL)


class Agent(msgspec.Struct, frozen=True):
    """A key that may trade for `user` until `valid_until_ms`. The unnamed one has the name ''."""

    user: str
    name: str
    address: str
    valid_until_ms: int


class AgentBook:
    """All approved agents. Addresses are lower-case; expiry is enforced when somebody looks, as on the venue."""

    def __init__(self) -> None:
        self._by_address: dict[str, Agent] = {}
        self._by_user: dict[str, dict[str, Agent]] = {}
        self._removed_ms: dict[tuple[str, str], int] = {}
        self._ended: list[str] = []

    def approve(self, user: str, address: str, spelled_name: str, now_ms: int, extra: int = 0) -> str | None:
        """None if `address` is now the user's agent of that name (the zero address: it has none); else the refusal.

        A name may end in ` valid_until <ms>`. A new agent replaces the one of the same name. `extra` agents may
        be named beyond the usual number.
        """
        name, valid_until_ms = split_expiry(spelled_name, now_ms)
        agents = self._by_user.setdefault(user, {})
        if address == NOBODY:
            self._remove(user, name, now_ms)
            return None
        refusal = self._refusal(agents, Agent(user, name, address, valid_until_ms), now_ms, NAMED_AGENTS + extra)
        if refusal is not None:
            return refusal
        if name in agents:
            self._end(agents[name])
        agents[name] = self._by_address[address] = Agent(user, name, address, valid_until_ms)
        return None

    def agent_at(self, address: str, now_ms: int) -> Agent | None:
        """The agent whose key `address` is, if it may still sign."""
        agent = self._by_address.get(address)
        if agent is not None and agent.valid_until_ms <= now_ms:
            self._end(agent)
            return None
        return agent

    def named_agents(self, user: str, now_ms: int) -> list[Agent]:
        """The user's named agents that may still sign, in order of approval; the unnamed one is not listed."""
        agents = self._by_user.get(user, {}).values()
        return [agent for agent in agents if agent.name and agent.valid_until_ms > now_ms]

    def unnamed_agent(self, user: str, now_ms: int) -> Agent | None:
        """The user's unnamed agent, if it may still sign."""
        agent = self._by_user.get(user, {}).get("")
        return agent if agent is not None and agent.valid_until_ms > now_ms else None

    def expire(self, user: str) -> int:
        """How many agents the user had; all are at their end now."""
        agents = list(self._by_user.get(user, {}).values())
        for agent in agents:
            self._end(agent)
        return len(agents)

    def drain_ended(self) -> list[str]:
        """Addresses that stopped being agents since the last call; their nonces are to be forgotten."""
        ended, self._ended = self._ended, []
        return ended

    def _refusal(self, agents: dict[str, Agent], agent: Agent, now_ms: int, limit: int) -> str | None:
        if len(agent.name) > NAME_LENGTH or agent.valid_until_ms > now_ms + LONGEST_LIFE_MS:
            return "Invalid agent name or expiry."
        if agent.valid_until_ms <= now_ms:
            return "Agent valid_until already expired."
        if now_ms - self._removed_ms.get((agent.user, agent.name), -REMOVAL_MS) < REMOVAL_MS:
            return "User has pending agent removal"
        if agent.address == agent.user or self.agent_at(agent.address, now_ms) is not None:
            return ALREADY_USED
        named = {known.name for known in agents.values() if known.name and known.valid_until_ms > now_ms}
        if agent.name and agent.name not in named and len(named) >= limit:
            return f"Too many extra agents for cumulative volume traded. Current limit is {limit}"
        return None

    def _remove(self, user: str, name: str, now_ms: int) -> None:
        agent = self._by_user[user].get(name)
        if agent is not None:
            self._end(agent)
            self._removed_ms[user, name] = now_ms

    def _end(self, agent: Agent) -> None:
        self._by_address.pop(agent.address, None)
        if self._by_user[agent.user].get(agent.name) is agent:
            del self._by_user[agent.user][agent.name]
        self._ended.append(agent.address)


def split_expiry(spelled_name: str, now_ms: int) -> tuple[str, int]:
    """The bare name and the expiry in ms that an agent name spells; 90 days from now when it spells none."""
    match = _EXPIRY.fullmatch(spelled_name)
    return (match[1], int(match[2])) if match else (spelled_name, now_ms + DEFAULT_LIFE_MS)
