"""The list of comments on the desk: what stands in it, for whom, and what it costs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, update

from forum.models import Comment
from forum.moderation import reports
from tests.desk import act, run
from tests.desk_pages import ANNA, OLGA, QUEUE, Moderator, moderator, words
from tests.visitors import Site

MakeSite = Callable[..., Site]


@pytest.fixture
def desk(make_site: MakeSite) -> Site:
    """A site where every comment waits, with an admin and a moderator who is none."""
    people = {"FORUM_MODERATORS": [ANNA, OLGA], "FORUM_ADMINS": [ANNA]}
    site = make_site(FORUM_MODERATION="all", FORUM_RATE_LIMITS=[], **people)
    site.add_article()
    return site


def change(site: Site, id_: int, **values: object) -> None:
    """Have a stored comment be otherwise."""
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == id_).values(**values))
        session.commit()


def copies(site: Site, number: int, **values: object) -> None:
    """Store copies of the first comment, with other ``values``."""
    with site.session() as session:
        first = session.get_one(Comment, 1)
        columns = {column.key: getattr(first, column.key) for column in Comment.__mapper__.column_attrs}
        rows = [columns | {"id": 1000 + n, "nonce": f"n{n}"} | values for n in range(number)]
        session.execute(insert(Comment), rows)
        session.commit()


def report(site: Site, id_: int, reason: reports.Reason, note: str) -> None:
    """Have a reader report a comment."""
    settings, now = site.state.settings, site.clock()
    run(site, lambda session: reports.report(session, settings, id_, reason, note, "a reader", now))


def search(anna: Moderator, **asked: str) -> str:
    """Send the search form."""
    return anna.open(f"{QUEUE}?{urlencode(asked)}")


def test_a_row_tells_what_a_decision_needs(desk: Site) -> None:
    """Who wrote, from where, with what history, on which page, and why it waits: all of it beside the words."""
    act(desk, "approve", desk.comment("Good.", email="cleo@reader.example"))
    act(desk, "spam", desk.comment("Bad.", email="cleo@reader.example"))
    held = desk.comment("Please *read* me.", name="Cleo", email="cleo@reader.example")
    desk.clock.advance(7200)
    anna = moderator(desk)
    anna.open()
    row = words(anna.row(held))
    for part in (
        "Cleo",
        "waits",
        "2 hours ago",
        "cleo@reader.example",
        "1 approved, 1 spam",
        "On Bread",
        "Everything is read",
    ):
        assert part in row
    assert "Please <em>read</em> me." in anna.row(held)
    network = desk.get(held).network
    assert network is not None
    assert network[:8] in row
    assert network not in row


def test_a_first_comment_is_called_one(desk: Site) -> None:
    """Of an author without any other comment the row says so; of one without an address that nothing is known."""
    first, unknown = desk.comment("One.", email="new@reader.example"), desk.comment("Two.")
    anna = moderator(desk)
    anna.open()
    assert "first comment" in words(anna.row(first))
    assert "nothing known of the author" in words(anna.row(unknown))


def test_links_are_spelled_out_and_lead_nowhere(desk: Site) -> None:
    """No address that a stranger wrote can be followed by a slip, in words, name, website or reports."""
    typed = "[see](https://evil.example/a) https://evil.example/b <https://evil.example/c>"
    held = desk.comment(typed, name="https://evil.example/d", website="https://evil.example/e")
    act(desk, "approve", held)
    report(desk, held, "spam", "https://evil.example/f")
    anna = moderator(desk)
    page = search(anna, tab="all")
    assert {name for name in "abcdef" if f"https://evil.example/{name}" in page} == set("abcdef")
    assert [link for link in re.findall(r'(?:href|src|action)="([^"]*)"', page) if "evil.example/" in link[:30]] == []


def test_a_long_comment_shows_its_beginning(desk: Site) -> None:
    """Of what is long the beginning stands there with a sign, and all of it behind that; what is short has none."""
    short, long = desk.comment("Short."), desk.comment("A word. " * 400)
    anna = moderator(desk)
    anna.open()
    assert "Show all" not in anna.row(short)
    assert "Show all 3,199 characters" in anna.row(long)
    beginning = anna.row(long).partition("forum-beginning")[2].partition("</p>")[0]
    assert (beginning.endswith("…"), len(beginning) < 550) == (True, True)
    assert "Show all 3,199 characters" in anna.open(f"{QUEUE}comments/{long}/remove")


def test_only_reasons_that_hold_are_searched_for(desk: Site) -> None:
    """What a rule refuses is never stored: the search does not offer it."""
    page = moderator(desk).open()
    offered = set(re.findall(r'class="forum-option" value="(\w+)"', page))
    assert {"links", "first", "score", "listed"} <= offered
    assert offered & {"honeypot", "too_fast", "reserved_name", "staff_name", "reject_word"} == set()


def test_days_the_wrong_way_round_are_said(desk: Site) -> None:
    """From later than To fits nothing: the page says why, and turns them round."""
    desk.comment("Today.")
    anna = moderator(desk)
    page = search(anna, tab="held", since="2026-11-30", until="2026-11-01")
    assert "“From” is later than “To”" in words(page)
    anna.open(html.unescape(re.findall(r'href="([^"]*)">Turn them round', page)[0]))
    assert len(anna.rows) == 1


def test_markup_of_strangers_is_text(desk: Site) -> None:
    """Nothing that was typed becomes markup of the desk, wherever it stands."""
    bad = '<i id="bad">"\'&'
    held = desk.comment(bad, name=bad)
    act(desk, "approve", held)
    report(desk, held, "other", bad)
    change(desk, held, reasons=[bad, f"word:{bad}"])
    anna = moderator(desk)
    fields = dict.fromkeys(("text", "author", "email", "thread", "reason", "network"), bad)
    assert '<i id="bad">' not in search(anna, tab="all") + search(anna, **fields)
    for page in ("edit", "move", "remove"):
        assert '<i id="bad">' not in anna.open(f"{QUEUE}comments/{held}/{page}")


def test_an_answer_shows_what_it_answers(desk: Site) -> None:
    """The beginning of the parent stands in the row; where that is gone, the row says so."""
    parent = desk.comment("How warm?\n\nIn degrees?\n\nCelsius, please.", name="Ona")
    act(desk, "approve", parent)
    answer = desk.comment("Twenty.", parent=parent)
    anna = moderator(desk)
    anna.open()
    assert "Answers Ona How warm?" in words(anna.row(answer)).replace("OnaHow", "Ona How")
    assert "Celsius" not in anna.row(answer)
    change(desk, parent, state="removed", removed_by="author")
    anna.open()
    assert "Answers a comment that is gone" in words(anna.row(answer))
    assert "How warm?" not in anna.page


def test_how_many_are_told_is_said_before(desk: Site) -> None:
    """Beside what waits stands how many people its approval is mailed to."""
    ona = desk.follower("Ona", notify="thread")
    act(desk, "approve", ona)
    desk.deliver(120)
    for link in desk.links(desk.mails("ona@reader.example")[-1], "c"):
        desk.visitor().act(link, "confirm")
    anna = moderator(desk)
    held = desk.comment("News.", parent=ona)
    anna.open()
    assert "If it is approved, 1 person will be told." in words(anna.row(held))
    change(desk, held, address_id=desk.get(ona).address_id)
    anna.open()
    assert "Nobody will be told if it is approved." in words(anna.row(held))


def test_each_reason_explains_itself(desk: Site) -> None:
    """A chip says in words what its rule looks at; its setting is linked for who may change it, and for nobody else."""
    held = desk.comment()
    change(desk, held, reasons=["links:4", "our own rule"])
    pages = {email: moderator(desk, email).open() for email in (ANNA, OLGA)}
    for page in pages.values():
        assert "The text holds so many different links." in page
        assert "our own rule" in page
    assert "#FORUM_MAX_LINKS" in pages[ANNA]
    assert "#FORUM_MAX_LINKS" not in pages[OLGA]


def test_open_reports_stand_in_the_row(desk: Site) -> None:
    """What readers say is wrong, with their notes, stands beside the comment until somebody decides."""
    posted = desk.comment("Rude.", name="Rude")
    act(desk, "approve", posted)
    report(desk, posted, "private", "My number!")
    anna = moderator(desk)
    anna.open()
    assert "tab=reported" in re.findall(r'href="([^"]+)" aria-current="page"', anna.page)[-1]
    assert "Private data" in anna.row(posted)
    assert "My number!" in anna.row(posted)
    anna.press("Keep it: the comment by Rude")
    assert anna.bar.startswith("Approved: the comment by")
    assert (anna.rows, anna.tabs["Reported"]) == ([], "0")


def test_an_empty_desk_says_who_was_there(desk: Site) -> None:
    """Where nothing waits, the page says when somebody decided last, and who."""
    anna = moderator(desk)
    assert "Nothing is waiting." in words(anna.open())
    act(desk, "reject", desk.comment(), actor=OLGA)
    desk.clock.advance(7200)
    assert "Nothing is waiting. Last decision: 2 hours ago by olga." in words(search(anna, tab="held"))


def test_a_search_without_a_match_offers_ways_on(desk: Site) -> None:
    """Where nothing fits there are two links: to the tab without the search, and to the search in all comments."""
    desk.comment("Bread.")
    act(desk, "spam", desk.comment("Cake."))
    anna = moderator(desk)
    page = search(anna, tab="held", text="cake")
    assert "Nothing here fits" in page
    links = {text: url for url, text in re.findall(r'class="forum-link[^"]*" href="([^"]+)">([^<]+)</a>', page)}
    anna.open(links["Clear the search"])
    assert anna.rows == [1]
    anna.open(links["look in all comments"].replace("&amp;", "&"))
    assert anna.rows == [2]


def test_a_search_stays_in_its_form(desk: Site) -> None:
    """What was searched for stands in the fields, and one rule can be chosen by its name."""
    desk.comment()
    page = search(moderator(desk), tab="all", text='"a"', author="Cleo", since="2026-01-02", reason="first")
    assert 'value="&#34;a&#34;"' in page
    assert 'name="author" value="Cleo"' in page
    assert 'name="since" value="2026-01-02"' in page
    assert '<option class="forum-option" value="first" selected>First comment</option>' in page
    assert '<details class="forum-more" open>' in page


def test_pages_are_walked_through_and_tabs_count_all(desk: Site) -> None:
    """Fifty a page, the next by a link, the first by another."""
    desk.comment()
    copies(desk, 60)
    anna = moderator(desk)
    anna.open()
    seen = anna.rows
    assert anna.tabs == {"Waiting": "61", "Reported": "0", "Spam": "0", "Published": "0", "Bin": "0", "All": "61"}
    following = re.search(r'href="([^"]+)" rel="next"', anna.page)
    assert following is not None
    anna.open(following[1].replace("&amp;", "&"))
    assert (len(seen), sorted(seen + anna.rows)) == (50, [1, *range(1000, 1060)])
    assert "Back to the first" in anna.page


def test_a_page_ticks_itself_without_a_script(desk: Site) -> None:
    """One link ticks all comments of the page, another one none."""
    desk.comment("One.")
    desk.comment("Two.")
    anna = moderator(desk)
    anna.open()
    assert " checked" not in anna.page
    link = re.search(r'href="([^"]+)">Tick all 2 here', anna.page)
    assert link is not None
    anna.open(link[1].replace("&amp;", "&"))
    assert anna.page.count(" checked") == 2
    assert "Tick none" in anna.page


def test_below_a_prefix_every_link_holds(desk: Site) -> None:
    """Where the site is mounted below a path, tabs and the way back are below it too."""
    desk.comment(name="Cleo")
    anna = moderator(desk)
    mounted = {"SCRIPT_NAME": "/blog"}
    anna.page = anna.visitor.get(QUEUE, environ_overrides=mounted).text
    links = re.findall(r'(?:href|action)="(/[^"]*)"', anna.page)
    assert [link for link in links if not link.startswith("/blog/") and "/articles/" not in link] == []
    back = re.findall(r'name="back" value="([^"]*)"', anna.page)[0]
    data = {"csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', anna.page)[0], "back": back}
    path = f"{QUEUE}comments/1"
    answer = anna.visitor.client.post(path, data=data | {"action": "spam", "version": "1"}, environ_overrides=mounted)
    assert answer.headers["Location"].startswith("/blog/forum/moderation/?tab=held&said=spam.")


@pytest.mark.parametrize("number", [2, 60])
def test_the_page_costs_the_same_for_few_and_many(desk: Site, number: int) -> None:
    """However many comments wait, with an address, an answered one and reports: the page takes fourteen statements."""
    act(desk, "approve", desk.follower("Ona", notify="thread"))
    answer = desk.comment("Rude.", email="cleo@reader.example", parent=1)
    copies(desk, number, state="held", parent_id=1, address_id=desk.get(answer).address_id)
    change(desk, answer, state="published")
    report(desk, answer, "other", "")
    change(desk, answer, state="held")
    anna = moderator(desk)
    anna.open()
    with desk.statements() as seen:
        anna.open()
    assert (len(anna.rows), len(seen)) == (min(number + 1, 50), 14)
