"""Reading, answering and posting comments: each view translates a request into one call and its answer."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, make_response, redirect, url_for

from .. import comments, render, threads
from ..errors import NotFound
from ..language import N_
from ..language import gettext as _
from ..models import Comment
from ..render import Scene
from ..state import get
from .pages import form_page, page, place_of, thread_url
from .submit import submit

blueprint = Blueprint("comments", __name__, url_prefix="/comments")


@blueprint.post("")
def post() -> Response:
    """Post or preview a comment."""
    return submit()


@blueprint.get("/<forum_id:comment_id>")
def permalink(comment_id: int) -> Response:
    """Lead to the page that shows the comment, with what came after ``since`` marked where a mail says so."""
    comment = _seen(comment_id)
    return make_response(redirect(thread_url(get(), comment, render.since("since"))))


@blueprint.get("/<forum_id:comment_id>/held")
def held(comment_id: int) -> Response:
    """Tell its author, and nobody else, that a comment waits for a moderator."""
    comment = comments.get(get().session, comment_id)
    if not get().reader().owns(comment):
        raise NotFound(_("There is no such comment."))
    if comment.state == "published":
        return make_response(redirect(thread_url(get(), comment)))
    return page(
        "forum/plain_page.html",
        title=_("Your comment is waiting for a moderator"),
        paragraphs=[
            _("Thank you. You already see it on the page; others will once it is approved, usually within a day."),
            *([_(_MAIL_LATER)] if get().settings.mail_enabled else []),
        ],
        link=(_("Back to the conversation"), thread_url(get(), comment)),
        actions=[],
        hidden={},
    )


_MAIL_LATER = N_("If you asked to be told about answers, we write to you only after that.")


@blueprint.get("/<forum_id:comment_id>/reply")
def reply(comment_id: int) -> Response:
    """The comment and an empty form below it, for browsers without JavaScript."""
    parent = _published(comment_id)
    place = place_of(parent.thread)
    if place.closed:
        return make_response(redirect(thread_url(get(), parent)))
    form = render.blank_form(get(), render.fresh_stamp(get(), place), parent=parent)
    form.cancel_url = url_for("forum.comments.permalink", comment_id=comment_id)
    return form_page(200, _("Reply to %(name)s", name=parent.name), form, place, parent=parent)


@blueprint.get("/<forum_id:comment_id>/branch")
def branch(comment_id: int) -> Response:
    """A comment and everything below it, alone on a page; a removed one keeps its place above its answers."""
    state, comment = get(), comments.get(get().session, comment_id)
    reader = state.reader()
    lines = threads.branch(state.session, comment, reader) if state.may_see(comment.thread.key) else []
    if not lines or (comment.state == "held" and reader.owns(comment)):
        raise NotFound(_("There is no such comment."))
    above, thread = comment.parent, comment.thread
    scene = Scene(replace(place_of(thread), heading=1), reader, render.since())
    return page(
        "forum/branch.html",
        thread_title=thread.title,
        thread_url=thread.url,
        name=comment.name if comment.state == "published" else None,
        parent=render.shown(state, above) if above is not None and above.state == "published" else None,
        comments=render.comment_list(state, lines, scene),
    )


def _seen(comment_id: int) -> Comment:
    """A comment this reader may know of: published once on a page they may see, or their own."""
    comment = comments.get(get().session, comment_id)
    if get().reader().owns(comment):
        return comment
    if comment.published_at is None or not get().may_see(comment.thread.key):
        raise NotFound(_("There is no such comment."))
    return comment


def _published(comment_id: int) -> Comment:
    comment = comments.get(get().session, comment_id)
    if comment.state != "published" or not get().may_see(comment.thread.key):
        raise NotFound(_("There is no such comment."))
    return comment
