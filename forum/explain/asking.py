"""The question everybody asks, "why was there no mail?": the number of a comment and an address in, lines out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from .. import addresses
from ..errors import NotFound
from ..language import gettext as _
from ..models import Comment
from ..settings import Settings
from .lines import Line, asked, told, told_one


def became(
    session: Session, comment_id: int, email: str | None, settings: Settings, now: dt.datetime
) -> Sequence[Line]:
    """What became of the comment's mail: to everybody, or to ``email`` with the mails that asked it to confirm.

    Raises NotFound for a comment that is not there or an address nobody has commented with, InvalidDraft for what is
    no address.
    """
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound(_("There is no comment %(number)s.", number=comment_id))
    if email is None:
        return told(session, comment, settings, now)
    person = addresses.find(session, addresses.parse(email).key)
    if person is None:
        raise NotFound(_("%(address)s is not known here: nobody with it has commented.", address=email))
    return [*told_one(session, comment, person, settings, now), *asked(session, person, settings, now)]
