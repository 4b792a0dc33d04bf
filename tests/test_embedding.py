"""The blog in tests/hosts embeds Forum: what it gets, and what of its own stays as it was."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, g, render_template_string, stream_template_string
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from playwright.sync_api import Browser
from sqlalchemy import func, select
from werkzeug.serving import make_server

from forum import Forum, language
from forum.cli import forum_cli
from forum.models import Address, Base, Thread
from tests.hosts.one_page import also, bare_host
from tests.hosts.people import ADA, BO, RELAXED, field, sign_in
from tests.visitors import SAME_ORIGIN, Site, comment_id, stamp_in

CSRF_FIRST = ("db", "csrf", "login", "forum", "migrate")
CSRF_LAST = ("db", "login", "forum", "migrate", "csrf")
MakeBlog = Callable[..., Site]
MakeHost = Callable[..., Site]
Adopt = Callable[[Flask], Site]
either_way = pytest.mark.parametrize("order", [CSRF_FIRST, CSRF_LAST], ids=["csrf-first", "csrf-last"])


@pytest.fixture
def blog(make_blog: MakeBlog) -> Site:
    return make_blog()


def test_missing_tables_are_named_in_the_log(make_host: MakeHost, caplog: pytest.LogCaptureFixture) -> None:
    """A page of a host whose tables were never made fails as it would, and one line of its log says what to do."""
    host = make_host(TESTING=False)
    with host.app.app_context():
        Base.metadata.drop_all(host.state.db.engine)
    assert host.visitor().get("/").status_code == 500
    told = [record.name for record in caplog.records if "flask forum db upgrade" in record.getMessage()]
    assert told == [host.app.name]


# What a page gets


def test_a_post_holds_its_thread(blog: Site) -> None:
    """A page that calls `forum_thread` shows what others wrote there, and a form."""
    blog.comment("Well said.")
    page = blog.visitor().get("/posts/1").text
    assert "Well said." in page
    assert '<section id="forum-thread" class="forum" data-key="post:1"' in page
    assert stamp_in(page)


def test_reading_makes_no_thread(blog: Site) -> None:
    """A thread's row comes with its first comment, never with a reader."""
    blog.visitor().get("/posts/1")
    with blog.session() as session:
        assert session.scalar(select(func.count()).select_from(Thread)) == 0
    blog.comment()
    with blog.session() as session:
        assert session.scalars(select(Thread.key)).all() == ["post:1"]


def test_reading_sets_no_cookie(blog: Site) -> None:
    """An anonymous reader of a host's page leaves with the cookies they came with."""
    assert "Set-Cookie" not in blog.visitor().get("/posts/1").headers


def test_a_host_closes_a_thread(blog: Site) -> None:
    """With `closed` there is no form, and a form that was still open is answered with its text kept."""
    assert 'name="stamp"' not in blog.visitor().get("/posts/3").text
    open_form = blog.visitor().stamp("/posts/1")
    with blog.session() as session:
        session.add(Thread(key="post:1", title="Open", url="/posts/1", closed=True, created_at=blog.clock(), version=1))
        session.commit()
    answer = blog.visitor().post(stamp=open_form, body="Too late?")
    assert answer.status_code == 422
    assert "Too late?" in answer.text


@pytest.mark.parametrize("level", [2, 4])
def test_headings_begin_where_the_host_says(make_host: MakeHost, level: int) -> None:
    """`heading_level` moves the thread's heading and with it all headings in the thread."""
    site = make_host(f"{{{{ forum_thread('a', title='A', url='/', heading_level={level}) }}}}")
    site.comment(parent=site.comment("First."), body="Second.")
    levels = [int(found) for found in re.findall(r"<h(\d)", site.visitor().get("/").text)]
    assert (min(levels), levels[0]) == (level, level)
    assert {level + 1, level + 2} <= set(levels)


@pytest.mark.parametrize("path", ["/", "/stream"])
def test_many_counts_are_right(blog: Site, path: str) -> None:
    """Every `forum_count` of a page becomes a number, streamed or not."""
    blog.comment("One.", name="Cy")
    blog.comment("Two.", name="Di")
    page = blog.visitor().get(path).text
    assert "Open</a>: 2 comments" in page
    assert "Private</a>: 0 comments" in page
    assert "forum-count-" not in page


