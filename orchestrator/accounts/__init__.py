"""Whose money it is: accounts, their agents and owners, and what is kept of each from one run to the next."""
