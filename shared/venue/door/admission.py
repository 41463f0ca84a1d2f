"""Whether a signed request may act, and for whom: signer, agent, vault, nonce and expiry, in the venue's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from shared.units import MS, Ns
from shared.venue.core.exchange import Exchange
from shared.venue.door import multi_sig, vault_actions
from shared.venue.door.actions import Action, Envelope, Supported, TypedAction
from shared.venue.door.agents import AgentBook
from shared.venue.door.dealing_actions import UNVAULTED, AgentSendAssetAction
from shared.venue.door.multi_sig import signer_of
from shared.venue.door.multi_sig_actions import MultiSigAction
from shared.venue.door.nonces import NonceBook
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import (
    USER_SIGNED,
    address_from_text,
    connection_id,
    l1_digest,
    packed,
    typed_digest,
)
from shared.venue.door.vault_actions import CreateVaultAction

_OWN: Final[tuple[type[Action], ...]] = (*UNVAULTED, *vault_actions.TYPES.values())
NO_SIGNER: Final = "Unable to recover signer."
NONCE_MISMATCH: Final = "Nonce mismatch."
WRONG_NETWORK: Final = "Mainnet and testnet require different signature."
EXPIRED: Final = "Action already expired"
NO_EXPIRY: Final = "Action does not support expiresAfter."
"""Ours; the venue's own text is not known."""


class Admitted(msgspec.Struct, frozen=True):
    """The request may act for `user`; `signer` is another address if an agent or a master signed."""

    user: str
    signer: str


class Turned(msgspec.Struct, frozen=True):
    """The request may not act; `error` is the venue's text. `stale_for` is whose budget a stale one burdens."""

    error: str
    stale_for: str | None = None


class Admission:
    """Agents and nonces of all signers; who is whose sub-account and who signs for whom, the exchange tells.

    `welcome` tells whether an address has an account, opening one if the house gives one to everybody who signs.
    """

    def __init__(self, settings: DoorSettings, welcome: Callable[[str, Ns], bool], exchange: Exchange) -> None:
        self.agents = AgentBook()
        self._nonces = NonceBook()
        self._network = settings.network
        self._hashes_posted_vault = settings.vault_quirk == "refused"
        self._refuses_agents = settings.multi_sig_agents == "refused"
        self._welcome = welcome
        self._master_of = exchange.master_of
        self._leader_of = exchange.leader_of
        self._signers_of = exchange.signers_of

    def admit(self, envelope: Envelope, action: Supported, now: Ns) -> Admitted | Turned:
        """For whom the request acts, its nonce now used; or why it does not act. A stale expiry costs the nonce too.

        For a multi-sig user acts what is inside the envelope; only the nonces of the one who sends it are looked at.
        """
        acting = action.inner if isinstance(action, MultiSigAction) else action
        refusal = self._misfit(envelope, acting)
        if refusal is not None:
            return Turned(refusal)
        signer = signer_of(self._digest(envelope, action), envelope.signature)
        if signer is None:
            return Turned(NO_SIGNER)
        if isinstance(action, MultiSigAction):
            user = self._multi_sig_user(envelope, action, signer, now)
        else:
            user = self._account(signer, action.is_user_signed, now)
        if isinstance(user, Turned):
            return user
        acted_for = user
        if envelope.vault_address is not None:
            vault = address_from_text(envelope.vault_address)
            if vault is None or user not in (self._master_of(vault), self._leader_of(vault)):
                return Turned(f"Vault not registered: {vault}")
            if not isinstance(acting, (TypedAction, *_OWN)):
                acted_for = vault
        return self._use(envelope, signer, acted_for, now // MS)

    def _use(self, envelope: Envelope, signer: str, user: str, now_ms: int) -> Admitted | Turned:
        refusal = self._nonces.admit(signer, envelope.nonce, now_ms)
        if refusal is None and envelope.expires_after is not None and envelope.expires_after < now_ms:
            return Turned(EXPIRED, stale_for=user)
        return Admitted(user, signer) if refusal is None else Turned(refusal)

    def _account(self, signer: str, is_user_signed: bool, now: Ns) -> str | Turned:
        """Whose account the signer acts for; an agent can't sign as typed data, nor a multi-sig user alone."""
        agent = self._agent(signer, now)
        if agent is not None and not is_user_signed:
            if self._refuses_agents and self._signers_of(agent)[0]:
                return Turned(multi_sig.REQUIRED)
            return agent
        if agent is None and self._welcome(signer, now):
            return Turned(multi_sig.REQUIRED) if self._signers_of(signer)[0] else signer
        if is_user_signed:
            return Turned(f"Must deposit before performing actions. User: {signer}")
        return Turned(f"User or API Wallet {signer} does not exist.")

    def _multi_sig_user(self, envelope: Envelope, action: MultiSigAction, sender: str, now: Ns) -> str | Turned:
        """For whom several signed; `sender` is one of them or an agent of one, and each of the others signed inside."""
        user = action.payload.multi_sig_user
        leader = self._agent(sender, now)
        if leader is None:
            if not self._welcome(sender, now):
                return Turned(multi_sig.NO_LEADER)
            leader = sender
        signers, threshold = self._signers_of(user)
        if not signers:
            return Turned(multi_sig.NO_USER)
        if sender != action.payload.outer_signer or leader not in signers:
            return Turned(multi_sig.BAD_LEADER)
        digest = multi_sig.inner_digest(envelope, action, self._hashed_vault(envelope, action.inner), self._network)
        found = [signer_of(digest, one) for one in action.signatures]
        refusal = multi_sig.refusal_of_signers(found, signers, threshold)
        return user if refusal is None else Turned(refusal)

    def _agent(self, signer: str, now: Ns) -> str | None:
        """Whose agent the signer is; what agents at their end had used is forgotten."""
        agent = self.agents.agent_at(signer, now // MS)
        for ended in self.agents.drain_ended():
            self._nonces.forget(ended)
        return None if agent is None else agent.user

    def _misfit(self, envelope: Envelope, action: Supported) -> str | None:
        """What in the action contradicts its envelope."""
        if isinstance(action, AgentSendAssetAction | CreateVaultAction) and action.nonce != envelope.nonce:
            return NONCE_MISMATCH
        if not isinstance(action, TypedAction):
            return None
        if action.stamp != envelope.nonce:
            return NONCE_MISMATCH
        if action.hyperliquid_chain != self._network:
            return WRONG_NETWORK
        return None if envelope.expires_after is None else NO_EXPIRY

    def _digest(self, envelope: Envelope, action: Supported) -> bytes:
        """What the sender of the request signed."""
        if isinstance(action, TypedAction):
            message = action.message()
            return typed_digest(USER_SIGNED[message["type"]], message, int(action.signature_chain_id, 16))
        if isinstance(action, MultiSigAction):
            vault = self._hashed_vault(envelope, action.inner)
            return multi_sig.outer_digest(envelope, action, vault, self._network)
        vault = self._hashed_vault(envelope, action)
        return l1_digest(connection_id(packed(action), envelope.nonce, vault, envelope.expires_after), self._network)

    def _hashed_vault(self, envelope: Envelope, action: Supported) -> str | None:
        """The vault address as it was hashed: what was posted, but for a quirk of the SDK's where that is taken."""
        is_left_out = isinstance(action, _OWN) and not self._hashes_posted_vault
        return None if is_left_out else envelope.vault_address
