"""The capture log: every frame as it was received, and every gap as a row, in append-only segments that prove it."""
