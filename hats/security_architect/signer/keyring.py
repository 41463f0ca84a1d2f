"""The agents that one signer holds, by the nonces that each spent: one signs, those before it only repeat and fence.

All share the nonces, approvals and bounds, so that no change of the agent is a way around them. Nonces rise, so an
agent's own are those above the highest that was spent when it took over, up to where the next one did.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from hats.security_architect.signer.signing import AgentKey
from shared.errors import ConfigError, InvariantError

HELD_MAX: Final = 4
"""An agent that took over is drained within a minute; nobody rotates faster."""


class Held(NamedTuple):
    """An agent: its nonces are those above `floor`; nothing it signed can act after `until_ms`."""

    key: AgentKey
    floor: int
    until_ms: int


class Keyring:
    """Held agents, oldest first; the last one signs what is new."""

    def __init__(self, held: Iterable[Held]) -> None:
        self._held = list(held)
        if not self._held:
            raise InvariantError("a signer without an agent")
        if any(after.floor < before.floor for before, after in zip(self._held, self._held[1:], strict=False)):
            raise InvariantError("agents that took over in another order than their nonces")

    @property
    def current(self) -> AgentKey:
        """Who signs."""
        return self._held[-1].key

    @property
    def held(self) -> tuple[Held, ...]:
        """All of them, oldest first."""
        return tuple(self._held)

    def signer_of(self, nonce: int) -> AgentKey | None:
        """Who spent the nonce; None if that agent was retired."""
        for one in reversed(self._held):
            if nonce > one.floor:
                return one.key
        return None

    def note(self, until_ms: int) -> None:
        """Something was signed that can act until then."""
        last = self._held[-1]
        if until_ms > last.until_ms:
            self._held[-1] = last._replace(until_ms=until_ms)

    def check(self, key: AgentKey) -> None:
        """Nothing if `key` may take over; ConfigError if it is held, or too many are."""
        if any(one.key.address == key.address for one in self._held):
            raise ConfigError([f"{key.address} is held already"])
        if key.network is not self.current.network:
            raise ConfigError([f"expected a key for {self.current.network}, got one for {key.network}"])
        if len(self._held) >= HELD_MAX:
            raise ConfigError([f"{HELD_MAX} agents are held already: retire the oldest first"])

    def switch(self, key: AgentKey, high: int) -> None:
        """`key` signs from here on, above the nonce `high`; ConfigError if it may not."""
        self.check(key)
        self._held.append(Held(key, high, 0))

    def retire(self, address: str, now_ms: int) -> None:
        """Forget the oldest agent; ConfigError if the address is another's, or something it signed may still act."""
        oldest = self._held[0]
        if oldest.key.address != address:
            raise ConfigError([f"expected the oldest agent held, {oldest.key.address}, got {address}"])
        if len(self._held) == 1:
            raise ConfigError([f"{address} is the one that signs"])
        if oldest.until_ms > now_ms:
            raise ConfigError(
                [f"{address} is not drained: what it signed may act for {oldest.until_ms - now_ms} ms more"]
            )
        del self._held[0]
