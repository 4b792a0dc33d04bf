"""What a host can tell Forum, and what Forum tells a host: hooks and signals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from blinker import NamedSignal
from flask_login import LoginManager, UserMixin
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from forum import Context, Draft, Forum, Identity, Verdict, signals
from forum.mail.deliver import drain
from forum.models import Address, Comment, Item
from tests.hosts.blog.models import Activity, Friend
from tests.hosts.one_page import known_by_header
from tests.hosts.people import BO, field, sign_in
from tests.visitors import SAME_ORIGIN, Site, Visitor, comment_id

MakeSite = Callable[..., Site]


@pytest.fixture
def blog(make_blog: MakeSite) -> Site:
    return make_blog()


@pytest.fixture
def forum() -> Forum:
    """A Forum that knows people by a header."""
    forum = Forum()
    forum.identity(known_by_header)
    return forum


def post_as(visitor: Visitor, person: str, path: str = "/", **fields: Any) -> Any:
    """Post a comment as a person that the host knows."""
    headers = SAME_ORIGIN | {"X-Person": person}
    page = visitor.get(path, headers=headers).text
    return visitor.post(
        headers, stamp=field(page, "stamp"), csrf_token=field(page, "csrf_token"), **{"body": "Mine.", **fields}
    )


# Identity


def test_the_hook_says_who_is_there(make_host: MakeSite, forum: Forum) -> None:
    """`@forum.identity` names the author; what the form claims is not asked."""
    site = make_host(forum=forum)
    comment = site.get(comment_id(post_as(site.visitor(), "7", name="Mallory")))
    assert (comment.name, comment.identity_ref) == ("Person 7", "7")


def test_the_hook_wins_over_flask_login(make_host: MakeSite, forum: Forum) -> None:
    """Where there is a hook its word counts and not Flask-Login's, even when it says that nobody is there."""
    site = make_host(forum=forum)
    login = LoginManager(site.app)
    user = UserMixin()
    user.id = 42
    login.request_loader(lambda request: user)
    assert site.get(comment_id(site.visitor().post(name="Cy"))).identity_ref is None
    assert site.get(comment_id(post_as(site.visitor(), "7"))).identity_ref == "7"


def test_the_hook_is_asked_once_a_request(make_host: MakeSite) -> None:
    """However often Forum needs to know, the host is asked once in each request."""
    forum, asked = Forum(), []
    forum.identity(lambda: asked.append(1))  # type: ignore[func-returns-value, arg-type]
    make_host(forum=forum).visitor().get("/")
    assert len(asked) == 1


def test_people_are_told_apart_under_one_app_context(make_host: MakeSite, forum: Forum) -> None:
    """Under an app context that stays open, as in many test suites, nobody is taken for whoever came before."""
    site = make_host(forum=forum)
    with site.app.app_context():
        assert "csrf_token" in site.visitor().get("/", headers={"X-Person": "7"}).text
        assert "csrf_token" not in site.visitor().get("/").text


@pytest.mark.parametrize("name", ["", " ", "N" * 60, "\u200b"])
def test_a_name_of_the_hosts_keeps_nobody_from_writing(make_host: MakeSite, name: str) -> None:
    """A name that could not be typed is made to fit: its owner cannot change it in our form."""
    forum = Forum()
    forum.identity(lambda: Identity("7", name))
    site = make_host(forum=forum)
    assert post_as(site.visitor(), "7").status_code == 303


def test_a_moderator_by_the_hook(make_host: MakeSite) -> None:
    """`is_moderator` opens the moderators' pages and gives the badge."""
    forum = Forum()
    forum.identity(lambda: Identity("7", "Mo", is_moderator=True))
    site = make_host(forum=forum, FORUM_MODERATION="all")
    assert site.get(comment_id(post_as(site.visitor(), "7"))).state == "published"
    assert site.visitor().get("/forum/moderation/").status_code == 200


# Proved addresses


def state_of(site: Site, email: str) -> str | None:
    with site.session() as session:
        return session.scalar(select(Address.state).where(Address.email == email))


def test_a_verified_address_is_not_asked(make_host: MakeSite, forum: Forum) -> None:
    """`@forum.email_verified` saying yes confirms the address at once: no question is mailed, answers are."""
    forum.email_verified(lambda identity: True)
    site = make_host(forum=forum)
    parent = comment_id(post_as(site.visitor(), "7", notify="direct"))
    assert state_of(site, "7@host.example") == "confirmed"
    site.comment(parent=parent, email="cy@reader.example")
    site.deliver()
    assert [mail["X-Forum-Reason"] for mail in site.mails("7@host.example")] == ["reply"]


