"""The witness holds the Hats' words against each other's, and samples what no Hat can be trusted to say of itself."""
