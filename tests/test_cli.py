"""What an operator does on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select, update

from forum.cli import forum_cli
from forum.models import Address, Article, Base, Comment, Subscription
from tests.visitors import Site

ARTICLE = '---\ntitle: "Rye: a love story"\nauthor: Ann\ndate: 2026-11-01\n---\n# Dough\n\nFlour and *time*.\n'


def run(site: Site, *args: str) -> Result:
    """Run `flask forum …` on the site."""
    return site.app.test_cli_runner().invoke(forum_cli, args)


def test_an_article_is_added_and_its_url_printed(make_site: Callable[..., Site], tmp_path: Path) -> None:
    """`article add` prints exactly the URL, and the page is there."""
    site = make_site()
    (tmp_path / "rye.md").write_text(ARTICLE)
    result = run(site, "article", "add", str(tmp_path / "rye.md"))
    assert result.output == "http://localhost/articles/rye-a-love-story\n"
    page = site.visitor().get("/articles/rye-a-love-story").text
    assert "<em>time</em>" in page
    assert "1 November 2026" in page


def test_the_same_slug_updates(make_site: Callable[..., Site], tmp_path: Path) -> None:
    """Adding a file again changes the article and its page, and keeps its comments."""
    site = make_site()
    file = tmp_path / "rye.md"
    for text in (ARTICLE, ARTICLE.replace("Flour", "Water").replace("---\n#", "closed: true\n---\n#")):
        file.write_text(text)
        run(site, "article", "add", str(file))
        page = site.visitor().get("/articles/rye-a-love-story").text
    assert "Water" in page
    assert "Comments on this article are closed" in page
    with site.session() as session:
        assert session.scalar(select(func.count()).select_from(Article)) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Just text.", "must begin with a block between two lines of three dashes"),
        ("Just text.", "\n---\ntitle: What the article is called\n---\n"),
        ("---\nauthor: Ann\n---\n", "a line with the title"),
        ("---\ntitle: A\ncolour: red\n---\n", "Line 3 cannot be read"),
        ("---\ntitle: A\ndate: yesterday\n---\n", "must look like 2026-11-22"),
        ('---\ntitle: "A\n---\n', "not JSON"),
        ("---\ntitle: 日本\n---\n", "please give a line  slug"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(site: Site, tmp_path: Path, text: str, complaint: str) -> None:
    """A mistake in the block is one clear line and exit code 1, not a traceback."""
    (tmp_path / "a.md").write_text(text)
    result = run(site, "article", "add", str(tmp_path / "a.md"))
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_all_mistakes_of_a_block_are_told_at_once(site: Site, tmp_path: Path) -> None:
    """Each mistake of the block has a line, and nothing is said twice about one."""
    (tmp_path / "a.md").write_text('---\ntitle: "A\ncolour: red\nclosed: perhaps\ndate: yesterday\n---\n')
    lines = run(site, "article", "add", str(tmp_path / "a.md")).stderr.splitlines()
    starts = ("Error: Line 2 has a quoted value", "Line 3 cannot be read", "closed must be", "date must look like")
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 4


def test_a_file_in_another_encoding_is_one_line(site: Site, tmp_path: Path) -> None:
    """A file that is not UTF-8 is named; one that begins with a byte order mark is read."""
    file = tmp_path / "a.md"
    file.write_bytes("---\ntitle: Café\n---\n".encode("latin-1"))
    result = run(site, "article", "add", str(file))
    assert (result.exit_code, result.stderr) == (1, f"Error: {file} is not written in UTF-8.\n")
    file.write_bytes("---\ntitle: Café\n---\n".encode("utf-8-sig"))
    assert run(site, "article", "add", str(file)).output == "http://localhost/articles/cafe\n"


def test_articles_are_listed_and_removed(site: Site) -> None:
    """`article list` shows slug, comments and title; a removed article is gone from the site."""
    site.comment()
    assert run(site, "article", "list").output == "bread\t1\tBread\n"
    assert run(site, "article", "remove", "bread").exit_code == 0
    assert site.visitor().get("/articles/bread").status_code == 404


def test_removing_what_is_not_there(site: Site) -> None:
    """A slug nobody knows is an error that names it."""
    result = run(site, "article", "remove", "cake")
    assert (result.exit_code, "'cake'" in result.stderr) == (1, True)


def test_deliver_sends_until_nothing_is_due(site: Site) -> None:
    """`deliver` fans out, groups and sends in one call, and says what it did and where captured mail is read."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    assert run(site, "deliver", "--once").output == "1 sent\nMailbox: http://localhost/forum/dev/mail/\n"
    assert run(site, "deliver").output == "Nothing is due.\n"


