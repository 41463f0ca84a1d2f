"""Actor shell of the Cryptographic Security Architect; made a Ray actor at launch, so that it travels by reference."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hats.security_architect.audit_log import AuditLog, name_of
from hats.security_architect.checkpoint_file import checkpoints_path
from hats.security_architect.checkpointer import Checkpointer
from hats.security_architect.client import SignerEdge
from hats.security_architect.line import SignerLine
from hats.security_architect.logic import SecurityArchitect
from hats.security_architect.settings import Settings
from shared.edge import Edge
from shared.hat import Hat
from shared.ids import Role
from shared.shell import HatShell, LaunchSpec


class SecurityArchitectActor(HatShell):
    """One Cryptographic Security Architect in a process of its own; the key is in yet another."""

    role: ClassVar[Role] = Role.SECURITY_ARCHITECT

    def make_hat(self, spec: LaunchSpec) -> Hat:
        """The Hat, from its settings."""
        return SecurityArchitect(Settings.model_validate_json(spec.settings))

    def make_edge(self, spec: LaunchSpec) -> Edge | None:
        """The signer's client and the audit log."""
        settings = Settings.model_validate_json(spec.settings)
        path, socket = Path(spec.run_dir) / "audit.jsonl", Path(settings.signer_socket)
        # a line of its own, for checkpoints are asked for on the log's thread and must not delay an order
        notary = SignerLine(socket, settings.network, settings)
        checkpointer = Checkpointer(name_of(path), checkpoints_path(path), notary, settings)
        log = AuditLog(path, settings.audit_sync_ms, checkpointer)
        return SignerEdge(lambda met: SignerLine(socket, settings.network, settings, met), log)
