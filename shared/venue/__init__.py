"""The local exchange: a pure core (matching, accounts, funding) behind doors that speak Hyperliquid's own protocol."""
