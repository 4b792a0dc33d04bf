"""Somebody's own page at the desk: found by a comment, with what they wrote, how they are treated, and their data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from forum.cli import forum_cli
from forum.cli.moderators import sign_in_link
from forum.models import Address, Audit, Base, Comment, Listing, Refusal, Report, Revision, SignIn
from forum.moderation import enlisting, listings, reports
from tests.desk import act, edit, press, run, take_back
from tests.test_page_switches import MODERATOR, TOKEN, moderator
from tests.visitors import Site, Visitor

ADMIN = "ada@forum.example"
ANN = "ann@reader.example"


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with two comments of Ann, one of Ben, and a moderator beside the admin."""
    site = make_site(FORUM_MODERATORS=[ADMIN, MODERATOR], FORUM_ADMINS=[ADMIN], FORUM_MODERATION="none")
    site.add_article()
    site.follower("Ann")
    site.comment("Once more.", name="Annie", email=ANN)
    site.comment("Not me.", name="Ben", email="ben@reader.example")
    in_one_browser(site, 1, 2)
    return site


def in_one_browser(site: Site, first: int, *others: int) -> None:
    """Let comments have been written in the browser of the first."""
    visitor = site.get(first).visitor_hash
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id.in_(others)).values(visitor_hash=visitor))
        session.commit()


def admin(site: Site) -> Visitor:
    """The admin, signed in."""
    with site.app.app_context():
        link = sign_in_link(site.state, ADMIN).removeprefix("http://localhost")
    visitor = site.visitor()
    token = TOKEN.findall(visitor.get(link).text)[-1]
    assert visitor.client.post(link, data={"csrf_token": token}).status_code == 303
    return visitor


def path(comment: int | str, act: str = "") -> str:
    return f"/forum/moderation/people/comment/{comment}{act}"


def send(visitor: Visitor, comment: int, act: str, **typed: str) -> TestResponse:
    """Send a form of the page."""
    token = TOKEN.findall(visitor.get(path(comment)).text)[-1]
    return visitor.client.post(path(comment, act), data={"csrf_token": token, "back": path(comment), **typed})


def words(page: str) -> list[str]:
    """The texts of the comments on the page."""
    return re.findall(r'forum-evidence"[^>]*>\s*<p[^>]*>([^<]*)</p>', page)


def test_one_comment_leads_to_all_of_its_author(desk: Site) -> None:
    """Under one address every comment is found, whatever name it has, and nobody else's."""
    page = moderator(desk).get(path(1)).text
    assert words(page) == ["Once more.", "Tell me."]
    assert "2 published" in page


def test_without_an_address_the_browser_tells(desk: Site) -> None:
    """What an anonymous author wrote in one browser stands together; without even that a comment stands alone."""
    visitor = desk.visitor()
    for body in ("One.", "Two."):
        visitor.post(name="Cy", body=body)
    desk.comment("Three.", name="Cy")
    mo = moderator(desk)
    assert words(mo.get(path(4)).text) == ["Two.", "One."]
    with desk.session() as session:
        session.get_one(Comment, 6).visitor_hash = None
        session.commit()
    assert words(mo.get(path(6)).text) == ["Three."]


def test_only_admins_see_mail_export_and_erase(desk: Site) -> None:
    """For a moderator who is no admin there is no mail, no file and no erasure; for readers no page."""
    mo = moderator(desk)
    assert "Their data" not in mo.get(path(1)).text
    assert [send(mo, 1, act).status_code for act in ("/export", "/erase")] == [404, 404]
    assert mo.get(path(1, "/erase")).status_code == 404
    page = admin(desk).get(path(1)).text
    assert "confirm" in page.partition("The latest mails")[2]
    assert mo.get(path(99)).status_code == 404
    assert desk.visitor().get(path(1)).status_code in (302, 404)


def test_a_block_takes_down_what_is_there_and_one_undo_brings_it_back(desk: Site) -> None:
    """Blocked with all she has here Ann is silent and off the page; undone, everything is as it was."""
    mo = moderator(desk)
    done = send(mo, 1, "/list", kind="address", effect="block", days="", why="Noise.", take_down="yes")
    page = mo.get(done.headers["Location"]).text
    assert "2 comments marked as spam" in page
    assert "Noise." in page
    states = [desk.get(number).state for number in (1, 2, 3)]
    assert states == ["spam", "spam", "published"]
    batch = re.findall(r'name="batch" value="(\w+)"', page)[0]
    assert take_back(desk, batch).done == 3
    assert [desk.get(number).state for number in (1, 2, 3)] == ["published"] * 3
    with desk.session() as session:
        assert session.scalars(select(Listing)).all() == []
        assert session.scalars(select(Address.state).where(Address.key == ANN)).one() == "confirmed"


