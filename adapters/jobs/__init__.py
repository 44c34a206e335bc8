"""Doorbells of the job table."""
