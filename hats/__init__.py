"""The nine. No Hat imports another, nor the orchestrator; each folder has the same face."""
