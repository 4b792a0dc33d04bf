"""How often the connections of one process look for mail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from forum import outbox
from forum.mail import outgoing
from forum.mail.deliver import drain
from forum.mail.transport import MailboxTransport
from forum.outbox import Claim
from tests.visitors import Site

CONNECTIONS = 16
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, no connection looks again because time has passed."""
    monkeypatch.setattr(outgoing, "_LOOK", PATIENCE)


def deliver(site: Site, connections: int) -> int:
    """Drain the outbox over this many connections; how many statements it took."""
    with site.statements() as seen, site.app.app_context():
        drain(replace(site.state.courier(), connections=connections))
    return len(seen)


def test_an_empty_outbox_is_looked_at_once(site: Site) -> None:
    """Sixteen connections without mail ask the database no more than one does."""
    deliver(site, 1)
    assert deliver(site, CONNECTIONS) == deliver(site, 1)


def test_what_waited_for_another_mail_leaves_in_the_same_drain(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three mails to one person go one after the other, although an idle connection has just seen that none may."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=0, FORUM_MAIL_COOLDOWN_SECONDS=0)
    asked = {}
    for title in ("Bread", "Cake", "Soup"):
        site.page = site.add_article(title)
        asked[site.page] = site.follower("Ann", f"Tell me of {title}.")
    for site.page, first in asked.items():
        site.comment("News.", parent=first)
    seen, claim, send = threading.Event(), outbox.claim, MailboxTransport.send

    def note(*args: Any) -> list[Claim]:
        claims = claim(*args)
        if not claims:
            seen.set()
        return claims

    monkeypatch.setattr(outbox, "claim", note)
    monkeypatch.setattr(MailboxTransport, "send", lambda *args: seen.wait(PATIENCE) and send(*args))
    deliver(site, CONNECTIONS)
    assert len(site.mails(reason="reply")) == 3
