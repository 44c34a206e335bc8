"""Looking into media files, in child processes that can be killed; names; derived files."""
