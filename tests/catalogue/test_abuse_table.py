"""The abuse table of the catalogue (annex B): one row after the other, what was tried and how it is held.

Rows about answers by mail and bounces (auto-responders, forged bounces, stolen reply addresses) are held by there
being no way in: nothing of ours may invite one. What other tests of the catalogue hold is not repeated.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from forum.models import ActorMute, Address, Event, Item, Message, Subscription
from forum.settings import Settings
from tests.catalogue.acts import ANN, BEN, Markup, html_of, skips, text_of, told
from tests.visitors import Site, Visitor, comment_id

MakeSite = Callable[..., Site]
DAY = 86400
SHIPPED = list(Settings.model_fields["mail_confirm_limits"].default)


def machine(site: Site, network: int = 0) -> Visitor:
    """Somebody who writes from a network of their own."""
    visitor = site.visitor()
    visitor.client.environ_base["REMOTE_ADDR"] = f"198.51.{network}.7"
    return visitor


def crowd(site: Site, size: int) -> None:
    """Let many confirmed readers follow the thread, past the forms, which would take long."""
    with site.session() as session:
        thread = session.scalars(select(Subscription.thread_id).limit(1)).one()
        now = site.clock()
        for n in range(size):
            email = f"reader{n}@reader.example"
            times = {"confirmed_at": now, "active_at": now, "changed_at": now, "created_at": now}
            address = Address(key=email, email=email, state="confirmed", **times)
            wish = {"target": f"thread:{thread}", "scope": "thread", "consent_at": now, "consent_wording": "test"}
            session.add(Subscription(address=address, thread_id=thread, **wish))
        session.commit()


# --- subscription bombing of a victim


@pytest.mark.parametrize(
    ("networks", "domains", "most"),
    [(1, 100, 5), (100, 1, 20), (100, 100, 60)],
    ids=["one network", "one domain", "the whole site"],
)
def test_b01_bombs_are_counted(make_site: MakeSite, networks: int, domains: int, most: int) -> None:
    """Within an hour one network asks five strangers at most, one domain is asked twenty times, all together sixty."""
    site = make_site(FORUM_MAIL_CONFIRM_LIMITS=SHIPPED)
    site.add_article()
    for n in range(most + 5):
        email = f"victim{n}@host{n % domains}.example"
        posted = machine(site, n % networks).post(body=f"Comment {n}.", email=email, notify="direct")
        assert posted.status_code == 303
    site.deliver()
    assert len(site.mails()) == most
    with site.session() as session:
        cancelled = select(func.count()).where(Message.state == "cancelled", Message.skip_reason.like("limit:%"))
        assert session.scalar(cancelled) == 5


def test_b01_a_refusal_outlives_the_address(site: Site) -> None:
    """Whoever pressed "never" is left in peace, in whatever spelling somebody types the address later."""
    site.comment(email=ANN, notify="direct")
    site.deliver()
    site.visitor().act(site.links(site.mails(ANN)[0], "x")[0], "refuse")
    for n, spelling in enumerate((ANN, "Ann@READER.example", " ann@reader.EXAMPLE ")):
        site.comment(f"Again {n}.", email=spelling, notify="thread")
        site.deliver(40 * DAY)
    assert len(site.mails()) == 1


# --- harassment by answering someone's every comment


def test_b02_a_muted_author_is_not_heard(site: Site) -> None:
    """Ann has muted Ben: his answers are not mailed to her anywhere, those of others are."""
    first = site.follower("Ann")
    site.follower("Ben")
    with site.session() as session:
        ids = {email: session.scalars(select(Address.id).where(Address.key == email)).one() for email in (ANN, BEN)}
        session.add(ActorMute(address_id=ids[ANN], actor_id=ids[BEN], created_at=site.clock()))
        session.commit()
    site.comment("You again.", name="Ben", email=BEN, parent=first)
    site.comment("Welcome.", name="Cem", parent=first)
    site.page = site.add_article("Butter")
    elsewhere = site.follower("Ann", "Elsewhere.")
    site.comment("And you here.", name="Ben", email=BEN, parent=elsewhere)
    site.deliver(DAY)
    assert told(site, ANN) == [(ANN, "reply")]
    assert skips(site) == ["actor_muted", None, "actor_muted"]


def test_b02_many_answers_are_few_mails(make_site: MakeSite) -> None:
    """Somebody answers Ann every two minutes for an hour: with the shipped pace that is at most four mails."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120, FORUM_MAIL_COOLDOWN_SECONDS=900)
    site.add_article()
    first = site.follower("Ann")
    for n in range(30):
        site.comment(f"Answer {n}.", name="Ben", email=BEN, parent=first)
        site.deliver(120)
    assert 1 <= len(told(site)) <= 4