def test_an_unverified_address_is_asked(make_host: MakeSite) -> None:
    """`@forum.email_verified` saying no decides over the identity's own word: the address is asked first."""
    forum = Forum()
    forum.identity(lambda: Identity("7", "Di", "7@host.example", email_verified=True))
    forum.email_verified(lambda identity: False)
    site = make_host(forum=forum)
    post_as(site.visitor(), "7", notify="direct")
    site.deliver()
    assert [mail["X-Forum-Reason"] for mail in site.mails("7@host.example")] == ["confirm"]


# Screening


def screening(word: str) -> Forum:
    """A Forum whose host has an opinion about Brussels sprouts."""
    forum = Forum()

    @forum.screen
    def taste(draft: Draft, context: Context) -> Verdict | None:
        return Verdict(word, ("sprouts",)) if "sprouts" in draft.body else None  # type: ignore[arg-type]

    return forum


def test_a_host_holds(make_host: MakeSite) -> None:
    """A rule of the host's can hold a comment, and its reason is kept for the moderator."""
    site = make_host(forum=screening("hold"), FORUM_MODERATION="first")
    answer = site.visitor().post(body="I like sprouts.")
    assert answer.headers["Location"].endswith("/held")
    with site.session() as session:
        comment = session.scalars(select(Comment)).one()
        assert (comment.state, "sprouts" in comment.reasons) == ("held", True)


def test_a_host_rejects(make_host: MakeSite) -> None:
    """A rule of the host's can reject a comment: nothing is stored and the text comes back."""
    site = make_host(forum=screening("reject"))
    answer = site.visitor().post(body="I like sprouts.")
    assert (answer.status_code, "I like sprouts." in answer.text) == (422, True)
    with site.session() as session:
        assert session.scalars(select(Comment)).all() == []
    site.comment("I like bread.")


# Private pages


def private_follower(blog: Site) -> int:
    """Bo comments on a private post and wants to hear of answers."""
    bo = sign_in(blog, BO)
    page = bo.get("/posts/2").text
    answer = bo.post(
        stamp=field(page, "stamp"), csrf_token=field(page, "csrf_token"), body="Between us.", notify="direct"
    )
    blog.deliver()
    (link,) = blog.links(blog.mails(BO, "confirm")[0], "c")
    blog.visitor().act(link, "confirm")
    return comment_id(answer)


def answer_privately(blog: Site, parent: int) -> None:
    ada = sign_in(blog, "ada@blog.example")
    page = ada.get("/posts/2").text
    ada.post(stamp=field(page, "stamp"), csrf_token=field(page, "csrf_token"), body="A secret.", parent=parent)


def test_who_may_read_is_told(blog: Site) -> None:
    """An answer on a private page is mailed to a reader whom the host lets in."""
    answer_privately(blog, private_follower(blog))
    blog.deliver()
    assert len(blog.mails(BO, "reply")) == 1


def test_who_may_no_longer_read_is_not_told(blog: Site) -> None:
    """Right before the mail the host is asked again; the mail that must not leave says `access` in the ledger."""
    answer_privately(blog, private_follower(blog))
    with blog.session() as session:
        session.execute(delete(Friend).where(Friend.user_id == 2))
        session.commit()
    blog.deliver()
    assert blog.mails(BO, "reply") == []
    with blog.session() as session:
        assert session.scalars(select(Item.skip_reason)).all() == ["access"]


def test_our_pages_do_not_tell_what_the_host_hides(blog: Site) -> None:
    """Permalink, reply and branch of a private page exist for its readers only."""
    posted = private_follower(blog)
    for page in ("", "/reply", "/branch"):
        path = f"/forum/comments/{posted}{page}"
        assert sign_in(blog, "ada@blog.example").get(path).status_code in (200, 302), page
        assert blog.visitor().get(path).status_code == 404, page


def test_the_question_leaves_no_transaction_open(blog: Site) -> None:
    """Every question has a session of its own: a worker that runs for weeks does not see the past in it."""
    answer_privately(blog, private_follower(blog))
    with blog.app.app_context():
        drain(blog.state.courier())
        assert not blog.state.session.in_transaction()


