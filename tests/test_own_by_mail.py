"""One's own comment by a link in a mail: who gets one, and what it opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from forum.models import Address, Message
from tests.test_preferences import ANN, CSRF, id_of, link_in, press, settings, token
from tests.visitors import SAME_ORIGIN, Site, comment_id

YEAR = 365 * 86400


def ask(site: Site, comment: int, email: str) -> tuple[int, str | None, bytes]:
    """Ask for a link to a comment; everything of the answer that could tell something."""
    answer = site.visitor().client.post(f"/forum/comments/{comment}/mine", data={"email": email}, headers=SAME_ORIGIN)
    return answer.status_code, answer.headers.get("Location"), answer.data


@pytest.fixture
def mine(site: Site) -> int:
    """A comment that Ann wrote with her address, without asking for mail."""
    return site.comment("My words.", name="Ann", email=ANN, website="https://ann.example")


def opened(site: Site, comment: int) -> str:
    """Ask as Ann does, and take the link from her mail."""
    ask(site, comment, ANN)
    site.deliver()
    return link_in(site, ANN, "o")


def test_only_the_address_that_wrote_it_gets_a_link(site: Site, mine: int) -> None:
    """Whoever guesses another address gets the same answer, and nobody gets a mail."""
    site.follower("Ben")
    before = len(site.mails())
    answers = {ask(site, mine, email) for email in ("ben@reader.example", "nobody@reader.example", ANN)}
    site.deliver()
    assert len(answers) == 1
    assert [mail["To"] for mail in site.mails()[before:]] == [ANN]


@pytest.mark.parametrize("state", ["none", "confirmed", "unsubscribed", "refused", "bounced", "blocked"])
def test_the_answer_tells_nothing_of_the_address(site: Site, mine: int, state: str) -> None:
    """Whatever became of the address, the page after asking is the same; who refused all mail gets none."""
    expected = ask(site, mine, "nobody@reader.example")
    with site.session() as session:
        session.scalars(select(Address).where(Address.key == ANN)).one().state = state
        session.commit()
    assert ask(site, mine, ANN) == expected
    site.deliver()
    assert len(site.mails(ANN)) == (state in ("none", "confirmed", "unsubscribed"))


def test_the_limits_hold(site: Site, mine: int) -> None:
    """Three links a day reach a mailbox, ten questions an hour come from a network, and a foreign page asks none."""
    answers = [ask(site, mine, ANN)[0] for _ in range(11)]
    site.deliver()
    assert answers == [303] * 10 + [429]
    assert len(site.mails(ANN)) == 3
    with site.session() as session:
        assert "limit:address" in session.scalars(select(Message.skip_reason)).all()
    foreign = site.visitor().client.post(
        f"/forum/comments/{mine}/mine", data={"email": ANN}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403


def test_asking_sets_no_cookie_and_needs_an_address(site: Site, mine: int) -> None:
    """Asking leaves nothing in the browser; what is no address gets a sentence, and is kept to be put right."""
    visitor = site.visitor()
    shown = visitor.get(f"/forum/comments/{mine}/mine")
    assert (shown.status_code, "Set-Cookie" in shown.headers) == (200, False)
    again = visitor.client.post(f"/forum/comments/{mine}/mine", data={"email": "ann@"}, headers=SAME_ORIGIN)
    assert (again.status_code, 'value="ann@"' in again.text) == (422, True)
    assert visitor.get("/forum/comments/99/mine").status_code == 404


def test_an_old_comment_can_be_changed(site: Site, mine: int) -> None:
    """A year later the words can be edited, with a preview first."""
    site.clock.advance(YEAR)
    link, visitor = opened(site, mine), site.visitor()
    assert "<strong>Better</strong>" in press(visitor, link, "preview", body="**Better** words.").text
    assert site.get(mine).source == "My words."
    assert press(visitor, link, "save", body="Better words.").status_code == 303
    assert "Better words." in site.visitor().get(site.page).text
    assert press(visitor, link, "save", body="").status_code == 422


def test_a_change_is_screened(make_site: Callable[..., Site]) -> None:
    """Where everything is read first, a change is too, and its author is told."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    mine = site.comment("My words.", name="Ann", email=ANN)
    site.state.settings = site.state.settings.model_copy(update={"moderation": "all"})
    link, visitor = opened(site, mine), site.visitor()
    press(visitor, link, "save", body="Buy things.")
    assert site.get(mine).state == "held"
    assert "A moderator reads this" in visitor.get(link).text