def with_an_impostor(site: Site) -> int:
    """The number of a comment that somebody else wrote under Ann's address."""
    return site.comment("I am Ann.", name="Annie", email=ANN)


@pytest.mark.parametrize("kind", ["address", "visitor", "domain", "name"])
def test_a_block_of_an_impostor_spares_whom_they_played(desk: Site, kind: str) -> None:
    """From the comment of somebody who typed her address nothing that Ann wrote is taken down."""
    impostor = with_an_impostor(desk)
    send(moderator(desk), impostor, "/list", kind=kind, effect="block", days="", take_down="yes")
    assert [desk.get(number).state for number in (1, 2, impostor)] == ["published", "published", "spam"]


def test_a_block_of_a_network_takes_down_what_came_from_there(desk: Site) -> None:
    """Under the same address what came from another network stays."""
    with desk.session() as session:
        session.get_one(Comment, 2).network = "elsewhere"
        session.commit()
    send(moderator(desk), 1, "/list", kind="network", effect="block", days="", take_down="yes")
    assert [desk.get(number).state for number in (1, 2)] == ["spam", "published"]


def test_a_block_of_an_address_spares_another_account(desk: Site) -> None:
    """What an account of the host wrote under the address is not taken down with somebody who is none."""
    with desk.session() as session:
        session.get_one(Comment, 2).identity_ref = "Ann <7>"
        session.commit()
    send(moderator(desk), 1, "/list", kind="address", effect="block", days="", take_down="yes")
    assert [desk.get(number).state for number in (1, 2)] == ["spam", "published"]


@pytest.mark.parametrize("what", ["/export", "/erase"])
def test_the_data_of_an_address_is_not_taken_by_whoever_typed_it(desk: Site, what: str) -> None:
    """The page does not say that the author is confirmed, and nothing is taken until somebody says who asked."""
    impostor, ada = with_an_impostor(desk), admin(desk)
    assert "whether its owner wrote this comment is not known" in ada.get(path(impostor)).text
    assert 'name="owner"' in ada.get(path(impostor, "/erase" if what == "/erase" else "")).text
    answer = send(ada, impostor, what)
    assert (answer.status_code, "please tick that its owner has asked" in answer.text) == (422, True)
    assert desk.get(1).name == "Ann"
    assert send(ada, impostor, what, owner="yes").status_code in (200, 303)


def test_an_account_is_known_by_the_host(desk: Site) -> None:
    """Under the comment of somebody whom the host has signed in no tick is asked for."""
    with desk.session() as session:
        session.get_one(Comment, 1).identity_ref = "Ann <7>"
        session.commit()
    ada = admin(desk)
    assert "confirmed by mail" in ada.get(path(1)).text
    assert send(ada, 1, "/export").status_code == 200


def test_without_the_tick_only_the_list_changes(desk: Site) -> None:
    """A block alone, or the tick beside a hold, takes nothing down."""
    mo = moderator(desk)
    send(mo, 1, "/list", kind="address", effect="block", days="7")
    send(mo, 1, "/list", kind="name", effect="hold", days="", take_down="yes")
    assert [desk.get(number).state for number in (1, 2)] == ["published"] * 2
    shown = mo.get(path(1)).text
    assert [shown.count(badge) for badge in (">Blocked<", ">Held<")] == [1, 1]


def test_who_is_listed_is_not_listed_twice(desk: Site) -> None:
    """The second moderator reads who was faster."""
    mo = moderator(desk)
    send(mo, 1, "/list", kind="address", effect="block", days="")
    again = send(mo, 1, "/list", kind="address", effect="trust", days="")
    assert (again.status_code, "mo has them on the list already" in again.text) == (409, True)


