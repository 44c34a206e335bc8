"""Large files for known people on known devices: format, manifest, roles, devices."""
