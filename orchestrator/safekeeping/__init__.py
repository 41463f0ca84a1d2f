"""What must outlive a run: backups and their way back, runs at rest, how long they stay and how they go."""
