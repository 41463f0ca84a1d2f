"""The signer: a process of its own that holds one agent key and signs only what its policy allows."""
