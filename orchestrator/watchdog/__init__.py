"""The watchdog: a process outside Ray with a key and a line to the venue of its own; it acts when the desk can't."""
