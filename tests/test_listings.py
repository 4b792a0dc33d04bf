"""Whom moderators trust, hold, shadow or block: who is recognised, who did it, and how it is taken back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from forum.addresses import parse
from forum.errors import Conflict, InvalidDraft
from forum.models import Address, Audit, Comment, Listing
from forum.moderation import enlisting, listings
from forum.moderation.listings import Mark
from forum.screening import Effect, Listed
from forum.tokens import Keys
from tests.desk import ANNA, BEN, press, run, take_back
from tests.test_page_switches import MODERATOR, TOKEN, moderator
from tests.visitors import Site, Visitor

PAGE = "/forum/moderation/people"
TROLL = "troll@mail.bad.example"
DAY = dt.timedelta(days=1)


def fitting(site: Site, **about: Any) -> tuple[Listed, ...]:
    """What fits an author of whom this is known."""
    who = listings.Who(**{"name": "Nobody else", **about})
    with site.session() as session:
        return listings.fitting(session, site.state.keys, who, site.clock())


def enlist(site: Site, mark: Mark, effect: Effect, actor: str = ANNA, days: int | None = None, why: str = "") -> str:
    """List somebody and return the batch of the press."""
    until = site.clock() + days * DAY if days else None
    pressed = press(site, actor, why=why)
    run(site, lambda session: enlisting.add(session, pressed, mark, effect, until))
    return pressed.batch


def address(site: Site, text: str = TROLL) -> Mark:
    return listings.typed(site.state.keys, "address", text)


def only(session: Session) -> Listing:
    return session.scalars(select(Listing)).one()


@pytest.mark.parametrize(
    ("kind", "typed", "about"),
    [
        ("address", " Troll@Mail.BAD.example ", {"mailbox": parse(TROLL)}),
        ("domain", "@bad.example", {"mailbox": parse(TROLL)}),
        ("domain", "*.Mail.bad.example", {"mailbox": parse(TROLL)}),
        ("name", "Doctor Who", {"name": "D0ct0r  who"}),
        ("name", "★", {"name": " ★"}),
    ],
)
def test_somebody_is_recognised_however_they_spell_it(site: Site, kind: str, typed: str, about: dict[str, Any]) -> None:
    """An address in any case, a domain and all below it, a name and what looks like it, and nobody else."""
    enlist(site, listings.typed(site.state.keys, kind, typed), "hold")
    assert [(entry.kind, entry.effect) for entry in fitting(site, **about)] == [(kind, "hold")]
    assert fitting(site, mailbox=parse("good@example.org"), name="Ann") == ()


@pytest.mark.parametrize(
    ("kind", "typed"), [("address", "troll"), ("domain", "example"), ("domain", ""), ("name", " ")]
)
def test_what_recognises_nobody_is_refused(site: Site, kind: str, typed: str) -> None:
    """No address, no whole top-level domain, no empty name."""
    with pytest.raises(InvalidDraft):
        listings.typed(site.state.keys, kind, typed)


def test_everything_that_fits_is_one_statement(site: Site) -> None:
    """Account, browser and network count beside what was typed, all found by one SELECT."""
    for mark in (
        listings.by_identity("7"),
        listings.by_hash("visitor", "v" * 64),
        listings.by_hash("network", "n" * 64),
    ):
        enlist(site, mark, "trust")
    with site.statements() as seen:
        found = fitting(site, mailbox=parse(TROLL), identity_ref="7", visitor_hash="v" * 64, network="n" * 64)
    assert [entry.kind for entry in found] == ["identity", "visitor", "network"]
    assert len(seen) == 1


def test_the_list_outlives_a_change_of_secrets(site: Site) -> None:
    """An address listed under the old secret is recognised under the new one."""
    enlist(site, address(site), "block")
    site.state.keys = Keys(["a new secret", "a secret for tests"])
    assert len(fitting(site, mailbox=parse(TROLL))) == 1


def test_an_entry_ends_by_itself(site: Site) -> None:
    """After its time an entry fits nobody, and the same person can be listed anew."""
    enlist(site, address(site), "block", days=7)
    site.clock.advance(7 * 86400)
    assert fitting(site, mailbox=parse(TROLL)) == ()
    enlist(site, address(site), "hold")
    assert len(fitting(site, mailbox=parse(TROLL))) == 1


def test_the_address_is_nowhere(site: Site) -> None:
    """Neither the list nor the audit log holds the address: a hash, its first letter and its domain are all."""
    enlist(site, address(site), "block", why="He shouts.")
    with site.session() as session:
        row = only(session)
        kept = [
            *vars(row).values(),
            *[value for each in session.scalars(select(Audit)) for value in vars(each).values()],
        ]
    assert row.shown == "t•••@mail.bad.example"
    assert TROLL not in str(kept)


def test_of_two_moderators_the_second_hears_of_the_first(site: Site) -> None:
    """Who lists somebody a second time, or changes an entry that has changed, is told who was faster."""
    enlist(site, address(site), "block")
    with pytest.raises(Conflict) as error:
        enlist(site, address(site), "hold", actor=BEN)
    assert (error.value.by, error.value.act) == (ANNA, "list")
    with site.session() as session:
        number, seen = only(session).id, enlisting.edition(only(session))
    run(site, lambda session: enlisting.change(session, press(site), number, seen, "hold"))
    with pytest.raises(Conflict):
        run(site, lambda session: enlisting.lift(session, press(site, BEN), number, seen))
    with site.session() as session:
        assert only(session).effect == "hold"


def test_each_press_is_taken_back(database: dict[str, str], make_site: Callable[..., Site]) -> None:
    """Adding, changing and lifting are undone, on each database, and then the list is as it was before."""
    site = make_site(**database)
    first = enlist(site, address(site), "hold", days=3)
    with site.session() as session:
        number, before = only(session).id, enlisting.edition(only(session))
    changed, lifted = press(site), press(site)
    run(site, lambda session: enlisting.change(session, changed, number, before, "block"))
    with site.session() as session:
        seen = enlisting.edition(only(session))
    run(site, lambda session: enlisting.lift(session, lifted, number, seen))
    assert take_back(site, changed.batch).done == 0
    assert [take_back(site, batch).done for batch in (lifted.batch, changed.batch)] == [1, 1]
    with site.session() as session:
        assert enlisting.edition(only(session)) == before
    assert take_back(site, first).done == 1
    assert fitting(site, mailbox=parse(TROLL)) == ()


def state_of(site: Site, email: str = "ann@reader.example") -> str:
    with site.session() as session:
        return session.scalars(select(Address.state).where(Address.key == email)).one()


def test_to_a_blocked_address_no_mail_is_sent(site: Site) -> None:
    """Blocked, Ann hears nothing of answers; once the block is lifted she hears of the next one."""
    posted = site.follower("Ann")
    batch = enlist(site, address(site, "ann@reader.example"), "block")
    assert state_of(site) == "blocked"
    site.comment("You missed this.", parent=posted)
    site.deliver(3600)
    assert site.mails("ann@reader.example", "reply") == []
    take_back(site, batch)
    assert state_of(site) == "confirmed"
    site.comment("And here we are.", parent=posted)
    site.deliver(3600)
    assert len(site.mails("ann@reader.example", "reply")) == 1


def test_a_no_is_stronger_than_a_lifted_block(site: Site) -> None:
    """Who has unsubscribed stays unsubscribed, blocked or not."""
    site.follower("Ann")
    with site.session() as session:
        session.scalars(select(Address)).one().state = "unsubscribed"
        session.commit()
    batch = enlist(site, address(site, "ann@reader.example"), "block")
    take_back(site, batch)
    assert state_of(site) == "unsubscribed"


def test_of_two_blocks_one_remains(site: Site) -> None:
    """An address that is blocked by its domain as well stays silent when its own block is lifted."""
    site.follower("Ann")
    batch = enlist(site, address(site, "ann@reader.example"), "block")
    enlist(site, listings.by_domain("reader.example"), "block")
    take_back(site, batch)
    assert state_of(site) == "blocked"


# --- the page


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    site = make_site(FORUM_MODERATORS=["ada@forum.example", MODERATOR], FORUM_ADMINS=["ada@forum.example"])
    site.add_article()
    return site


def send(visitor: Visitor, path: str = PAGE, **typed: str) -> TestResponse:
    """Send a form of the list as the page shows it."""
    token = TOKEN.findall(visitor.get(PAGE).text)[-1]
    return visitor.client.post(path, data={"csrf_token": token, "back": PAGE, "days": "", **typed})


def test_somebody_is_added_changed_and_lifted_on_the_page(desk: Site) -> None:
    """A moderator blocks an address for a week, makes a hold of it and takes it off; each says what it did."""
    mo = moderator(desk)
    done = send(mo, kind="address", value=TROLL, effect="block", days="7", why="He shouts.")
    page = mo.get(done.headers["Location"]).text
    assert [words in page for words in ("Put on the list.", "He shouts.", 'name="batch"', TROLL)] == [True] * 3 + [
        False
    ]
    edition = re.findall(r'name="edition" value="(\w+)"', page)[0]
    with desk.session() as session:
        path = f"{PAGE}/{only(session).id}"
    assert send(mo, path, action="relist", edition=edition, effect="hold", days="same").status_code == 303
    with desk.session() as session:
        row = only(session)
        assert (row.effect, row.until) == ("hold", desk.clock() + 7 * DAY)
    stale = send(mo, path, action="lift", edition=edition)
    assert "You changed this on the list" in mo.get(stale.headers["Location"]).text
    edition = re.findall(r'name="edition" value="(\w+)"', mo.get(PAGE).text)[0]
    lifted = mo.get(send(mo, path, action="lift", edition=edition).headers["Location"]).text
    assert [words in lifted for words in ("Taken off the list.", "everybody is treated alike")] == [True] * 2


def test_what_is_wrong_is_said_and_nothing_lost(desk: Site) -> None:
    """A wrong address comes back with a sentence and all that was typed; a second entry says who made the first."""
    mo = moderator(desk)
    wrong = send(mo, kind="address", value="trol l", effect="shadow", why="Because.")
    assert wrong.status_code == 422
    assert [words in wrong.text for words in ('role="alert"', 'value="trol l"', 'value="Because."')] == [True] * 3
    send(mo, kind="name", value="Troll", effect="hold")
    again = send(mo, kind="name", value="TR0LL", effect="block")
    assert (again.status_code, "mo has them on the list already" in again.text) == (409, True)


def test_the_list_is_searched_by_what_is_shown_and_by_the_whole_address(desk: Site) -> None:
    """A search finds a name, a reason, an effect and an address of which only a hash is kept; "%" is a letter."""
    enlist(desk, address(desk), "block", why="100% noise")
    enlist(desk, listings.by_name("Troll"), "hold")
    mo = moderator(desk)
    expected = {f"q={TROLL}": 1, "q=100%25": 1, "q=%25": 1, "q=trol": 1, "effect=hold": 1, "q=nobody": 0, "effect=x": 2}
    for query, number in expected.items():
        assert mo.get(f"{PAGE}?{query}").text.count('class="forum-row"') == number, query


def test_a_blocked_author_is_turned_away(desk: Site) -> None:
    """What the list says counts for the next comment."""
    enlist(desk, address(desk), "block")
    assert desk.visitor().post(name="T", email=TROLL).status_code == 422
    assert desk.visitor().post(name="Ann", email="ann@reader.example").status_code == 303
    with desk.session() as session:
        assert session.scalars(select(Comment.name)).all() == ["Ann"]


def test_an_entry_leads_to_whom_it_is_about(desk: Site) -> None:
    """A network is shown by a short tag beside who was last seen there, an address by who writes under it."""
    typed = desk.comment("Noise.", name="Troll", email=TROLL)
    network = desk.get(typed).network or ""
    enlist(desk, listings.by_hash("network", network), "hold")
    enlist(desk, listings.by_address(desk.state.keys, parse(TROLL)), "block")
    page = moderator(desk).get(PAGE).text
    assert f">Network {network[:4]}<" in page
    assert network not in page
    assert page.count(f'href="/forum/moderation/people/comment/{typed}"') == 2
