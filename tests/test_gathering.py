"""What posting finds out about a draft before it is judged, and what it then does with the verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from forum import Forum, comments
from forum.comments.gathering import PAST
from forum.models import SHADOW, Address, Comment, Event, Item, Listing, Message, Thread, Word
from forum.moderation import listings
from tests.desk import run
from tests.hosts.one_page import known_by_header
from tests.test_moderation import moderator
from tests.visitors import SAME_ORIGIN, Site, comment_id, stamp_in

MakeSite = Callable[..., Site]
AD = "Buy the best watches of this town here, cheap and quick."
BEN = "ben@reader.example"


def strict(make_site: MakeSite, **config: Any) -> Site:
    """A site that reads first comments."""
    site = make_site(**{"FORUM_MODERATION": "first", **config})
    site.add_article()
    return site


def publish(site: Site, *ids: int) -> None:
    """Let comments be approved, without anybody's press."""
    with site.session() as session:
        now = site.clock()
        session.execute(update(Comment).where(Comment.id.in_(ids)).values(state="published", published_at=now))
        session.commit()


def trusted(site: Site, email: str = BEN) -> None:
    """Let somebody have an approved comment."""
    publish(site, site.comment("My first words here.", email=email))


def listed(site: Site, effect: str, mark: listings.Mark) -> None:
    """Put somebody on the moderators' list."""
    with site.session() as session:
        entry = {"kind": mark.kind, "value": mark.value, "shown": mark.shown, "effect": effect}
        session.add(Listing(**entry, created_by="Anna", created_at=site.clock()))
        session.commit()


def reasons(site: Site, body: str = "Some words of mine.", **fields: Any) -> list[str]:
    """Why a new comment waits; nothing when it is on the page."""
    return site.get(site.comment(body, **fields)).reasons


@pytest.mark.parametrize("needed", [1, 2])
def test_enough_approvals_open_the_door(make_site: MakeSite, needed: int) -> None:
    """An author passes unread after as many approved comments as the site asks for."""
    site = strict(make_site, FORUM_FIRST_APPROVALS=needed)
    for number in range(needed):
        assert reasons(site, f"Before that, {number}.", email=BEN) == ["first"]
        publish(site, number + 1)
    assert reasons(site, email=BEN) == []


def test_only_a_confirmed_address_is_trusted_where_the_site_says_so(make_site: MakeSite) -> None:
    """Without trust in unconfirmed addresses approved comments count from the confirmation on."""
    site = strict(make_site, FORUM_TRUST_UNCONFIRMED=False)
    ben = site.visitor()
    publish(site, comment_id(ben.post(body="My first words here.", email=BEN)))
    assert site.get(comment_id(ben.post(body="My second words.", email=BEN))).reasons == ["first"]
    with site.session() as session:
        session.execute(update(Address).values(state="confirmed"))
        session.commit()
    assert site.get(comment_id(ben.post(body="Some more words.", email=BEN))).reasons == []


def test_whoever_types_a_confirmed_address_has_confirmed_nothing(make_site: MakeSite) -> None:
    """In another browser the address of somebody who is trusted helps only when the host vouches for it."""
    site = strict(make_site, FORUM_TRUST_UNCONFIRMED=False)
    trusted(site)
    with site.session() as session:
        session.execute(update(Address).values(state="confirmed"))
        session.commit()
    stranger = site.visitor()
    for body in ("It is me.", "Me again."):
        assert site.get(comment_id(stranger.post(body=body, email=BEN))).reasons == ["first"]


def test_copies_wait(make_site: MakeSite) -> None:
    """The same text on another page waits, however it is spelled; on its own page and a day later it does not."""
    site = strict(make_site)
    trusted(site)
    assert [reasons(site, AD, email=BEN) for _ in range(2)] == [[], []]
    other = site.add_article("Cake")
    stamps = [site.visitor().stamp(other) for _ in range(3)]
    assert reasons(site, AD.upper().replace(",", " – "), email=BEN, stamp=stamps[0]) == ["duplicate:2"]
    assert reasons(site, "Thank you!", email=BEN, stamp=stamps[1]) == []
    assert reasons(site, "Thank you!", email=BEN) == []
    site.clock.advance(24 * 3600 + 1)
    assert reasons(site, AD, email=BEN, stamp=site.visitor().stamp(other)) == []


