"""``flask forum …``: everything an operator, a moderator or a script does without a browser."""

from __future__ import annotations

from .articles import article
from .config import config
from .database import db
from .demo import demo
from .doctor import doctor
from .forget import forget
from .group import forum_cli
from .mail import deliver, mail
from .moderators import moderator
from .person import person
from .prune import prune
from .resanitize import resanitize
from .spam_filter import spam_filter

__all__ = ["forum_cli"]

for command in (
    article,
    config,
    db,
    deliver,
    demo,
    doctor,
    forget,
    mail,
    moderator,
    person,
    prune,
    resanitize,
    spam_filter,
):
    forum_cli.add_command(command)
