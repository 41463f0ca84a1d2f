"""Who trades beside the clients: synthetic traders, and recorded books and trades played back."""
