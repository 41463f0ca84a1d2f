"""Hyperliquid's protocol before the core: signatures, limits, requests, subscriptions, and the edge that listens."""
