"""What hosts, browsers, mail programs and scripts rely on over HTTP, one sentence each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from forum import comments
from forum.models import Comment
from tests.visitors import SAME_ORIGIN, Site, Visitor, comment_id, stamp_in

MakeSite = Callable[..., Site]
TYPED = {
    "name": "Ona <b>",
    "email": "ona@reader.example",
    "website": "https://ona.example/?a=1&b=2",
    "body": "My *words*.",
}


def kept(response: TestResponse) -> bool:
    """Whether the form of an answer holds everything that was typed."""
    page = response.text
    fields = ["Ona &lt;b&gt;", "ona@reader.example", "https://ona.example/?a=1&amp;b=2", "\nMy *words*.</textarea>"]
    return all(field in page for field in fields)


def stored(site: Site) -> int:
    """How many comments there are, in any state."""
    with site.session() as session:
        return session.query(Comment).count()


def without_stamp(page: str) -> str:
    """A page as all readers see it alike."""
    return page.replace(stamp_in(page), "")


# --- reading


def test_a_reader_gets_no_cookie(site: Site) -> None:
    """Somebody who only reads is given no cookie, on no page."""
    posted = site.comment()
    for path in ("/", site.page, f"/forum/comments/{posted}/reply", f"/forum/comments/{posted}/branch"):
        assert "Set-Cookie" not in site.visitor().get(path).headers, path


def test_an_article_has_a_weak_etag_and_answers_304(site: Site) -> None:
    """An unchanged article is answered by 304 without a body, for GET and for HEAD."""
    etag = site.visitor().get(site.page).headers["ETag"]
    assert etag.startswith('W/"')
    for method in ("GET", "HEAD"):
        again = site.visitor().client.open(site.page, method=method, headers={"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)


def test_all_readers_get_the_same_bytes_but_for_the_stamp(site: Site) -> None:
    """Each answer has a stamp of its own, and nothing else in it is anybody's."""
    site.comment(name="Ben")
    first, second = site.visitor().get(site.page).text, site.visitor().get(site.page).text
    assert stamp_in(first) != stamp_in(second)
    assert without_stamp(first) == without_stamp(second)


def test_pages_of_branches(make_site: MakeSite) -> None:
    """`?forum_page=` shows one page of whole branches, and a permalink leads to the right one."""
    site = make_site(FORUM_PER_PAGE=1)
    site.add_article()
    first, second = site.comment("One."), site.comment("Two.")
    answer = site.comment("Two, answered.", parent=second)
    shown = site.visitor().get(f"{site.page}?forum_page=2").text
    assert "Two." in shown
    assert "Two, answered." in shown
    assert "One." not in shown
    for posted, page in ((first, ""), (second, "?forum_page=2"), (answer, "?forum_page=2")):
        permalink = site.visitor().get(f"/forum/comments/{posted}")
        assert (permalink.status_code, permalink.headers["Location"]) == (302, f"{site.page}{page}#comment-{posted}")


def test_the_markup_others_rely_on(site: Site) -> None:
    """Comments are nested list items with an id, a depth, an author, a body and a permalink around their time."""
    top = site.comment("Top.", name="Ann")
    below = site.comment("Below.", parent=top)
    page = site.visitor().get(site.page).text
    assert re.search(r'<section id="forum-thread" class="forum" data-key="article:bread"', page)
    outer = page.index(f'<li id="comment-{top}" class="forum-comment" data-depth="1">')
    replies = page.index('<ol class="forum-replies"', outer)
    inner = page.index(f'<li id="comment-{below}" class="forum-comment" data-depth="2">', replies)
    assert inner < page.index("</li>", inner) < page.index("</ol>", inner)
    assert re.search(r'class="forum-author"[^>]*>Ann<', page)
    assert re.search(r'<div class="forum-body"><p[^>]*>Top\.</p>', page)
    assert re.search(rf'<a class="forum-permalink" href="/forum/comments/{top}"><time [^>]*datetime="', page)


