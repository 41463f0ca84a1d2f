"""The heart: puts every message in one order, writes it down, delivers it, supervises and scores."""
