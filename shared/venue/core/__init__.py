"""The pure exchange: commands and time in, statuses and events out, exact integers, no I/O."""
