"""The reference site's Alembic environment, in which revisions of the package are written against its database."""

from forum.migrations import configure
from wsgi import app

with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
    configure(connection)
