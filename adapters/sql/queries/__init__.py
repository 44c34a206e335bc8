"""Read side: projections made for one page each, never whole entities."""