def test_old_pages_wait(make_site: MakeSite) -> None:
    """From the day the site names, comments on an old conversation wait."""
    site = strict(make_site, FORUM_OLD_THREAD_DAYS=10)
    trusted(site)
    site.clock.advance(10 * 86_400)
    assert reasons(site, email=BEN) == ["old_thread:10"]


def test_a_page_that_is_read_first(make_site: MakeSite) -> None:
    """Where a moderator holds a page, people who are known wait there too."""
    site = strict(make_site)
    trusted(site)
    with site.session() as session:
        session.execute(update(Thread).values(held=True))
        session.commit()
    assert reasons(site, email=BEN) == ["thread_held"]


@pytest.mark.parametrize("after", [0, 7])
def test_pages_close_by_themselves(make_site: MakeSite, after: int) -> None:
    """After the days the site names neither the page nor a form from before takes a comment, and the text is kept."""
    site = strict(make_site, FORUM_MODERATION="none", FORUM_CLOSE_AFTER_DAYS=after)
    first = site.comment()
    site.clock.advance(7 * 86_400 - 1)
    stamp = site.visitor().stamp()
    tag = site.visitor().get(site.page).headers["ETag"]
    site.clock.advance(1)
    late = site.visitor().post(stamp=stamp, body="Came late.")
    assert late.status_code == (422 if after else 303)
    assert ("are closed" in late.text and "Came late." in late.text) is bool(after)
    now = site.visitor().get(site.page, headers={"If-None-Match": tag})
    assert now.status_code == 200
    assert ('name="stamp"' in now.text) is not bool(after)
    assert ("/reply" in now.text) is not bool(after)
    assert site.visitor().get(f"/forum/comments/{first}/reply").status_code == (302 if after else 200)


def test_an_address_may_be_needed(make_site: MakeSite) -> None:
    """A form says beforehand that it needs an address, and without one comes back with the text."""
    site = strict(make_site, FORUM_REQUIRE_EMAIL=True)
    assert 'E-mail <span class="forum-optional">' not in site.visitor().get(site.page).text
    answer = site.visitor().post(body="Kept text.")
    assert answer.status_code == 422
    assert "It is needed here" in answer.text
    assert "Kept text." in answer.text
    assert site.visitor().post(email=BEN).status_code == 303


def test_signing_in_may_be_needed(make_host: MakeSite) -> None:
    """Where only signed-in people comment, others see so instead of a form, and lose no text that they had typed."""
    forum = Forum()
    forum.identity(known_by_header)
    site = make_host(forum=forum, FORUM_REQUIRE_IDENTITY=True)
    stamp = stamp_in(site.visitor().get("/", headers={"X-Person": "ann"}).text)
    assert 'name="body"' not in site.visitor().get("/").text
    assert "Only people who are signed in" in site.visitor().get("/").text
    answer = site.visitor().post(stamp=stamp, body="Kept text.")
    assert answer.status_code == 422
    assert "Please sign in first" in answer.text
    assert "Kept text." in answer.text


def test_names_of_moderators_are_kept_for_them(make_site: MakeSite) -> None:
    """Nobody writes under a name that looks like a moderator's; the form says so at the name, and keeps the text."""
    site = strict(make_site, FORUM_MODERATORS=["anna.berg@forum.example"])
    answer = site.visitor().post(name="Аnnа Berg", body="Kept text.")
    assert answer.status_code == 422
    assert 'id="forum-name-error"' in answer.text
    assert "Kept text." in answer.text


def test_names_moderators_have_written_under(make_site: MakeSite) -> None:
    """The name of a moderator's own comments is kept too, from a minute after the first of them."""
    site = strict(make_site)
    posted = site.comment(name="Gardener")
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == posted).values(is_moderator=True))
        session.commit()
    site.clock.advance(61)
    assert site.visitor().post(name="Gardener").status_code == 422


def test_moderators_write_under_their_own_name(make_site: MakeSite) -> None:
    """Whoever has signed in at the desk is not taken for somebody who pretends to be them."""
    # Without the word that is kept from everybody.
    site = strict(make_site, FORUM_RESERVED_NAMES=[])
    assert site.visitor().post(name="moderator").status_code == 422
    assert moderator(site).post(name="moderator").status_code == 303


