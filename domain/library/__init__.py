"""Works, videos and the places they live in."""
