"""Sealing large files, and handing their keys to devices."""
