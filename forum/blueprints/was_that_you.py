"""No header says which page a form came from: its sender is asked once, and what the answer proves is bound to them."""

from __future__ import annotations

from flask import Response, request, url_for

from ..language import gettext as _
from ..state import ForumState
from ..tokens import Stamp
from .pages import page


def ask(state: ForumState, stamp: Stamp) -> Response:
    """A page only the sender sees, with the text kept and one button."""
    hidden = {name: value for name, value in request.form.items(multi=True) if name != "confirmed"}
    return page(
        "forum/plain_page.html",
        title=_("Was that you?"),
        paragraphs=[
            _("Your browser does not say which page your comment was written on, so we ask before we post it."),
            _("Your text is kept. Press the button and it is on its way."),
        ],
        link=(_("Do not post it"), stamp.url),
        actions=[(_("Yes, post my comment"), "post", url_for("forum.comments.post"), "primary")],
        hidden=hidden | {"confirmed": state.keys.sign("confirmed", _sealed(state, stamp))},
    )


def is_answered(state: ForumState, stamp: Stamp, seal: str) -> bool:
    """Whether ``seal`` is from the page of :func:`ask` for the same form."""
    return state.keys.verify("confirmed", _sealed(state, stamp), seal)


def _sealed(state: ForumState, stamp: Stamp) -> str:
    # Bound to the network that asked: another site cannot fetch an answer for its victim.
    return f"{stamp.nonce}|{state.network()}"
