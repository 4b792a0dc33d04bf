"""The pages of Forum: one blueprint of ours with a child for each kind of page, and the bundled articles beside it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, request
from sqlalchemy.exc import OperationalError
from werkzeug import exceptions

from .. import errors, migrations
from ..state import get
from . import (
    articles,
    comments,
    dev,
    health,
    mail,
    mail_pages,
    metrics,
    new_address,
    own,
    own_by_mail,
    poll,
    preferences,
    proof,
    report,
)
from .desk import acts, audit, author, by_mail, dashboard, ledger, lists, many, one, privacy, queue, reply, sign_in
from .desk import missing as desk_missing
from .desk import pages as desk_pages
from .desk import refusals as desk_refusals
from .desk import settings as desk_settings

__all__ = ["articles_blueprint", "forum_blueprint"]

articles_blueprint = articles.blueprint
forum_blueprint = Blueprint(
    "forum", __name__, template_folder="../templates", static_folder="../static", static_url_path="/static"
)
_OF_COMMENTS = (queue, acts, many, one, reply)
_AT_DESK = (by_mail, sign_in, desk_pages, desk_refusals, desk_settings, dashboard, audit, ledger, desk_missing)
_DESK = (*_OF_COMMENTS, *_AT_DESK)
_PEOPLE = (author, lists, privacy)
_OWN = (own, own_by_mail, mail, preferences, new_address)
_PAGES = (comments, poll, proof, report, *_OWN, *_DESK, *_PEOPLE, dev, health, metrics)
for child in _PAGES:
    forum_blueprint.register_blueprint(child.blueprint)

# What these act with is a stamp, a visitor's cookie, a token from a mail or the session's own, and they prove it
# themselves; a host's CSRFProtect would refuse the mail providers' one-click requests, lose what people typed, and
# look for the token under whatever name the host gave to its field.
_PROVE_THEMSELVES = tuple(child.blueprint for child in (comments, report, *_OWN, *_DESK, *_PEOPLE))

_BY_MAIL = frozenset(
    f"forum.{child.blueprint.name}" for child in (mail, preferences, own_by_mail, new_address, by_mail)
)


@forum_blueprint.url_value_preprocessor
def exempt_from_host_check(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Tell the host's CSRFProtect which of our views prove themselves.

    This runs before the host's own check of the same request, so it holds whether CSRFProtect was set up before
    or after Forum; nothing outside our blueprint is touched.
    """
    csrf = current_app.extensions.get("csrf")
    if csrf is not None:
        for blueprint in _PROVE_THEMSELVES:
            csrf.exempt(blueprint)


@forum_blueprint.before_request
@articles_blueprint.before_request
def wake() -> None:
    """Let in-process delivery pick up what an earlier process left, once the first page is asked for."""
    get().wake()


@forum_blueprint.errorhandler(OperationalError)
def busy(error: OperationalError) -> Any:
    """Say that the database is locked or away, in the host's own words if it has some; nothing was stored."""
    get().session.rollback()
    # Not the whole error and no path: they hold addresses and the tokens of mail links.
    remedy = " Run `flask forum db upgrade`." if migrations.is_missing(error) else ""
    current_app.logger.error("forum: the database cannot be used: %s.%s", error.orig, remedy)
    return current_app.handle_user_exception(exceptions.ServiceUnavailable(retry_after=5))


@forum_blueprint.errorhandler(errors.NotFound)
@forum_blueprint.errorhandler(errors.BadToken)
def missing(error: errors.ForumError) -> Any:
    """Answer with the host's own page for what does not exist, for moderators at the desk with the desk's; forged and
    unknown look the same.
    """
    own = desk_missing.page(error) if isinstance(error, errors.NotFound) else None
    return own or _of_host(error.message)


def _of_host(sentence: str) -> Any:
    """The host's page for what does not exist; where it has none, people who come from a mail get one of ours."""
    answer = current_app.handle_user_exception(exceptions.NotFound(sentence))
    # Without a handler it comes back as it was: a page half in English for whoever was written to in Arabic.
    bare = isinstance(answer, exceptions.HTTPException)
    return mail_pages.nothing_here(sentence) if bare and request.blueprint in _BY_MAIL else answer
