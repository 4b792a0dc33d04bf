"""A moderator's answer to a comment, written at the desk: it travels like any other, after the approval it may need."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from ... import addresses, comments, moderation, sanitize
from ...addresses import Mailbox
from ...clashes import is_clash
from ...comments import Submission
from ...errors import Conflict, InvalidDraft
from ...language import N_
from ...language import gettext as _
from ...models import Address, Audit, Comment
from ...moderation.acts import Press
from ...screening import Draft
from ...signals import comment_posted
from ...sqlite import begin_writing
from ...state import ForumState, get
from ...tokens import Stamp, new_nonce
from ..mail_pages import SESSION_CHANGED, session_holds
from ..own import BUSY
from ..pages import place_of
from . import acts, announcing, said
from .access import Actor, guard, moderator
from .frame import desk
from .one import about

blueprint = Blueprint("desk_reply", __name__, url_prefix="/moderation/comments/<forum_id:comment_id>/reply")
blueprint.before_request(guard)

_NONCE = re.compile("[A-Za-z0-9_-]{22}")
_TRIES = 3
_SET_ASIDE = N_("This comment is not on the page and does not wait, so it cannot be answered. Your text is kept here.")


@blueprint.get("")
def form(comment_id: int) -> Response:
    """The comment with an empty form below it; the script of the queue takes the form out and puts it into the row."""
    return _form(get(), comments.get(get().session, comment_id))


@blueprint.post("")
def answer(comment_id: int) -> Response:
    """Post the answer, and first approve what waits: both or neither. Whatever is wrong, the text stays."""
    state = get()
    comment = comments.get(state.session, comment_id)
    if not session_holds():
        return _form(state, comment, 422, errors={"body": _(SESSION_CHANGED)})
    try:
        draft, mailbox = _draft(state, comment)
        if "preview" in request.form:
            html = sanitize.comment_html(draft.body, engine=state.settings.sanitizer)
            return _form(state, comment, preview=Markup(html))  # just sanitised
        return _post(state, comment, draft, mailbox)
    except InvalidDraft as error:
        return _again(state, comment_id, 422, errors={error.field: error.message})
    except Conflict as conflict:
        return _again(state, comment_id, 409, bar=said.of_conflict(conflict, moderator(state)))
    except OperationalError:
        return _again(state, comment_id, 503, errors={"body": _(BUSY)})


def _draft(state: ForumState, comment: Comment) -> tuple[Draft, Mailbox | None]:
    """What was typed, as its author's own. Raises InvalidDraft."""
    if comment.state not in ("held", "published"):
        raise InvalidDraft("body", _(_SET_ASIDE))
    body = sanitize.body(request.form.get("body", ""), max_length=state.settings.max_length)
    actor = moderator(state)
    name, mailbox = _name(actor), _mailbox(state, actor)
    email = mailbox.email if mailbox else None
    return Draft(comment.thread.key, comment.id, name, email, None, body), mailbox


def _name(actor: Actor) -> str:
    if actor.is_guest:
        return sanitize.name(request.form.get("name", ""))
    # What the host calls its people they cannot put right here.
    with suppress(InvalidDraft):
        return sanitize.name(sanitize.excerpt(actor.name, sanitize.NAME_LENGTH))
    return _("Moderator")


def _mailbox(state: ForumState, actor: Actor) -> Mailbox | None:
    """The moderator's own address, so that the answer is found where their data is asked for."""
    identity = state.identity()
    email = actor.ref if actor.is_guest else identity.email if identity else None
    with suppress(InvalidDraft):
        return addresses.parse(email, sender=state.settings.mail_from) if email else None
    return None


def _post(state: ForumState, comment: Comment, draft: Draft, mailbox: Mailbox | None) -> Response:
    submission, id_ = _submission(state, comment, draft, mailbox), comment.id
    # What was read until here may be outdated once it is our turn to write.
    state.session.rollback()
    for left in reversed(range(_TRIES)):
        try:
            return said.back(f"reply.{_store(state, submission, id_)}")
        except (IntegrityError, OperationalError) as error:
            state.session.rollback()
            if not left or not is_clash(error):
                raise
    raise AssertionError("unreachable")


def _submission(state: ForumState, comment: Comment, draft: Draft, mailbox: Mailbox | None) -> Submission:
    identity, place, nonce = state.identity(), place_of(comment.thread), request.form.get("nonce", "")
    # No limit counts this and no stamp is asked for: the session says who it is, the nonce makes two presses one.
    return Submission(
        stamp=Stamp(place.key, place.title, place.url, nonce if _NONCE.fullmatch(nonce) else new_nonce(), place.closed),
        draft=draft,
        mailbox=mailbox,
        notify="",
        seconds=0.0,
        honeypot=False,
        network=state.network(),
        identity_ref=identity.key if identity else None,
        vouched=identity is not None and state.vouched(identity),
        is_moderator=True,
    )


def _store(state: ForumState, submission: Submission, comment_id: int) -> str:
    """Approve, answer and commit; the batch by which both are undone."""
    session, press = state.session, acts.new_press(state)
    begin_writing(session)
    mark = announcing.newest(state)
    _approve(state, press, comment_id)
    posted = comments.post(session, submission, state.settings, press.now, (), state.desk)
    if posted.repeated:
        batch = _batch_of(state, posted.comment.id)
        session.rollback()
        return batch
    # Taken back it waits: nobody's words are lost by an undo.
    press.record(session, posted.comment, "reply", "held", "published", version=posted.comment.version, first=True)
    session.flush()
    comment_posted.send(state.app, comment=posted.comment)
    announcing.announce(state, press.batch, mark)
    session.commit()
    state.kick()
    return press.batch


def _approve(state: ForumState, press: Press, comment_id: int) -> None:
    """Publish what waits, as it was seen. Raises Conflict; what somebody else has published meanwhile is answered."""
    if comments.get(state.session, comment_id, for_update=True).state == "held":
        moderation.acts.decide(state.session, press, "approve", comment_id, acts.version())


def _batch_of(state: ForumState, reply_id: int) -> str:
    """The press by which an answer was posted the first time."""
    about = (Audit.subject_kind == "comment", Audit.subject_id == reply_id, Audit.act == "reply")
    return state.session.scalar(select(Audit.batch).where(*about).limit(1)) or ""


def _again(state: ForumState, comment_id: int, status: int, **more: Any) -> Response:
    state.session.rollback()
    return _form(state, comments.get(state.session, comment_id), status, **more)


def _form(state: ForumState, comment: Comment, status: int = 200, **more: Any) -> Response:
    actor = moderator(state)
    given = {
        "body": request.form.get("body", ""),
        "name": request.form.get("name") or _last_name(state, actor),
        "nonce": request.form.get("nonce") or new_nonce(),
        "is_closed": place_of(comment.thread).closed,
        "errors": {},
        "preview": None,
    }
    return desk("forum/moderation/reply.html", status, **about(comment) | given | more)


def _last_name(state: ForumState, actor: Actor) -> str:
    """How this moderator signed the last time."""
    query = select(Comment.name).join(Address, Address.id == Comment.address_id)
    query = query.where(Address.email == actor.ref, Comment.is_moderator).order_by(Comment.id.desc()).limit(1)
    return state.session.scalar(query) or actor.name
