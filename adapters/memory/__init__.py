"""A full and honest set of adapters without any I/O: for tests, and for trying things out."""