def test_many_counts_cost_one_query(blog: Site) -> None:
    """All counts of a page are asked for together."""
    with blog.statements() as seen:
        blog.visitor().get("/")
    assert len([statement for statement in seen if "forum_thread" in statement]) == 1


def test_counts_are_counted_in_each_request(blog: Site) -> None:
    """Under an app context that stays open, as in many test suites, each page still gets its own numbers."""
    with blog.app.app_context():
        assert "Open</a>: 0 comments" in blog.visitor().get("/").text
        blog.comment()
        assert "Open</a>: 1 comments" in blog.visitor().get("/").text


def test_every_page_under_one_app_context_gets_its_tags(make_host: MakeHost) -> None:
    """Under an app context that stays open the second page has its style sheet too."""
    site = make_host()
    with site.app.app_context():
        assert "forum.css" in site.visitor().get("/").text
        assert "forum.css" in site.visitor().get("/").text


def test_a_stream_may_hold_a_thread(make_host: MakeHost) -> None:
    """A streamed page can call `forum_thread`."""
    site = make_host(render=stream_template_string)
    site.comment("Streamed.")
    page = site.visitor().get("/").text
    assert "Streamed." in page
    assert page.count("forum.css") == 1


def test_the_tags_come_once(make_host: MakeHost) -> None:
    """Two threads on one page bring one style sheet and one module."""
    thread = "{{ forum_thread('%s', title='A', url='/') }}"
    page = make_host(thread % "a" + thread % "b").visitor().get("/").text
    assert page.count("forum.css") == page.count("forum.js") == 1


def test_the_head_takes_the_tags(blog: Site) -> None:
    """`forum_head` in the host's head moves the tags there, and the thread brings none."""
    head, body = blog.visitor().get("/posts/1").text.split("</head>")
    assert head.count("forum.css") == head.count("forum.js") == 1
    assert "forum.css" not in body


def test_a_base_page_may_call_the_head_itself(make_host: MakeHost) -> None:
    """Where the host's base page calls `forum_head`, our pages on that base do not bring the tags again."""
    base = "<head>{{ forum_head() }}{% block head %}{% endblock %}</head>{% block content %}{% endblock %}"
    site = make_host(FORUM_BASE_TEMPLATE="base.html")
    also(site.app, {"base.html": base})
    page = site.visitor().get(f"/forum/comments/{site.comment()}/reply").text
    assert page.count("forum.css") == page.count("forum.js") == 1


# Our pages on the host's base


def test_our_pages_stand_on_the_hosts_base(blog: Site) -> None:
    """Reply, preview, mistake, edit, removal, held and branch are pages of the host's look and policy."""
    author = blog.visitor()
    posted = comment_id(author.post())
    stamp = author.stamp()
    answers = [
        author.get(f"/forum/comments/{posted}/reply"),
        author.get(f"/forum/comments/{posted}/edit"),
        author.get(f"/forum/comments/{posted}/remove"),
        author.get(f"/forum/comments/{posted}/branch"),
        author.post(stamp=stamp, preview="1"),
        author.post(stamp=stamp, body=""),
    ]
    for answer in answers:
        assert answer.status_code in (200, 422)
        assert "blog.css" in answer.text
        assert "Ada&#39;s notes</a>" in answer.text or "Ada's notes</a>" in answer.text
        assert answer.text.count("forum.css") == 1
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_held_page_stands_on_the_hosts_base(make_blog: MakeBlog) -> None:
    """Who waits for a moderator is told so on the host's page."""
    blog = make_blog(FORUM_MODERATION="all")
    author = blog.visitor()
    answer = author.get(author.post().headers["Location"])
    assert "waiting for a moderator" in answer.text
    assert "blog.css" in answer.text


