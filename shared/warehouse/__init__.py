"""What the desk has seen, kept so that it can be proven: the capture log of raw frames, and what is built from it."""
