"""Run by Alembic for every command on our tables; the connection is handed in by :mod:`forum.migrations`."""

from __future__ import annotations

from alembic import context

from forum.migrations import VERSION_TABLE
from forum.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, type_, parents: type_ != "table" or name in Base.metadata.tables,
    # SQLite cannot alter a table in place.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
