"""The command line: `hats`, and `python -m orchestrator.cli`."""

from __future__ import annotations

from orchestrator.cli.app import main

__all__ = ["main"]
