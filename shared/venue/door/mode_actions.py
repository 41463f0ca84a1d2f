"""The /exchange schemas about how an account's money is kept."""

from __future__ import annotations

from typing import Any, Final, Literal

from shared.venue.core.dealings import Mode
from shared.venue.door.actions import U64, Action, Address, TypedAction

MODES: Final = {"i": Mode.DISABLED, "u": Mode.UNIFIED, "p": Mode.PORTFOLIO}
"""The short forms, in which agents and multi-sig envelopes spell them."""


class UserDexAbstractionAction(TypedAction, frozen=True, tag="userDexAbstraction"):
    """Share the first dex's USDC with the others, or no longer; the account's own or a sub-account's."""

    user: Address
    enabled: bool
    nonce: U64


class UserSetAbstractionAction(TypedAction, frozen=True, tag="userSetAbstraction"):
    """Choose a mode, for oneself or a sub-account. Inside a multi-sig envelope it stands in its short form."""

    user: Address
    abstraction: Literal["disabled", "unifiedAccount", "portfolioMargin", "i", "u", "p"]
    nonce: U64

    @property
    def mode(self) -> Mode:
        """The mode chosen."""
        return MODES.get(self.abstraction) or Mode(self.abstraction)

    def message(self) -> dict[str, Any]:
        """Signed with the mode's full name, however it is spelled."""
        return super().message() | {"abstraction": self.mode.value}


class AgentEnableDexAbstractionAction(Action, frozen=True, tag="agentEnableDexAbstraction"):
    """As `userDexAbstraction`, signed like an order; only an account whose mode nobody chose can have it."""


class AgentSetAbstractionAction(Action, frozen=True, tag="agentSetAbstraction"):
    """As `userSetAbstraction`, signed like an order; only an account whose mode nobody chose can have it."""

    abstraction: Literal["i", "u", "p"]


TYPES: Final[dict[str, type[Action]]] = {
    "userDexAbstraction": UserDexAbstractionAction,
    "userSetAbstraction": UserSetAbstractionAction,
    "agentEnableDexAbstraction": AgentEnableDexAbstractionAction,
    "agentSetAbstraction": AgentSetAbstractionAction,
}
