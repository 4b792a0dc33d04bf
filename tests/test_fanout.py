"""News for a crowd: what it costs, that it reaches everybody once, and that nobody else has to wait for it."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from forum import outbox
from forum.clashes import is_clash
from forum.mail import steps
from forum.models import Comment, Event, Item, Message
from forum.outbox import bundling, events
from forum.outbox.bundling import Bundle
from forum.sqlite import begin_writing
from tests.visitors import Site, crowd

NEVER = dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.UTC)


def step(site: Site, work: Callable[..., int]) -> int:
    """One step of delivery in a transaction of its own; again when another one got in its way."""
    while True:
        try:
            with Session(site.state.db.engine) as session:
                begin_writing(session)
                done = work(session, site.state.keys, site.state.settings, site.clock())
                session.commit()
                return done
        except Exception as error:
            if not is_clash(error):
                raise


def spread(site: Site, work: Callable[..., int] = outbox.fan_out) -> None:
    """Do ``work`` until there is nothing to do."""
    with site.app.app_context():
        while step(site, work):
            pass


def in_app(site: Site, work: Callable[[], int]) -> int:
    """Do ``work`` as a thread of the application."""
    with site.app.app_context():
        return work()


def cost(site: Site, work: Callable[..., int]) -> int:
    """Statements of one step."""
    with site.app.app_context(), site.statements() as seen:
        assert step(site, work)
    return len(seen)


def items(site: Site) -> Counter[int]:
    """How many items there are of each address."""
    with site.session() as session:
        return Counter(session.scalars(select(Item.address_id)))


def messages(site: Site) -> list[Message]:
    """All messages in the order of their turns."""
    with site.session() as session:
        return list(session.scalars(select(Message).order_by(Message.place, Message.id)))


@pytest.mark.parametrize("work", [outbox.fan_out, outbox.group])
def test_a_step_costs_the_same_for_few_and_many(make_site: Callable[..., Site], work: Callable[..., int]) -> None:
    """Fan-out and grouping take as many statements for two hundred followers as for ten."""
    costs = set()
    for people in (10, 200):
        site = make_site()
        site.add_article()
        site.comment()
        crowd(site, people)
        if work is outbox.group:
            spread(site)
        costs.add(cost(site, work))
    assert len(costs) == 1, costs


def test_every_chunk_costs_the_same(site: Site) -> None:
    """The second five hundred followers cost as many statements as the third."""
    site.comment()
    crowd(site, 1500)
    cost(site, outbox.fan_out)
    assert cost(site, outbox.fan_out) == cost(site, outbox.fan_out)


def test_waiting_costs_the_same_for_few_and_many(make_site: Callable[..., Site]) -> None:
    """Putting off what comes within the cooldown takes as many statements for two hundred as for ten."""
    costs = set()
    for people in (10, 200):
        site = make_site(FORUM_MAIL_COOLDOWN_SECONDS=600)
        site.add_article()
        site.comment()
        crowd(site, people)
        spread(site)
        spread(site, outbox.group)
        with site.session() as session:
            session.execute(update(Message).values(state="sent", accepted_at=site.clock()))
            session.commit()
        site.comment("Another one.")
        spread(site)
        costs.add(cost(site, outbox.group))
        assert len(messages(site)) == people
    assert len(costs) == 1, costs


def test_a_crowd_is_held_in_memory_by_chunks(site: Site) -> None:
    """Ten thousand followers get one item each, for not twice the memory of the first two thousand of them."""
    site.comment()
    crowd(site, 10_000)
    tracemalloc.start()
    for _ in range(4):
        cost(site, outbox.fan_out)
    few = tracemalloc.get_traced_memory()[1]
    spread(site)
    many = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(items(site)), set(items(site).values())) == (10_000, {1})
    # Five times as much if everybody were held at once; when garbage is collected moves the peak by a third.
    assert many < few * 2


def test_everybody_is_written_to_once(site: Site) -> None:
    """Twelve hundred followers get one message each, about one item."""
    site.comment()
    crowd(site, 1200)
    spread(site)
    spread(site, outbox.group)
    with site.session() as session:
        grouped = session.scalars(select(Item.message_id).where(Item.state == "grouped")).all()
    assert (len(grouped), set(grouped)) == (1200, {message.id for message in messages(site)})


def test_a_killed_fan_out_goes_on_at_its_cursor(site: Site) -> None:
    """A worker dies in its second chunk: the next one begins that chunk anew, and everybody gets one item."""
    site.comment()
    crowd(site, 1200)
    cost(site, outbox.fan_out)
    with site.session() as session:
        outbox.fan_out(session, site.state.keys, site.state.settings, site.clock())
        session.rollback()
        assert session.get_one(Event, 1).cursor == 500
    spread(site)
    assert (len(items(site)), set(items(site).values())) == (1200, {1})


def test_news_that_cannot_be_told_stops_no_other(make_site: Callable[..., Site]) -> None:
    """An event that raises is tried five times, later each time, while others pass it; then it is dead."""
    site = make_site(FORUM_MAIL_HOLD_SECONDS=120)
    site.add_article()
    poison = site.comment()
    crowd(site, 1)
    with site.session() as session:
        session.execute(update(Comment).where(Comment.id == poison).values(edited_at=NEVER))
        session.commit()
    site.comment("Another one.")
    tried = []
    for minutes in (0, 1, 5, 15, 30, 600):
        site.clock.advance(minutes * 60)
        spread(site)
        with site.session() as session:
            event = session.get_one(Event, 1)
            tried.append((event.attempts, event.state))
    assert tried == [(1, "new"), (2, "new"), (3, "new"), (4, "new"), (5, "dead"), (5, "dead")]
    assert (event.last_error or "").startswith("OverflowError: ")
    assert items(site) == {1: 1}


def test_news_that_the_database_refuses_stops_no_other(site: Site) -> None:
    """An event whose rows break a rule of the database each time is laid aside like others, and delivery goes on."""
    site.comment()
    crowd(site, 1)
    rule = "CREATE TRIGGER a BEFORE INSERT ON forum_item WHEN NEW.comment_id = 1 BEGIN SELECT RAISE(ABORT, 'no'); END"
    with site.session() as session:
        session.execute(text(rule))
        session.commit()
    site.comment("Another one.")
    tried = []
    for minutes in (0, 1, 5, 15, 30):
        site.deliver(minutes * 60)
        with site.session() as session:
            event = session.get_one(Event, 1)
            tried.append((event.attempts, event.state))
    assert tried == [(1, "new"), (2, "new"), (3, "new"), (4, "new"), (5, "dead")]
    assert (event.last_error or "").startswith("IntegrityError: ")
    assert items(site) == {1: 1}


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_a_row_that_was_there_already_costs_no_try(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """Somebody else tells the same person of the same comment meanwhile: fan-out goes on at once, without them."""
    site = make_site(**database)
    site.add_article()
    first, second = site.comment(), site.comment("Another one.")
    crowd(site, 2)
    told: list[int] = []

    def tell(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO forum_item ") and not told:
            told.append(1)
            other = {"event_id": second, "comment_id": first, "address_id": 1, "thread_id": 1, "reason": "thread"}
            now = site.clock()
            with Session(engine) as session:
                session.execute(insert(Item).values(**other, state="skipped", due_at=now, created_at=now))
                session.commit()

    courier = site.state.courier()
    with site.app.app_context():
        engine = site.state.db.engine
        listen(engine, "before_cursor_execute", tell)
    assert steps.step(courier, lambda session, now: outbox.fan_out(session, courier.keys, courier.settings, now))
    with site.session() as session:
        event = session.get_one(Event, first)
        assert (told, event.attempts, event.state) == ([1], 0, "done")
        assert sorted(session.scalars(select(Item.address_id).where(Item.comment_id == first))) == [1, 2]


def test_dead_news_can_be_revived(site: Site) -> None:
    """Once the fault is mended an operator revives the event, and everybody hears of it."""
    site.comment()
    crowd(site, 3)
    with site.session() as session:
        session.execute(update(Event).values(state="dead", attempts=5))
        session.commit()
        assert events.revive(session, site.clock()) == 1
        session.commit()
    spread(site)
    assert len(items(site)) == 3


def test_two_groupers_at_once_make_one_message(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """While one worker has grouped and not yet committed, another one groups: everybody gets one message."""
    site = make_site(**database)
    site.add_article()
    site.comment()
    crowd(site, 20)
    spread(site)
    with site.session() as one, ThreadPoolExecutor() as pool:
        begin_writing(one)
        assert outbox.group(one, site.state.keys, site.state.settings, site.clock()) == 20
        other = pool.submit(in_app, site, lambda: step(site, outbox.group))
        one.commit()
        other.result(30)
    assert sorted(message.address_id for message in messages(site)) == sorted(items(site))


def test_many_groupers_at_once_make_one_message(make_site: Callable[..., Site], database: dict[str, str]) -> None:
    """Four workers group the same items at the same moment: everybody gets one message, and no message is empty."""
    site = make_site(**database)
    site.add_article()
    site.comment()
    crowd(site, 50)
    spread(site)
    start = Barrier(4)

    def race() -> None:
        start.wait(30)
        spread(site, outbox.group)

    with ThreadPoolExecutor(4) as pool:
        for racer in [pool.submit(race) for _ in range(4)]:
            racer.result(60)
    assert sorted(message.address_id for message in messages(site)) == sorted(items(site))
    with site.session() as session:
        assert set(session.scalars(select(Item.message_id))) == {message.id for message in messages(site)}


def test_items_that_another_grouper_took_leave_no_empty_message(site: Site) -> None:
    """A database that locks nothing lets two workers choose the same items: the slower one's message is taken back."""
    site.comment()
    crowd(site, 1)
    spread(site)
    with site.session() as session:
        chosen = bundling.waiting(session, Item.cadence == "instant")
        outbox.group(session, site.state.keys, site.state.settings, site.clock())
        again = [Bundle(1, 1, chosen, {})]
        bundling.write(session, site.state.keys, site.state.settings, "reply", again, site.clock())
        session.commit()
    assert len(messages(site)) == 1


