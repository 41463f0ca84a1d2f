"""Whether a signed request may act, and for whom: signer, agent, vault, nonce and expiry, in the venue's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from shared.units import MS, Ns
from shared.venue.door.actions import Envelope, Supported, TypedAction
from shared.venue.door.agents import AgentBook
from shared.venue.door.dealing_actions import UNVAULTED, AgentSendAssetAction
from shared.venue.door.nonces import NonceBook
from shared.venue.door.settings import DoorSettings
from shared.venue.door.signatures import (
    USER_SIGNED,
    address_from_text,
    connection_id,
    l1_digest,
    packed,
    recover,
    signature_from_wire,
    typed_digest,
)

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
    """Agents and nonces of all signers. `welcome` tells whether an address has an account, opening one if the house
    gives one to everybody who signs; `master_of` names whose sub-account an address is."""

    def __init__(
        self, settings: DoorSettings, welcome: Callable[[str, Ns], bool], master_of: Callable[[str], str | None]
    ) -> None:
        self.agents = AgentBook()
        self._nonces = NonceBook()
        self._network = settings.network
        self._hashes_posted_vault = settings.vault_quirk == "refused"
        self._welcome = welcome
        self._master_of = master_of

    def admit(self, envelope: Envelope, action: Supported, now: Ns) -> Admitted | Turned:
        """For whom the request acts, its nonce now used; or why it does not act. A stale expiry costs the nonce too."""
        if isinstance(action, TypedAction):
            refusal = self._misfit(envelope, action)
            signer = refusal or self._typed_signer(envelope, action)
        else:
            is_other = isinstance(action, AgentSendAssetAction) and action.nonce != envelope.nonce
            refusal = NONCE_MISMATCH if is_other else None
            signer = self._l1_signer(envelope, action)
        if refusal is not None:
            return Turned(refusal)
        if signer is None:
            return Turned(NO_SIGNER)
        user = self._account(signer, action.is_user_signed, now)
        if isinstance(user, Turned):
            return user
        if envelope.vault_address is not None:
            vault = address_from_text(envelope.vault_address)
            if vault is None or self._master_of(vault) != user:
                return Turned(f"Vault not registered: {vault}")
            if not isinstance(action, (TypedAction, *UNVAULTED)):
                user = vault
        return self._use(envelope, signer, user, now // MS)

    def _use(self, envelope: Envelope, signer: str, user: str, now_ms: int) -> Admitted | Turned:
        refusal = self._nonces.admit(signer, envelope.nonce, now_ms)
        if refusal is None and envelope.expires_after is not None and envelope.expires_after < now_ms:
            return Turned(EXPIRED, stale_for=user)
        return Admitted(user, signer) if refusal is None else Turned(refusal)

    def _account(self, signer: str, is_user_signed: bool, now: Ns) -> str | Turned:
        """Whose account the signer acts for; an agent can't sign as typed data."""
        agent = self.agents.agent_at(signer, now // MS)
        for ended in self.agents.drain_ended():
            self._nonces.forget(ended)
        if agent is not None and not is_user_signed:
            return agent.user
        if agent is None and self._welcome(signer, now):
            return signer
        if is_user_signed:
            return Turned(f"Must deposit before performing actions. User: {signer}")
        return Turned(f"User or API Wallet {signer} does not exist.")

    def _misfit(self, envelope: Envelope, action: TypedAction) -> str | None:
        if action.stamp != envelope.nonce:
            return NONCE_MISMATCH
        if action.hyperliquid_chain != self._network:
            return WRONG_NETWORK
        return None if envelope.expires_after is None else NO_EXPIRY

    def _l1_signer(self, envelope: Envelope, action: Supported) -> str | None:
        signature = signature_from_wire(envelope.signature.r, envelope.signature.s, envelope.signature.v)
        if signature is None:
            return None
        vault = envelope.vault_address
        if isinstance(action, UNVAULTED) and not self._hashes_posted_vault:
            vault = None
        hashed = connection_id(packed(action), envelope.nonce, vault, envelope.expires_after)
        return recover(l1_digest(hashed, self._network), signature)

    def _typed_signer(self, envelope: Envelope, action: TypedAction) -> str | None:
        signature = signature_from_wire(envelope.signature.r, envelope.signature.s, envelope.signature.v)
        if signature is None:
            return None
        message = action.message()
        return recover(
            typed_digest(USER_SIGNED[message["type"]], message, int(action.signature_chain_id, 16)), signature
        )