def test_the_page_for_an_answer(site: Site) -> None:
    """The reply page shows the parent and an empty form that answers it."""
    top = site.comment("Is it rye?")
    page = site.visitor().get(f"/forum/comments/{top}/reply").text
    assert "Is it rye?" in page
    assert f'name="parent" value="{top}"' in page


def test_a_branch_alone(site: Site) -> None:
    """The branch page shows a comment and what is below it, and nothing beside it."""
    top = site.comment("Top.")
    middle = site.comment("Middle.", parent=top)
    site.comment("Leaf.", parent=middle)
    site.comment("Elsewhere.")
    page = site.visitor().get(f"/forum/comments/{middle}/branch").text
    assert "Middle." in page
    assert "Leaf." in page
    assert "Elsewhere." not in page


@pytest.mark.parametrize("what", ["", "/reply", "/branch", "/held", "/edit", "/remove"])
def test_what_does_not_exist_is_404(site: Site, what: str) -> None:
    """Pages of unknown comments do not exist, whatever the number."""
    for number in (0, 4711, 2**63 - 1, 2**63, 10**30):
        assert site.visitor().get(f"/forum/comments/{number}{what}").status_code == 404


# --- posting


def test_a_published_comment_is_answered_by_its_place(site: Site) -> None:
    """303 to the page at the comment; `website`, honeypot and button may be absent."""
    visitor = site.visitor()
    form = {"stamp": visitor.stamp(), "parent": "", "name": "Ona", "email": "", "body": "Hello."}
    posted = visitor.client.post("/forum/comments", data=form, headers=SAME_ORIGIN)
    assert posted.status_code == 303
    assert posted.headers["Location"] == f"{site.page}#comment-{comment_id(posted)}"


