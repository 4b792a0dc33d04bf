"""``flask forum mail``: what was mailed and why not, whether mail can work here, and one more try."""

from __future__ import annotations

import click

from .deliver import deliver
from .doctor import doctor
from .explain import explain
from .restored import restored
from .retry import retry
from .status import status
from .trial import trial

__all__ = ["deliver", "mail"]


@click.group()
def mail() -> None:
    """See what was mailed and why not, and whether mail works."""


for command in (doctor, explain, restored, retry, status, trial):
    mail.add_command(command)