def test_the_export_is_all_of_ann(desk: Site) -> None:
    """The file has her address, her comments with earlier texts and nothing of Ben; that it was taken is on record."""
    edit(desk, 1, "Tell me, please.")
    answer = send(admin(desk), 1, "/export", owner="yes")
    data = json.loads(answer.text)
    assert [comment["text"] for comment in data["comments"]] == ["Tell me, please.", "Once more."]
    assert [each["text"] for each in data["comments"][0]["earlier_texts"]] == ["Tell me."]
    assert data["address"]["email"] == ANN
    assert "Not me." not in answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    with desk.session() as session:
        row = session.scalars(select(Audit).where(Audit.act == "export")).one()
        assert (row.actor, row.subject_id) == (ADMIN, 1)


def everything(site: Site) -> str:
    """Every value of every table."""
    with site.session() as session:
        return str([list(session.execute(select(table))) for table in Base.metadata.sorted_tables])


def test_after_an_erasure_no_table_knows_the_address(desk: Site) -> None:
    """Comments stay by "Someone"; revisions, refused drafts, reports and the reasons of a block go, the block holds."""
    mark = listings.typed(desk.state.keys, "address", ANN)
    run(desk, lambda session: enlisting.add(session, press(desk, why="Ann shouts."), mark, "block"))
    edit(desk, 1, "Tell me, please.")
    act(desk, "spam", 2, why="Ann shouts.")
    network = desk.get(1).network
    reporter = reports.reporters(desk.state.keys, None, network)[0]
    with desk.session() as session:
        session.add(Refusal(at=desk.clock(), thread_key="x", name="Annie", excerpt="I am Ann."))
        session.add(Refusal(at=desk.clock(), thread_key="x", name="Cy", excerpt=f"Write to {ANN.upper()}."))
        session.get_one(Comment, 2).reasons = ["staff_name:Annie", "listed:hold name Annie", "links:3"]
        about = {"comment_id": 3, "reason": "spam", "created_at": desk.clock()}
        session.add(Report(reporter=reporter, **about))
        session.commit()
    ada = admin(desk)
    assert "What stays" in ada.get(path(1, "/erase")).text
    assert send(ada, 1, "/erase", owner="yes").status_code == 303
    kept = everything(desk)
    assert desk.get(2).reasons == ["links:3"]
    personal = (ANN, ANN.upper(), "a•••@reader.example", "Annie", "Ann shouts.", reporter)
    assert [word for word in personal if word in kept] == []
    with desk.session() as session:
        comments = session.execute(select(Comment.name, Comment.source).order_by(Comment.id)).all()
        assert [tuple(row) for row in comments] == [
            ("Someone", "Tell me, please."),
            ("Someone", "Once more."),
            ("Ben", "Not me."),
        ]
        assert session.scalars(select(Revision)).all() == []
        assert session.scalars(select(Audit.actor).where(Audit.act == "erase")).all() == [ADMIN]
    assert desk.visitor().post(name="Ann", email=ANN).status_code == 422


def test_of_whom_is_erased_nothing_more_is_offered(desk: Site) -> None:
    """The page of "Someone" says that nothing is left, without a file to take or an erasure to repeat."""
    ada = admin(desk)
    send(ada, 1, "/erase", owner="yes")
    page = ada.get(path(1)).text
    assert "erased: nothing is left" in page
    assert [word for word in ("Export as a file", "Erase…", "Their data") if word in page] == []
    assert ada.get(path(1, "/erase")).status_code == 404


def test_a_wish_is_in_force_once_it_is_confirmed(desk: Site) -> None:
    """What was asked for under an address that nobody has confirmed is shown as waiting for that."""
    waiting = desk.comment("Me too.", name="Dan", email="dan@reader.example", notify="direct")
    ada = admin(desk)
    assert "answers, once the address is confirmed" in ada.get(path(waiting)).text
    assert "once the address is confirmed" not in ada.get(path(1)).text


def test_without_an_address_there_is_a_sentence_about_mail(desk: Site) -> None:
    """Nobody looks at an empty table."""
    page = admin(desk).get(path(desk.comment("No mail, please.", name="Cy"))).text
    assert "They gave no address, so they follow nothing and get no mail." in page
    assert "<table" not in page


