"""Run by Alembic for every command on our tables; it is handed what to do, as a host may shadow the package's name."""

from __future__ import annotations

from alembic import context

context.config.attributes["run"]()
