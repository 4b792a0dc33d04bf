"""What people of the catalogue do and see: moderators decide, readers mute, tests look into the ledger."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import select, update

from forum import moderation
from forum.models import Address, Comment, Item, Subscription
from tests.visitors import Site

ANN = "ann@reader.example"
BEN = "ben@reader.example"
CEM = "cem@reader.example"
VOID = frozenset({"meta", "br", "hr", "img", "link", "input", "base"})


def told(site: Site, to: str | None = None) -> list[tuple[str, str]]:
    """To whom mail about comments has gone and for which reason, oldest first."""
    mails = [(mail["To"], mail["X-Forum-Reason"]) for mail in site.mails(to)]
    return [(address, reason) for address, reason in mails if reason != "confirm"]


def skips(site: Site) -> list[str | None]:
    """Why each item was not mailed, oldest first; None where it was, or may be."""
    with site.session() as session:
        return [item.skip_reason for item in session.scalars(select(Item).order_by(Item.id))]


def decide(site: Site, id_: int, decision: moderation.acts.Act) -> None:
    """Have a moderator decide on a comment as it is now."""
    with site.session() as session:
        version = session.get_one(Comment, id_).version
        press = moderation.acts.Press(site.state.keys, site.state.settings, "test", site.clock())
        moderation.acts.decide(session, press, decision, id_, version)
        session.commit()


def rewrite(site: Site, id_: int, **values: Any) -> None:
    """Change a comment where it is stored, past every door."""
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == id_).values(**values))
        session.commit()


def block(site: Site, email: str) -> None:
    """Have the staff ban whoever has this address."""
    with site.session() as session:
        session.execute(update(Address).where(Address.key == email).values(state="blocked"))
        session.commit()


def pace(site: Site, email: str, cadence: str) -> None:
    """Have somebody choose how often they want to hear of what they follow."""
    with site.session() as session:
        whose = select(Address.id).where(Address.key == email).scalar_subquery()
        session.execute(update(Subscription).where(Subscription.address_id == whose).values(cadence=cadence))
        session.commit()


def text_of(mail: EmailMessage) -> str:
    """What a mail says in plain text."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    """The HTML of a mail."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def comments_in(mail: EmailMessage) -> list[int]:
    """The comments a mail links to, in its order."""
    return [int(number) for number in re.findall(r"/forum/comments/(\d+)", text_of(mail))]


def field(raw: bytes, name: str) -> list[bytes]:
    """Every value a header has in the bytes of a mail, folds included."""
    lines = re.split(rb"\r\n(?![ \t])", raw.partition(b"\r\n\r\n")[0])
    return [line.partition(b": ")[2] for line in lines if line.lower().startswith(f"{name.lower()}:".encode())]


class Markup(HTMLParser):
    """The elements of a page: ``references`` are all values that could load or lead somewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.references: list[str] = []
        self.texts: list[tuple[str, list[dict[str, str | None]]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.references += re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.references += [
            value or "" for name, value in attrs if name in ("href", "src", "srcset", "action", "background", "data")
        ]
        if tag not in VOID:
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append((data, [attributes for _, attributes in self._open]))

    def around(self, words: str) -> list[dict[str, str | None]]:
        """The attributes of every element around the first text that holds ``words``."""
        return next(attributes for text, attributes in self.texts if words in text)
