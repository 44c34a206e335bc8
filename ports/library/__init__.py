"""Storage, media and the catalogue."""