# Signals


@pytest.fixture
def heard(blog: Site) -> Iterator[list[str]]:
    """The names of the signals that this blog sends."""
    names: list[str] = []
    with_receivers: list[tuple[NamedSignal, Callable[..., None]]] = []
    for signal in (found for found in vars(signals).values() if isinstance(found, NamedSignal)):

        def note(sender: Any, _name: str = signal.name, **about: Any) -> None:
            assert sender is blog.app
            assert len(about) == 1
            names.append(_name.removeprefix("forum."))

        signal.connect(note, blog.app)
        with_receivers.append((signal, note))
    yield names
    for signal, note in with_receivers:
        signal.disconnect(note, blog.app)


def test_the_life_of_a_comment_is_told(blog: Site, heard: list[str]) -> None:
    """Posting, editing and removing a comment are signalled, in this order, with the app as sender."""
    author = blog.visitor()
    posted = comment_id(author.post())
    author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Better."}, headers=SAME_ORIGIN)
    author.act(f"/forum/comments/{posted}/remove", "remove")
    assert heard == ["comment-posted", "comment-published", "comment-edited", "comment-removed"]


def test_the_life_of_an_address_is_told(blog: Site, heard: list[str]) -> None:
    """Mail sent, an address confirmed and an address that left are signalled."""
    blog.follower("Cy")
    assert heard == ["comment-posted", "comment-published", "message-sent", "address-confirmed"]


def test_leaving_is_told(blog: Site, heard: list[str]) -> None:
    """Whoever unsubscribes is signalled once, however often they press."""
    blog.comment(parent=blog.follower("Cy"), name="Di")
    blog.deliver()
    (link,) = blog.links(blog.mails("cy@reader.example", "reply")[0], "u")
    for _ in range(2):
        blog.visitor().act(link, "unsubscribe")
    assert heard.count("address-unsubscribed") == 1


def test_moderation_is_told(make_blog: MakeSite) -> None:
    """Approval is signalled as publication, refusal as rejection."""
    blog = make_blog(FORUM_MODERATION="all")
    first, second = (comment_id(blog.visitor().post(name=name)) for name in ("Cy", "Di"))
    told: list[tuple[str, int]] = []

    def published(sender: Any, comment: Comment) -> None:
        told.append(("published", comment.id))

    def rejected(sender: Any, comment: Comment) -> None:
        told.append(("rejected", comment.id))

    ada = sign_in(blog, "ada@blog.example")
    token = field(ada.get("/forum/moderation/").text, "csrf_token")
    with (
        signals.comment_published.connected_to(published, blog.app),
        signals.comment_rejected.connected_to(rejected, blog.app),
    ):
        for id_, action in ((first, "approve"), (second, "reject")):
            ada.client.post(
                f"/forum/moderation/comments/{id_}",
                data={"csrf_token": token, "action": action, "version": "1"},
                headers=SAME_ORIGIN,
            )
    assert told == [("published", first), ("rejected", second)]


def lines(blog: Site) -> list[str]:
    with blog.session() as session:
        return list(session.scalars(select(Activity.line)))


def test_a_receivers_row_commits_with_the_comment(blog: Site) -> None:
    """What a receiver adds to the host's session is in the database when the comment is."""
    blog.comment(name="Cy")
    assert lines(blog) == ["Cy wrote about Open"]


def test_a_receivers_failure_takes_the_comment_along(blog: Site) -> None:
    """If the host's row cannot be stored the comment is not either, nor anything else of the submission."""
    blog.comment(name="Cy", body="First.")
    with pytest.raises(IntegrityError):
        blog.visitor().post(name="Cy", body="Second.", email="cy@reader.example", notify="direct")
    assert lines(blog) == ["Cy wrote about Open"]
    with blog.session() as session:
        assert session.scalars(select(Comment.source)).all() == ["First."]
        assert session.scalars(select(Address)).all() == []


def test_a_receiver_that_raises_takes_the_comment_along(blog: Site) -> None:
    """A receiver's own error rolls the comment back."""

    def refuse(sender: Any, comment: Comment) -> None:
        raise LookupError("the host is not ready")

    visitor = blog.visitor()
    with signals.comment_posted.connected_to(refuse, blog.app), pytest.raises(LookupError):
        visitor.post(name="Cy")
    with blog.session() as session:
        assert session.scalars(select(Comment)).all() == []
