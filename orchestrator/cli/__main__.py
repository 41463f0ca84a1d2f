"""`python -m orchestrator.cli` is `hats`."""

from __future__ import annotations

from orchestrator.cli.app import main

main()