def test_mail_pages_load_nothing_of_the_hosts(blog: Site) -> None:
    """A page behind a link in a mail shows and loads only what is ours."""
    blog.comment(email="cy@reader.example", notify="direct")
    blog.deliver()
    (link,) = blog.links(blog.mails("cy@reader.example")[0], "c")
    page = blog.visitor().get(link).text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(url.startswith("/forum/static/") for url in loaded)
    assert "Ada" not in page


def test_nothing_is_inline(blog: Site) -> None:
    """Our markup has no inline script, style or event handler, so a strict policy of the host's holds."""
    author = blog.visitor()
    posted = comment_id(author.post())
    paths = ["/posts/1", f"/forum/comments/{posted}/reply", f"/forum/comments/{posted}/edit"]
    for path in paths:
        page = author.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", page), path


def test_the_host_overrides_one_template(make_host: MakeHost) -> None:
    """A host's `forum/_comment.html` is used instead of ours; the body in it is the sanitised one."""
    site = make_host()
    also(site.app, {"forum/_comment.html": "<p>MINE {{ comment.html }}</p>"})
    site.comment("Bold **words** <script>alert(1)</script>")
    page = site.visitor().get("/").text
    assert '<p>MINE <p dir="auto">Bold <strong>words</strong>' in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("base", ["{{ csrf_token() }}", "{{ g.nonce }}"], ids=["csrf", "nonce"])
def test_what_a_base_page_says_to_one_reader_is_kept_from_others(make_host: MakeHost, base: str) -> None:
    """The bundled articles on a host's base page show each reader that reader's own token or nonce."""
    site = make_host(articles=True, FORUM_BASE_TEMPLATE="base.html")
    CSRFProtect(site.app)
    site.app.before_request(lambda: setattr(g, "nonce", secrets.token_hex(8)))
    also(site.app, {"base.html": base + "{% block head %}{% endblock %}{% block content %}{% endblock %}"})
    path = site.add_article()
    first, second = (site.visitor().get(path).text.partition("<link")[0] for _ in range(2))
    assert first != second


# Mail


def test_without_mail_comments_work(make_host: MakeHost) -> None:
    """A host without any mail key starts, takes comments, and offers no mail."""
    relaxed = {key: value for key, value in RELAXED.items() if "MAIL" not in key and key != "FORUM_BASE_URL"}
    site = make_host(relaxed=relaxed)
    site.comment("Still here.", email="cy@reader.example", notify="direct")
    page = site.visitor().get("/").text
    assert "Still here." in page
    assert 'name="notify"' not in page


def test_deliver_says_what_is_missing(make_host: MakeHost) -> None:
    """`flask forum deliver` names the keys without which no mail is sent, in one line, and fails."""
    site = make_host("", relaxed={})
    result = site.app.test_cli_runner().invoke(forum_cli, ["deliver"])
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    for key in ("FORUM_BASE_URL", "FORUM_MAIL_FROM", "FORUM_MAIL_TRANSPORT"):
        assert key in result.stderr


def test_the_hosts_own_flask_mail_is_left_alone(adopt: Adopt) -> None:
    """A host's own Flask-Mail is still the one in `app.extensions` when we have sent our mail."""
    from flask_mail import Mail

    app = bare_host(**RELAXED, MAIL_SERVER="mail.blog.example")
    Mail(app)
    theirs = app.extensions["mail"]
    db = SQLAlchemy(app)
    Forum(db).init_app(app)
    site = adopt(app)
    with app.app_context():
        site.state.courier()
    assert app.extensions["mail"] is theirs
    without = bare_host(**RELAXED)
    Forum(SQLAlchemy(without)).init_app(without)
    assert "mail" not in without.extensions
    adopt(without)


# What of the host's stays as it was


def _hooks_of(app: Flask) -> dict[str, Any]:
    """Everything an extension could have hung into an app."""
    return {
        "before_request": dict(app.before_request_funcs),
        "after_request": dict(app.after_request_funcs),
        "teardown_request": dict(app.teardown_request_funcs),
        "teardown_appcontext": list(app.teardown_appcontext_funcs),
        "url_value": dict(app.url_value_preprocessors),
        "url_default": dict(app.url_default_functions),
        "errors": {name: spec for name, spec in app.error_handler_spec.items() if name is None and any(spec.values())},
        "processors": {name: list(found) for name, found in app.template_context_processors.items()},
        "extensions": set(app.extensions),
        "config": dict(app.config),
        "commands": set(app.cli.commands),
        "filters": set(app.jinja_env.filters),
        "loader": app.jinja_env.loader,
        "session": app.session_interface,
        "threads": threading.enumerate(),
    }


