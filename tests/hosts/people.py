"""Who lives on the foreign hosts, and how they sign in."""

from __future__ import annotations

import re
from typing import Any

from tests.hosts.blog.models import Friend, Post, User, db
from tests.visitors import Site, Visitor

# Nothing waits and nothing is held, and mail goes to the mailbox.
RELAXED: dict[str, Any] = {
    "TESTING": True,
    "FORUM_BASE_URL": "http://localhost",
    "FORUM_MODERATION": "none",
    "FORUM_RATE_LIMITS": [],
    "FORUM_MIN_SECONDS": 0,
    "FORUM_MAIL_TRANSPORT": "mailbox",
    "FORUM_MAIL_FROM": "notes@blog.example",
    "FORUM_MAIL_HOLD_SECONDS": 0,
    "FORUM_MAIL_COOLDOWN_SECONDS": 0,
    "FORUM_MAIL_CONFIRM_LIMITS": [],
}
ADA, BO = "ada@blog.example", "bo@blog.example"


def open_blog(site: Site) -> Site:
    """Give the blog its own tables, Ada (who runs it), Bo (her friend), and an open, a private and a closed post."""
    site.page = "/posts/1"
    with site.app.app_context():
        db.create_all()
        db.session.add_all([User(id=1, name="Ada", email=ADA, is_admin=True), User(id=2, name="Bo", email=BO)])
        db.session.add(Post(id=1, title="Open", text="For all."))
        db.session.add(Post(id=2, title="Private", is_private=True, friends=[Friend(user_id=1), Friend(user_id=2)]))
        db.session.add(Post(id=3, title="Closed", is_closed=True))
        db.session.commit()
    return site


def sign_in(site: Site, email: str) -> Visitor:
    """Somebody of the blog in a browser of their own, signed in."""
    visitor = site.visitor()
    name = site.app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
    token = field(visitor.get("/sign-in").text, name)
    assert visitor.client.post("/sign-in", data={"email": email, name: token}).status_code == 303
    return visitor


def field(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return found[1]
