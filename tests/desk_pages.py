"""A moderator in front of the pages of the desk, who reads what stands there and presses the buttons they find."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

from forum.cli.moderators import sign_in_link
from tests.visitors import Site, Visitor

QUEUE = "/forum/moderation/"
ANNA, OLGA = "anna@forum.example", "olga@forum.example"
# An admin, and a moderator beside them.
ADA, MO = "ada@forum.example", "mo@forum.example"


@dataclass
class Form:
    """A form of a page: its fields as they would be sent, and its buttons by what a screen reader calls them."""

    action: str
    id: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


class Forms(HTMLParser):
    """All forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._button: tuple[str, list[tuple[str, str]]] | None = None
        self._is_labelled = False
        self._text: tuple[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what belongs to a form."""
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(has.get("action", ""), has.get("id", ""))
            self.found.append(self._open)
        form = next((form for form in self.found if form.id == has.get("form")), self._open)
        if form is None:
            return
        if tag == "input" and (has.get("type") not in ("checkbox", "radio") or "checked" in has):
            form.fields.append((has["name"], has.get("value", "")))
        if tag == "button":
            self._is_labelled = "aria-label" in has
            self._button = has.get("aria-label", ""), [(has["name"], has["value"])] if "name" in has else []
        if tag == "textarea":
            self._text = has["name"], ""

    def handle_data(self, data: str) -> None:
        """Keep what a button says, and what a textarea holds."""
        if self._text is not None:
            self._text = self._text[0], self._text[1] + data
        elif self._button is not None and not self._is_labelled:
            self._button = self._button[0] + data, self._button[1]

    def handle_endtag(self, tag: str) -> None:
        """Close what ends here."""
        if tag == "form":
            self._open = None
        if tag == "button" and self._button is not None and self._open is not None:
            self._open.buttons[self._button[0].strip()] = self._button[1]
            self._button = None
        if tag == "textarea" and self._text is not None and self._open is not None:
            self._open.fields.append((self._text[0], self._text[1].removeprefix("\n")))
            self._text = None


class Moderator:
    """Somebody at the desk, with the page they look at; only ``press`` and ``open`` lead to another one."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page, self.url = visitor, "", QUEUE

    def open(self, path: str = QUEUE) -> str:
        """Look at a page."""
        answer = self.visitor.get(path)
        assert answer.status_code == 200, answer.status
        self.page, self.url = answer.text, path
        return self.page

    def send(self, button: str, picked: list[str] | None = None, **typed: str) -> TestResponse:
        """Send the form with this button, with other words in some of its fields, and return the answer."""
        form = next(form for form in Forms(self.page).found if button in form.buttons)
        fields = [pair for pair in form.fields if pair[0] not in typed and not (picked and pair[0] == "picked")]
        fields += [*typed.items(), *form.buttons[button], *(("picked", row) for row in picked or [])]
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        return self.visitor.client.post(form.action or self.url, data=data)

    def press(self, button: str, picked: list[str] | None = None, **typed: str) -> str:
        """Press a button and go where it leads; the page there is what one looks at next."""
        answer = self.send(button, picked, **typed)
        if answer.status_code == 303:
            return self.open(answer.headers["Location"].partition("#")[0])
        self.page = answer.text
        return self.page

    @property
    def bar(self) -> str:
        """What the bar on top of the page says."""
        found = re.search(r'id="forum-bar".*?(?=</main>|<section|<header class="forum-top)', self.page, re.DOTALL)
        assert found is not None, self.page
        return words(found[0].partition(">")[2])

    @property
    def rows(self) -> list[int]:
        """The numbers of the comments on the page."""
        return [int(id_) for id_ in re.findall(r'<li class="forum-row" id="comment-(\d+)"', self.page)]

    def row(self, id_: int) -> str:
        """The markup of one comment's row."""
        found = re.search(rf'<li class="forum-row" id="comment-{id_}".*?</article>', self.page, re.DOTALL)
        assert found is not None, self.page
        return found[0]

    @property
    def tabs(self) -> dict[str, str]:
        """The number beside each tab."""
        return dict(re.findall(r'class="forum-tab"[^>]*>(\w+) <span class="forum-number-of">([\d,]+)<', self.page))


def moderator(site: Site, email: str = ANNA) -> Moderator:
    """Somebody who has signed in at the desk."""
    with site.app.app_context():
        link = sign_in_link(site.state, email).removeprefix("http://localhost")
    someone = Moderator(site.visitor())
    someone.open(link)
    someone.press("Sign in")
    return someone


def staffed(make_site: Callable[..., Site], **config: Any) -> Site:
    """A site with an article, an admin and another moderator, whom nobody mails."""
    site = make_site(FORUM_MODERATORS=[ADA, MO], FORUM_ADMINS=[ADA], FORUM_MAIL_MODERATORS="off", **config)
    site.add_article()
    return site


def signed_in(site: Site, email: str = MO) -> Visitor:
    """The browser of a moderator, for reading."""
    return moderator(site, email).visitor


def words(markup: str) -> str:
    """What a reader reads of some markup."""
    return " ".join(re.sub(r"<[^>]+>", "", markup).split())