def test_the_mailbox_is_named_with_its_conditions(make_site: Callable[..., Site]) -> None:
    """Where the mailbox does not show itself, `deliver` says when it would."""
    site = make_site(FORUM_ENV="production")
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    assert "/forum/dev/mail/ (there with debug or FORUM_ENV=development" in run(site, "deliver").output


def test_deliver_does_one_thing(site: Site) -> None:
    """`--once` and `--watch` together are refused instead of guessed about."""
    result = run(site, "deliver", "--watch", "--once")
    assert (result.exit_code, "Choose one" in result.stderr) == (2, True)


def test_deliver_fails_when_the_server_is_down(make_site: Callable[..., Site]) -> None:
    """A dead mail server is exit code 1 with one line on stderr."""
    site = make_site(FORUM_MAIL_TRANSPORT="smtp", MAIL_SERVER="127.0.0.1", MAIL_PORT=1, TESTING=False)
    site.add_article()
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    result = run(site, "deliver")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "cannot be used" in result.stderr


def test_deliver_names_what_is_missing(make_site: Callable[..., Site]) -> None:
    """Without the mail keys the command says in one line which they are."""
    site = make_site(FORUM_MAIL_FROM=None, FORUM_MAIL_TRANSPORT=None)
    result = run(site, "deliver")
    assert result.exit_code == 1
    assert "FORUM_MAIL_FROM, FORUM_MAIL_TRANSPORT" in result.stderr


def test_mail_status_for_people_and_scripts(site: Site) -> None:
    """`mail status` counts messages by state; with --json a script can read it."""
    site.comment(name="Ann", email="ann@reader.example", notify="direct")
    site.deliver()
    assert run(site, "mail", "status").output.startswith("Messages  1 sent\n")
    assert json.loads(run(site, "mail", "status", "--json").output)["messages"] == {"sent": 1}


def test_a_moderator_gets_a_link(site: Site) -> None:
    """`moderator link` prints a link that signs in once; a stranger's address is refused."""
    link = run(site, "moderator", "link", "moderator@forum.example").output.strip()
    assert site.visitor().get(link.removeprefix("http://localhost")).status_code == 200
    result = run(site, "moderator", "link", "stranger@forum.example")
    assert (result.exit_code, "not in FORUM_MODERATORS" in result.stderr) == (1, True)


def test_the_demo_fills_a_site_once(make_site: Callable[..., Site]) -> None:
    """`demo` adds a deep conversation with a removed and a held comment; a second time it adds nothing."""
    site = make_site()
    first = run(site, "demo").output
    again = run(site, "demo").output
    assert re.findall(r"^\w+", first, re.M) == re.findall(r"^\w+", again, re.M) == ["Article", "Moderation", "Mailbox"]
    with site.session() as session:
        states = dict(session.execute(select(Comment.state, func.count()).group_by(Comment.state)).all())
        assert states["removed"] == states["held"] == 1
        assert states["published"] >= 38
        assert (session.scalar(select(func.max(Comment.depth))) or 0) >= 6


def test_the_demo_says_who_moderates(make_site: Callable[..., Site]) -> None:
    """`demo` prints whose sign-in link it is, and the command that makes another one."""
    output = run(make_site(), "demo").output
    assert "for moderator@forum.example, once and within 30 minutes" in output
    assert "flask forum moderator link moderator@forum.example\n" in output