def test_b02_a_new_author_reaches_few_people_at_first(site: Site) -> None:
    """Of sixty followers fifty hear within the hour of somebody who is new, and the others later."""
    site.comment(name="Ann", email=ANN, notify="thread")
    crowd(site, 60)
    site.comment("Everybody, look at me.", name="Eve", email="eve@reader.example")
    site.deliver(60)
    assert len(told(site)) == 50
    site.deliver(3600)
    assert len(told(site)) == 60


# --- using us as a spam relay


def test_b03_no_advertisement_is_carried(site: Site) -> None:
    """What a stranger calls himself, links to and writes reaches neither a header nor anything clickable."""
    first = site.follower("Ann")
    words = "Buy at https://pills.example/now or [here](https://pills.example/here)"
    fields = {"name": "www.pills.example", "website": "https://pills.example/", "email": "eve@pills.example"}
    site.comment(words, parent=first, **fields)
    site.deliver()
    mail = site.mails(ANN, "reply")[0]
    assert "pills" not in "".join(f"{name}: {value}\n" for name, value in mail.items())
    assert not [reference for reference in Markup(html_of(mail)).references if "pills" in reference]
    assert not re.search(r"https?://[^\s]*pills|pills\.example/", text_of(mail) + html_of(mail))
    assert '"www.pills.example" (unregistered)' in text_of(mail)


# --- header injection


@pytest.mark.parametrize(
    "typed",
    ["v@evil.example\r\nBcc: w@evil.example", "v@evil.example, w@evil.example", '"v"<w@evil.example>', "v@[::1]"],
)
def test_b04_an_address_is_one_plain_address(site: Site, typed: str) -> None:
    """Anything but one plain address is refused with the form, and nothing is ever sent there."""
    assert site.visitor().post(email=typed, notify="direct").status_code == 422
    site.deliver(DAY)
    assert site.mails() == []


# --- auto-responder loops, forged bounces, stolen reply addresses


@pytest.mark.parametrize("typed", ["notify@forum.example", "NOTIFY@Forum.Example", "mailer-daemon@reader.example"])
def test_b05_we_write_to_no_machine(site: Site, typed: str) -> None:
    """The site's own sender and addresses that only machines read cannot be subscribed."""
    assert site.visitor().post(email=typed, notify="direct").status_code == 422


def test_b05_no_mail_invites_an_answer(site: Site) -> None:
    """Without a way in for answers there is none on offer: no Reply-To, and the list takes no letters."""
    first = site.follower("Ann")
    site.comment(parent=first)
    site.deliver()
    (mail,) = site.mails(ANN, "reply")
    assert (mail["Reply-To"], mail["List-Post"], mail["Precedence"]) == (None, "NO", "list")


# --- token leak by forward, referrer, log or archive


def test_b06_what_is_forwarded_gives_no_power(site: Site) -> None:
    """Links to read hold no token, the archive's neither, and no page behind a token tells the whole address."""
    first = site.follower("Ann")
    site.comment(parent=first)
    site.deliver()
    (mail,) = site.mails(ANN, "reply")
    tokens = re.findall(r"/forum/m/\w/\S+", text_of(mail))
    assert not re.search(r"/forum/m/", mail["List-Archive"])
    reading = [link for link in re.findall(r"https://\S+", text_of(mail)) if "/forum/m/" not in link]
    assert reading
    assert not [link for link in reading for token in tokens if token[-22:] in link]
    for link in tokens:
        assert ANN not in site.visitor().get(link).text