def test_a_held_comment_is_answered_by_a_page_that_says_so(make_site: MakeSite) -> None:
    """303 to the held page, which its author may read."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    visitor = site.visitor()
    posted = visitor.post()
    assert (posted.status_code, posted.headers["Location"]) == (303, "/forum/comments/1/held")
    assert visitor.get(posted.headers["Location"]).status_code == 200


def test_a_preview_stores_nothing(site: Site) -> None:
    """The preview button shows the comment as it would stand and the form as it was typed."""
    visitor = site.visitor()
    preview = visitor.post(preview="1", **TYPED)
    assert preview.status_code == 200
    assert re.search(r"<p[^>]*>My <em>words</em>\.</p>", preview.text)
    assert kept(preview)
    assert stored(site) == 0
    assert visitor.post(stamp=stamp_in(preview.text), **TYPED).status_code == 303


MISTAKES = [
    ({"body": ""}, "body"),
    ({"body": "x" * 10_001}, "body"),
    ({"name": ""}, "name"),
    ({"name": "x" * 41}, "name"),
    ({"email": "no address"}, "email"),
    ({"email": "", "notify": "direct"}, "email"),
    ({"website": "javascript:alert(1)"}, "website"),
]


def test_mistakes_are_listed_in_the_order_of_the_form(site: Site) -> None:
    """The summary leads through the fields from top to bottom."""
    again = site.visitor().post(**{**TYPED, "body": "", "name": "", "email": "x", "website": "javascript:alert(1)"})
    assert re.findall(r'href="#forum-(\w+)-field"', again.text) == ["body", "name", "email", "website"]


@pytest.mark.parametrize(("fields", "wrong"), MISTAKES)
def test_a_mistake_is_told_at_its_field(site: Site, fields: dict[str, str], wrong: str) -> None:
    """422 with a sentence tied to the field, the rest as it was typed, and a stamp that works."""
    visitor = site.visitor()
    again = visitor.post(**{**TYPED, **fields})
    assert again.status_code == 422
    assert f'href="#forum-{wrong}-field"' in again.text
    assert f'id="forum-{wrong}-error"' in again.text
    assert stored(site) == 0
    assert visitor.post(stamp=stamp_in(again.text), **TYPED).status_code == 303


def test_a_stamp_is_good_for_a_day(site: Site) -> None:
    """A form posts for 24 hours; after that it comes back filled in, with a stamp that posts."""
    early, late = site.visitor(), site.visitor()
    form, old = early.fill(**TYPED), late.fill(**TYPED)
    site.clock.advance(24 * 3600)
    assert early.post(**form).status_code == 303
    site.clock.advance(1)
    again = late.post(**old)
    assert again.status_code == 422
    assert kept(again)
    assert late.post(**{**old, "stamp": stamp_in(again.text)}).status_code == 303


def test_a_limit_says_when_to_come_back(make_site: MakeSite) -> None:
    """Over a limit the answer is 429 with Retry-After in seconds, and the text is in the form."""
    site = make_site(FORUM_RATE_LIMITS=["2 per minute"])
    site.add_article()
    visitor = site.visitor()
    assert [visitor.post(body=f"{n}.").status_code for n in range(2)] == [303, 303]
    refused = visitor.post(**TYPED)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert kept(refused)
    assert visitor.post(preview="1", **TYPED).status_code == 429
    assert stored(site) == 2


def test_another_site_cannot_post(site: Site) -> None:
    """403 for a form sent by a foreign page, and even then nothing typed is lost."""
    visitor = site.visitor()
    refused = visitor.post(headers={"Sec-Fetch-Site": "cross-site"}, **TYPED)
    assert refused.status_code == 403
    assert kept(refused)
    assert stored(site) == 0


def test_a_request_that_names_no_sender_is_asked_once(site: Site) -> None:
    """Without any header that names the sending page: 200, one page with the text kept, and its button posts."""
    visitor = site.visitor()
    asked = visitor.client.post("/forum/comments", data=visitor.fill(**TYPED))
    assert asked.status_code == 200
    assert stored(site) == 0
    hidden = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', asked.text))
    fields = {
        name: value.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") for name, value in hidden.items()
    }
    posted = visitor.client.post("/forum/comments", data=fields)
    assert posted.status_code == 303
    assert site.get(comment_id(posted)).source == "My *words*."


def test_a_reload_leads_to_the_first_comment(site: Site) -> None:
    """The same form sent again leads to the comment it made; another text in it is another comment."""
    visitor = site.visitor()
    form = visitor.fill(body="Once.")
    first, second = visitor.post(**form), visitor.post(**form)
    assert first.headers["Location"] == second.headers["Location"]
    assert comment_id(visitor.post(**{**form, "body": "Twice."})) != comment_id(first)
    assert stored(site) == 2


def test_a_script_is_told_the_place_alone(site: Site) -> None:
    """With `Prefer: return=minimal` the answer is 201 and the place; 200 for what another form had brought before."""
    visitor, minimal = site.visitor(), SAME_ORIGIN | {"Prefer": "return=minimal"}
    form = visitor.fill(body="Once.")
    for fields, status in ((form, 201), (form, 201), ({**form, "stamp": visitor.stamp()}, 200)):
        answer = visitor.post(headers=minimal, **fields)
        assert (answer.status_code, answer.data) == (status, b"")
        assert answer.headers["Location"] == f"{site.page}#comment-1"
        assert answer.headers["Preference-Applied"] == "return=minimal"
    assert visitor.post(headers=minimal, body="").status_code == 422
    assert stored(site) == 1


def test_a_script_is_told_of_what_waits(make_site: MakeSite) -> None:
    """Then it is 202 and the held page, with the id under which the author's own page shows the comment as well."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    visitor, minimal = site.visitor(), SAME_ORIGIN | {"Prefer": "return=minimal"}
    form = visitor.fill(body="Once.")
    for fields, status in ((form, 202), (form, 202), ({**form, "stamp": visitor.stamp()}, 200)):
        answer = visitor.post(headers=minimal, **fields)
        assert (answer.status_code, answer.data) == (status, b"")
        assert answer.headers["Location"] == "/forum/comments/1/held#comment-1"
    assert 'id="comment-1"' in visitor.get(site.page).text


