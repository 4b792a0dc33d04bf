"""Nothing that is shown stays English: a tour of the pages and mails in a language made of circled letters.

Each message of the catalogs comes out as Ⓜⓔⓢⓢⓐⓖⓔ; what is put into it stays as it is. So whatever is still written in
letters is either what somebody here typed, or a sentence that no catalog knows.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from forum.cli.moderators import sign_in_link
from forum.language import LANGUAGES, catalogs
from forum.models import Message
from forum.settings import Settings
from tests import desk as moderating
from tests.desk_pages import ADA, MO, QUEUE, Moderator, staffed
from tests.hosts.one_page import also
from tests.mails import ANSWER, ASIDE, CASE, CODE, EVERY, HEBREW, LONG, SPAM
from tests.test_ledger import reply as reply_in
from tests.test_own_by_mail import ANN
from tests.test_own_by_mail import opened as own_link
from tests.test_page_decisions import switch
from tests.test_pinned import pin as pin_on_top
from tests.test_preferences import press as press_link
from tests.test_preferences import settings as settings_link
from tests.test_preferences import token as mail_link
from tests.test_report_page import send as send_report
from tests.test_settings_page import press as press_setting
from tests.visitors import SAME_ORIGIN, Site, comment_id
from tests.wire import parsed, part

TAG = "de"  # whose catalog it stands in for
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CIRCLED = str.maketrans(_PLAIN, "".join(chr(0x24B6 + place) for place in range(52)))
_STRAIGHT = {circled: letter for letter, circled in _CIRCLED.items()}
# What is put in later stands between these.
_HOLES = re.compile(r"(%\(\w+\)s|\{\w+\})")

NAMES = "Ada Ann Anna Ben Bo Cleo Cy Dan Fay Ona Rob Zoe"
BODIES = "article bread Loaf Crumb Crust Rye Bread Flour water fine loaf Tell me casino"
DATA = {*NAMES.split(), *BODIES.split(), *LANGUAGES.values()}
_NOT_SHOWN = ("script", "style", "code", "kbd", "noscript")
# The source of a mail, which names what stands beside it too.
_SOURCE = re.compile(r"<pre.*?</pre>", re.DOTALL)
_READ = re.compile(r"aria-label|title|placeholder|alt|data-.+")
# The first digits of a hash among it.
_TYPED = re.compile(
    r"\b[0-9a-f]{4}\b|\w+…|\S*/\S*|\{\w+\}|\bhttps?:\S+|\S+@\S+|\bFORUM_[A-Z_]+|/forum/\S+|/articles/\S+|\S+\.example\b"
)


class Circled(gettext.NullTranslations):
    """A catalog that knows every message."""

    def gettext(self, message: str) -> str:
        """The message in circled letters."""
        return circled(message)

    def ngettext(self, one: str, many: str, n: int) -> str:
        """The English form that goes with the number, circled."""
        return circled(one if n == 1 else many)

    def pgettext(self, context: str, message: str) -> str:
        """The same in every context."""
        return circled(message)


def circled(message: str) -> str:
    """A message in letters that nobody types."""
    return "".join(piece if _HOLES.fullmatch(piece) else piece.translate(_CIRCLED) for piece in _HOLES.split(message))


def straight(page: str) -> str:
    """What a circled page says in English."""
    return page.translate(_STRAIGHT)


class Seen(HTMLParser):
    """All that is read of a page, by eye or by ear."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that are read, those of the script among them."""
        self._hidden += tag in _NOT_SHOWN
        # A value of the script in one piece is a key; sentences have blanks, or are circled.
        self.texts += [
            text for name, text in attrs if text and _READ.fullmatch(name) and (" " in text or name[:4] != "data")
        ]

    def handle_endtag(self, tag: str) -> None:
        """Come out of what is not shown."""
        self._hidden -= tag in _NOT_SHOWN

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if not self._hidden:
            self.texts.append(data)


def english(texts: list[str], data: str = "") -> list[str]:
    """The pieces of text that hold words which nobody here typed."""
    known = DATA | set(re.findall(r"[^\W\d_]+", data))
    found = []
    for text in texts:
        words = re.findall(r"[^\W\d_]{2,}", _TYPED.sub(" ", text))
        if any(word not in known for word in words):
            found.append(straight(" ".join(text.split())))
    return found


