"""Rows in SQLite and PostgreSQL, through SQLAlchemy Core."""