@pytest.mark.parametrize(("notify", "told"), [("direct", 1), ("", 0)])
def test_what_waits_says_when_mail_begins(make_site: MakeSite, notify: str, told: int) -> None:
    """Whoever asked for mail with a comment that waits reads below it that none comes before it is approved."""
    site = make_site(FORUM_MODERATION="first")
    site.add_article()
    author = site.visitor()
    author.post(email="ona@reader.example", notify=notify)
    assert author.get(site.page).text.count("we write to you only after that") == told


def test_the_held_page_leads_to_the_comment(make_site: MakeSite) -> None:
    """Back from the page that says so, its author comes to their comment, on whatever page it stands."""
    site = make_site(FORUM_MODERATION="all", FORUM_PER_PAGE=1)
    site.add_article()
    earlier = [site.comment(f"Earlier {n}.") for n in range(2)]
    with site.session() as session:
        comments.publish(session, [session.get_one(Comment, id_) for id_ in earlier], site.clock())
        session.commit()
    visitor = site.visitor()
    held = visitor.get(visitor.post().headers["Location"]).text
    back = f"{site.page}?forum_page=2#comment-3"
    assert f'href="{back}"' in held
    assert 'id="comment-3"' in visitor.get(back).text


def test_waiting_keeps_the_stamp(make_site: MakeSite) -> None:
    """Over a limit the same form comes back: had it been stored without its author knowing, it is one comment."""
    site = make_site(FORUM_RATE_LIMITS=["1 per minute"])
    site.add_article()
    visitor = site.visitor()
    visitor.post(body="Before.")
    form = visitor.fill(body="Once.")
    assert stamp_in(visitor.post(**form).text) == form["stamp"]


