"""The local exchange: a pure `core`, the `door` that speaks Hyperliquid's protocol, the order `flow` beside clients."""