def left(page: str | TestResponse, data: str = "") -> list[str]:
    """What of a page is English."""
    shown = page if isinstance(page, str) else page.text
    # The finder must have had something to look at.
    assert re.search("[Ⓐ-ⓩ]", shown), shown
    return english(Seen(_SOURCE.sub("", shown)).texts, " ".join([data, *_SOURCE.findall(shown)]))


def test_the_finder_finds() -> None:
    """Sentences and values that no catalog knows are found, also within one that it knows; names and code are not."""
    page = f'<p title="Read {circled("me")}">{circled("By %(name)s") % {"name": "Cleo, soon"}}</p><code>make it</code>'
    assert left(page) == ["Read me", "By Cleo, soon"]
    assert left(f"<b>{circled('Reply to %(name)s') % {'name': 'Cleo'}}</b>") == []


@pytest.fixture
def make_site(make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    """A maker of sites that speak in circles, on a host without words."""
    known = catalogs._catalog
    monkeypatch.setattr(catalogs, "_catalog", lambda language: Circled() if language == TAG else known(language))

    def make(**config: Any) -> Site:
        relaxed = {"FORUM_RATE_LIMITS": [], "FORUM_MODERATION": "none", "FORUM_SITE_NAME": "Loaf"}
        site = make_site(FORUM_LANGUAGE=TAG, **{**relaxed, **config})
        blocks = "".join("{% block " + name + " %}{% endblock %}" for name in ("title", "head", "content"))
        also(site.app, {"site/base.html": blocks})
        return site

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """One with an article, without moderation."""
    made = make_site()
    made.add_article()
    return made


# --- what readers see


def empty(site: Site) -> TestResponse:
    return site.visitor().get(site.page)


def talk(site: Site, query: str = "") -> TestResponse:
    """A thread with an answer, by an author who looks at it."""
    author = site.visitor()
    top = comment_id(author.post(body="Loaf", name="Cleo", website="https://cleo.example"))
    author.post(body="Crumb", parent=top)
    site.comment("Crust", name="Dan", parent=top)
    return author.get(site.page + query)


def closed(site: Site) -> TestResponse:
    talk(site)
    site.page = site.add_article("Rye", closed=True)
    return site.visitor().get(site.page)


def act_on(site: Site, what: Any) -> TestResponse:
    """A thread after a moderator has acted on its first comment."""
    talk(site)
    moderating.act(site, what, 1)
    return site.visitor().get(site.page)


def pinned(site: Site) -> TestResponse:
    talk(site)
    pin_on_top(site, 1)
    return site.visitor().get(site.page)


def edited(site: Site) -> TestResponse:
    talk(site)
    moderating.edit(site, 1, "Crust")
    return site.visitor().get(site.page)


def waiting(site: Site) -> TestResponse:
    """One's own comment that waits."""
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    author = site.visitor()
    posted = author.post(body="Loaf")
    return author.get(posted.headers["Location"].partition("#")[0])


def many(site: Site, query: str = "") -> TestResponse:
    """A thread of several pages, of which this is one."""
    site.state.settings = site.state.settings.model_copy(update={"per_page": 2})
    for _ in range(5):
        site.comment("Loaf")
        site.clock.advance(4000)
    return site.visitor().get(site.page + query)


def own(site: Site, act: str, *, late: bool = False, **typed: str) -> TestResponse:
    """The page to change or remove one's own comment, or what it says to a press."""
    author = site.visitor()
    posted = comment_id(author.post(body="Loaf", name="Cleo"))
    site.clock.advance(100_000 if late else 0)
    path = f"/forum/comments/{posted}/{act}"
    return author.client.post(path, data=typed, headers=SAME_ORIGIN) if typed else author.get(path)


def answered(site: Site, **typed: str) -> TestResponse:
    """One's own comment, which somebody has answered."""
    author = site.visitor()
    posted = comment_id(author.post(body="Loaf", name="Cleo"))
    site.comment("Crumb", parent=posted)
    path = f"/forum/comments/{posted}/edit"
    return author.client.post(path, data=typed, headers=SAME_ORIGIN) if typed else author.get(path)


def sent(site: Site, headers: dict[str, str] | None = None, **typed: str) -> TestResponse:
    return site.visitor().post(headers=headers, **typed)


def too_late(site: Site) -> TestResponse:
    visitor = site.visitor()
    typed = visitor.fill(body="Loaf")
    site.clock.advance(200_000)
    return visitor.post(**typed)


def shut_meanwhile(site: Site) -> TestResponse:
    visitor = site.visitor()
    site.comment("Loaf")
    typed = visitor.fill(body="Loaf")
    site.clock.advance(60)
    switch(site, "closed", True)
    return visitor.post(**typed)


def too_fast(site: Site, minutes: int = 1) -> TestResponse:
    site.state.settings = site.state.settings.model_copy(update={"rate_limits": (f"1 per {minutes} minute",)})
    site.comment("Loaf")
    return site.visitor().post(body="Crumb")


def gone_parent(site: Site) -> TestResponse:
    visitor = site.visitor()
    typed = visitor.fill(body="Crumb", parent=site.comment("Loaf"))
    moderating.act(site, "remove", 1)
    return visitor.post(**typed)


def refused(site: Site) -> TestResponse:
    site.state.settings = site.state.settings.model_copy(update={"reject_words": ("casino",)})
    return sent(site, body="casino")


def reply_page(site: Site) -> TestResponse:
    return site.visitor().get(f"/forum/comments/{site.comment('Loaf')}/reply")


def branch(site: Site) -> TestResponse:
    talk(site)
    return site.visitor().get("/forum/comments/1/branch")


def report(site: Site, **typed: str) -> TestResponse:
    site.comment("Loaf", name="Rob")
    return send_report(site.visitor(), **typed) if typed else site.visitor().get("/forum/comments/1/report")


def report_own(site: Site) -> TestResponse:
    return own(site, "report")


def at(path: str, site: Site) -> TestResponse:
    site.comment("Loaf", name="Cleo", email="cleo@reader.example")
    return site.visitor().get(path)


def posted(path: str, site: Site, **typed: str) -> TestResponse:
    site.comment("Loaf", name="Cleo", email="cleo@reader.example")
    return site.visitor().client.post(path, data=typed, headers=SAME_ORIGIN)


OF_READERS: dict[str, Callable[[Site], TestResponse]] = {
    "no comments": empty,
    "comments": talk,
    "newest first": partial(talk, query="?sort=newest"),
    "new ones marked": partial(talk, query="?since=1763800000"),
    "closed": closed,
    "pinned": pinned,
    "edited": edited,
    "approved": partial(act_on, what="unapprove"),
    "removed": partial(act_on, what="remove"),
    "spam": partial(act_on, what="spam"),
    "rejected": partial(act_on, what="reject"),
    "waiting": waiting,
    "several pages": many,
    "second page": partial(many, query="?page=2"),
    "edit": partial(own, act="edit"),
    "edit, preview": partial(own, act="edit", body="Crumb", preview="1"),
    "edit, empty": partial(own, act="edit", body=" "),
    "edit, too long": partial(own, act="edit", body="1 " * 9000),
    "edit, too late": partial(own, act="edit", late=True),
    "edit, sent too late": partial(own, act="edit", late=True, body="Crumb"),
    "edit, answered": answered,
    "edit, sent when answered": partial(answered, body="Crumb"),
    "remove": partial(own, act="remove"),
    "remove, too late": partial(own, act="remove", late=True),
    "removing too late": partial(own, act="remove", late=True, action="remove"),
    "open long": too_late,
    "closed meanwhile": shut_meanwhile,
    "too fast": too_fast,
    "too fast for long": partial(too_fast, minutes=30),
    "answer to what is gone": gone_parent,
    "refused": refused,
    "reply": reply_page,
    "branch": branch,
    "report": report,
    "report without a reason": partial(report, reason="1"),
    "report too long": partial(report, note="1" * 501),
    "report, old": partial(report, seal=""),
    "reported": partial(report, reason="spam"),
    "report own": report_own,
    "mine by mail": partial(at, "/forum/comments/1/mine"),
    "mine by mail, no address": partial(posted, "/forum/comments/1/mine", email="cleo@"),
    "sign in": partial(at, "/forum/sign-in"),
    "sign in without address": partial(posted, "/forum/sign-in", email=""),
    "articles": partial(at, "/"),
    **{
        f"done: {what}": partial(at, f"/forum/m/done/{what}")
        for what in ("confirmed", "refused", "unsubscribed", "muted", "unmuted", "asked", "withdrawn", "forgotten")
    },
}


@pytest.mark.parametrize("state", OF_READERS)
def test_a_page_of_readers(site: Site, state: str) -> None:
    """Whatever a reader meets, every word of it is translated."""
    assert left(OF_READERS[state](site)) == []


# None of them leaves anything behind.
TURNED_AWAY: dict[str, Callable[[Site], TestResponse]] = {
    "no name": partial(sent, name=""),
    "long name": partial(sent, name="1" * 200),
    "name of signs": partial(sent, name="\u200b"),
    "reserved name": partial(sent, name="admin"),
    "no address": partial(sent, email="cleo@"),
    "no address, but mail": partial(sent, email="", notify="direct"),
    "mail to ourselves": partial(sent, email="noreply@localhost", notify="direct"),
    "no website": partial(sent, website="javascript:1"),
    "empty": partial(sent, body=" "),
    "too long": partial(sent, body="1 " * 9000),
    "too many signs": partial(sent, body="> " * 9000),
    "honeypot": partial(sent, fax_extension="1"),
    "from elsewhere": partial(sent, headers={"Origin": "https://evil.example"}),
    "from nowhere": partial(sent, headers={"User-Agent": "1"}),
    "no stamp": partial(sent, stamp=""),
    "preview": partial(sent, preview="1", body="Loaf"),
    "preview, empty": partial(sent, preview="1", body=""),
}


def test_a_form_that_comes_back(site: Site) -> None:
    """Whatever a reader who is to try again is told, every word of it is translated."""
    found = {state: left(visit(site), "admin javascript") for state, visit in TURNED_AWAY.items()}
    assert {state: english for state, english in found.items() if english} == {}


# --- what holders of a link see


def linked(kind: str, site: Site, *, action: str = "", late: bool = False, query: str = "", **typed: str) -> Any:
    """The settings page of a follower, or what it says to a press."""
    site.follower("Ona", "Loaf")
    path = settings_link(site, "ona@reader.example") if kind == "p" else mail_link(site, kind, 1, 1)
    site.clock.advance(40 * 86_400 if late else 0)
    if not action:
        return site.visitor().get(path + query)
    answer = press_link(site.visitor(), path, action, **typed)
    return site.visitor().get(answer.headers["Location"]) if answer.status_code == 303 else answer


def muted(site: Site) -> TestResponse:
    """The settings page of somebody with much to choose from."""
    ona = site.follower("Ona", "Loaf")
    site.comment("Crumb", parent=ona, name="Zoe")
    site.deliver()
    path = settings_link(site, "ona@reader.example")
    press_link(site.visitor(), path, "pause", days="7")
    site.visitor().act(site.links(site.mails("ona@reader.example", "reply")[0], "t")[0], "mute")
    return site.visitor().get(path)


def in_mail(kind: str, site: Site) -> TestResponse:
    """The page behind a link of one kind."""
    ona = site.comment("Loaf", name="Ona", email="ona@reader.example", notify="direct")
    site.deliver()
    first = site.mails("ona@reader.example")[-1]
    if kind in "cx":
        return site.visitor().get(site.links(first, kind)[0])
    site.visitor().act(site.links(first, "c")[0], "confirm")
    site.comment("Crumb", parent=ona, name="Zoe")
    site.deliver()
    return site.visitor().get(site.links(site.mails("ona@reader.example", "reply")[0], kind)[0])


def mine(action: str, site: Site, *, answer: bool = False, late: bool = False, **typed: str) -> TestResponse:
    """One's own comment behind a link in a mail."""
    posted = site.comment("Loaf", name="Ann", email=ANN)
    path = own_link(site, posted)
    if answer:
        site.comment("Crumb", parent=posted)
    site.clock.advance(40 * 86_400 if late else 0)
    if not action:
        return site.visitor().get(path)
    said = press_link(site.visitor(), path, action, **typed)
    return site.visitor().get(said.headers["Location"]) if said.status_code == 303 else said


OF_LINKS: dict[str, Callable[[Site], TestResponse]] = {
    "settings": partial(linked, "p"),
    "settings, saved": partial(linked, "p", query="?said=saved"),
    "settings, much": muted,
    "settings, old link": partial(linked, "p", late=True),
    "settings, paused": partial(linked, "p", action="pause", days="7"),
    "settings, no time": partial(linked, "p", action="pause", days="8"),
    "settings, gone": partial(linked, "p", action="end", id="99"),
    "settings, no language": partial(linked, "p", action="language", language="1"),
    "settings, not sure": partial(linked, "p", action="forget"),
    "settings, forgotten": partial(linked, "p", action="forget", sure="yes"),
    "settings, same address": partial(linked, "p", action="move", email="ona@reader.example"),
    "settings, no address": partial(linked, "p", action="move", email="ona@"),
    "settings, moving": partial(linked, "p", action="move", email="ona@elsewhere.example"),
    "settings, stopped": partial(linked, "p", action="unsubscribe"),
    "settings, other cadence": partial(linked, "p", action="save", id="1", scope="thread", cadence="daily"),
    "settings, no cadence": partial(linked, "p", action="save", id="1", scope="1", cadence="1"),
    **{f"mail page {kind}": partial(in_mail, kind) for kind in "cxut"},
    "mine": partial(mine, ""),
    "mine, answered": partial(mine, "", answer=True),
    "mine, preview": partial(mine, "preview", body="Crumb"),
    "mine, empty": partial(mine, "save", body=" "),
    "mine, saved": partial(mine, "save", body="Crumb"),
    "mine, saved when answered": partial(mine, "save", body="Crumb", answer=True),
    "mine, anonymous": partial(mine, "anonymise"),
    "mine, taken away": partial(mine, "withdraw"),
    "mine, old link": partial(mine, "", late=True),
}


@pytest.mark.parametrize("state", OF_LINKS)
def test_a_page_behind_a_link(site: Site, state: str) -> None:
    """Whoever comes from a mail reads their own language only."""
    assert left(OF_LINKS[state](site)) == []


@pytest.mark.usefixtures("make_site")
def test_a_damaged_link(make_host: Callable[..., Site]) -> None:
    """On a host without a page for what does not exist, ours is translated too."""
    site = make_host("", FORUM_LANGUAGE=TAG, FORUM_SITE_NAME="Loaf")
    assert left(site.visitor().get("/forum/m/c/xx")) == []


# --- what moderators see


class Reading(Moderator):
    """A moderator who finds the buttons by what they say in English."""

    def send(self, button: str, picked: list[str] | None = None, **typed: str) -> TestResponse:
        """Press the circled button of this name."""
        shown, self.page = self.page, straight(self.page)
        try:
            return super().send(button, picked, **typed)
        finally:
            self.page = shown


def arrived(site: Site, email: str = ADA) -> Reading:
    with site.app.app_context():
        link = sign_in_link(site.state, email).removeprefix("http://localhost")
    someone = Reading(site.visitor())
    someone.open(link)
    someone.press("Sign in")
    return someone


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with one of everything: a comment in each state, an edit, a report, a refusal, a mail, an entry."""
    site = staffed(make_site, FORUM_MODERATION="none", FORUM_REJECT_WORDS=["casino"])
    for name, what in (("Cleo", None), ("Dan", "unapprove"), ("Fay", "reject"), ("Rob", "spam"), ("Zoe", "remove")):
        posted = site.comment("Loaf", name=name, email=f"{name.lower()}@reader.example")
        if what:
            moderating.act(site, what, posted)  # type: ignore[arg-type]  # from the list above
        site.clock.advance(400)
    site.comment("Crumb", parent=site.follower("Ona", "Rye"), name="Bo")
    moderating.edit(site, 1, "Crust")
    site.visitor().post(body="casino")
    send_report(site.visitor(), note="Crust")
    site.deliver()
    return site


def opened(path: str, site: Site) -> str:
    return arrived(site).open(f"{QUEUE}{path}")


def pressed(path: str, button: str, site: Site, *more: str, picked: list[str] | None = None, **typed: str) -> str:
    """What a moderator sees after a button, and others after it."""
    ada = arrived(site)
    ada.open(f"{QUEUE}{path}")
    ada.press(button, picked, **typed)
    for following in more:
        ada.press(following)
    return ada.page


def after(path: str, *buttons: str, picked: list[str] | None = None, **typed: str) -> Callable[[Site], str]:
    """The page after these presses."""
    return lambda site: pressed(path, buttons[0], site, *buttons[1:], picked=picked, **typed)


def overtaken(site: Site) -> str:
    """What is said to whoever was not fast enough."""
    ada, mo = arrived(site), arrived(site, MO)
    ada.open(f"{QUEUE}?tab=held")
    mo.open(f"{QUEUE}?tab=held")
    ada.press("Approve the comment by Dan")
    return mo.press("Spam: the comment by Dan")


def twice(path: str, button: str, site: Site, **typed: str) -> str:
    """What is said to the same press once more."""
    ada = arrived(site)
    seen = ada.open(f"{QUEUE}{path}")
    ada.press(button, **typed)
    ada.page, ada.url = seen, f"{QUEUE}{path}"
    return ada.press(button, **typed)


def another_session(path: str, button: str, site: Site, **typed: str) -> str:
    """What is said to a form of another session."""
    ada, mo = arrived(site), arrived(site, MO)
    ada.page, ada.url = mo.open(f"{QUEUE}{path}"), f"{QUEUE}{path}"
    return ada.press(button, **typed)


def setting(site: Site, **typed: str) -> str:
    return press_setting(arrived(site).visitor, **typed).text


def saved(site: Site) -> str:
    """What is said to an admin who has confirmed a setting."""
    ada = arrived(site).visitor
    said = press_setting(ada, f"{QUEUE}settings/save", seen=press_setting(ada, per_page="7").text)
    return ada.get(said.headers["Location"]).text


def listed(site: Site) -> str:
    pressed("people", "Add", site, kind="name", value="Cleo", effect="hold")
    return opened("people", site)


def letter(site: Site, path: str = "", **values: Any) -> str:
    """The page of a message, as something unlucky has left it."""
    number = reply_in(site)
    if values:
        with site.session() as session:
            session.execute(update(Message).where(Message.id == number).values(**values))
            session.commit()
    return opened(f"mail/{number}{path}", site)


# What moderators are called, what the mail server said, and what settings hold unless somebody says otherwise.
HOUSE = f"ada mo Kept in the development mailbox {Settings().model_dump()}"
TABS = ("held", "published", "spam", "rejected", "all", "removed", "reported")
READ = (
    *(f"?tab={tab}" for tab in TABS),
    "?tab=held&text=nobody",
    "comments/1/edit",
    "comments/1/move",
    "comments/1/remove",
    "comments/1/reply",
    "comments/2/reply",
    "comments/4/reply",
    "people",
    "people/comment/1",
    "people/comment/2",
    "people/comment/1/erase",
    "pages",
    "pages?q=nobody",
    "refused",
    "refused?reason=nobody",
    "activity",
    "activity?actor=nobody",
    "privacy",
    "mail",
    "mail?tab=waiting",
    "mail?tab=given_up",
    "mail/why",
    "mail/why?comment=6&address=ona@reader.example",
    "mail/why?comment=7&address=ona@reader.example",
    "mail/why?comment=7&address=bo@reader.example",
    "mail/why?comment=99&address=ona@reader.example",
    "mail/why?comment=7&address=1",
    "mail/why?comment=7",
    "overview",
    "settings",
    "?said=none",
    "?said=missed",
    "?said=erase.0123456789abcdef",
)
# None of them changes what the next one meets.
UNCHANGED: dict[str, Callable[[Site], str]] = {
    "many, none ticked": after("?tab=held", "Approve what is ticked"),
    "all asked about": after("?tab=held", "Spam what is ticked", all="1"),
    "many asked why": after("?tab=held", "Remove… what is ticked", picked=["2.2"]),
    "another session": partial(another_session, "?tab=held", "Approve the comment by Dan"),
    "edit, preview": after("comments/1/edit", "Preview", body="Crumb"),
    "edit, empty": after("comments/1/edit", "Save", body=" "),
    "edit, same": after("comments/1/edit", "Save"),
    "edit, session": partial(another_session, "comments/1/edit", "Save", body="Crumb"),
    "reply, preview": after("comments/1/reply", "Preview", body="Crumb"),
    "reply, empty": after("comments/1/reply", "Post reply", body=" "),
    "reply, session": partial(another_session, "comments/1/reply", "Post reply", body="Crumb"),
    "setting, review": partial(setting, per_page="7"),
    "setting, no number": partial(setting, per_page="x"),
    "setting, too much": partial(setting, per_page="900"),
    "setting, no limit": partial(setting, rate_limits="1 per x"),
    "list, no address": after("people", "Add", kind="address", value="1"),
    "list, no domain": after("people", "Add", kind="domain", value="1"),
    "list, no name": after("people", "Add", kind="name", value=""),
}
# They are about one message, each as the next one leaves it.
LETTERS: dict[str, Callable[[Site], str]] = {
    "sent": partial(letter, state="sent"),
    "waiting": partial(letter, state="ready", accepted_at=None, smtp_code=None),
    "failed": partial(letter, state="failed"),
    "given up": partial(letter, state="dead", skip_reason="restored"),
    "called off": partial(letter, state="cancelled", skip_reason="called_off"),
    "limited": partial(letter, state="cancelled", skip_reason="limit:address"),
}
CHANGED: dict[str, Callable[[Site], str]] = {
    "approved": after("?tab=held", "Approve the comment by Dan"),
    "undone": after("?tab=held", "Approve the comment by Dan", "Undo"),
    "rejected": after("?tab=held", "Reject the comment by Dan"),
    "spam": after("?tab=held", "Spam: the comment by Dan"),
    "restored": after("?tab=all", "Restore to its page: the comment by Zoe"),
    "removed": after("comments/2/remove", "Remove", why="Crust"),
    "many approved": after("?tab=held", "Approve what is ticked", picked=["2.2"]),
    "overtaken": overtaken,
    "edit, saved": after("comments/1/edit", "Save", body="Crumb"),
    "edit, outrun": partial(twice, "comments/1/edit", "Save", body="Crumb"),
    "replied": after("comments/1/reply", "Post reply", body="Crumb"),
    "setting, saved": saved,
    "listed": listed,
    "list, twice": partial(twice, "people", "Add", kind="name", value="Cleo", effect="hold"),
}


def left_of(pages: dict[str, str], desk: Site) -> dict[str, list[str]]:
    """What of each of these pages of the desk is English, but for values of settings and the names of the pages."""
    found = {name: left(page, f"{name} {desk.state.settings.model_dump()} {HOUSE}") for name, page in pages.items()}
    return {name: english for name, english in found.items() if english}


def test_the_pages_of_the_desk(desk: Site) -> None:
    """Whatever a moderator looks at, every word of it is translated."""
    ada = arrived(desk)
    assert left_of({path: ada.open(f"{QUEUE}{path}") for path in READ}, desk) == {}


@pytest.mark.parametrize("states", [UNCHANGED, LETTERS], ids=["asked", "letters"])
def test_what_the_desk_asks_and_refuses(desk: Site, states: dict[str, Callable[[Site], str]]) -> None:
    """Previews, questions, errors and letters that were unlucky are translated too."""
    assert left_of({state: visit(desk) for state, visit in states.items()}, desk) == {}


@pytest.mark.parametrize("state", CHANGED)
def test_what_the_desk_says_it_did(desk: Site, state: str) -> None:
    """After a press that counts, or comes too late, every word is translated."""
    assert left_of({state: CHANGED[state](desk)}, desk) == {}


# --- what is mailed


WRITTEN = [ANSWER, ASIDE, HEBREW, LONG, CODE, CASE, SPAM]
TITLES = "Why trees need leases Tree עצים בעיר Example Forum"


@pytest.mark.parametrize("state", EVERY)
def test_a_mail(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subject, text and HTML are translated, but for what people wrote."""
    # They are written in English unless asked otherwise; here nobody speaks it.
    monkeypatch.setattr(catalogs, "_catalog", lambda language: Circled())
    mail = EVERY[state]()
    written = TITLES + " ".join(str(value) for each in WRITTEN for value in vars(each).values())
    subject = str(parsed(mail)["Subject"]).replace("Re: ", "")
    assert english([subject, *part(mail, "plain").splitlines()], written) == []
    assert left(part(mail, "html"), written) == []
