"""A worker with nothing to do hears of what comes, and asks for next to nothing meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from isolation.sessions import obj, until
from worker.desk import Desk, beside, said_to

from pgsluice.db import taking
from pgsluice.db.client import Client
from pgsluice.db.messages import Message


@pytest.fixture
def never_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever wakes the worker now, it is not the safety net."""
    monkeypatch.setattr(taking, "LOOK_AGAIN", 600.0)


def quiet(asked: Counter[str]) -> bool:
    before = dict(asked)
    time.sleep(1)  # the one thing to see is that nothing happens
    return dict(asked) == before


class Seen:
    """A handler that notes what came, and when."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.order: list[str] = []
        self.counts: list[int] = []

    def __call__(self, message: Message) -> None:
        self.at[message.upstream_id] = time.monotonic()
        self.order.append(message.upstream_id)
        self.counts.append(message.deliver_count)

    def until(self, upstream_id: str, times: int = 1) -> None:
        until(lambda: self.order.count(upstream_id) >= times, f"{upstream_id} was handled")


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.mark.usefixtures("never_by_itself")
def test_a_commit_wakes_within_moments_and_idling_asks_for_nothing(desk: Desk, client: Client, asked: Counter[str], seen: Seen) -> None:
    session = desk.set_up()
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop)):
        for upstream_id in ("a", "b", "c"):
            desk.until_waiting()
            before = time.monotonic()
            session.push(upstream_id)
            seen.until(upstream_id)
            assert seen.at[upstream_id] - before < 1
        desk.until_out()
        desk.until_waiting()
        until(lambda: quiet(asked), "a second without a call")
        stop.set()
    assert asked["consumer_next"] < 15


@pytest.mark.usefixtures("never_by_itself")
def test_a_message_that_falls_due_wakes_in_time(desk: Desk, client: Client, seen: Seen) -> None:
    session = desk.set_up("a")
    session.nack(session.next(), "1 second")
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop)):
        desk.until_waiting()
        seen.until("a")
        assert seen.counts == [2]
        stop.set()


@pytest.mark.usefixtures("never_by_itself")
def test_what_failed_here_comes_again_here(desk: Desk, client: Client, said: list) -> None:
    desk.set_up("a")
    counts: list[int] = []
    stop = threading.Event()

    def handle(message: Message) -> None:
        counts.append(message.deliver_count)
        if message.deliver_count == 1:
            raise ValueError
        stop.set()

    with beside(lambda: client.run("c", handle, stop=stop, say=said_to(said))):
        until(stop.is_set, "the second delivery")
    assert counts == [1, 2]
    assert desk.out() == {}


@pytest.mark.usefixtures("never_by_itself")
def test_a_lost_listener_comes_back(desk: Desk, client: Client, seen: Seen, said: list) -> None:
    session = desk.set_up()
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop, say=said_to(said))):
        for upstream_id in ("a", "b"):
            desk.until_waiting()
            desk.kill_listener()
            until(lambda: not desk.waits(), "the listener is gone")
            session.push(upstream_id)
            seen.until(upstream_id)
            desk.until_waiting()
            session.push(f"{upstream_id}2")
            seen.until(f"{upstream_id}2")
        stop.set()
    assert "cannot listen" in [event for event, _ in said]


@pytest.mark.usefixtures("never_by_itself")
def test_every_connection_lost_while_it_waits(desk: Desk, client: Client, seen: Seen, said: list) -> None:
    desk.set_up()
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop, say=said_to(said))):
        desk.until_waiting()
        desk.kill_everybody_else()
        desk.until_waiting()
        desk.world.session().push("a")
        seen.until("a")
        stop.set()
    assert desk.out() == {}


def test_a_worker_that_has_work_listens_to_nobody(desk: Desk, client: Client) -> None:
    """Commits notify only while somebody waits."""
    desk.set_up(*(f"o{n}" for n in range(30)))
    for _ in client.consume("c", once=True):
        assert not desk.waits()


def test_a_worker_that_got_work_watches_no_longer(desk: Desk, client: Client) -> None:
    session = desk.set_up()
    free, held = threading.Event(), threading.Event()

    def handle(_: Message) -> None:
        held.set()
        free.wait(20)

    stop = threading.Event()
    with beside(lambda: client.run("c", handle, stop=stop)):
        desk.until_waiting()
        session.push("a")
        until(held.is_set, "work")
        until(lambda: not desk.watches(), "the end of the watch")
        stop.set()
        free.set()


def test_a_login_that_is_a_consumer_and_nothing_else_can_wait(desk: Desk, server, db: str, seen: Seen) -> None:
    desk.set_up()
    name = f"worker_of_{desk.look.value('select current_database()')}"
    desk.look.rows(f"create role {name} login in role sluice_consumer")
    stop = threading.Event()
    try:
        with Client.connect(f"{db} user={name}") as client, beside(lambda: client.run("c", seen, stop=stop)):
            desk.until_waiting()
            desk.look.push("a")
            seen.until("a")
            stop.set()
    finally:
        desk.look.rows(f"drop role {name}")


FILTER = '{"where": "$.keep == true"}'


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.usefixtures("never_by_itself")
def test_a_filter_that_steps_over_more_than_a_call_does(desk: Desk, client: Client, seen: Seen, *, once: bool) -> None:
    session = desk.set_up(lanes=1, filter=FILTER)
    for page in range(3):
        session.ingest(*(obj(f"{page}-{n}", {"keep": False}) for n in range(10_000)))
    session.push("a", data={"keep": True})
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop, once=once)):
        seen.until("a")
        if not once:
            desk.until_waiting()
            session.push("b", data={"keep": False})
            session.push("c", data={"keep": True})
            seen.until("c")
        stop.set()
    assert "b" not in seen.order


@pytest.mark.usefixtures("never_by_itself")
def test_a_pause_that_ends_wakes(desk: Desk, client: Client, seen: Seen) -> None:
    session = desk.set_up()
    session.rows("select consumer_pause('c')")
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop)):
        desk.until_waiting()
        session.push("a")
        desk.until_waiting()
        assert seen.order == []
        session.rows("select consumer_resume('c')")
        seen.until("a")
        stop.set()


def test_the_safety_net(desk: Desk, client: Client, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nothing announces: an acknowledgement elsewhere frees the newer version of its record."""
    monkeypatch.setattr(taking, "LOOK_AGAIN", 0.3)
    session = desk.set_up("a")
    taken = session.next()
    session.push("a", data={"changed": True})
    stop = threading.Event()
    with beside(lambda: client.run("c", seen, stop=stop)):
        desk.until_waiting()
        session.ack(taken)
        seen.until("a")
        stop.set()
    assert seen.counts == [1]