def test_setting_up_hangs_nothing_into_the_host() -> None:
    """`init_app` adds its blueprint, its slot and its template functions, and hooks nothing of the host's requests."""
    app = bare_host()
    db = SQLAlchemy(app)
    before, names = _hooks_of(app), set(app.jinja_env.globals)
    Forum(db).init_app(app)
    after = _hooks_of(app)
    assert after.pop("extensions") - before.pop("extensions") == {"forum"}
    for kind, found in before.items():
        theirs = after[kind]
        if isinstance(theirs, dict):
            theirs = {name: hooks for name, hooks in theirs.items() if not str(name).startswith("forum")}
        assert theirs == found, kind
    added = set(app.jinja_env.globals) - names
    assert added == {"forum_thread", "forum_count", "forum_head", "forum_asset", *language.FUNCTIONS}
    assert set(app.blueprints) == {"forum", *(name for name in app.blueprints if name.startswith("forum."))}


def test_the_hosts_sqlite_is_left_alone(blog: Site) -> None:
    """Pragmas of the host's database are what they were; only `open_well` changes them."""
    blog.comment()
    with blog.app.app_context(), blog.state.db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_hosts_own_missing_page_is_shown(make_host: MakeHost) -> None:
    """What does not exist below our prefix is answered with the host's own 404."""
    site = make_host("")
    site.app.register_error_handler(404, lambda error: ("Nothing here, says the host.", 404))
    for path in ("/forum/comments/4711", "/forum/m/u/forged", "/forum/nothing"):
        answer = site.visitor().get(path)
        assert (answer.status_code, answer.text) == (404, "Nothing here, says the host."), path


def test_the_prefix_is_the_hosts_choice(make_host: MakeHost) -> None:
    """All our pages live below `url_prefix`."""
    site = make_host(url_prefix="/talk/here")
    page = site.visitor().get("/").text
    assert 'action="/talk/here/comments"' in page
    data = site.visitor().fill(stamp=stamp_in(page))
    assert site.visitor().client.post("/talk/here/comments", data=data, headers=SAME_ORIGIN).status_code == 303
    rules = {str(rule) for rule in site.app.url_map.iter_rules()} - {"/", "/static/<path:filename>"}
    assert all(rule.startswith("/talk/here/") for rule in rules)


# How it is set up


@pytest.mark.parametrize("given", [True, False], ids=["given", "found"])
@pytest.mark.parametrize("first", ["db", "forum"])
def test_the_order_of_set_up_does_not_matter(adopt: Adopt, given: bool, first: str) -> None:
    """Forum before or after the database, which was handed to it or is found: comments work."""
    app, db = bare_host(**RELAXED), SQLAlchemy()
    forum = Forum(db) if given else Forum()
    for extension in (db, forum) if first == "db" else (forum, db):
        extension.init_app(app)
    site = adopt(app)
    app.add_url_rule("/", "page", lambda: render_template_string("{{ forum_thread('a', title='A', url='/') }}"))
    site.page = "/"
    site.comment("Whatever the order.")
    assert "Whatever the order." in site.visitor().get("/").text


def test_a_missing_database_is_named() -> None:
    """Without a database the first use says what to do."""
    app = bare_host()
    Forum().init_app(app)
    with app.app_context(), pytest.raises(RuntimeError, match=r"call db\.init_app\(app\)"):
        app.extensions["forum"].session  # noqa: B018  # asking is the act


def test_setting_up_twice_is_refused() -> None:
    """A second `init_app` on one app is a mistake and says so."""
    app, forum = bare_host(), Forum()
    forum.init_app(app)
    with pytest.raises(RuntimeError, match="already"):
        forum.init_app(app)


