"""The reference site as a WSGI application: ``flask --app wsgi run``, ``waitress-serve wsgi:app``."""

from pathlib import Path

from forum import create_app

app = create_app(Path(__file__).parent)