# --- scanners and prefetchers


def test_b07_pages_do_nothing_by_themselves(site: Site) -> None:
    """A machine that opens every link of every mail, and runs what it finds, changes nothing: there is no script."""
    first = site.follower("Ann")
    site.comment(parent=first, email=BEN, notify="direct")
    site.deliver()
    links = {link for mail in site.mails() for link in re.findall(r"/forum/m/\S+", text_of(mail))}
    with site.session() as session:
        before = session.execute(select(Address.key, Address.state).order_by(Address.id)).all()
    for link in links:
        page = site.visitor().get(link)
        assert "script" not in Markup(page.text).names
        assert not re.search(r"\bon[a-z]+\s*=|http-equiv", page.text)
    with site.session() as session:
        assert session.execute(select(Address.key, Address.state).order_by(Address.id)).all() == before


# --- address harvesting, and asking us who is subscribed


def test_b09_no_page_and_no_mail_names_another_address(site: Site) -> None:
    """Nobody who reads or follows learns the address of somebody else."""
    first = site.follower("Ann", notify="thread")
    answer = comment_id(site.visitor().post(name="Ben", email=BEN, parent=first))
    site.follower("Cem", parent=answer, notify="thread")
    site.deliver()
    thread = site.get(first).thread_id
    paths = [
        site.page,
        f"/forum/comments/{answer}/branch",
        f"/forum/comments/{answer}/reply",
        f"/forum/threads/{thread}.atom",
    ]
    pages = [site.visitor().get(path).text for path in paths]
    assert not re.search(r"@reader\.example", "".join(pages))
    for mail, raw in zip(site.mails(), site.raw_mails(), strict=True):
        everything = raw.decode("ascii").replace("=\r\n", "") + text_of(mail) + html_of(mail)
        assert set(re.findall(r"[a-z]+@reader\.example", everything)) <= {mail["To"]}


STATES = ("none", "pending", "confirmed", "refused", "unsubscribed", "bounced", "complained", "blocked")


def test_b12_the_answer_does_not_tell_who_is_subscribed(site: Site) -> None:
    """Whatever we know of an address, whoever types it gets the same answer to the byte, after the same work."""
    site.comment("The first.")
    for state in STATES:
        with site.session() as session:
            now = site.clock()
            email = f"{state}@reader.example"
            times = {"active_at": now, "changed_at": now, "created_at": now}
            session.add(Address(key=email, email=email, state=state, locale="en", **times))
            session.commit()
    seen = [post_and_look(site, f"{state}@reader.example") for state in STATES]
    assert len(set(seen)) == 1
    # A new address costs one row more, which is all that a clock could tell.
    statements, *answer = post_and_look(site, "unknown@reader.example")
    assert (statements - 1, *answer) == seen[0]
    site.deliver()
    assert {mail["To"].partition("@")[0] for mail in site.mails()} == {"unknown", "none", "pending", "unsubscribed"}


def post_and_look(site: Site, email: str) -> tuple[int, int, str, str]:
    """Post with an address: how often the database was asked, the status, and what is seen, numbers aside."""
    visitor = site.visitor()
    typed = visitor.fill(body="A fine loaf.", name="Ben", email=email, notify="direct")
    with site.statements() as asked:
        posted = visitor.post(**typed)
    headers = sorted((name, value) for name, value in posted.headers if name != "Set-Cookie")
    return len(asked), posted.status_code, re.sub(r"\d+", "0", str(headers)), re.sub(r"\d+", "0", posted.text)


# --- homographs and impersonation


