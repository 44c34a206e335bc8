"""Rules that need no I/O, no clock and no randomness; standard library only."""