@pytest.mark.parametrize(("base_url", "secure"), [("http://localhost", False), ("https://localhost", True)])
def test_the_cookie_of_an_author(make_site: MakeSite, base_url: str, secure: bool) -> None:
    """Posting sets `forum_visitor` for all paths: HttpOnly, SameSite=Lax, Secure on https, and stored as a hash."""
    site = make_site(FORUM_BASE_URL=base_url)
    site.add_article()
    posted = site.visitor().post()
    cookie = posted.headers["Set-Cookie"]
    assert cookie.startswith("forum_visitor=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) is secure
    value = cookie.split(";")[0].partition("=")[2]
    assert len(value) >= 22
    assert value not in str(vars(site.get(comment_id(posted))))


# --- one's own comment


def author(site: Site, **fields: Any) -> tuple[Visitor, str]:
    """Somebody who has posted, and the path of their comment."""
    visitor = site.visitor()
    return visitor, f"/forum/comments/{comment_id(visitor.post(**fields))}"


def test_an_author_edits_their_comment(site: Site) -> None:
    """Within the window the author's browser edits: 303 to the comment, which shows the new words."""
    visitor, path = author(site, body="A lofe.")
    assert "A lofe." in visitor.get(f"{path}/edit").text
    saved = visitor.client.post(f"{path}/edit", data={"body": "A loaf."}, headers=SAME_ORIGIN)
    assert saved.status_code == 303
    assert saved.headers["Location"].endswith(path.replace("/forum/comments/", "#comment-"))
    page = site.visitor().get(site.page).text
    assert "A loaf." in page
    assert "A lofe." not in page


def test_a_mistake_while_editing_loses_nothing(site: Site) -> None:
    """An empty or too long text comes back with 422 as it was typed."""
    visitor, path = author(site, body="A loaf.")
    for typed in ("", "y" * 10_001):
        again = visitor.client.post(f"{path}/edit", data={"body": typed}, headers=SAME_ORIGIN)
        assert again.status_code == 422
        assert f"\n{typed}</textarea>" in again.text
    assert site.get(1).source == "A loaf."


def test_after_the_window_the_words_can_be_posted_anew(site: Site) -> None:
    """Once the time to edit is over the text comes back in a form for a new comment, and the old one stands."""
    visitor, path = author(site, body="A loaf.")
    site.clock.advance(900)
    late = visitor.client.post(f"{path}/edit", data={"body": "Too late."}, headers=SAME_ORIGIN)
    assert late.status_code == 422
    assert "\nToo late.</textarea>" in late.text
    assert site.get(1).source == "A loaf."
    assert visitor.client.post(f"{path}/remove", headers=SAME_ORIGIN).status_code == 403
    assert visitor.post(stamp=stamp_in(late.text), body="Too late.").status_code == 303


def test_an_edit_of_what_is_gone_gives_the_words_back(site: Site) -> None:
    """Who changes a comment that was taken away meanwhile, or is no longer known as its author, keeps the words."""
    visitor, path = author(site, body="A loaf.")
    visitor.client.post(f"{path}/remove", headers=SAME_ORIGIN)
    for each in (visitor, site.visitor()):
        answer = each.client.post(f"{path}/edit", data={"body": "A long change."}, headers=SAME_ORIGIN)
        assert answer.status_code == 404
        assert "\nA long change.</textarea>" in answer.text


def test_an_edit_from_elsewhere_gives_the_words_back(site: Site) -> None:
    """403 for a change that another site sent, with the words in the form and nothing changed."""
    visitor, path = author(site, body="A loaf.")
    answer = visitor.client.post(f"{path}/edit", data={"body": "Forged."}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "\nForged.</textarea>" in answer.text
    assert site.get(1).source == "A loaf."


def test_an_author_removes_their_comment(site: Site) -> None:
    """Removing erases words and name at once; answers stay below a tombstone."""
    visitor, path = author(site, name="Zacharias", body="Regrets.")
    site.comment("An answer.", parent=1)
    assert "Regrets." in visitor.get(site.page).text
    assert visitor.get(f"{path}/remove").status_code == 200
    assert visitor.client.post(f"{path}/remove", headers=SAME_ORIGIN).status_code == 303
    page = site.visitor().get(site.page).text
    assert "An answer." in page
    assert "removed by its author" in page
    assert "Regrets." not in page
    assert "Zacharias" not in page
    assert (site.get(1).source, site.get(1).html, site.get(1).name) == ("", "", "")


def test_nobody_else_can_touch_a_comment(site: Site) -> None:
    """For a stranger and for another author the edit, remove and held pages do not exist."""
    path = author(site)[1]
    other = author(site, body="Mine.")[0]
    for visitor in (site.visitor(), other):
        for what in ("edit", "remove", "held"):
            assert visitor.get(f"{path}/{what}").status_code == 404
        for what in ("edit", "remove"):
            assert visitor.client.post(f"{path}/{what}", data={"body": "x"}, headers=SAME_ORIGIN).status_code == 404
    assert site.get(1).state == "published"


# --- the machine rooms


def test_health_is_json_and_names_nobody(site: Site) -> None:
    """The health page reports the database, the migrations, the outbox and the worker, and is never kept."""
    answer = site.visitor().get("/forum/health")
    assert answer.headers["Cache-Control"] == "no-store"
    expected = {"ok", "database", "migrations", "oldest_ready_seconds", "worker_seen_seconds"}
    assert set(answer.json or {}) == expected | {"breaker_open_seconds", "dead", "laid_aside"}


def test_the_mailbox_shows_every_captured_mail(site: Site) -> None:
    """In development the mailbox lists mails and shows each as text, as HTML in a frame, and raw."""
    site.comment(email="ona@reader.example", notify="direct")
    site.deliver()
    developer = site.visitor()
    assert "ona@reader.example" in developer.get("/forum/dev/mail/").text
    for path, mimetype in (("1", "text/html"), ("1/html", "text/html"), ("1/raw", "text/plain")):
        answer = developer.get(f"/forum/dev/mail/{path}")
        assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert "sandbox" in developer.get("/forum/dev/mail/1/html").headers["Content-Security-Policy"]


def test_every_page_of_the_site_can_stand_a_strict_policy(site: Site) -> None:
    """Each answer carries a policy without `unsafe-`, nosniff and a referrer policy."""
    posted = site.comment()
    for path in ("/", site.page, f"/forum/comments/{posted}/reply", "/forum/m/c/none", "/forum/sign-in", "/none"):
        headers = site.visitor().get(path).headers
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer"), path
