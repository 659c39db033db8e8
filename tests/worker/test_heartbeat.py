"""Leases are kept while work lasts, however long; and a message that somebody else has is not acknowledged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from isolation.sessions import Session, until
from worker.desk import Desk, beside, said_to

from pgsluice.db.aclient import AsyncClient
from pgsluice.db.client import Client
from pgsluice.db.messages import Message

SHORT = "1.5 seconds"


class Watch:
    """Sees leases move on, and that nobody else can have the messages meanwhile."""

    def __init__(self, desk: Desk, other: Session, *ids: str) -> None:
        self.desk = desk
        self.other = other
        self.ids = ids

    def outlasts(self, waits: float = 2) -> None:
        """Until the leases that these messages had at first have long run out."""
        first = {name: self.desk.out()[name].due_at for name in self.ids}
        end = max(first.values())
        until(lambda: self.over(end, waits), "the first leases have run out")
        out = self.desk.out()
        assert all(out[name].leased and out[name].due_at > first[name] and out[name].deliver_count == 1 for name in self.ids)

    def over(self, end, waits: float) -> bool:
        assert self.other.next() == []
        return self.other.value("select clock_timestamp() > %s::timestamptz + %s * interval '1 second'", end, waits)


def test_long_work_keeps_its_lease_and_those_of_the_rest(desk: Desk, client: Client) -> None:
    session = desk.set_up("a", "b", "c", lanes=1, ack_wait=SHORT)
    watch = Watch(desk, session, "a", "b", "c")
    seen: list[str] = []

    def handle(message: Message) -> None:
        if message.upstream_id == "a":
            watch.outlasts()
        seen.append(message.upstream_id)
        assert not message.lost

    client.run("c", handle, once=True)
    assert seen == ["a", "b", "c"]
    assert desk.out() == {}


def test_long_work_in_a_transaction(desk: Desk, client: Client) -> None:
    session = desk.set_up("a", lanes=1, ack_wait=SHORT)
    desk.look.rows("create table public.effects (upstream_id text)")

    def handle(message: Message) -> None:
        message.conn.execute("insert into public.effects values (%s)", [message.upstream_id])
        Watch(desk, session, "a").outlasts()

    client.run("c", handle, transaction=True, once=True)
    assert desk.look.value("select count(*) from public.effects") == 1
    assert desk.out() == {}


def test_leases_are_kept_across_lost_connections(desk: Desk, client: Client, said: list) -> None:
    desk.set_up("a", lanes=1, ack_wait="3 seconds")

    def handle(_: Message) -> None:
        desk.kill_everybody_else()
        Watch(desk, desk.world.session(), "a").outlasts(1)

    client.run("c", handle, once=True, say=said_to(said))
    assert desk.out() == {}
    assert "database away" in [event for event, _ in said]


def take_over(desk: Desk, session: Session) -> list[str]:
    """Somebody else gets every message that is out: tokens."""
    found: list[str] = []

    def take() -> bool:
        session.age()
        found.extend(message.ack_token for message in session.drain())
        return len(found) >= len(desk.out())

    until(take, "everything was taken over")
    return found


def test_a_message_that_somebody_else_got_is_lost_and_not_acknowledged(desk: Desk, client: Client, said: list) -> None:
    session = desk.set_up("a", "b", lanes=1, ack_wait=SHORT)
    seen: list[str] = []
    tokens: list[str] = []
    stop = threading.Event()

    def handle(message: Message) -> None:
        seen.append(message.upstream_id)
        if tokens:
            return
        tokens.extend(take_over(desk, session))
        session.rows("select consumer_extend('c', %s, '1 hour')", tokens)
        until(lambda: message.lost, "word of it")

    client.run("c", handle, once=True, say=said_to(said), stop=stop)
    # Not handed out, the second one: somebody else has it.
    assert seen == ["a"]
    assert {name: row.leased for name, row in desk.out().items()} == {"a": True, "b": True}
    assert session.ack(tokens) == (2, [])
    assert {facts["upstream_id"] for event, facts in said if event == "lost a message"} == {"a", "b"}


@pytest.mark.anyio
async def test_long_work_on_asyncio(desk: Desk, db: str) -> None:
    session = desk.set_up("a", "b", lanes=1, ack_wait=SHORT)
    watch = Watch(desk, session, "a", "b")

    async def handle(message: Message) -> None:
        if message.upstream_id == "a":
            await asyncio.to_thread(watch.outlasts)

    async with await AsyncClient.connect(db) as client:
        await client.run("c", handle, once=True)
    assert desk.out() == {}


def test_a_changed_ack_wait_counts(desk: Desk, client: Client) -> None:
    session = desk.set_up("a", lanes=1, ack_wait=SHORT)

    def handle(_: Message) -> None:
        session.rows("select consumer_update('c', '1 hour')")
        until(lambda: desk.look.value("select due_at > clock_timestamp() + interval '50 minutes' from messages_in_flight"), "a long lease")

    client.run("c", handle, once=True)
    assert desk.out() == {}


@pytest.mark.parametrize("ending", [lambda messages: messages.close(), lambda messages: None], ids=["closed", "thrown away"])
def test_no_lease_is_kept_after_the_end(desk: Desk, client: Client, ending: Callable) -> None:
    desk.set_up("a", lanes=1, ack_wait=SHORT)
    messages = iter(client.consume("c"))
    next(messages)
    with beside(lambda: None):
        ending(messages)
    del messages
    assert desk.delay("a") <= 0
