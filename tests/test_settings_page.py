"""The settings page as an admin uses it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import event, select, text
from werkzeug.test import TestResponse

from forum import Forum, Identity, overrides
from forum.cli.moderators import sign_in_link
from forum.models import Audit, Setting
from forum.settings import GROUPS, Settings, is_policy, key_of
from tests.services import Sink
from tests.visitors import Site, Visitor

PAGE = "/forum/moderation/settings"
ADA, BO = "ada@forum.example", "bo@forum.example"
POLICY = [key_of(name) for name, field in Settings.model_fields.items() if is_policy(field)]
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def desk(make_site: Callable[..., Site]) -> Site:
    """A site with two admins and one other moderator."""
    site = make_site(FORUM_MODERATORS=[ADA, BO, "mo@forum.example"], FORUM_ADMINS=[ADA, BO], FORUM_PER_PAGE=20)
    site.add_article()
    return site


def admin(site: Site, email: str = ADA) -> Visitor:
    """Somebody who has signed in at the desk."""
    with site.app.app_context():
        link = sign_in_link(site.state, email).removeprefix("http://localhost")
    visitor = site.visitor()
    token = TOKEN.findall(visitor.get(link).text)[-1]
    assert visitor.client.post(link, data={"csrf_token": token}).status_code == 303
    return visitor


class Form(HTMLParser):
    """What a browser would send of the form that a page is about, later fields over earlier ones of the same name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._within: str | None = None
        self.feed(page.partition('<form class="forum-form"')[2].partition("</form>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an input holds, and what is being read."""
        given = dict(attrs)
        if tag in ("select", "textarea"):
            self._within = given["name"]
            self.sent[str(self._within)] = ""
        elif (tag == "input" and (given["type"] != "checkbox" or "checked" in given)) or "selected" in given:
            self.sent[str(given.get("name", self._within))] = given["value"] or ""

    def handle_endtag(self, tag: str) -> None:
        """End what was read."""
        if tag in ("select", "textarea"):
            self._within = None

    def handle_data(self, data: str) -> None:
        """Note what stands in a text area; a browser leaves its first line break out."""
        if self._within and self.lasttag == "textarea":
            self.sent[self._within] += data if self.sent[self._within] else data.removeprefix("\n")


def sent_by(page: str) -> dict[str, str]:
    """The fields of the form that a page is about."""
    return Form(page).sent


def press(visitor: Visitor, path: str = f"{PAGE}/review", seen: str | None = None, **typed: Any) -> TestResponse:
    """Send the form of the page ``seen``, the settings page as it is now unless given, with some keys typed."""
    fields = sent_by(seen if seen is not None else visitor.get(PAGE).text)
    fields |= {f"FORUM_{name.upper()}": text for name, text in typed.items()}
    return visitor.client.post(path, data=fields)


def save(visitor: Visitor, **typed: Any) -> TestResponse:
    """Type, look at what would change, and confirm."""
    return press(visitor, f"{PAGE}/save", seen=review(visitor, **typed))


def review(visitor: Visitor, **typed: Any) -> str:
    """The page that shows what would change."""
    answer = press(visitor, **typed)
    assert answer.status_code == 200
    return answer.text


def stored(site: Site) -> dict[str, Any]:
    with site.session() as session:
        return {row.key: row.value for row in session.scalars(select(Setting).where(Setting.key != ""))}


# --- what is shown


def test_every_policy_key_has_a_field(desk: Site) -> None:
    """Each key stands in its group with a label, its effect, its default and its source."""
    page = admin(desk).get(PAGE).text
    assert re.findall(r'<legend class="forum-legend">([^<]+)<', page) == list(GROUPS)
    for key in POLICY:
        assert f'id="{key}"' in page, key
        assert re.search(rf'for="{key}">[A-Z]|id="{key}" type="checkbox"[^>]*> [A-Z]', page), key
        assert re.search(rf'id="effect-{key}">[A-Z].*?Default: .*?Source: ', page, re.DOTALL), key


def test_each_kind_of_value_has_its_kind_of_field(desk: Site) -> None:
    """A switch is a checkbox, a choice a select, a number has its bounds, a list is a line each."""
    page = admin(desk).get(PAGE).text
    assert (
        '<input class="forum-input" id="FORUM_PER_PAGE" type="number" inputmode="numeric" step="1" min="1" max="200"'
        in page
    )
    assert re.search(r'id="FORUM_MAIL_QUOTE" type="checkbox" name="FORUM_MAIL_QUOTE" value="true" checked', page)
    assert '<option class="forum-option" value="none" selected>none</option>' in page
    assert "admin\nadministrator\nmoderator" in page


def test_infrastructure_is_read_only_and_secrets_masked(make_site: Callable[..., Site]) -> None:
    """What only the configuration decides stands in a table, without a field and without a secret."""
    site = make_site(
        FORUM_MODERATORS=[ADA],
        MAIL_PASSWORD="hunter2",
        FORUM_RATE_STORAGE="memory://",
        FORUM_METRICS_TOKEN="hunter2hunter2hunter2",
        FORUM_AKISMET_KEY="hunter2",
    )
    page = admin(site).get(PAGE).text
    assert "hunter2" not in page
    assert "a secret for tests" not in page
    for key in ("SECRET_KEY", "FORUM_METRICS_TOKEN", "FORUM_BASE_URL", "FORUM_SANITIZER"):
        assert re.search(rf">{key}</code></th>", page), key
        assert f'name="{key}"' not in page


@pytest.mark.parametrize("path", ["/review", "/save", "/reset", "/words", "/mail"])
def test_who_is_no_admin_finds_nothing(desk: Site, path: str) -> None:
    """For a moderator who is no admin there is no such page, whatever they send."""
    moderator = admin(desk, "mo@forum.example")
    answer = moderator.client.post(PAGE + path, data={"FORUM_PER_PAGE": "7"})
    assert answer.status_code == 404
    assert moderator.get(PAGE).status_code == 404


# --- changing


def test_what_would_change_is_shown_before_it_does(desk: Site) -> None:
    """The first press saves nothing and shows before and after of what differs, and of nothing else."""
    page = review(admin(desk), per_page="7", mail_quote="false", max_depth="6")
    assert "2 settings would change" in page
    row = re.search(r"Branches on one page.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td[^>]*>([^<]*)<", row[0]) == ["20", "7"]
    assert "Levels of replies" not in page
    assert stored(desk) == {}


def test_confirmed_it_counts_at_once(desk: Site) -> None:
    """After the second press the change is stored, audited under the admin's name, and counts without any wait."""
    visitor = admin(desk)
    answer = save(visitor, per_page="7", hold_words="casino\r\n\r\n free money \r\n", proof_of_work="true")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}?said=saved#forum-bar")
    assert stored(desk) == {
        "FORUM_PER_PAGE": 7,
        "FORUM_HOLD_WORDS": ["casino", "free money"],
        "FORUM_PROOF_OF_WORK": True,
    }
    assert (desk.state.settings.per_page, desk.state.settings.hold_words) == (7, ("casino", "free money"))
    with desk.session() as session:
        rows = session.scalars(select(Audit).where(Audit.act == "setting_changed")).all()
    assert {(row.actor, row.cause) for row in rows} == {(ADA, key) for key in stored(desk)}
    page = visitor.get(answer.headers["Location"]).text
    assert "Saved. It counts from now on" in page
    assert re.search(r'Set by <span dir="auto" class="forum-who">ada</span> on', page)


def test_a_list_can_be_emptied(desk: Site) -> None:
    """A field left empty is an empty list."""
    visitor = admin(desk)
    save(visitor, reserved_names="")
    assert stored(desk) == {"FORUM_RESERVED_NAMES": []}


def test_a_form_without_a_key_leaves_it_alone(desk: Site) -> None:
    """A page that was drawn before a key existed does not switch it off."""
    visitor = admin(desk)
    seen = sent_by(visitor.get(PAGE).text)
    only = {name: seen[name] for name in ("csrf_token", "version")}
    page = visitor.client.post(f"{PAGE}/review", data={**only, "FORUM_PER_PAGE": "7"}).text
    assert "1 setting would change" in page


def test_everything_wrong_is_said_and_everything_typed_kept(desk: Site) -> None:
    """A wrong form is 422 with a sentence at each field, a list of them on top, and all that was typed."""
    answer = press(
        admin(desk), per_page="7000", rate_limits="10 per fortnight\nabc", site_name="My <site>", max_depth="many"
    )
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    for key in ("FORUM_PER_PAGE", "FORUM_RATE_LIMITS", "FORUM_MAX_DEPTH"):
        assert f'href="#{key}"' in answer.text
        assert f'id="error-{key}">It must be ' in answer.text
    assert 'value="7000"' in answer.text
    assert 'value="many"' in answer.text
    assert "10 per fortnight\nabc</textarea>" in answer.text
    assert 'value="My &lt;site&gt;"' in answer.text
    assert stored(desk) == {}


def test_the_confirmed_values_are_checked_again(desk: Site) -> None:
    """Whoever rewrites the hidden fields is told like everybody, and infrastructure is not even read."""
    visitor = admin(desk)
    seen = review(visitor, per_page="7")
    assert press(visitor, f"{PAGE}/save", seen=seen, per_page="7000").status_code == 422
    press(visitor, f"{PAGE}/save", seen=seen, moderators="eve@evil.example", base_url="https://evil.example")
    assert stored(desk) == {"FORUM_PER_PAGE": 7}


def test_changing_more_keeps_what_was_typed(desk: Site) -> None:
    """From the review one gets back to the form with everything in it."""
    visitor = admin(desk)
    fields = sent_by(review(visitor, per_page="7", mail_contact="1 Bread Street"))
    page = visitor.client.post(f"{PAGE}/review", data={**fields, "back": "1"}).text
    assert 'name="FORUM_PER_PAGE" value="7"' in page
    assert 'name="FORUM_MAIL_CONTACT" value="1 Bread Street"' in page


def test_a_form_without_a_difference_says_so(desk: Site) -> None:
    """Nothing to confirm is said instead of an empty review."""
    visitor = admin(desk)
    way, _, _ = press(visitor).headers["Location"].partition("#")
    assert "Nothing was different" in visitor.get(way).text


# --- two admins


def test_two_admins_do_not_overwrite_each_other_unseen(desk: Site) -> None:
    """Who confirms what another has changed meanwhile is shown the new state first, and by whom; then it is saved."""
    ada, bo = admin(desk), admin(desk, BO)
    seen = review(ada, per_page="7")
    save(bo, per_page="9")
    answer = press(ada, f"{PAGE}/save", seen=seen)
    assert answer.status_code == 409
    assert "Meanwhile" in answer.text
    assert ">bo</span> has changed" in answer.text
    row = re.search(r"Branches on one page.*?</tr>", answer.text, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td[^>]*>([^<]*)<", row[0]) == ["9", "7"]
    assert stored(desk) == {"FORUM_PER_PAGE": 9}
    assert press(ada, f"{PAGE}/save", seen=answer.text).status_code == 303
    assert stored(desk) == {"FORUM_PER_PAGE": 7}


def test_of_two_admins_who_save_at_one_moment_one_is_shown_the_new_state(
    make_site: Callable[..., Site], database: dict[str, str]
) -> None:
    """Two pages of one version saved at one moment, before anything was ever changed: one saves, the other is asked."""
    site = make_site(FORUM_MODERATORS=[ADA, BO], **database)
    ada, bo = admin(site), admin(site, BO)
    mine, theirs = review(ada, per_page="7"), review(bo, max_depth="2")
    answers: list[TestResponse] = []
    other = threading.Thread(target=lambda: answers.append(press(bo, f"{PAGE}/save", seen=theirs)))

    def meanwhile(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "INTO forum_audit" in statement and other.ident is None:
            other.start()
            # Either it gets past us now, or it waits for us.
            other.join(1)

    with site.app.app_context():
        event.listen(site.state.db.engine, "before_cursor_execute", meanwhile)
    answers.append(press(ada, f"{PAGE}/save", seen=mine))
    other.join()
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert stored(site) == {"FORUM_PER_PAGE": 7}


def test_a_form_opened_before_a_change_is_warned(desk: Site) -> None:
    """The review of an old form says that somebody has changed a setting since it was opened."""
    ada, bo = admin(desk), admin(desk, BO)
    old = ada.get(PAGE).text
    save(bo, max_depth="2")
    assert "Meanwhile" in press(ada, seen=old, per_page="7").text


# --- resetting


def test_reset_brings_the_configuration_back(desk: Site) -> None:
    """The button beside a changed key forgets the change; it is at no other key."""
    visitor = admin(desk)
    save(visitor, per_page="7")
    page = visitor.get(PAGE).text
    assert re.findall(r'form="forum-reset" name="key" value="(\w+)"', page) == ["FORUM_PER_PAGE"]
    fields = sent_by(page)
    answer = visitor.client.post(
        f"{PAGE}/reset",
        data={"csrf_token": fields["csrf_token"], "version": fields["version"], "key": "FORUM_PER_PAGE"},
    )
    assert answer.headers["Location"] == f"{PAGE}?said=reset#forum-bar"
    assert "The configuration counts again." in visitor.get(f"{PAGE}?said=reset").text
    assert stored(desk) == {}
    assert desk.state.settings.per_page == 20


def test_what_no_longer_counts_is_said_and_can_be_cleared(desk: Site) -> None:
    """A stored value that is not allowed any more stands at its field, a key that is gone at the end."""
    with desk.session() as session:
        for key in ("FORUM_PER_PAGE", "FORUM_GONE"):
            session.add(Setting(key=key, value=100_000, changed_by=ADA, changed_at=desk.clock()))
        session.commit()
    page = admin(desk).get(PAGE).text
    assert "What was set here no longer counts. It must be a whole number from 1 to 200." in page
    assert 'name="key" value="FORUM_PER_PAGE"' in page
    assert 'name="key" value="FORUM_GONE">Forget it' in page
    assert 'name="FORUM_PER_PAGE" value="20"' in page


def test_a_damaged_value_is_said_and_can_be_reset(desk: Site) -> None:
    """A row that somebody has damaged by hand stands at its field, with the button that clears it away."""
    with desk.session() as session:
        session.add(Setting(key="FORUM_PER_PAGE", value=7, changed_by=ADA, changed_at=desk.clock()))
        session.flush()
        session.execute(text("UPDATE forum_setting SET value = '{'"))
        session.commit()
    page = admin(desk).get(PAGE)
    assert (page.status_code, "It must be stored anew, as what is there cannot be read." in page.text) == (200, True)
    assert 'name="key" value="FORUM_PER_PAGE"' in page.text


# --- trying words


def test_words_are_tried_and_not_saved(desk: Site) -> None:
    """The test shows which comments each word would have caught, keeps what was typed, and saves nothing."""
    desk.comment("Visit my CASINO today.", name="Sam")
    desk.comment("Cheap casinos are another word.")
    answer = press(admin(desk), f"{PAGE}/words", hold_words="casino\nnowhere", per_page="7")
    assert answer.status_code == 200
    found = re.search(r'id="tried-FORUM_HOLD_WORDS">.*?</div>', answer.text, re.DOTALL)
    assert found is not None
    assert "1 of the latest 2 comments would have been caught. Nothing was saved." in found[0]
    assert "Visit my CASINO today." in found[0]
    assert re.search(r">nowhere</strong>: none", found[0])
    assert 'name="FORUM_PER_PAGE" value="7"' in answer.text
    assert stored(desk) == {}


def test_words_are_tried_whatever_else_is_wrong(desk: Site) -> None:
    """A number that cannot be saved is kept for later, and does not stand in the way."""
    desk.comment("Visit my CASINO today.", name="Sam")
    answer = press(admin(desk), f"{PAGE}/words", hold_words="casino", per_page="many")
    assert answer.status_code == 200
    assert "1 of the latest 1 comment would have been caught." in answer.text
    assert 'value="many"' in answer.text


# --- the session's token


@pytest.mark.parametrize("path", ["/review", "/save", "/reset", "/words", "/mail"])
def test_every_press_needs_the_token_of_the_session(desk: Site, path: str) -> None:
    """Without it nothing is done, whatever else is right."""
    visitor = admin(desk)
    save(visitor, max_depth="2")
    fields = sent_by(review(visitor, per_page="7")) | {"key": "FORUM_MAX_DEPTH", "csrf_token": "forged"}
    assert visitor.client.post(PAGE + path, data=fields).status_code in (303, 422)
    assert stored(desk) == {"FORUM_MAX_DEPTH": 2}
    assert desk.mails() == []


# --- a test mail


@pytest.fixture
def sending(make_site: Callable[..., Site], smtp_sink: Sink) -> Site:
    """A site that sends to a real mail server."""
    site = make_site(
        FORUM_MODERATORS=[ADA], FORUM_MAIL_TRANSPORT="smtp", MAIL_SERVER=smtp_sink.host, MAIL_PORT=smtp_sink.port,
        MAIL_SUPPRESS_SEND=False, TESTING=False,
    )  # fmt: skip
    site.sink = smtp_sink
    return site


def mail(visitor: Visitor, **more: str) -> TestResponse:
    fields = sent_by(visitor.get(PAGE).text)
    return visitor.client.post(f"{PAGE}/mail", data={"csrf_token": fields["csrf_token"], **more})


def test_a_test_mail_goes_to_the_admin_alone(sending: Site) -> None:
    """One mail to the address the admin signed in with, whatever else is asked for, and the server's answer."""
    answer = mail(admin(sending), to="eve@evil.example", email="eve@evil.example")
    assert answer.status_code == 200
    assert f"Sent to {ADA}. Accepted." in answer.text
    assert sending.sink is not None
    assert [message.rcpt_tos for message in sending.sink.messages] == [[ADA]]


def test_a_test_mail_that_finds_no_server_shows_how_far_it_got(make_site: Callable[..., Site]) -> None:
    """A failure is told with the phase and the words, and what to look at."""
    site = make_site(
        FORUM_MODERATORS=[ADA], FORUM_MAIL_TRANSPORT="smtp", MAIL_SERVER="127.0.0.1", MAIL_PORT=1,
        MAIL_SUPPRESS_SEND=False, TESTING=False,
    )  # fmt: skip
    answer = mail(admin(site))
    assert answer.status_code == 422
    assert "The mail server cannot be used" in answer.text
    assert "The mail server said, at the step “connect”: " in answer.text


def test_an_admin_of_the_host_without_an_address_gets_none(make_host: Callable[..., Site]) -> None:
    """A host's identity without an address is told so, and nothing is sent."""
    forum = Forum()
    forum.identity(lambda: Identity("1", "Ada", is_moderator=True))
    site = make_host(forum=forum)
    page = site.visitor().get(PAGE).text
    assert "you have no address here" in page
    assert mail(site.visitor()).status_code == 422


def test_a_site_that_keeps_settings_in_memory_follows_its_own_admins(make_host: Callable[..., Site]) -> None:
    """With SQLite in memory, where a second connection is the same one, a saved change counts at once too."""
    forum = Forum()
    forum.identity(lambda: Identity("1", "Ada", "ada@host.example", is_moderator=True))
    site = make_host(forum=forum)
    assert save(site.visitor(), per_page="7").status_code == 303
    assert site.state.settings.per_page == 7
    with site.session() as session:
        assert overrides.load(session)["FORUM_PER_PAGE"].by == "Ada <identity:1>"
