"""``flask forum prune``: the privacy clock, for sites without mail and for whoever does not want to wait a day."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from ..mail.keeping import counts, keep_clock
from ..state import get


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@with_appcontext
def prune(dry_run: bool) -> None:
    """Delete what is older than the keys FORUM_KEEP_… say. Safe to stop at any time, and to run beside workers."""
    courier = get().courier()
    numbers = counts(courier) if dry_run else keep_clock(courier)
    over = [f"{name}: {number}" for name, number in numbers.items() if number]
    click.echo("\n".join(over) or "Nothing is older than it may be.")