def test_two_apps_of_one_factory_do_not_feel_each_other(make_blog: MakeBlog) -> None:
    """Settings, comments, caches and limits of two apps in one process are apart, though they share one Forum."""
    one = make_blog(FORUM_RATE_LIMITS=["1 per hour"])
    two = make_blog(FORUM_RATE_LIMITS=["1 per hour"], FORUM_MAX_LENGTH=20)
    one.comment("A long comment in the first.")
    assert one.visitor().post().status_code == 429
    assert two.visitor().post(body="Far too long for the second.").status_code == 422
    two.comment("In the second.")
    assert "In the second." not in one.visitor().get("/posts/1").text
    assert "in the first" not in two.visitor().get("/posts/1").text
    assert one.state.cache is not two.state.cache


def test_a_stamp_is_good_on_its_own_app_only(make_blog: MakeBlog) -> None:
    """A form of one app with its own secret is no form of another."""
    one, two = make_blog(), make_blog(SECRET_KEY="another")
    answer = two.visitor().post(stamp=one.visitor().stamp(), body="Mine.")
    assert answer.status_code == 422
    assert "Mine." in answer.text


# People of the host's


def test_flask_login_is_picked_up(blog: Site) -> None:
    """A person signed in by Flask-Login comments under the host's name, without being asked for one."""
    bo = sign_in(blog, BO)
    page = bo.get("/posts/1").text
    assert 'id="forum-name-field"' not in page
    answer = bo.post(name="Mallory", email="mallory@reader.example", csrf_token=field(page, "csrf_token"))
    written = blog.get(comment_id(answer))
    assert (written.name, written.identity_ref, written.is_moderator) == ("Bo", "2", False)
    with blog.session() as session:
        assert session.scalars(select(Address.email)).all() == [BO]


def test_an_admin_of_the_host_is_a_moderator(make_blog: MakeBlog) -> None:
    """`is_admin` gives the badge, publication without waiting, and the moderators' pages; nobody else has them."""
    blog = make_blog(FORUM_MODERATION="all")
    ada = sign_in(blog, ADA)
    answer = ada.post(csrf_token=field(ada.get("/posts/1").text, "csrf_token"))
    assert blog.get(comment_id(answer)).state == "published"
    assert '<span class="forum-badge">moderator</span>' in blog.visitor().get("/posts/1").text
    assert ada.get("/forum/moderation/").status_code == 200
    assert sign_in(blog, BO).get("/forum/moderation/").status_code == 404
    assert blog.visitor().get("/forum/moderation/").status_code == 404


