"""Message bytes between processes: one framing, three ways to carry it (in-process, Unix socket, TCP)."""