def test_people_of_the_demo_have_addresses_like_their_names(make_site: Callable[..., Site]) -> None:
    """Accents leave their letters behind, and words stay apart; a name in another alphabet is a reader."""
    site = make_site()
    run(site, "demo")
    with site.session() as session:
        keys = set(session.scalars(select(Address.email)))
    assert {f"{name}@readers.example" for name in ("adrian.salas", "emile.garnier", "pieter.de.wit", "reader")} <= keys


def test_the_demo_shows_on_its_page(make_site: Callable[..., Site]) -> None:
    """The printed address of the article shows every published comment of the demo."""
    site = make_site()
    url = run(site, "demo").output.split()[1]
    page = site.visitor().get(url.removeprefix("http://localhost")).text
    assert page.count('class="forum-comment"') >= 39
    assert "This comment was removed by its author" in page


def test_resanitize_renders_again_from_the_source(site: Site) -> None:
    """Stored HTML of an older renderer is replaced, and the page outgrows its cached self."""
    posted = site.comment("Some *bread*.")
    with site.session() as session:
        session.execute(update(Comment).values(html="<p>old</p>", renderer="0"))
        session.commit()
    assert "1 of 1 comments have changed" in run(site, "resanitize").output
    assert "<em>bread</em>" in site.get(posted).html
    assert "<em>bread</em>" in site.visitor().get(site.page).text


def test_db_check_tells_a_missing_schema(make_site: Callable[..., Site]) -> None:
    """A database that was never migrated fails the check with what to do; after `db upgrade` it passes."""
    site = make_site(SQLALCHEMY_DATABASE_URI="sqlite://")
    result = run(site, "db", "check")
    assert (result.exit_code, "flask forum db upgrade" in result.stderr) == (1, True)


def test_a_missing_table_is_named_with_its_remedy(site: Site) -> None:
    """A command that finds no tables of ours says which one, and what makes them."""
    with site.app.app_context():
        Base.metadata.drop_all(site.state.db.engine)
    result = run(site, "article", "list")
    assert (result.exit_code, "Has `flask forum db upgrade` been run?" in result.stderr) == (1, True)


def test_any_other_trouble_is_told_in_the_databases_words(site: Site, tmp_path: Path) -> None:
    """Where the database cannot be opened nobody is sent to the migrations."""
    with site.app.app_context():
        database = Path(site.state.db.engine.url.database)
        site.state.db.engine.dispose()
    database.rename(tmp_path / "elsewhere.db")
    database.mkdir()
    assert run(site, "article", "list").stderr == "Error: The database says: unable to open database file\n"


def test_db_upgrade_says_what_it_did(make_site: Callable[..., Site]) -> None:
    """Tables that were made are told apart from tables that were there."""
    site = make_site()
    with site.app.app_context():
        Base.metadata.drop_all(site.state.db.engine)
    assert run(site, "db", "upgrade").output == "Forum's tables were created, at 0003.\n"
    assert run(site, "db", "upgrade").output == "Forum's tables are up to date, at 0003.\n"


def test_every_command_explains_itself(site: Site) -> None:
    """Each command and group has a --help with a sentence."""

    def commands(group: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        children = getattr(group, "commands", {})
        return [path, *(each for name, child in children.items() for each in commands(child, (*path, name)))]

    for path in commands(forum_cli, ()):
        help_text = run(site, *path, "--help").output
        assert re.search(r"\n  [A-Z][^.]*\.", help_text), path


def test_the_demo_answers_a_visitor(make_site: Callable[..., Site]) -> None:
    """The demo itself mails nobody; answering one of its people puts one mail into the mailbox."""
    site = make_site()
    site.page = run(site, "demo").output.split()[1].removeprefix("http://localhost")
    site.deliver()
    assert site.mails() == []
    with site.session() as session:
        asked = session.scalar(select(Subscription.comment_id).where(Subscription.scope == "direct"))
    site.comment("Well said.", parent=asked)
    site.deliver()
    assert [mail["X-Forum-Reason"] for mail in site.mails()] == ["reply"]