@pytest.mark.parametrize(
    ("effect", "policy", "state"),
    [
        ("block", "first", None),
        ("block", "none", None),
        ("hold", "first", "held"),
        ("hold", "none", "held"),
        ("shadow", "none", "spam"),
        ("shadow", "all", "spam"),
        ("trust", "first", "published"),
    ],
)
def test_lists_count(make_site: MakeSite, effect: str, policy: str, state: str | None) -> None:
    """What moderators have listed decides: blocked is refused, shadowed is spam, held waits, trusted passes."""
    site = strict(make_site, FORUM_MODERATION=policy)
    with site.session() as session:
        session.add(Address(key=BEN, email=BEN, state="confirmed", active_at=site.clock(), nudges=0,
                            changed_at=site.clock(), created_at=site.clock()))  # fmt: skip
        session.commit()
    listed(site, effect, listings.by_domain("reader.example"))
    answer = site.visitor().post(email=BEN)
    assert answer.status_code == (303 if state else 422)
    assert state is None or site.get(comment_id(answer)).state == state


def test_a_shadow_falls_on_nobody_but_its_author(make_site: MakeSite) -> None:
    """Who is shadowed sees what everybody sees whose comment waits; nobody else sees or hears anything."""
    site = strict(make_site, FORUM_MODERATION="none")
    listed(site, "shadow", listings.by_name("Ben"))
    author = site.visitor()
    answer = author.post(body="Unseen words.", email=BEN, notify="direct")
    posted = comment_id(answer)
    assert answer.headers["Location"].endswith(f"/forum/comments/{posted}/held")
    assert "waiting for a moderator" in author.get(answer.headers["Location"]).text
    own = author.get(site.page).text
    assert "Unseen words." in own
    assert "awaiting moderation" in own
    assert "Unseen words." not in site.visitor().get(site.page).text
    assert site.visitor().get(f"/forum/comments/{posted}/held").status_code == 404
    changed = author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Other words."}, headers=SAME_ORIGIN)
    assert changed.headers["Location"].endswith("/held")
    assert site.get(posted).state == "spam"
    with site.session() as session:
        assert session.scalars(select(Event)).all() == []


@pytest.mark.parametrize("policy", ["none", "all"])
def test_a_shadow_falls_on_an_edit_too(make_site: MakeSite, policy: str) -> None:
    """Who is shadowed after they posted and then edits, sees it wait; it is spam, and no moderator is told."""
    site = strict(make_site, FORUM_MODERATION=policy)
    author = site.visitor()
    posted = comment_id(author.post(body="Seen words.", email=BEN))
    with site.session() as session:
        before = session.scalars(select(Event.id)).all()
    listed(site, "shadow", listings.by_name("Ben"))
    changed = author.client.post(f"/forum/comments/{posted}/edit", data={"body": "Other words."}, headers=SAME_ORIGIN)
    assert changed.headers["Location"].endswith("/held")
    assert "Other words." in author.get(site.page).text
    assert "words." not in site.visitor().get(site.page).text
    comment = site.get(posted)
    assert (comment.state, comment.removed_by, comment.reasons[0]) == ("spam", SHADOW, "listed:shadow name Ben")
    with site.session() as session:
        assert session.scalars(select(Event.id)).all() == before


def test_a_shadowed_author_who_sends_again_is_led_to_the_first(make_site: MakeSite) -> None:
    """From a fresh form the same text leads to the comment that is there, as for an author whose comment waits."""
    site = strict(make_site)
    listed(site, "shadow", listings.by_name("Ben"))
    author = site.visitor()
    assert comment_id(author.post(body="Once.", name="Ben")) == comment_id(author.post(body="Once.", name="Ben"))


def test_what_the_filter_thinks_counts(make_site: MakeSite) -> None:
    """A draft of words that stood in spam waits, with the words; where the filter knows too little nothing is asked."""
    site = strict(make_site)
    trusted(site)
    spam, words = {"ham": 0, "spam": 30}, ("cheap", "watches", "quick", "town", "best")
    with site.session() as session:
        session.execute(insert(Word), [{"word": "", "spam": 30, "ham": 30}, *({"word": w, **spam} for w in words)])
        session.commit()
    site.clock.advance(61)
    (reason,) = reasons(site, AD, email=BEN)
    assert reason.startswith("score:0.9")
    assert "watches" in reason


