"""Execution algorithms, pure: from a parent and its market to the one child order that should be working."""
