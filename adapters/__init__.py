"""Ports kept with real technology: one folder per technology family, strangers to each other."""
