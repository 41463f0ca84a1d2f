"""The exchange's law, pure: venue, risk, ledger and backtest obey this one text."""
