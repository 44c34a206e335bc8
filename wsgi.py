"""The WSGI application, for any server and for ``flask --app wsgi``."""

from app import create_app

app = create_app()