@either_way
def test_anonymous_people_need_no_session(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """With the host's CSRFProtect set up before or after us, an anonymous comment is taken."""
    assert make_blog(order=order).visitor().post().status_code == 303


@either_way
def test_one_click_needs_no_cookie(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """A mail provider's machine unsubscribes with one POST, CSRFProtect or not (RFC 8058)."""
    blog = make_blog(order=order)
    parent = blog.follower("Cy")
    blog.comment(parent=parent)
    blog.deliver()
    (link,) = blog.links(blog.mails("cy@reader.example", "reply")[0], "u")
    answer = blog.app.test_client(use_cookies=False).post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with blog.session() as session:
        assert session.scalar(select(Address.state).where(Address.email == "cy@reader.example")) == "unsubscribed"


@either_way
def test_an_identity_needs_its_token(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """Who is signed in posts with the session's token; without it the form comes back with the text in it."""
    blog = make_blog(order=order)
    bo = sign_in(blog, BO)
    answer = bo.post(body="My long thought.")
    assert answer.status_code == 422
    assert "My long thought." in answer.text
    again = bo.post(body="My long thought.", stamp=stamp_in(answer.text), csrf_token=field(answer.text, "csrf_token"))
    assert again.status_code == 303


@either_way
def test_an_identity_removes_with_its_token(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """Who is signed in deletes their comment with the session's token and not without it."""
    blog = make_blog(order=order)
    bo = sign_in(blog, BO)
    token = field(bo.get("/posts/1").text, "csrf_token")
    posted = comment_id(bo.post(csrf_token=token))
    path = f"/forum/comments/{posted}/remove"
    assert bo.act(path, "remove").status_code == 403
    assert blog.get(posted).state == "published"
    assert bo.client.post(path, data={"csrf_token": token}, headers=SAME_ORIGIN).status_code == 303
    assert blog.get(posted).state == "removed"


@either_way
def test_moderation_needs_its_token(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """A decision without the session's token is not carried out."""
    blog = make_blog(order=order, FORUM_MODERATION="all")
    held = comment_id(blog.visitor().post())
    ada = sign_in(blog, ADA)
    queue = ada.get("/forum/moderation/").text
    path = f"/forum/moderation/comments/{held}"
    decision = {"action": "approve", "version": field(queue, "version")}
    ada.client.post(path, data=decision, headers=SAME_ORIGIN)
    assert blog.get(held).state == "held"
    ada.client.post(path, data=decision | {"csrf_token": field(queue, "csrf_token")}, headers=SAME_ORIGIN)
    assert blog.get(held).state == "published"


@either_way
def test_the_hosts_own_views_stay_protected(make_blog: MakeBlog, order: tuple[str, ...]) -> None:
    """Our exemptions open nothing of the host's."""
    blog = make_blog(order=order)
    blog.comment()
    assert blog.visitor().client.post("/sign-in", data={"email": ADA}).status_code == 400


def test_a_renamed_token_field_works(make_blog: MakeBlog) -> None:
    """A host may call Flask-WTF's field what it likes: ours keeps its name, and is asked for all the same."""
    blog = make_blog(WTF_CSRF_FIELD_NAME="xsrf", FORUM_MODERATION="all")
    bo = sign_in(blog, BO)
    page = bo.get("/posts/1").text
    form = dict(re.findall(r'<input class="forum-hidden" type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert bo.post(body="Mine.", stamp=form["stamp"], csrf_token="").status_code == 422
    posted = comment_id(bo.post(**form))
    path = f"/forum/comments/{posted}/remove"
    ada = sign_in(blog, ADA)
    decision = {name: field(ada.get("/forum/moderation/").text, name) for name in ("version", "csrf_token")}
    decision["action"] = "approve"
    ada.client.post(f"/forum/moderation/comments/{posted}", data=decision, headers=SAME_ORIGIN)
    assert blog.get(posted).state == "published"
    assert bo.client.post(path, data=form, headers=SAME_ORIGIN).status_code == 303


@pytest.mark.parametrize("email", ["ada@localhost", "notes@blog.example", "", "no address"])
def test_an_unusable_address_of_the_hosts_keeps_nobody_from_writing(make_blog: MakeBlog, email: str) -> None:
    """People cannot change what the host says their address is: if no mail can go there, they comment all the same."""
    blog = make_blog()
    with blog.session() as session:
        session.execute(_user_table().update().where(_user_table().c.id == 2).values(email=email))
        session.commit()
    bo = sign_in(blog, email)
    assert bo.post(csrf_token=field(bo.get("/posts/1").text, "csrf_token"), notify="direct").status_code == 303


def _user_table() -> Any:
    from tests.hosts.blog.models import User

    return User.__table__


# In a browser


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_a_strict_policy_holds_in_a_browser(blog: Site, browser: Browser, scripts: bool) -> None:
    """Under the blog's policy a person reads, answers and is shown the answer, and the browser has nothing to say."""
    parent = blog.comment("First.", name="Cy")
    with served(blog.app) as url:
        context = browser.new_context(java_script_enabled=scripts)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.location.get('url')}: {message.text}"))
        page.goto(f"{url}/posts/1")
        page.click(f"#comment-{parent} .forum-reply")
        page.fill("#forum-name-field", "Di")
        page.fill("#forum-body-field", "An answer.")
        with page.expect_navigation():
            page.click("#forum-form .forum-primary")
        assert page.url == f"{url}/posts/1#comment-{parent + 1}"
        assert page.is_visible(f"#comment-{parent + 1}")
        context.close()
    assert [line for line in said if "/favicon.ico" not in line] == []


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The app behind a port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