def test_an_authors_past_is_found_by_who_they_are(site: Site) -> None:
    """Nothing of the past is looked for among all comments of a state: SQLite would read them all for each post."""
    with site.session() as session:
        asked = select(*PAST).compile(session.get_bind())
        nothing = (None,) * len(asked.positiontup or ())
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", nothing).all()
    steps = [row.detail for row in plan if "forum_comment" in row.detail]
    assert len(steps) == 5
    assert not [step for step in steps if step.startswith("SCAN") or "_state_" in step]


@pytest.mark.parametrize("policy", ["first", "none"])
def test_what_is_asked(make_site: MakeSite, policy: str) -> None:
    """With every rule on a usual comment is eight statements at most; with moderation off the filter is not asked."""
    site = strict(make_site, FORUM_MODERATION=policy, FORUM_OLD_THREAD_DAYS=900, FORUM_HOLD_WORDS=["casino"])
    trusted(site)
    with site.session() as session:
        session.execute(insert(Word), [{"word": "", "spam": 30, "ham": 30}])
        session.commit()
    site.clock.advance(61)
    site.comment("So that the names of staff are known.", email=BEN)
    costs = []
    for fields in ({}, {"parent": "1"}):
        visitor = site.visitor()
        typed = visitor.fill(email=BEN, body=f"Hello {fields}.", **fields)
        with site.statements() as seen:
            assert visitor.post(**typed).status_code == 303
        costs.append(len(seen))
        assert any("forum_word" in statement for statement in seen) is (policy == "first")
    assert max(costs) <= 8, costs


def test_nobody_is_mailed_about_a_silent_page(make_site: MakeSite) -> None:
    """A comment on a page that a moderator has silenced makes no mail, and says why."""
    site = make_site(FORUM_MODERATION="none")
    site.add_article()
    site.follower("Ann", notify="thread")
    before = len(site.mails())
    with site.session() as session:
        session.execute(update(Thread).values(silent=True))
        session.commit()
    site.comment("News.")
    site.deliver(dt.timedelta(days=1).total_seconds())
    with site.session() as session:
        assert sorted(session.scalars(select(Item.skip_reason))) == ["article_silent", "self"]
        assert len(site.mails()) == before
        assert session.scalar(select(Message.id).where(Message.kind == "reply")) is None


def test_an_edit_is_judged_by_what_applies(make_site: MakeSite) -> None:
    """An edit that copies what stands elsewhere waits; time, proof and the name it was accepted with are not asked."""
    site = strict(make_site, FORUM_PROOF_OF_WORK=False)
    trusted(site)
    site.comment(AD, email=BEN)
    other = site.add_article("Cake")
    author = site.visitor()
    posted = comment_id(author.post(email=BEN, body="Honest words.", stamp=author.stamp(other)))
    for body, state in (("Honest words, corrected.", "published"), (AD, "held")):
        author.client.post(f"/forum/comments/{posted}/edit", data={"body": body}, headers=SAME_ORIGIN)
        assert site.get(posted).state == state
    assert site.get(posted).reasons == ["duplicate:1"]


@pytest.mark.parametrize(("by_mail", "state"), [(False, "held"), (True, "published")])
def test_an_edit_proves_no_address_by_its_name(make_site: MakeSite, by_mail: bool, state: str) -> None:
    """That somebody has confirmed the address under a comment helps its edit only when it was they who came."""
    site = strict(make_site, FORUM_TRUST_UNCONFIRMED=False)
    trusted(site)
    with site.session() as session:
        session.execute(update(Address).values(state="confirmed"))
        # Which browser it came from was forgotten by the privacy clock.
        session.execute(update(Comment).values(visitor_hash=None))
        session.commit()

    def change(session: Session) -> None:
        comment = session.get_one(Comment, 1)
        comments.edit(session, comment, "Other words.", site.state.settings, site.clock(), by_mail=by_mail)

    run(site, change)
    assert site.get(1).state == state


def test_every_database_knows_the_past(make_site: MakeSite, database: dict[str, str]) -> None:
    """Approvals, copies and lists are found on each kind of database."""
    site = strict(make_site, FORUM_FIRST_APPROVALS=2, **database)
    for number in range(2):
        assert reasons(site, f"Before that, {number}.", email=BEN) == ["first"]
        publish(site, number + 1)
    assert reasons(site, AD, email=BEN) == []
    stamp = site.visitor().stamp(site.add_article("Cake"))
    listed(site, "hold", listings.by_name("Ben"))
    assert reasons(site, AD, email=BEN, stamp=stamp) == ["listed:hold name Ben", "duplicate:1"]
