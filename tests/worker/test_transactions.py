"""`transaction=True`: what a handler writes and the acknowledgement commit together or not at all."""

from __future__ import annotations

import pytest
from psycopg import errors
from worker.desk import Desk, said_to

from pgsluice.db.client import Client
from pgsluice.db.messages import Message

pytestmark = pytest.mark.usefixtures("hundredfold")


@pytest.fixture
def effects(desk: Desk):
    desk.look.rows("create table public.effects (upstream_id text, unique (upstream_id) deferrable initially deferred)")
    return lambda: sorted(row[0] for row in desk.look.rows("select upstream_id from public.effects"))


def write(message: Message) -> None:
    message.conn.execute("insert into public.effects values (%s)", [message.upstream_id])


def test_writes_and_acks_commit_together(desk: Desk, client: Client, effects) -> None:
    desk.set_up("a", "b", lanes=1)
    for message in client.consume("c", transaction=True, once=True):
        write(message)
        # Nothing of it is there before the loop goes on.
        assert message.upstream_id not in effects()
        assert message.upstream_id in desk.out()
    assert effects() == ["a", "b"]
    assert desk.out() == {}


def test_break_rolls_back(desk: Desk, client: Client, effects) -> None:
    desk.set_up("a", "b", lanes=1)
    for message in client.consume("c", transaction=True):
        write(message)
        message.ack()
        break
    assert effects() == []
    assert {row["upstream_id"] for row in client.consumer_next("c")} == {"a", "b"}


def test_a_failure_rolls_back_and_comes_again_later(desk: Desk, client: Client, effects, said: list) -> None:
    desk.set_up("a", "b", lanes=1)

    def handle(message: Message) -> None:
        write(message)
        message.ack()
        if message.upstream_id == "a":
            raise ValueError

    client.run("c", handle, transaction=True, once=True, say=said_to(said))
    assert effects() == ["b"]
    assert 40 < desk.delay("a") <= 100
    assert [event for event, _ in said] == ["a message failed"]


def test_nack_and_term_roll_back(desk: Desk, client: Client, effects) -> None:
    desk.set_up("a", "b", "c", lanes=1)

    def handle(message: Message) -> None:
        write(message)
        if message.upstream_id == "a":
            message.nack(60)
        if message.upstream_id == "b":
            message.term("no")

    client.run("c", handle, transaction=True, once=True)
    assert effects() == ["c"]
    assert 50 < desk.delay("a") <= 60
    assert {name: row.reason for name, row in desk.look.dead().items()} == {"b": "no"}


def test_a_message_that_somebody_else_has_rolls_back(desk: Desk, client: Client, effects, said: list) -> None:
    session = desk.set_up("a")

    def handle(message: Message) -> None:
        write(message)
        session.age()
        assert session.ids() == ["a"]

    client.run("c", handle, transaction=True, once=True, say=said_to(said))
    assert effects() == []
    assert [event for event, _ in said] == ["lost a message"]
    assert desk.out()["a"].leased


def test_a_stale_token_of_the_handlers_own_is_a_failure_like_others(desk: Desk, client: Client, effects, said: list) -> None:
    desk.set_up("a")

    def handle(message: Message) -> None:
        write(message)
        client.consumer_ack("c", ["1.1.1.0000000000000000"], strict=True)

    client.run("c", handle, transaction=True, once=True, say=said_to(said))
    assert effects() == []
    assert [event for event, _ in said] == ["a message failed"]
    assert 40 < desk.delay("a") <= 100


def test_close_in_the_middle_rolls_back(desk: Desk, client: Client, effects) -> None:
    desk.set_up("a")
    messages = client.consume("c", transaction=True)
    for message in messages:
        write(message)
        messages.close()
    assert effects() == []
    assert {row["upstream_id"] for row in client.consumer_next("c")} == {"a"}


def test_a_failure_at_commit_is_a_failure_of_the_message(desk: Desk, client: Client, effects, said: list) -> None:
    desk.set_up("a", "b", lanes=1)
    desk.look.rows("insert into public.effects values ('a')")
    client.run("c", write, transaction=True, once=True, say=said_to(said))
    assert effects() == ["a", "b"]
    assert list(desk.out()) == ["a"]
    assert said[0][1]["error"].startswith("UniqueViolation")


def test_a_failure_at_commit_leaves_a_for_loop(desk: Desk, client: Client, effects) -> None:
    desk.set_up("a", lanes=1)
    desk.look.rows("insert into public.effects values ('a')")
    with pytest.raises(errors.UniqueViolation):
        write_all(client.consume("c", transaction=True))
    assert 40 < desk.delay("a") <= 100


def write_all(consume) -> None:
    with consume as messages:
        for message in messages:
            write(message)


def test_an_error_that_the_handler_swallowed(desk: Desk, client: Client, effects, said: list) -> None:
    """The transaction has failed as a whole: it cannot be acknowledged in it."""
    desk.set_up("a")

    def handle(message: Message) -> None:
        write(message)
        try:
            message.conn.execute("select 1/0")
        except errors.DivisionByZero:
            return

    client.run("c", handle, transaction=True, once=True, say=said_to(said))
    assert effects() == []
    assert list(desk.out()) == ["a"]
    assert "25P02" in said[0][1]["error"] or "aborted" in said[0][1]["error"]


def test_a_lost_connection_is_opened_again(desk: Desk, client: Client, effects, said: list) -> None:
    desk.set_up("a", "b", lanes=1)

    def handle(message: Message) -> None:
        write(message)
        if message.upstream_id == "a" and message.deliver_count == 1:
            desk.look.rows("select pg_terminate_backend(%s)", message.conn.info.backend_pid)

    client.run("c", handle, transaction=True, once=True, say=said_to(said))
    assert effects() == ["b"]
    desk.look.age()
    client.run("c", handle, transaction=True, once=True)
    assert effects() == ["a", "b"]
    assert desk.out() == {}
