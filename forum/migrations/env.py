"""Run by Alembic for every command on our tables; the connection is handed in by :mod:`forum.migrations`."""

from __future__ import annotations

from alembic import context

from forum.migrations import configure

configure(context.config.attributes["connection"])
