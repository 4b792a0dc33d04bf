"""Sites on a real port, and people with a real browser in front of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from werkzeug.serving import make_server

from forum import create_app, moderation
from tests.conftest import QUIET
from tests.visitors import Clock, Site

# Milliseconds. Nothing waits this long on a quiet machine; on a busy one slowness is no failure.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

MODERATOR = "mo@forum.example"


@dataclass
class Live:
    """A site that is being served at ``url``."""

    site: Site
    url: str

    def approve_all(self) -> None:
        """Have a moderator approve whatever is held."""
        with self.site.session() as session:
            press = moderation.acts.Press(self.site.state.keys, self.site.state.settings, MODERATOR, self.site.clock())
            everything = moderation.queue.Filter("held")
            upto = moderation.queue.matching(session, everything).upto
            moderation.bulk.act(session, press, "approve", moderation.bulk.Matching(everything, upto, press.now))
            session.commit()


@dataclass
class Watch:
    """What went wrong in a browser without anybody seeing it on the page."""

    own: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep a line of the console; that a form came back with 422 is no fault, the page says so itself."""
        answered = "the server responded with a status of 4" in message.text
        if not (answered and message.location["url"] in self.pages):
            self.complaints.append(message.text)

    def see(self, request: Request) -> None:
        """Keep a request, and complain about one to anybody else."""
        self.requests.append(request.url)
        if request.is_navigation_request() or request.method == "POST":
            self.pages.add(request.url)
        if not request.url.startswith((self.own, "about:", "data:")):
            self.complaints.append(f"foreign request {request.url}")

    def __post_init__(self) -> None:
        self.pages: set[str] = set()

    def attach(self, page: Page) -> None:
        """Watch a page from now on."""
        page.on("console", self.hear)
        page.on("request", self.see)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@contextmanager
def serving(app: Flask, listening: socket.socket) -> Iterator[None]:
    """Serve ``app`` on a socket that listens already."""
    server = make_server(*listening.getsockname(), app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def make_live(make_site: Callable[..., Site]) -> Iterator[Callable[..., Live]]:
    """A maker of served sites with one article each; keyword arguments are configuration."""
    with ExitStack() as stack:

        def make(**config: Any) -> Live:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            site = make_site(FORUM_BASE_URL=url, **config)
            site.add_article()
            stack.enter_context(serving(site.app, listening))
            return Live(site, url)

        yield make


@pytest.fixture
def bare_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A site as it runs from a wheel, without a checkout: it has no templates but ours."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORUM_ENV", "FORUM_CONFIG", "SQLALCHEMY_DATABASE_URI", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        site = Site(create_app(**{**QUIET, "FORUM_BASE_URL": url}), Clock())
        site.add_article()
        with serving(site.app, listening):
            yield Live(site, url)
    with site.app.app_context():
        site.state.db.engine.dispose()


@pytest.fixture
def live(make_live: Callable[..., Live]) -> Live:
    """A served site as development runs it, with the article at /articles/bread."""
    return make_live()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A maker of people: each has a browser of their own, whose console must stay empty to the end.

    Keyword arguments are Playwright's for a context; of the ``noisy`` it is known that things will go wrong.
    """
    watches: list[Watch] = []
    contexts = []

    def make(live: Live, **options: Any) -> Page:
        noisy = options.pop("noisy", False)
        options.setdefault("viewport", {"width": 1000, "height": 900})
        context = browser.new_context(base_url=live.url, locale="en-GB", **options)
        context.set_default_timeout(PATIENCE)
        watch = Watch(live.url)
        context.on("page", watch.attach)
        if not noisy:
            watches.append(watch)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert [watch.complaints for watch in watches if watch.complaints] == []


@pytest.fixture
def reader(live: Live, person: Callable[..., Page]) -> Page:
    """Somebody whose browser runs our module, in front of the article."""
    page = person(live)
    page.goto(live.site.page)
    return page


@pytest.fixture
def plain_reader(live: Live, person: Callable[..., Page]) -> Page:
    """Somebody whose browser runs no scripts, in front of the article."""
    page = person(live, java_script_enabled=False)
    page.goto(live.site.page)
    return page


def write(page: Page, body: str, name: str = "Ben", email: str = "") -> None:
    """Fill the form in, as far as this person does."""
    page.get_by_label("Comment", exact=True).fill(body)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail (optional)").fill(email)


def press(page: Page, name: str) -> None:
    """Press the one button of that name, and wait for the page it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def send(page: Page, name: str) -> None:
    """Press a button of the comment form, and wait until the script has shown what the server answered."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("form.forum-form[aria-busy=true]")).to_have_count(0)
