"""How a moderator of the stand-alone site signs in: by a link that is mailed and works once, and for how long."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete
from sqlalchemy.orm import Session

from .. import addresses, audit, outbox
from ..addresses import Mailbox
from ..errors import InvalidDraft
from ..models import SignIn
from ..settings import Settings
from ..tokens import Keys, message_id

LINK_LIFE = dt.timedelta(minutes=30)
# However busy a moderator is: after two weeks somebody else may have the machine, or the cookie.
SESSION_LIFE = dt.timedelta(days=14)
_NOBODY = ""


def new_link(session: Session, email: str, now: dt.datetime) -> SignIn:
    """A one-time sign-in for a moderator; its token is made from the row's id."""
    row = SignIn(email=email.casefold(), created_at=now, expires_at=now + LINK_LIFE)
    session.add(row)
    session.flush()
    return row


def mail_link(session: Session, keys: Keys, settings: Settings, email: str, now: dt.datetime) -> None:
    """Send a one-time sign-in to ``email``, as typed, if it belongs to a moderator; nothing to anybody else.

    As much is read and written either way, so that the time it takes does not tell who moderates. Without mail
    nothing is written at all.
    """
    if not settings.mail_enabled:
        return
    mailbox = _mailbox(email)
    if mailbox is not None and mailbox.key in settings.moderators:
        _mail(session, keys, settings, mailbox, now)
    else:
        addresses.find(session, mailbox.key if mailbox else _NOBODY)
        _note(session, new_link(session, _NOBODY, now), "sign_in_asked", "visitor", now)
    session.flush()


def open_link(session: Session, row_id: int, settings: Settings, now: dt.datetime) -> SignIn | None:
    """The sign-in a link stands for, if it is unused, young, and still that of a moderator."""
    row = session.get(SignIn, row_id)
    if row is None or row.used_at is not None or row.expires_at <= now or row.email not in settings.moderators:
        return None
    return row


def use(session: Session, row: SignIn, now: dt.datetime) -> bool:
    """Use the link up; False when another press at the same moment was faster."""
    # Two presses at one moment: the second waits here and finds the link used.
    session.refresh(row, with_for_update=True)
    if row.used_at is not None:
        return False
    row.used_at = now
    _note(session, row, "signed_in", row.email, now)
    session.flush()
    return True


def signed_in(session: Session, row_id: int, settings: Settings, now: dt.datetime) -> str | None:
    """The address of whoever came in by this sign-in; None once it was ended, is too old, or they moderate no more."""
    row = session.get(SignIn, row_id)
    if row is None or row.used_at is None or row.used_at + SESSION_LIFE <= now or row.email not in settings.moderators:
        return None
    return row.email


def sign_out(session: Session, row_id: int, email: str, *, everywhere: bool = False) -> None:
    """End a sign-in, whoever kept a copy of its cookie; ``everywhere`` ends all of this address, unused links too."""
    which = SignIn.email == email if everywhere else SignIn.id == row_id
    session.execute(delete(SignIn).where(which))


def _mailbox(email: str) -> Mailbox | None:
    try:
        return addresses.parse(email)
    except InvalidDraft:
        return None


def _mail(session: Session, keys: Keys, settings: Settings, mailbox: Mailbox, now: dt.datetime) -> None:
    address = addresses.meet(session, mailbox, now)
    row = new_link(session, mailbox.key, now)
    rfc_id = message_id(keys, settings.mail_domain or "", "l", row.id, "sign_in", row.id)
    session.add(outbox.message(address, "sign_in", rfc_id, now, LINK_LIFE, data={"sign_in": row.id}))


def _note(session: Session, row: SignIn, act: str, actor: str, now: dt.datetime) -> None:
    audit.record(session, row, act, actor=actor[:190], now=now)
