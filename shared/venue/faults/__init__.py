"""What can go wrong between a client and the exchange, on request: seeded, scripted, recorded; off unless asked for."""
