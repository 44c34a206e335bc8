"""Repositories: entities in and out of a transaction that somebody else begins and ends."""