def test_a_comment_is_decided_on_its_authors_page(desk: Site) -> None:
    """Each comment has the buttons of the queue, and the press leads back to the author."""
    mo = moderator(desk)
    token = TOKEN.findall(mo.get(path(1)).text)[-1]
    typed = {"csrf_token": token, "back": path(1), "version": str(desk.get(2).version), "action": "spam"}
    assert 'aria-label="Spam: comment 2"' in mo.get(path(1)).text
    answer = mo.client.post("/forum/moderation/comments/2", data=typed)
    assert answer.headers["Location"].startswith(path(1))
    assert desk.get(2).state == "spam"


def test_the_file_is_called_like_its_author(desk: Site) -> None:
    """Whatever the name, it is one that every system takes for a file."""
    with desk.session() as session:
        session.get_one(Comment, 1).name = "../Ann: 王"
        session.commit()
    said = send(admin(desk), 1, "/export", owner="yes").headers["Content-Disposition"]
    assert said == "attachment; filename=\"Ann.json\"; filename*=UTF-8''Ann%20%E7%8E%8B.json"


def test_a_trusted_address_is_forgotten_with_its_trust(desk: Site) -> None:
    """Trust leaves no hash behind."""
    mark = listings.typed(desk.state.keys, "address", ANN)
    run(desk, lambda session: enlisting.add(session, press(desk), mark, "trust"))
    send(admin(desk), 1, "/erase", owner="yes")
    with desk.session() as session:
        assert session.scalars(select(Listing)).all() == []


def test_a_moderator_who_is_forgotten_leaves_a_covered_name(desk: Site) -> None:
    """What a moderator did stays on record without their address, and their sign-ins go."""
    mo = moderator(desk)
    send(mo, 3, "/list", kind="name", effect="hold", days="")
    desk.comment("Mine.", name="Ida", email=MODERATOR)
    result = desk.app.test_cli_runner().invoke(forum_cli, ["forget", MODERATOR, "--yes"])
    assert result.output == "Forgotten.\n"
    assert MODERATOR not in everything(desk)
    with desk.session() as session:
        assert session.scalars(select(Listing.created_by)).one() == "m•••@forum.example"
        assert session.scalars(select(SignIn).where(SignIn.email == MODERATOR)).all() == []


def test_the_data_of_an_address_by_command(desk: Site, tmp_path: Any) -> None:
    """`person export` writes what the owner would get, to the terminal or to a file, and each time goes on record; an
    unknown address is an error.
    """
    runner = desk.app.test_cli_runner()
    shown = runner.invoke(forum_cli, ["person", "export", ANN])
    assert json.loads(shown.output)["address"]["email"] == ANN
    file = tmp_path / "ann.json"
    assert runner.invoke(forum_cli, ["person", "export", ANN.upper(), str(file)]).exit_code == 0
    assert json.loads(file.read_text()) == json.loads(shown.output)
    with desk.session() as session:
        exports = session.scalars(select(Audit).where(Audit.act == "export")).all()
    assert [(row.actor, row.subject_kind, row.subject_id) for row in exports] == [("command line", "address", 1)] * 2
    unknown = runner.invoke(forum_cli, ["person", "export", "nobody@reader.example"])
    assert (unknown.exit_code, "Nothing is kept" in unknown.output) == (1, True)


def test_a_long_take_down_goes_on_with_a_button(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than a person waits stops at a page that says how far it got, and Continue ends it."""
    monkeypatch.setattr("forum.blueprints.desk.acts.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("forum.moderation.bulk.CHUNK", 1)
    mo = moderator(desk)
    page = send(mo, 1, "/list", kind="address", effect="block", days="", why="Noise.", take_down="yes").text
    assert "1 of 2 comments marked as spam so far" in page
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    done = mo.client.post(path("take-down"), data=fields)
    assert done.status_code == 303
    assert [desk.get(number).state for number in (1, 2, 3)] == ["spam", "spam", "published"]
    assert take_back(desk, fields["batch"]).done == 3


def test_nobody_goes_on_with_the_press_of_another(desk: Site) -> None:
    """A batch that is no block of whoever presses takes nothing down."""
    mo = moderator(desk)
    send(mo, 1, "/list", kind="address", effect="block", days="")
    with desk.session() as session:
        batch = session.scalars(select(Audit.batch).where(Audit.act == "list")).one()
    other = admin(desk)
    token = TOKEN.findall(other.get(path(1)).text)[-1]
    fields = {"csrf_token": token, "comment": "1", "batch": str(batch)}
    assert other.client.post(path("take-down"), data=fields).status_code == 400
    assert desk.get(1).state == "published"
