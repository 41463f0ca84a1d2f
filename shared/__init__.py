"""The language: what at least two Hats must agree on. Knows no Hat."""