def test_a_crowd_keeps_nobody_waiting(site: Site) -> None:
    """Five seconds after four hundred mails about one article, an answer elsewhere comes after fifty of them."""
    site.comment()
    crowd(site, 400)
    spread(site)
    spread(site, outbox.group)
    site.clock.advance(5)
    site.page = site.add_article("Butter")
    butter = site.get(site.comment("On butter.")).thread_id
    crowd(site, 1, butter)
    spread(site)
    spread(site, outbox.group)
    assert [message.thread_id for message in messages(site)].index(butter) == 50


def test_the_turns_of_a_crowd_go_on_where_the_last_call_ended(site: Site) -> None:
    """Two calls for the followers of one thread give turns of fifty each, one after the other."""
    site.comment()
    crowd(site, 120)
    spread(site)
    with site.session() as session:
        for limit in (70, 50):
            outbox.group(session, site.state.keys, site.state.settings, site.clock(), limit)
        session.commit()
    turns = Counter((message.place - site.clock()).total_seconds() for message in messages(site))
    assert turns == {0: 50, 10: 50, 20: 20}


def test_the_cap_of_a_day_holds_within_one_call(make_site: Callable[..., Site]) -> None:
    """With three mails a day, answers on five pages grouped at once are three messages; two wait for a digest."""
    site = make_site(FORUM_MAIL_MAX_PER_DAY=3)
    parents = {}
    for n in range(5):
        site.page = site.add_article(f"Bread {n}")
        parents[site.page] = site.follower("Ann", f"Question {n}.")
    for site.page, parent in parents.items():
        site.comment("An answer.", parent=parent)
    spread(site)
    with site.app.app_context():
        assert step(site, outbox.group) == 5
    with site.session() as session:
        rows = session.execute(select(Item.state, Item.cadence).where(Item.state != "skipped"))
        states = Counter((state, cadence) for state, cadence in rows)
    assert states == {("grouped", "instant"): 3, ("waiting", "rolled"): 2}


def test_a_mail_on_its_way_counts_for_the_cooldown(make_site: Callable[..., Site]) -> None:
    """A mail was made and has not left: what comes next about the thread waits for the cooldown, not beside it."""
    site = make_site(FORUM_MAIL_COOLDOWN_SECONDS=900)
    site.add_article()
    first = site.follower("Ann")
    for body in ("One.", "Two."):
        site.comment(body, parent=first)
        site.clock.advance(121)
        with site.session() as session:
            while outbox.fan_out(session, site.state.keys, site.state.settings, site.clock()):
                continue
            while outbox.group(session, site.state.keys, site.state.settings, site.clock()):
                continue
            session.commit()
    with site.session() as session:
        kinds = session.scalars(select(Message.kind).where(Message.state == "ready")).all()
    assert kinds == ["reply"]
