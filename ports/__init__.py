"""What the core asks of the world: Protocols, and the values and errors in their signatures."""
