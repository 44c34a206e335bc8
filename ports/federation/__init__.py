"""Peers, credentials and the trail."""
