"""Deciding from a mail: a link shows one comment as it is now, and acts when a button is pressed.

The token is the only authority: it was mailed to one moderator, for one comment, and the first press uses it up, since
every act makes another version of the comment. No cookie is set, and none is needed.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import BadRequest

from ... import addresses, audit, comments, render, sanitize
from ...errors import Conflict, ExpiredToken, NotFound
from ...language import N_, ngettext
from ...language import gettext as _
from ...models import Comment
from ...moderation import acts
from ...moderation.acts import Press
from ...moderation.notices import LINK_DAYS, Act, Link, read_link
from ...moderation.undo import undo
from ...negotiation import speak
from ...screening import chips
from ...sqlite import begin_writing
from ...state import ForumState, get
from ..mail_pages import PRESS, Action, mail_page, unseen
from ..pages import bare
from . import announcing
from .access import Actor, actor_of

blueprint = Blueprint("by_mail", __name__, url_prefix="/m")

_LABELS: dict[Act, str] = {"approve": N_("Approve"), "spam": N_("Spam"), "undo": N_("Undo")}
_CHANGED = N_("This comment has changed since you got the link. Please look at it again.")
_DONE = {"published": N_("Approved"), "spam": N_("Marked as spam")}
_STANDS = {
    "published": N_("It is published"),
    "spam": N_("It is marked as spam"),
    "rejected": N_("It is rejected"),
    "removed": N_("It is removed"),
}


@blueprint.route("/a/<token>", methods=["GET", "POST"])
def page(token: str) -> Response:
    """Show the comment a link is about, or decide on it. Raises BadToken or NotFound for whoever may not."""
    state = get()
    if request.method == "POST":
        request.max_content_length = 4096
        begin_writing(state.session)
    link = read_link(state.keys, token)
    actor = _actor(state, link)
    try:
        link.check(state.clock())
    except ExpiredToken:
        return _too_old()
    comment = comments.get(state.session, link.comment_id)
    return _act(state, link, comment, actor) if request.method == "POST" else _show(state, link, comment)


def _too_old() -> Response:
    good = ngettext("It was good for %(n)s day.", "It was good for %(n)s days.", LINK_DAYS)
    return mail_page(_("This link is too old"), [good, _("What still waits is in the queue of the site.")])


def _actor(state: ForumState, link: Link) -> Actor:
    address = addresses.get(state.session, link.address_id)
    speak(address.locale if address is not None else None)
    actor = actor_of(state.settings, address.key) if address is not None else None
    if actor is None:
        raise NotFound(_("This link is not good any more."))
    return actor


def _act(state: ForumState, link: Link, comment: Comment, actor: Actor) -> Response:
    act = next((act for act in _LABELS if act == request.form.get("action")), None)
    if act is None:
        raise BadRequest(_(PRESS))
    if comment.version != link.version or act not in _offered(link, comment):
        return _show(state, link, comment, 409)
    try:
        _carry_out(state, act, comment, actor)
    except Conflict:
        state.session.rollback()
        return _show(state, link, comments.get(state.session, link.comment_id), 409)
    after = link.now_for(comment, "approve" if act == "undo" else "undo").token(state.keys)
    state.session.commit()
    state.kick()
    return unseen(make_response(redirect(url_for("forum.by_mail.page", token=after), 303)))


def _carry_out(state: ForumState, act: Act, comment: Comment, actor: Actor) -> None:
    if act == "undo":
        _undo(state, comment, actor)
        return
    press = Press(state.keys, state.settings, actor.ref, state.clock())
    mark = announcing.newest(state)
    acts.decide(state.session, press, act, comment.id, comment.version)
    announcing.announce(state, press.batch, mark)


def _undo(state: ForumState, comment: Comment, actor: Actor) -> None:
    session, now = state.session, state.clock()
    row = audit.newest(session, "comment", comment.id)
    # Only what this moderator did last: another one's decision is taken back at the desk.
    if row is None or row.batch is None or row.actor != actor.ref:
        raise audit.conflict(session, comment)
    mark = announcing.newest(state)
    if not undo(session, state.keys, state.settings, row.batch, actor=actor.ref, now=now).done:
        raise audit.conflict(session, comment)
    announcing.announce_undone(state, row.batch, mark)


def _offered(link: Link, comment: Comment) -> list[Act]:
    """What may be pressed: the act of the link first; to undo an act needs the comment as that act left it."""
    if link.act == "undo" and comment.version == link.version and comment.state in _DONE:
        return ["undo"]
    if comment.state != "held":
        return []
    return ["spam", "approve"] if link.act == "spam" else ["approve", "spam"]


def _show(state: ForumState, link: Link, comment: Comment, status: int = 200) -> Response:
    offered = _offered(link, comment)
    done = offered == ["undo"]
    row = None if offered else audit.newest(state.session, "comment", comment.id)
    fresh = link.now_for(comment, link.act if done or link.act != "undo" else "approve")
    return bare(
        "forum/moderation/by_mail.html",
        status,
        title=_title(comment, done, bool(offered)),
        changed=_(_CHANGED) if comment.version != link.version and offered else None,
        by=audit.name_of(row.actor) if row else None,
        at=row.at if row else None,
        comment=render.shown(state, comment),
        # Links are spelled out: what a stranger wrote is not followed by a slip of the mouse.
        html=Markup(sanitize.mail_html(comment.source, links=True)),  # just sanitised
        reasons=[chips.chip(reason).text for reason in comment.reasons],
        thread_title=comment.thread.title,
        created_at=comment.created_at,
        action=url_for("forum.by_mail.page", token=fresh.token(state.keys)),
        actions=[Action(_(_LABELS[act]), act, primary=act == offered[0]) for act in offered],
        queue_url=url_for("forum.moderation.queue"),
        site_name=state.settings.site_name,
    )


def _title(comment: Comment, done: bool, waits: bool) -> str:
    if done:
        return _(_DONE[comment.state])
    if waits:
        return _("What shall become of it?")
    return _(_STANDS[comment.state]) if comment.state in _STANDS else _("It was decided")
