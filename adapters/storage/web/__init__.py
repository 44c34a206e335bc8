"""Films on the web: directory listings, feeds, plain lists of addresses."""