@pytest.mark.parametrize("name", ["Forum", "F\u043erum", "Security", "admin@forum.example"])
def test_b10_nobody_poses_as_the_site(site: Site, name: str) -> None:
    """A name that looks like the site or its staff is quoted, called unregistered, and never in a header."""
    first = site.follower("Ann")
    site.comment(parent=first, name=name)
    site.deliver()
    (mail,) = site.mails(ANN, "reply")
    for part in (text_of(mail), html_of(mail)):
        assert re.search(rf"(?:\"|&#34;|&quot;){re.escape(name)}(?:\"|&#34;|&quot;) \(unregistered\)", part)
    assert mail["From"] == "Forum <notify@forum.example>"


@pytest.mark.parametrize("name", ["\u0410dmin", "m0derator"])
def test_b10_names_of_staff_are_refused(site: Site, name: str) -> None:
    """Whoever comments under a name that can be taken for the staff's is asked for another one; nobody is mailed."""
    first = site.follower("Ann")
    answer = site.visitor().post(name=name, parent=first)
    assert answer.status_code == 422
    assert "kept for those who run the site" in answer.text
    site.deliver()
    assert site.mails(ANN, "reply") == []


# --- queue flooding by one article


def test_b13_a_hot_thread_becomes_hourly(site: Site) -> None:
    """After twenty mails about one thread within an hour the rest comes once an hour; nothing is lost."""
    site.follower("Ann", notify="thread")
    written = []
    for n in range(40):
        written.append(site.comment(f"Comment {n}."))
        site.deliver(60)
    assert 20 <= len(told(site, ANN)) <= 22
    for _ in range(6):
        site.deliver(3600)
    mails = [mail for mail in site.mails(ANN) if mail["X-Forum-Reason"] != "confirm"]
    assert len(mails) <= 24
    later = "".join(text_of(mail) for mail in mails[20:])
    assert "hour" in later
    assert any(site.links(mail, "t") for mail in mails[20:])
    with site.session() as session:
        sent = select(Item.comment_id).where(Item.state == "sent").order_by(Item.comment_id)
        assert session.scalars(sent).all() == written


def test_b13_a_confirmation_overtakes_the_crowd(make_site: MakeSite) -> None:
    """While the mails to an article's followers wait for a mail server, whoever asks to be confirmed comes first."""
    away = make_site(MAIL_PORT=1)
    away.add_article()
    away.comment(name="Ann", email=ANN, notify="thread")
    crowd(away, 40)
    away.comment("News for all.")
    assert away.deliver().down
    site = make_site()
    site.comment("A question.", name="Zoe", email="zoe@reader.example", notify="direct")
    site.deliver(60)
    order = [mail["To"] for mail in site.mails()]
    assert len(order) >= 41
    assert set(order[:2]) == {ANN, "zoe@reader.example"}


# --- poisoned Unicode, huge comments


def test_b14_a_huge_comment_is_refused_or_cut(site: Site) -> None:
    """A hundred kilobytes are refused at the door; the longest allowed, of joined emoji, is a mail of less than 60."""
    first = site.follower("Ann")
    assert site.visitor().post(body="x" * 100_000, parent=first).status_code in (413, 422)
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    site.comment((family * 2000)[:10_000], parent=first)
    site.deliver()
    (raw,) = site.raw_mails(ANN)[1:]
    assert len(raw) <= 60_000


def test_b14_one_poisoned_mail_stops_no_other(site: Site) -> None:
    """A message that cannot be written is laid aside with its error, and whoever waits behind it is served."""
    first = site.follower("Ann")
    other = site.follower("Cem")
    with site.session() as session:
        session.scalars(select(Address).where(Address.key == ANN)).one().email = "not an address"
        session.commit()
    site.comment("To Ann.", parent=first)
    site.comment("To Cem.", parent=other)
    for _ in range(4):
        site.deliver(3600)
    assert told(site) == [("cem@reader.example", "reply")]
    with site.session() as session:
        (dead,) = session.scalars(select(Message).where(Message.state == "dead"))
        assert dead.last_error
        assert session.scalar(select(func.count()).where(Event.state == "new")) == 0
        assert dead.created_at + dt.timedelta(days=1) > site.clock()