def test_answered_words_stay(site: Site, mine: int) -> None:
    """Once somebody has answered, the words cannot be put into another sense; name and comment can still go."""
    site.comment("I agree.", parent=mine)
    link, visitor = opened(site, mine), site.visitor()
    assert "Somebody has answered" in visitor.get(link).text
    assert press(visitor, link, "save", body="The opposite.").status_code == 422
    assert site.get(mine).source == "My words."
    assert press(visitor, link, "anonymise").status_code == 303


def test_a_name_can_be_taken_off(site: Site, mine: int) -> None:
    """The words stay, by "Someone" and without website; twice is once, and the comment can still be deleted."""
    link, visitor = opened(site, mine), site.visitor()
    form = {"action": "anonymise", "csrf_token": CSRF.findall(visitor.get(link).text)[0]}
    assert [visitor.client.post(link, data=form).status_code for _ in range(2)] == [303, 303]
    comment = site.get(mine)
    assert (comment.name, comment.website, comment.source) == ("Someone", None, "My words.")
    page = site.visitor().get(site.page).text
    assert "Someone" in page
    assert "ann.example" not in page
    assert press(visitor, link, "withdraw").status_code == 303


def test_a_comment_can_be_withdrawn(site: Site, mine: int) -> None:
    """However old it is, its words go, answers stay, and a second press says the same."""
    site.comment("I agree.", parent=mine)
    site.clock.advance(YEAR)
    link, visitor = opened(site, mine), site.visitor()
    form = {"action": "withdraw", "csrf_token": CSRF.findall(visitor.get(link).text)[0]}
    answers = [visitor.client.post(link, data=form).headers["Location"] for _ in range(2)]
    assert answers == ["/forum/m/done/withdrawn"] * 2
    page = site.visitor().get(site.page).text
    assert "My words." not in page
    assert "I agree." in page
    assert "is gone" in visitor.get(link).text


def test_looking_changes_nothing(site: Site, mine: int) -> None:
    """GET, HEAD, empty posts and posts without the session's token leave the comment alone."""
    link, visitor = opened(site, mine), site.visitor()
    assert (visitor.get(link).status_code, visitor.client.head(link).status_code) == (200, 200)
    assert visitor.client.post(link).status_code == 400
    for action in ("save", "anonymise", "withdraw"):
        assert visitor.client.post(link, data={"action": action, "body": "No."}).status_code == 422
    comment = site.get(mine)
    assert (comment.state, comment.name, comment.source) == ("published", "Ann", "My words.")


def test_a_link_opens_one_comment_of_one_address(site: Site, mine: int) -> None:
    """A genuine link that names somebody else's comment, or none, opens nothing; nor does one from before a move."""
    bens = comment_id(site.visitor().post(name="Ben", email="ben@reader.example", body="Mine."))
    for comment in (bens, 99):
        assert site.visitor().get(token(site, "o", id_of(site), comment)).status_code == 404
    link = token(site, "o", id_of(site), mine)
    with site.session() as session:
        session.scalars(select(Address).where(Address.key == ANN)).one().state = "confirmed"
        session.commit()
    press(site.visitor(), settings(site), "move", email="ann@elsewhere.example")
    site.deliver()
    press(site.visitor(), link_in(site, "ann@elsewhere.example", "n"), "move")
    assert site.visitor().get(link).status_code == 404


def test_an_old_link_brings_a_new_one(site: Site, mine: int) -> None:
    """After seven days the page offers another link to the same mailbox, and changes nothing before."""
    link, visitor = opened(site, mine), site.visitor()
    site.clock.advance(8 * 86400)
    assert press(visitor, link, "withdraw").status_code == 400
    assert press(visitor, link, "renew").headers["Location"] == "/forum/m/done/linked"
    site.deliver()
    assert "My words." in visitor.get(link_in(site, ANN, "o")).text


def test_a_site_without_mail_says_so(make_site: Callable[..., Site]) -> None:
    """Where no mail can be sent nobody is asked for an address."""
    site = make_site(FORUM_MAIL_FROM=None)
    site.add_article()
    posted = site.comment("Words.", email=ANN)
    assert "sends no mail" in site.visitor().get(f"/forum/comments/{posted}/mine").text
