"""What a run came to and why, told from its journal and its audit log."""
